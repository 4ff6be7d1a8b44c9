"""What can follow what: every status and every transition, as tables.

The gate consults these tables before it appends, and every replay consults the same tables
afterwards: the gate prevents an impossible history, and replays catch one. `rules/` decides who
may cause an event, and about what.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar

from testamur.catalogue import events as e
from testamur.errors import Irreparable, Refusal


class CredentialStatus(StrEnum):
    """The status that events led to. Expired and not yet valid follow from dates alone."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


class AccreditationStatus(StrEnum):
    """The status that the accreditor decided. Whether it is in force also depends on its dates."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class RecognitionStatus(StrEnum):
    """The status that the authority decided."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class AchievementStatus(StrEnum):
    """Whether the provider still awards the achievement."""

    DEFINED = "defined"
    RETIRED = "retired"


class OrganizationStatus(StrEnum):
    """Whether the organization may act."""

    REGISTERED = "registered"
    CLOSED = "closed"


class KeyStatus(StrEnum):
    """Whether a key may sign, and what became of it."""

    ACTIVE = "active"
    RETIRED = "retired"
    COMPROMISED = "compromised"


Status = TypeVar("Status", bound=StrEnum)

CREDENTIAL: Final[dict[tuple[CredentialStatus | None, type], CredentialStatus]] = {
    (None, e.CredentialIssued): CredentialStatus.ACTIVE,
    (CredentialStatus.ACTIVE, e.CredentialSuspended): CredentialStatus.SUSPENDED,
    (CredentialStatus.SUSPENDED, e.CredentialReinstated): CredentialStatus.ACTIVE,
    (CredentialStatus.ACTIVE, e.CredentialRevoked): CredentialStatus.REVOKED,
    (CredentialStatus.SUSPENDED, e.CredentialRevoked): CredentialStatus.REVOKED,
    (CredentialStatus.ACTIVE, e.CredentialSuperseded): CredentialStatus.SUPERSEDED,
    (CredentialStatus.SUSPENDED, e.CredentialSuperseded): CredentialStatus.SUPERSEDED,
    # Nothing leads out of REVOKED or SUPERSEDED: after a mistake, issue a new credential.
}

ACCREDITATION: Final[dict[tuple[AccreditationStatus | None, type], AccreditationStatus]] = {
    (None, e.AccreditationGranted): AccreditationStatus.ACTIVE,
    (AccreditationStatus.ACTIVE, e.AccreditationSuspended): AccreditationStatus.SUSPENDED,
    (AccreditationStatus.SUSPENDED, e.AccreditationReinstated): AccreditationStatus.ACTIVE,
    (AccreditationStatus.ACTIVE, e.AccreditationWithdrawn): AccreditationStatus.WITHDRAWN,
    (AccreditationStatus.SUSPENDED, e.AccreditationWithdrawn): AccreditationStatus.WITHDRAWN,
}

RECOGNITION: Final[dict[tuple[RecognitionStatus | None, type], RecognitionStatus]] = {
    (None, e.RecognitionGranted): RecognitionStatus.ACTIVE,
    (RecognitionStatus.ACTIVE, e.RecognitionWithdrawn): RecognitionStatus.WITHDRAWN,
}

ACHIEVEMENT: Final[dict[tuple[AchievementStatus | None, type], AchievementStatus]] = {
    (None, e.AchievementDefined): AchievementStatus.DEFINED,
    (AchievementStatus.DEFINED, e.AchievementRevised): AchievementStatus.DEFINED,
    (AchievementStatus.DEFINED, e.AchievementRetired): AchievementStatus.RETIRED,
}

ORGANIZATION: Final[dict[tuple[OrganizationStatus | None, type], OrganizationStatus]] = {
    (None, e.OrganizationRegistered): OrganizationStatus.REGISTERED,
    (OrganizationStatus.REGISTERED, e.OrganizationUpdated): OrganizationStatus.REGISTERED,
    (OrganizationStatus.REGISTERED, e.OrganizationClosed): OrganizationStatus.CLOSED,
    (OrganizationStatus.REGISTERED, e.KeyAdded): OrganizationStatus.REGISTERED,
    (OrganizationStatus.REGISTERED, e.KeyRetired): OrganizationStatus.REGISTERED,
    (OrganizationStatus.REGISTERED, e.KeyCompromised): OrganizationStatus.REGISTERED,
    # The theft of a key may be discovered after its owner closed.
    (OrganizationStatus.CLOSED, e.KeyCompromised): OrganizationStatus.CLOSED,
}

KEY: Final[dict[tuple[KeyStatus | None, type], KeyStatus]] = {
    (None, e.KeyAdded): KeyStatus.ACTIVE,
    (KeyStatus.ACTIVE, e.KeyRetired): KeyStatus.RETIRED,
    (KeyStatus.ACTIVE, e.KeyCompromised): KeyStatus.COMPROMISED,
    (KeyStatus.RETIRED, e.KeyCompromised): KeyStatus.COMPROMISED,
    # The owner may find later that it began earlier. Else a thief could declare it first, with a
    # late position.
    (KeyStatus.COMPROMISED, e.KeyCompromised): KeyStatus.COMPROMISED,
}


def status_after(
    table: dict[tuple[Status | None, type], Status],
    before: Status | None,
    event: e.Event,
    subject: str,
) -> Status:
    """Return the status of `subject` after `event`; `before` is None if it does not exist yet.

    Raises `Refusal` (rule `transition`) when the table has no such step, and `Irreparable` when it
    has none from any status that can follow `before` either.
    """
    after = table.get((before, type(event)))
    if after is None:
        later = any((status, type(event)) in table for status in _reachable(table, before))
        raise (Refusal if later else Irreparable)(
            "transition",
            f"{e.wire_name(event)} cannot follow {before or 'nothing'}",
            value=subject,
        )
    return after


def _reachable(
    table: dict[tuple[Status | None, type], Status], before: Status | None
) -> set[Status | None]:
    """Return `before` and every status that can follow it."""
    found: set[Status | None] = {before}
    while fresh := {after for (status, _), after in table.items() if status in found} - found:
        found |= fresh
    return found
