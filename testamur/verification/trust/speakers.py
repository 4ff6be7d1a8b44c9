"""Whose words are heard about the organizations in a verdict, and what these words are.

Heard are the accreditation that the credential names and the recognitions of the chain, with the
words in force at the issuance. What an organization says of itself is its own word: it is quoted
as such, and nothing rests on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from testamur.catalogue.members import Vouched
from testamur.rules.register import Grant, Register
from testamur.rules.status import existing
from testamur.rules.vouching import particulars
from testamur.verification.issuance import Issuance


@dataclass(frozen=True, slots=True)
class Word:
    """What one organization vouches for about another, and at which position it said so."""

    by: str
    position: int
    vouched: Vouched

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which it knows the other."""
        return (self.vouched.name, *(self.vouched.other_names or ()))

    @property
    def ids(self) -> tuple[str, ...]:
        """The addresses and DIDs, besides the founding key's, by which it knows the other."""
        url = () if self.vouched.url is None else (self.vouched.url,)
        return (*url, *(self.vouched.other_ids or ()))


@dataclass(frozen=True, slots=True)
class Speakers:
    """The words heard: by organization, what its accreditor or authority says of it.

    `path` has the recognitions of the chain, anchor first; None if no chain was found, and then
    nobody is heard.
    """

    register: Register
    words: dict[str, Word]
    path: tuple[str, ...] | None

    def called(self, did: str) -> str:
        """Return how a report calls an organization: by a name that was vouched for, if any."""
        word = self.words.get(did)
        if word is not None:
            return word.vouched.name
        organization = self.register.organizations.get(did)
        if organization is None:
            return did
        return f"{particulars(self.register, organization).name} (by its own word)"

    def own_names(self) -> Iterator[str]:
        """Yield a note on each organization that calls itself otherwise than is vouched for."""
        for did, word in self.words.items():
            organization = self.register.organizations.get(did)
            if organization is None:
                continue
            own = particulars(self.register, organization).name
            if own not in word.names:
                yield f"{word.vouched.name} ({did}) calls itself {own}"


def speakers(issued: Issuance, granted: Grant | None, path: tuple[str, ...] | None) -> Speakers:
    """Return the words heard about an issuance under an accreditation, by a chain to an anchor."""
    words: dict[str, Word] = {}
    if granted is not None and path is not None:
        register = issued.register
        for grant in (*(register.recognitions[id_] for id_ in path), granted):
            words[grant.subject] = _word(issued, grant)
    return Speakers(issued.register, words, path)


def _word(issued: Issuance, grant: Grant) -> Word:
    spoken = issued.vouched(grant)
    restated = next((each.position for each in grant.stream if each.event is spoken), None)
    began = existing(issued.register, grant)
    position = restated if restated is not None or began is None else began[0]
    return Word(grant.owner, position or 0, spoken)
