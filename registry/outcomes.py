"""What can become of a submission: recorded, refused (`testamur.errors.Refusal`), or not now.

Unavailable         the outcome is not known, or the gate is closed: submit the same again
  Overloaded        submit the same again after `retry_after` seconds
    StorageFull     ... the operator must make room first
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from testamur.errors import Refusal, Unavailable
from testamur.rules.reach import Reach


@dataclass(frozen=True, slots=True)
class Recorded:
    """Durable. `position` is that of the header entry, `recorded_at` in Unix milliseconds.

    `flags` are (line of the submission file, code), in that order. `repeated` says that it was
    on the log before and that nothing was added now. `counts` says whether it counts as of the
    last entry: a later key event may have cut it off. `reach` is what it changed about the
    counting of earlier submissions, if anything.
    """

    position: int
    events: int
    recorded_at: int
    flags: tuple[tuple[int, str], ...]
    repeated: bool
    counts: bool = True
    reach: Reach | None = None


class Overloaded(Unavailable):
    """The queue is full or the store is busy; nothing was kept of this submission."""

    def __init__(self, detail: str, *, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StorageFull(Overloaded):
    """There is no room left for the sequence."""

    def __init__(self, detail: str, *, retry_after: float = 60.0) -> None:
        super().__init__(detail, retry_after=retry_after)


Outcome: TypeAlias = Recorded | Refusal | Unavailable
