"""What can become of a submission: recorded, refused (`testamur.errors.Refusal`), or not now.

Refusal             a rule is broken
  FlagsRefused      ... or its sender asked that it be refused for flags that a sender can mend

Unavailable         the outcome is not known, or the gate is closed: submit the same again
  Overloaded        submit the same again after `retry_after` seconds
    StorageFull     ... the operator must make room first
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

import msgspec

from testamur.errors import Refusal, Unavailable
from testamur.rules.reach import Reach


class Recorded(msgspec.Struct, frozen=True, gc=False):
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


class FlagsRefused(Refusal):
    """The sender of a submission can mend some of its flags, and asked for that; none is recorded.

    `flags` are all that it would have been recorded with, as in `Recorded`, and `to_mend` the codes
    of those that can be mended.
    """

    RULE: ClassVar = "flags-refused"

    def __init__(
        self, flags: tuple[tuple[int, str], ...], to_mend: Sequence[tuple[int, str]]
    ) -> None:
        self.flags = flags
        self.to_mend = frozenset(code for _, code in to_mend)
        codes = ", ".join(dict.fromkeys(code for _, code in to_mend))
        super().__init__(
            self.RULE,
            f"nothing was recorded, since it would be flagged, which its sender can mend: {codes}",
            line=to_mend[0][0],
            value=to_mend[0][1],
        )


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
