"""What a grant vouches for, and what an organization says of itself, as of a register."""

from __future__ import annotations

from testamur.catalogue import events as e
from testamur.catalogue.members import Vouched
from testamur.rules.register import Grant, Organization, Particulars, Register
from testamur.rules.status import existing


def words(register: Register, grant: Grant, before: int | None = None) -> Vouched:
    """Return what the signer of a grant vouches for about its subject, before a position.

    A restatement is heard only after the grant that counts: nothing happens to what does not exist.
    """
    began = existing(register, grant, before) if grant.stream else None
    if began is None:
        return grant.event
    counts, fallen = register.counting(grant.owner), register.judged.fallen
    for said in reversed(grant.stream):
        by = said.signed
        if said.position <= began[0]:
            break
        if by.position in fallen:
            continue
        if (
            (before is None or said.position < before)
            and isinstance(said.event, e.RecognitionRestated | e.AccreditationRestated)
            and by.organization == grant.owner
            and counts(by.key, by.position, by.recorded_at)
        ):
            return said.event
    return grant.event


def particulars(register: Register, organization: Organization) -> Particulars:
    """Return what an organization says of itself now: its last update that counts, if any."""
    for said in reversed(organization.said):
        if isinstance(said.event, e.OrganizationUpdated) and register.counts(said.signed):
            event = said.event
            return Particulars(event.name, event.country, event.identifiers, event.url)
    return organization.registration
