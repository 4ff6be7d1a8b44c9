"""From which day a change of a credential's status says that it holds.

The day is a fact that is shown. The status changes at the position of the event, whatever the day
is, so what was on the log before stays what it was.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from testamur.catalogue import events as e
from testamur.errors import Refusal

_NAMING: Final = (e.CredentialSuspended, e.CredentialReinstated, e.CredentialRevoked)

EFFECTIVE_AHEAD: Final = timedelta(days=1)
"""How far the day may lie after the UTC day of `recordedAt`: it has begun somewhere."""


def effective_at(event: e.Event) -> date | None:
    """Return the day from which an event says that it holds, or None if it names none."""
    if isinstance(event, _NAMING):
        return event.effective_at
    return None


def check_effective(event: e.Event, day: date) -> None:
    """Raise `Refusal` (rule `effective-at`) for a day that is still to come.

    `day` is the UTC day on which the event is recorded.
    """
    effective = effective_at(event)
    if effective is not None and effective - day > EFFECTIVE_AHEAD:
        raise Refusal(
            "effective-at",
            f"the status changes where the event is recorded, on {day}, so effectiveAt is at most "
            f"{day + EFFECTIVE_AHEAD}: submit the event on its day, or leave effectiveAt out",
            value=str(effective),
        )
