"""The log of the model: submissions in their one order, with positions and times.

A submission with its header at position p has its events at p+1, p+2 and so on, as on the real
log. `by` is a label for tests (who really held the pen); no rule reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from tests.trust_model.events import Event, KeyEvent

DAY: Final = 86_400_000
"""One day of log time, in milliseconds."""

LOG: Final = "LOG"
"""Who signs the genesis, and the key it is signed with."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Events that one key signed at once."""

    position: int
    organization: str
    key: str
    events: tuple[Event, ...]
    recorded_at: int
    by: str = "owner"

    @property
    def end(self) -> int:
        """Return the position after the last event."""
        return self.position + 1 + len(self.events)

    @property
    def day(self) -> int:
        """Return the UTC day on which it was recorded."""
        return self.recorded_at // DAY

    def numbered(self) -> Iterator[tuple[int, Event]]:
        """Yield each event with its position."""
        return enumerate(self.events, start=self.position + 1)

    @property
    def has_key_events(self) -> bool:
        """Return whether it lists, retires or declares keys."""
        return any(isinstance(event, KeyEvent) for event in self.events)

    def key_events(self) -> Iterator[KeyEvent]:
        """Yield the events that list, retire or declare keys."""
        return (event for event in self.events if isinstance(event, KeyEvent))


Log: TypeAlias = Sequence[Submission]


def size_of(log: Log) -> int:
    """Return how many entries the log has."""
    return log[-1].end if log else 0


def prefix(log: Log, size: int) -> Log:
    """Return the submissions that lie whole within the first `size` entries."""
    return [submission for submission in log if submission.end <= size]
