"""What the clock of the machine here can tell: that it, or another one, is wrong.

A time that was recorded or stated later than now is a contradiction between two clocks. Which of
them is wrong nobody can tell by them, so nothing is refuted: it could not be checked. Nor does
anything hold, because a log that runs ahead would let periods pass that have not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from testamur.catalogue.submission import format_time
from testamur.errors import Unavailable
from testamur.rules import MAX_AHEAD

_MILLISECONDS: Final = 1000


def is_ahead(milliseconds: int, now: datetime) -> bool:
    """Return whether a Unix time lies after `now` by more than clocks may differ."""
    return milliseconds > (now.timestamp() + MAX_AHEAD) * _MILLISECONDS


def check_not_ahead(what: str, milliseconds: int, now: datetime) -> None:
    """Raise `Unavailable` if the Unix time at which `what` is said to have happened is ahead."""
    if is_ahead(milliseconds, now):
        raise Unavailable(or_your_clock(f"{what} at {format_time(milliseconds)}", now))


def or_your_clock(said: str, now: datetime) -> str:
    """Return what contradicts the clock here, and what to do about it."""
    here = format_time(int(now.timestamp() * _MILLISECONDS))
    return (
        f"{said}, and the clock here says {here}: one of the two is wrong; if it is yours, set it "
        "and verify again"
    )
