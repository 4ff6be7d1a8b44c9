"""What will the events of a group be judged by? Concluded before the write lock.

A credential's status follows from all that was said of it. The flags of an issuance follow from
its terms: an achievement, an accreditation, the accreditor, the recognitions of this one, and of
those who recognised it. To go through these takes a fraction of a millisecond. Under the lock a
conclusion is looked up, and drawn anew if anything that was read on the way to it was replaced
since (`testamur.rules.conclusions`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

from registry.checked import Checked
from registry.credential_streams import CredentialStreams
from testamur.catalogue.events import CredentialIssued
from testamur.rules import Register, Signed
from testamur.rules.conclusions import Conclusion, Conclusions, Drawing, Read
from testamur.rules.credentials import Named, conclude_terms
from testamur.rules.pasts import LONG
from testamur.rules.reading import ReadRegister
from testamur.rules.status import conclude_status

Terms: TypeAlias = Mapping[str, Mapping[Named, CredentialIssued]]
"""The terms that issuances of a group name, by organization, each with one of these issuances."""

_named: Final = attrgetter("achievement", "achievement_version", "accreditation")


def terms_of(group: Sequence[Checked]) -> Terms:
    """Return the terms that the issuances of a group name."""
    found: dict[str, dict[Named, CredentialIssued]] = {}
    for checked in group:
        issued = {
            _named(event): event
            for event in checked.submission.events
            if type(event) is CredentialIssued
        }
        if issued:
            found.setdefault(checked.submission.header.payload.iss, {}).update(issued)
    return found


class Concluded(NamedTuple):
    """Conclusions by their names, drawn from a register as it was before the lock."""

    drawn: Mapping[Hashable, Conclusion]

    def since(self, replaced: Iterable[Read]) -> Conclusions:
        """Return those that hold after this was replaced in the register."""
        return Conclusions(self.drawn, replaced)


def conclude(
    drawing: Drawing,
    register: Register,
    credentials: CredentialStreams,
    terms: Terms,
    recorded_at: int,
) -> None:
    """Draw what follows from terms, were they named at `recorded_at` (Unix milliseconds).

    Terms that would be refused are left out, and those of organizations that are not in the
    register yet. Another day than that of `recorded_at` needs other conclusions. The statuses of
    those credentials are among them of which much was said.
    """
    read = ReadRegister(register, drawing)
    for issuer, named in terms.items():
        if issuer in register.organizations:
            signed = Signed(issuer, "", register.size, recorded_at)
            conclude_terms(read, signed, named.values())
    for each in credentials.values():
        if len(each.stream) >= LONG:
            conclude_status(read, each)
