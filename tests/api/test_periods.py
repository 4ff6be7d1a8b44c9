"""Periods that numbers are told by: they cover the time, follow on one another, and are few."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.questions.periods import MOST, UNITS, choices


def ms(year: int, month: int = 1, day: int = 1, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


def test_a_short_time_is_told_by_day_and_a_long_one_by_year() -> None:
    for first, last, unit in (
        (ms(2026, 11, 29), ms(2026, 11, 29, 23), "day"),
        (ms(2026, 11, 1), ms(2026, 12, 20), "day"),
        (ms(2024, 1, 31), ms(2026, 11, 29), "month"),
        (ms(2016, 5, 5), ms(2026, 11, 29), "quarter"),
        (ms(1990), ms(2026), "year"),
    ):
        assert choices(first, last)[0].unit == unit


def test_periods_begin_where_the_calendar_has_them() -> None:
    found = {each.unit: each.beginnings for each in choices(ms(2026, 10, 31, 23), ms(2027, 1, 1))}
    assert found["month"] == (
        date(2026, 10, 1),
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
    )
    assert found["quarter"] == (date(2026, 10, 1), date(2027, 1, 1))
    assert found["year"] == (date(2026, 1, 1), date(2027, 1, 1))


@given(st.integers(0, ms(9998)), st.integers(0, ms(2300)))
def test_every_choice_covers_the_time_in_few_periods(first: int, more: int) -> None:
    last = min(first + more, ms(9998, 12, 31))
    found = choices(first, last)
    assert [each.unit for each in found] == [
        unit for unit in UNITS if unit in {e.unit for e in found}
    ]
    assert found[-1].unit == "year"
    for each in found:
        assert each.bounds[0] <= first
        assert each.bounds[-1] <= last
        assert all(one < other for one, other in pairwise(each.bounds))
        assert each.unit == "year" or len(each.beginnings) <= MOST
