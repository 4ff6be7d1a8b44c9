"""Does what was signed in an authority's name lead back to the verifier's own trust anchors?

A log can list any key under any DID: its operator names the root authorities in the genesis, and
a sponsor may add keys to those it brought in. So a recognition counts for the key that is under
it, not for the name in it. Trusted are

- the key that the did:key of an anchor spells;
- the keys that the verifier pins to an anchor, `did:web:agency.example#z6Mk...`;
- of an anchor of another kind without a pin, the keys it came into the register with, which is
  the word of the organization that brought it in;
- what a submission under a trusted key adds: keys of its signer, and of those it brings in.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from testamur.catalogue.members import Did
from testamur.catalogue.submission import SignedHeader
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.verification.trust.meaning import Listed, Meaning, Need


def parse_anchor(text: str) -> tuple[str, str | None]:
    """Return the DID and the one key (a Multikey) of it that is trusted; None if any is.

    Raises `Refusal` (`anchor`, `key-form`, `base58`).
    """
    did, mark, pinned = text.partition("#")
    try:
        msgspec.convert(did, Did)
    except msgspec.ValidationError:
        raise Refusal("anchor", "neither a DID nor DID#MULTIKEY", value=text) from None
    if not did.startswith("did:key:"):
        return did, PublicKey.from_multikey(pinned).multikey() if mark else None
    spelled = PublicKey.from_did_key(did).multikey()
    if mark and pinned != spelled:
        raise Refusal("anchor", f"the key of {did} is the one it spells", value=pinned)
    return did, spelled


class Anchored:
    """Follows who listed which key, in log order, from the genesis on.

    `anchors` are DIDs, or DID#MULTIKEY; raises `Refusal` as `parse_anchor` does. What is fed must
    have been admitted by the rules.
    """

    def __init__(self, anchors: Iterable[str]) -> None:
        self._pins: dict[str, set[str | None]] = {}
        for did, pinned in map(parse_anchor, anchors):
            self._pins.setdefault(did, set()).add(pinned)
        # By (DID, key id) and by recognition, the anchor that it leads back to.
        self._keys: dict[tuple[str, str], str] = {}
        self._recognitions: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._pins)

    def __contains__(self, did: str) -> bool:
        return did in self._pins

    def unpinned(self, did: str) -> bool:
        """Return whether any key is trusted that the anchor `did` came in with."""
        return None in self._pins.get(did, ())

    def behind_key(self, did: str, key_id: str) -> str | None:
        """Return the anchor that this key leads back to."""
        return self._keys.get((did, key_id))

    def behind_recognition(self, recognition: str) -> str | None:
        """Return the anchor that the key leads back to which signed this recognition."""
        return self._recognitions.get(recognition)

    def follow(self, header: SignedHeader, meanings: Iterable[Meaning]) -> None:
        """Take in a submission. For the keys in the genesis, the log's operator vouches."""
        behind = self.behind_key(header.payload.iss, header.key_id)
        for meaning in meanings:
            for listed in meaning.lists:
                self._list(listed, behind)
            needed = meaning.needed
            if behind is not None and needed is not None and needed.need is Need.RECOGNITION:
                self._recognitions[needed.name] = behind

    def _list(self, listed: Listed, behind: str | None) -> None:
        pins = self._pins.get(listed.did, set())
        if listed.key.public_key_multibase in pins or (listed.entering and None in pins):
            behind = listed.did
        if behind is not None:
            self._keys[listed.did, listed.key.id] = behind
