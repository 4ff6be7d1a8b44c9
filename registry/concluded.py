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
from testamur.catalogue.events import CredentialIssued, OrganizationSucceeded
from testamur.rules import Register, Signed
from testamur.rules.conclusions import Conclusion, Conclusions, Drawing, Read
from testamur.rules.credentials import Named, conclude_terms
from testamur.rules.heard import Among
from testamur.rules.pasts import LONG
from testamur.rules.reading import ReadRegister
from testamur.rules.status import conclude_status, first_accredited, speakers

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
    group: Sequence[Checked],
    terms: Terms,
    recorded_at: int,
) -> None:
    """Draw what follows from the terms of a group, were they named at `recorded_at` (Unix ms).

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
    for checked in group:
        actor = Signed(*checked.signer, register.size, recorded_at)
        _conclude_for_successor(read, credentials, checked, actor)


def _conclude_for_successor(
    read: Register, credentials: CredentialStreams, checked: Checked, actor: Signed
) -> None:
    """Draw what acts in the name of another are judged by, and what somebody names another by."""
    for each in filter(None, map(credentials.get, dict.fromkeys(checked.credentials))):
        if each.owner == actor.organization:
            continue
        acts_for = speakers(read, each, actor, actor.position)
        if len(each.stream) >= LONG and acts_for and each.owner not in acts_for:
            conclude_status(read, each, Among(acts_for))
    for event in checked.submission.events:
        if type(event) is OrganizationSucceeded and event.organization != actor.organization:
            first_accredited(read, event.organization, actor.organization)
