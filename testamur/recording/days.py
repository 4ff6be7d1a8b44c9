"""Days that nobody means: a slip of the year, which a log would show for ever.

Asked before an event is signed. The log takes them, since a day changes no status.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from testamur.catalogue import events as e
from testamur.errors import Refusal

_EARLIEST: Final = date(1905, 1, 1)


def check_year(event: e.Event) -> None:
    """Raise `Refusal` (rule `effective-at`) for a status that holds since before any award."""
    if not isinstance(event, e.CredentialSuspended | e.CredentialReinstated | e.CredentialRevoked):
        return
    day = event.effective_at
    if day is not None and day < _EARLIEST:
        raise Refusal(
            "effective-at",
            f"before {_EARLIEST}: is the year right? Leave effectiveAt out if it holds from today",
            value=str(day),
        )
