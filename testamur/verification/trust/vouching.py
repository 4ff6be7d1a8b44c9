"""Who vouches for whom: who brought an organization in, by which name, and whose its keys are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from testamur.catalogue.submission import SignedHeader
from testamur.rules.register import Organization
from testamur.verification.trust.anchors import Anchored
from testamur.verification.trust.meaning import Entered


@dataclass(frozen=True, slots=True)
class Vouching:
    """What the submissions of an excerpt say of whose organizations and keys there are.

    `lent` holds, by key, the sponsor that added it to an organization which it brought in.
    """

    anchors: Anchored
    entered: Mapping[str, Entered]
    lent: Mapping[str, str]
    organizations: Mapping[str, Organization]

    def named(self, did: str) -> str:
        """Return the name under which an organization was brought in.

        Its sponsor signed that one; others are its own word, or that of a thief.
        """
        return self.entered[did].name

    def own_names(self, dids: Iterable[str]) -> tuple[str, ...]:
        """Return a note on each organization that calls itself otherwise than its sponsor does."""
        return tuple(
            f"{self.named(did)} ({did}) calls itself {self.organizations[did].name}"
            for did in dids
            if self.named(did) != self.organizations[did].name
        )

    def sponsor(self, did: str) -> str | None:
        """Return who brought an organization in; None for those of the genesis."""
        return self.organizations[did].sponsor

    def path(self, authority: str, anchor: str | None) -> list[str]:
        """Return the authorities from one up to `anchor`, by who sponsored whom; none if not met.

        Without an `anchor`, up to the first that is one by name.
        """
        path: list[str] = []
        did: str | None = authority
        while did is not None:  # who sponsors was there before: it goes round in no circle
            path.append(did)
            if did == anchor or (anchor is None and did in self.anchors):
                return path
            did = self.sponsor(did)
        return []

    def chain(self, path: Sequence[str]) -> str:
        """Return a path in words."""
        return ", under ".join(map(self.named, path))

    def whose_word(self, header: SignedHeader) -> str | None:
        """Return on whose word a key is its owner's; None if it leads to an anchor or a did:key."""
        did = header.payload.iss
        if self.anchors.behind_key(did, header.key_id) is not None:
            return None
        lender = self.lent.get(header.protected.kid)
        if lender is None and did.startswith("did:key:"):
            return None
        return lender or self.sponsor(did) or did

    def unproven(self, did: str) -> tuple[str, ...]:
        """Return a note on whose word it is that a DID is its owner's, if it is somebody's."""
        if did.startswith("did:key:"):  # such a DID is its own proof
            return ()
        sponsor = self.sponsor(did)
        word = f"{self.named(sponsor)} ({sponsor})" if sponsor else "the log's genesis"
        return (f"that {did} is {self.named(did)}'s own is the word of {word}",)

    def unanchored(self, header: SignedHeader) -> tuple[str, ...]:
        """Return a note on who named a signer, unless the key it signed with leads to an anchor."""
        did = header.payload.iss
        if self.anchors.behind_key(did, header.key_id) is not None:
            return ()
        sponsor = self.sponsor(did)
        word = f"{self.named(sponsor)} ({sponsor})" if sponsor else "the log's genesis"
        called = f"that {did} is called {self.named(did)} is the word of {word}"
        return (f"{called}, which leads to no anchor of yours",)

    def lent_key(self, position: int, header: SignedHeader) -> tuple[str, ...]:
        """Return a note on a submission signed with a key that a sponsor added.

        So that an organization which lost its keys can act again; but the sponsor could act for it.
        """
        lender = self.lent.get(header.protected.kid)
        if lender is None:
            return ()
        said = f"a key that {self.named(lender)} ({lender}) added"
        return (f"submission at {position} was signed with {header.protected.kid}, {said}",)
