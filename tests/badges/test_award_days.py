"""A day is a day of the provider, and nobody shows a credential that is not valid yet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges.award_days import dates, latest_day
from testamur.badges.cohort_csv import Provider, read_cohort, read_given
from testamur.badges.openbadges import read_badge
from testamur.badges.prepare import prepare_cohort
from testamur.errors import Refusal
from tests.badges.test_cohort import ETHICS, PROVIDER

DAY = date(2026, 11, 21)
EVENING = datetime(2026, 11, 20, 18, tzinfo=UTC)  # in Tokyo the day after has begun, in Utrecht not
OFFSETS = st.sampled_from([None, "Z", "+00:00", "+14:00", "+05:45", "-03:30", "-12:00"])


@pytest.mark.parametrize(
    ("offset", "valid_from", "valid_until"),
    [
        (None, "2026-11-20T18:00:00Z", "2026-11-21T23:59:59Z"),
        ("Z", "2026-11-20T18:00:00Z", "2026-11-21T23:59:59Z"),
        ("+00:00", "2026-11-20T18:00:00Z", "2026-11-21T23:59:59Z"),
        ("+09:00", "2026-11-21T00:00:00+09:00", "2026-11-21T23:59:59+09:00"),
        ("-05:00", "2026-11-20T13:00:00-05:00", "2026-11-21T23:59:59-05:00"),
    ],
)
def test_an_award_of_today_is_valid_now_wherever_today_is(
    offset: str | None, valid_from: str, valid_until: str
) -> None:
    found = dates(DAY, DAY, offset=offset, now=EVENING)

    assert (found.valid_from, found.valid_until) == (valid_from, valid_until)
    assert found.awarded.startswith("2026-11-21T00:00:00")


def test_an_award_of_a_day_that_has_begun_nowhere_is_valid_from_then_on() -> None:
    found = dates(date(2026, 12, 24), None, offset="+01:00", now=EVENING)

    assert found.valid_from == found.awarded == "2026-12-24T00:00:00+01:00"


@given(OFFSETS, st.integers(0, 400 * 24 * 3600), st.integers(-400, 0))
def test_no_award_of_today_or_before_begins_later_than_now(
    offset: str | None, seconds: int, days: int
) -> None:
    now = EVENING + timedelta(seconds=seconds)
    awarded = latest_day(now, offset) + timedelta(days)
    found = dates(awarded, None, offset=offset, now=now)

    assert datetime.fromisoformat(found.valid_from) <= now
    assert datetime.fromisoformat(found.valid_from).date() in (awarded, awarded - timedelta(1))


@pytest.mark.parametrize(
    ("offset", "last"), [(None, 21), ("Z", 20), ("+09:00", 21), ("+05:00", 20)]
)
def test_the_last_day_is_today_there_or_anywhere(offset: str | None, last: int) -> None:
    assert latest_day(EVENING, offset) == date(2026, 11, last)


def test_what_is_logged_is_the_day_that_the_credential_names() -> None:
    awards, _ = read_cohort(b"learner,awarded\nada@example.org,2026-11-21\n", [ETHICS])
    for offset, day in ((None, 20), ("+09:00", 21)):
        provider = Provider(country="JP", did=PROVIDER.did, name=PROVIDER.name, offset=offset)
        prepared = prepare_cohort(awards, provider, now=EVENING)
        assert prepared.events[0].valid_from == date(2026, 11, day)
        assert read_badge(prepared.holders[0].credential).valid_from <= EVENING


@pytest.mark.parametrize(
    "offset", ["+9:00", "09:00", "+14:30", "-15:00", "JST", "+09:60", "", "+09:00\n", "z"]
)
def test_an_offset_has_one_form(offset: str) -> None:
    text = Provider(country="JP", did=PROVIDER.did, name="A", offset="+09:00")
    data = msgspec.json.encode({**msgspec.to_builtins(text), "offset": offset})
    with pytest.raises(Refusal) as caught:
        read_given(data, Provider)
    assert "an offset from UTC such as +09:00" in caught.value.detail
