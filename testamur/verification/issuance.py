"""The issuance of a credential, and what a register says of what it names, at its position.

The register may be as of any later size, or folded from an excerpt: everything is asked as of the
issuance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from testamur.catalogue import events as e
from testamur.catalogue.members import Vouched
from testamur.catalogue.table import Kind
from testamur.rules.chain import Covered, Moment, in_force
from testamur.rules.facets import Facets, read_facets
from testamur.rules.register import Credential, Grant, Register
from testamur.rules.said import Said, Signed
from testamur.rules.status import existing
from testamur.rules.vouching import words


@dataclass(frozen=True, slots=True)
class Issuance:
    """The issuing event at its position, its submission, and the register that it is judged by."""

    register: Register
    credential: Credential
    said: Said
    event: e.CredentialIssued

    @property
    def position(self) -> int:
        """Where it stands in the log."""
        return self.said.position

    @property
    def signed(self) -> Signed:
        """The submission that it is in."""
        return self.said.signed

    @property
    def issuer(self) -> str:
        """The organization that issued it."""
        return self.signed.organization

    def facets(self) -> Facets | None:
        """Return what scopes ask of the definition that it names, if that stood before it."""
        achievement = self.register.achievements.get(self.event.achievement)
        if achievement is None or achievement.owner != self.issuer:
            return None
        definition = achievement.definition(self.event.achievement_version)
        if existing(self.register, definition, self.position) is None:
            return None
        return None if definition is None else read_facets(definition.facets)

    def accreditation(self) -> Grant | None:
        """Return the accreditation that it names, if that was granted before it."""
        named = self.event.accreditation
        granted = None if named is None else self.register.accreditations.get(named)
        if existing(self.register, granted, self.position) is None:
            return None
        return granted

    def vouched(self, grant: Grant) -> Vouched:
        """Return what the signer of a grant vouches for about its subject, at the issuance."""
        return words(self.register, grant, self.position)

    def covered(self) -> Covered | None:
        """Return what scopes are asked about, if there is a definition and an accreditation."""
        facets, granted = self.facets(), self.accreditation()
        if facets is None or granted is None:
            return None
        return Covered(self.event.achievement, facets, self.vouched(granted).country)

    def moment(self) -> Moment:
        """Return where grants must hold, and for what."""
        return Moment(self.position, self.signed.day, self.covered())

    def accredited(self) -> Grant | None:
        """Return the accreditation that it names, if it was the issuer's, in force and covering."""
        granted = self.accreditation()
        if granted is None or granted.subject != self.issuer or self.covered() is None:
            return None
        standing = in_force(self.register, Kind.ACCREDITATION, granted, self.moment())
        return granted if standing else None


def first_counting(register: Register, issuances: Iterable[Said]) -> Said | None:
    """Return the first of the issuances of a credential that counts."""
    return next((each for each in issuances if register.counts(each.signed)), None)


def issuance_of(register: Register, credential: Credential, said: Said) -> Issuance:
    """Return the issuance that `said` states."""
    event = said.event
    if not isinstance(event, e.CredentialIssued):
        raise TypeError(f"entry {said.position} is no issuance")
    return Issuance(register, credential, said, event)
