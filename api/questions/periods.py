"""The periods that numbers are told by: days, months, quarters or years, in UTC. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Final, Literal, NamedTuple, TypeAlias

Unit: TypeAlias = Literal["day", "month", "quarter", "year"]

UNITS: Final[tuple[Unit, ...]] = ("day", "month", "quarter", "year")
"""The finest first."""
MOST: Final = 60
"""Periods in one answer, unless there are as many years."""
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_LAST: Final = date(9999, 1, 1)


class Periods(NamedTuple):
    """Periods of one unit that follow on one another: the day on which each begins."""

    unit: Unit
    beginnings: tuple[date, ...]

    @property
    def bounds(self) -> list[int]:
        """Where each begins, in Unix milliseconds."""
        return [
            int(datetime(each.year, each.month, each.day, tzinfo=UTC).timestamp() * 1000)
            for each in self.beginnings
        ]


def choices(first: int, last: int) -> list[Periods]:
    """Return the periods from one time (Unix ms) to another, by unit, the finest first.

    Only years may be more than `MOST`.
    """
    begin, end = (datetime.fromtimestamp(each / 1000, UTC).date() for each in (first, last))
    found = [
        Periods(unit, tuple(takewhile(lambda each: each <= end, _from(unit, begin))))
        for unit in UNITS
        if unit == "year" or (end - begin).days < MOST * 31 * _MONTHS.get(unit, 1)
    ]
    return [each for each in found if each.unit == "year" or len(each.beginnings) <= MOST]


def _from(unit: Unit, day: date) -> Iterator[date]:
    """Yield the beginnings of periods, from that in which the day lies."""
    if unit == "day":
        while day < _LAST:
            yield day
            day += timedelta(days=1)
        return
    step = _MONTHS[unit]
    months = day.year * 12 + (day.month - 1) // step * step
    while months // 12 < _LAST.year:
        yield date(months // 12, months % 12 + 1, 1)
        months += step
