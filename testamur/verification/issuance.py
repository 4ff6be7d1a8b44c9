"""The issuance of a credential as the log stood at its position: what it was judged by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from testamur.catalogue import events as e
from testamur.catalogue.members import Definition
from testamur.catalogue.submission import SignedHeader
from testamur.rules import Flags, Register
from testamur.rules.register import Accreditation, Recognition
from testamur.rules.scope import uncovered
from testamur.verification.trust.anchors import Anchored


@dataclass(frozen=True, slots=True)
class Recognised:
    """A recognition of the accreditor that covers the credential, as it was at the issuance.

    `anchor` is the one that the key which signed it leads back to.
    """

    id: str
    authority: str
    closed: bool
    anchor: str | None


@dataclass(frozen=True, slots=True)
class Issuance:
    """The issuing event, its submission, and what the register held of it at its position.

    `standing` are the submissions that granted its accreditation and last reinstated it;
    `registered` is the register as of the issuance.
    """

    event: e.CredentialIssued
    position: int
    header: SignedHeader
    flags: Flags
    registered: Register
    definition: Definition
    accreditation: Accreditation | None
    recognitions: tuple[Recognised, ...]
    standing: tuple[SignedHeader, ...]

    @property
    def issuer(self) -> str:
        """The organization that issued it."""
        return self.header.payload.iss

    @property
    def anchored(self) -> list[Recognised]:
        """The recognitions that lead to an anchor."""
        return [each for each in self.recognitions if each.anchor is not None]


def issuance_at(
    position: int,
    event: e.CredentialIssued,
    header: SignedHeader,
    flags: Flags,
    registered: Register,
    *,
    definition: Definition,
    recognised: Mapping[str, Sequence[str]],
    anchors: Anchored,
    standing: Sequence[SignedHeader],
) -> Issuance:
    """Return the issuance at `position`, judged by the register as of there.

    `recognised` are the ids of all recognitions that each accreditor was ever granted: the
    register lists those alone that flags look at.
    """
    issued = Issuance(
        event=event,
        position=position,
        header=header,
        flags=flags,
        registered=registered,
        definition=definition,
        accreditation=None,
        recognitions=(),
        standing=tuple(standing),
    )
    if event.accreditation is None:
        return issued
    accreditation = registered.accreditations[event.accreditation]
    country = registered.organizations[issued.issuer].country
    return replace(
        issued,
        accreditation=accreditation,
        recognitions=tuple(
            Recognised(
                each.id,
                each.authority,
                registered.closed(each.authority),
                anchors.behind_recognition(each.id),
            )
            for each in _in_force(registered, recognised.get(accreditation.accreditor, ()))
            if not uncovered(each.scope, event.achievement, issued.definition, country)
        ),
    )


def _in_force(registered: Register, granted: Sequence[str]) -> Iterator[Recognition]:
    for id_ in granted:
        recognition = registered.recognitions.get(id_)
        if recognition is not None and recognition.in_force(registered.today()):
            yield recognition
