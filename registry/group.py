"""What the gate measured of one group of submissions, for those who operate it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from registry.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Group:
    """One group, decided in one transaction, or by halves in several.

    `settled` are (ticket, outcome) pairs. `waited` is for how many seconds its first submission was
    queued. `began` is when it left the queue, in Unix nanoseconds. `seconds` are those of each
    step: reading `histories`, waiting for the `lock`, and while it was held `judge`, `append` and
    `commit`. A step that was not reached is left out.
    """

    settled: Sequence[tuple[object, Outcome]]
    waited: float
    began: int
    seconds: dict[str, float]


Measured: TypeAlias = Callable[[Group], None]
"""Takes each group, on the committer's thread, before its senders are answered. MUST be quick."""
