"""How much every key said before any position, kept in memory while a log is replayed.

It takes 48 bytes a submission: what the reach of a declaration is worked out from
(`testamur/rules/reach.py`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from testamur.catalogue.events import Event
from testamur.rules.reach import Counts, Sums, sums_of
from testamur.rules.said import Signed


def _numbers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class _OfKey:
    """The headers of one key, and its totals with each of them."""

    positions: array[int] = field(default_factory=_numbers)
    issuances: array[int] = field(default_factory=_numbers)
    grants: array[int] = field(default_factory=_numbers)
    endings: array[int] = field(default_factory=_numbers)

    def below(self, position: int) -> Counts:
        """Return the sums over the headers below a position."""
        last = bisect_left(self.positions, position) - 1
        if last < 0:
            return 0, 0, 0
        return (self.issuances[last], self.grants[last], self.endings[last])

    def add(self, position: int, total: Sums) -> None:
        """Take note of a header above all others, with the totals after it."""
        self.positions.append(position)
        self.issuances.append(total.issuances)
        self.grants.append(total.grants)
        self.endings.append(total.endings)


class RunningTotals:
    """The totals of all submissions that `add` was given, in log order. It is `Totals`."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], _OfKey] = defaultdict(_OfKey)
        self._positions, self._times = _numbers(), _numbers()

    def add(self, signed: Signed, events: Sequence[Event]) -> None:
        """Take note of a submission that comes after all others."""
        position, of_key = signed.position, self._keys[signed.organization, signed.key]
        self._positions.append(position)
        self._times.append(signed.recorded_at)
        of_key.add(position, Sums(*of_key.below(position)) + sums_of(signed.organization, events))

    def totals(self, organization: str, key: str, positions: Sequence[int]) -> list[Counts]:
        """Return, for each position, the sums over the key's submissions with headers below it."""
        of_key = self._keys.get((organization, key), _OfKey())
        return [of_key.below(position) for position in positions]

    def first_recorded(self, recorded_at: int) -> int:
        """Return the position of the first header recorded at that time (Unix ms) or later."""
        first = bisect_left(self._times, recorded_at)
        if first < len(self._positions):
            return self._positions[first]
        return self._positions[-1] + 1 if self._positions else 0
