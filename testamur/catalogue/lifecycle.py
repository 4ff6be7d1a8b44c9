"""What can follow what: the status of credentials, accreditations, recognitions, achievements.

An event sets the status that `AFTER` names, but nothing leads out of one in `FINAL`. The gate asks
`may_follow` of what it admits. Nobody asks it again of what was admitted: an event may come to
stand after another status, once an earlier event counts no more. `rules/` decides who may cause
an event, whether it counts, and so what status a thing has.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from testamur.catalogue import events as e
from testamur.errors import Refusal


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


AFTER: Final[Mapping[type, StrEnum]] = MappingProxyType(
    {
        e.CredentialIssued: CredentialStatus.ACTIVE,
        e.CredentialSuspended: CredentialStatus.SUSPENDED,
        e.CredentialReinstated: CredentialStatus.ACTIVE,
        e.CredentialRevoked: CredentialStatus.REVOKED,
        e.CredentialSuperseded: CredentialStatus.SUPERSEDED,
        e.AccreditationGranted: AccreditationStatus.ACTIVE,
        e.AccreditationSuspended: AccreditationStatus.SUSPENDED,
        e.AccreditationReinstated: AccreditationStatus.ACTIVE,
        e.AccreditationWithdrawn: AccreditationStatus.WITHDRAWN,
        e.RecognitionGranted: RecognitionStatus.ACTIVE,
        e.RecognitionWithdrawn: RecognitionStatus.WITHDRAWN,
        e.AchievementDefined: AchievementStatus.DEFINED,
        e.AchievementRevised: AchievementStatus.DEFINED,
        e.AchievementRetired: AchievementStatus.RETIRED,
    }
)
"""The status that an event sets."""

UNCHANGED: Final = frozenset[type]({e.AccreditationRestated, e.RecognitionRestated})
"""The events about a thing with a status that leave the status as it is."""

FINAL: Final = frozenset[StrEnum](
    {
        CredentialStatus.REVOKED,
        CredentialStatus.SUPERSEDED,
        AccreditationStatus.WITHDRAWN,
        RecognitionStatus.WITHDRAWN,
        AchievementStatus.RETIRED,
    }
)
"""The statuses that nothing leads out of: after a mistake, something new is issued or granted."""

# Every status may be stated again, and revoking and withdrawing follow on any: else a thief's
# sanction could take the place of the owner's, and fall with the thief's key.
FOLLOWS: Final[Mapping[type, frozenset[StrEnum | None]]] = MappingProxyType(
    {
        e.CredentialIssued: frozenset({None}),
        e.CredentialSuspended: frozenset({CredentialStatus.ACTIVE, CredentialStatus.SUSPENDED}),
        e.CredentialReinstated: frozenset({CredentialStatus.ACTIVE, CredentialStatus.SUSPENDED}),
        e.CredentialRevoked: frozenset(CredentialStatus),
        e.CredentialSuperseded: frozenset(CredentialStatus) - {CredentialStatus.REVOKED},
        e.AccreditationGranted: frozenset({None}),
        e.AccreditationSuspended: frozenset(
            {AccreditationStatus.ACTIVE, AccreditationStatus.SUSPENDED}
        ),
        e.AccreditationReinstated: frozenset(
            {AccreditationStatus.ACTIVE, AccreditationStatus.SUSPENDED}
        ),
        e.AccreditationWithdrawn: frozenset(AccreditationStatus),
        e.RecognitionGranted: frozenset({None}),
        e.RecognitionWithdrawn: frozenset(RecognitionStatus),
        # One version of a definition stands without another, and may come first.
        e.AchievementDefined: frozenset({None, AchievementStatus.DEFINED}),
        e.AchievementRevised: frozenset({None, AchievementStatus.DEFINED}),
        e.AchievementRetired: frozenset(AchievementStatus),
    }
)
"""The statuses on which an event may follow; None is that of a thing that does not exist."""


def may_follow(before: StrEnum | None, event: e.Event, subject: str) -> None:
    """Raise `Refusal` (rule `transition`) unless `event` may follow on the status of `subject`.

    `before` is None if the thing does not exist. An event that sets no status may follow on any.
    """
    allowed = FOLLOWS.get(type(event))
    if allowed is not None and before not in allowed:
        expected = " or ".join(sorted(each or "nothing" for each in allowed))
        raise Refusal(
            "transition",
            f"{e.wire_name(event)} cannot follow on {before or 'nothing'}, only on {expected}",
            value=subject,
        )


def knows(event: type) -> bool:
    """Return whether this module says what an event does to a status."""
    return event in UNCHANGED or (event in AFTER and event in FOLLOWS)
