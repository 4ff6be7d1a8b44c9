"""Who said something on the log, and where: what decides whether it counts, and since when."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

import msgspec

from testamur.catalogue import events as e


class Signed(msgspec.Struct, frozen=True, gc=False):
    """A submission as the rules see it: who signed it, with which of its keys, where and when.

    `position` is that of its header; `recorded_at` is in Unix milliseconds. All events of a
    submission share one such object.
    """

    organization: str
    key: str
    position: int
    recorded_at: int

    @property
    def day(self) -> date:
        """The UTC day on which it was recorded."""
        return _day_of(self.recorded_at)


@lru_cache(maxsize=64)  # the submissions of a group are recorded at one time
def _day_of(recorded_at: int) -> date:
    return datetime.fromtimestamp(recorded_at // 1000, UTC).date()


class Said(msgspec.Struct, frozen=True, gc=False):
    """An event of the catalogue at its position, and the submission it came in."""

    position: int
    signed: Signed
    event: e.Event

    @property
    def actor(self) -> str:
        """The DID of the organization that said it."""
        return self.signed.organization
