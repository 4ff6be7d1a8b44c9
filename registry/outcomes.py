"""What can become of a submission: recorded, refused (`testamur.errors.Refusal`), or not now.

Unavailable         not known, or the gate is closed: the same submission may come again
  Overloaded        come back after `retry_after` seconds
    StorageFull     ... and somebody must make room first
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from testamur.errors import Refusal, Unavailable


@dataclass(frozen=True, slots=True)
class Recorded:
    """Durable. `position` is that of the header entry, `recorded_at` in Unix milliseconds.

    `flags` are policy breaches as (line of the submission file, code), in that order. `repeated`
    says that it was on the log before and that nothing was added now.
    """

    position: int
    events: int
    recorded_at: int
    flags: tuple[tuple[int, str], ...]
    repeated: bool


class Overloaded(Unavailable):
    """More waits than can be taken in; nothing was kept of this one."""

    def __init__(self, detail: str, *, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StorageFull(Overloaded):
    """There is no room left on the volume that holds the sequence."""

    def __init__(self, detail: str, *, retry_after: float = 60.0) -> None:
        super().__init__(detail, retry_after=retry_after)


Outcome: TypeAlias = Recorded | Refusal | Unavailable
