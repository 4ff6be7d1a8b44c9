"""What the server cannot do now, and when to ask again."""

from __future__ import annotations

from typing import Final

from api.http.problem_types.told import Told

_AGAIN: Final = "Ask again after the seconds that the header Retry-After names."
_SAME: Final = (
    "Send the same bytes again after Retry-After: what was recorded is not recorded twice, and "
    "gets the same receipt."
)
_OPERATOR: Final = "Tell the operator; the runbook says what to look at."

TYPES: Final = {
    "commit-delayed": Told("The submission was not settled in time; it may be recorded.", _SAME),
    "damaged": Told("A stored file of the log is not what was signed.", _OPERATOR),
    "fault": Told("The server met with a fault of its own.", _OPERATOR),
    "no-witness-policy": Told(
        "No witnesses are configured, so no receipt can be witnessed. Nothing was recorded.",
        "Submit with wait=published.",
    ),
    "overloaded": Told("The server does a bounded amount of work at once.", _SAME),
    "projections-behind": Told("The tables have not read the log that far yet.", _AGAIN),
    "publication-delayed": Told(
        "The submission is recorded, and no checkpoint covers it yet.", _SAME
    ),
    "publication-stopped": Told("The log is not being published, so nothing is taken.", _OPERATOR),
    "storage-full": Told("There is no room left for the sequence.", _OPERATOR),
    "unavailable": Told("A part of the server cannot be reached.", _AGAIN),
}
