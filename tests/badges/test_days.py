"""A day is read as it is meant: in one form, which the person names and nobody guesses."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges.cohort_csv import read_cohort
from testamur.badges.columns import Reading
from testamur.badges.days import form, looks_like_a_day, propose, read_day
from testamur.errors import Refusal
from tests.badges.test_cohort import ETHICS

FORMS = [
    *("DD-MM-YYYY", "MM-DD-YYYY", "DD/MM/YYYY", "M/D/YYYY", "D.M.YYYY", "DD.MM.YYYY", "YYYY/MM/DD"),
    *("YYYY.MM.DD", "YYYY. M. D.", "D. M. YYYY", "YYYYMMDD", "DDMMYYYY", "DD MM YYYY", "YYYY-M-D"),
]


def written(day: date, text: str) -> str:
    for token, digits in (
        ("YYYY", f"{day.year}"), ("MM", f"{day.month:02}"), ("DD", f"{day.day:02}"),
        ("M", f"{day.month}"), ("D", f"{day.day}"),
    ):  # fmt: skip
        text = text.replace(token, digits)
    return text


def cohort(*days: str, until: str = "") -> bytes:
    rows = "".join(f'{number};"{day}";{until}\n' for number, day in enumerate(days, 1))
    return b"learner;awarded;validUntil\n" + rows.encode()


@pytest.mark.slow
@pytest.mark.parametrize("text", FORMS)
@given(day=st.dates(date(1905, 1, 1), date(2199, 12, 31)))
def test_a_day_is_read_in_the_form_that_is_named_and_always_as_iso(text: str, day: date) -> None:
    assert read_day(written(day, text), form(text)) == day
    assert read_day(f"{day}", form(text)) == day
    assert form(text.lower()) == form(text)


@pytest.mark.parametrize("text", FORMS[:-4])
def test_the_form_of_a_whole_list_is_proposed_once(text: str) -> None:
    days = [date(2026, 11, number) for number in range(1, 29)]
    with pytest.raises(Refusal) as caught:
        read_cohort(cohort(*(written(day, text) for day in days)), (ETHICS,))
    assert caught.value.rule == "cohort-dates"
    assert "all 28 dates look like" in caught.value.detail
    proposal = propose([written(day, text) for day in days])
    assert proposal is not None
    (found,) = proposal.forms
    assert f"`--dates {found}` reads them" in caught.value.detail.replace("'", "")
    awards, refused = read_cohort(
        cohort(*(written(day, text) for day in days)), (ETHICS,), Reading(dates=form(found))
    )
    assert ([award.awarded for award in awards], refused) == (days, [])


def test_three_hundred_days_are_refused_in_one_sentence() -> None:
    days = [f"{number % 28 + 1:02}-11-2026" for number in range(300)]
    with pytest.raises(Refusal) as caught:
        read_cohort(cohort(*days), (ETHICS,))
    assert caught.value.detail == (
        "all 300 dates look like DD-MM-YYYY: `--dates DD-MM-YYYY` reads them"
    )


def test_a_form_that_no_day_tells_from_another_is_asked_for() -> None:
    with pytest.raises(Refusal) as caught:
        read_cohort(cohort("03-05-2026", "04-05-2026"), (ETHICS,))
    assert "look like DD-MM-YYYY and like MM-DD-YYYY, and no day tells" in caught.value.detail


def test_the_other_column_tells_the_form() -> None:
    with pytest.raises(Refusal, match="all 4 dates look like DD-MM-YYYY:"):
        read_cohort(cohort("03-05-2026", "04-05-2026", until="31-12-2027"), (ETHICS,))


def test_a_slip_in_a_list_of_another_form_does_not_hide_the_form() -> None:
    days = [f"{number}.11.2026" for number in range(10, 30)]
    with pytest.raises(Refusal, match=r"20 of 21 dates look like DD\.MM\.YYYY"):
        read_cohort(cohort(*days, "2O.11.2026"), (ETHICS,))
    _, refused = read_cohort(
        cohort(*days, "2O.11.2026"), (ETHICS,), Reading(dates=form("DD.MM.YYYY"))
    )
    assert [row for row, _ in refused] == [22]


def test_a_list_of_two_forms_is_refused_row_by_row() -> None:
    awards, refused = read_cohort(cohort("2026-11-20", "20-11-2026", "11/20/2026"), (ETHICS,))
    assert [award.row for award in awards] == [2]
    assert [row for row, _ in refused] == [3, 4]
    assert "--dates DD-MM-YYYY reads it" in refused[0][1].detail
    assert "--dates MM/DD/YYYY reads it" in refused[1][1].detail


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("20. März 2026", "its month is a word"),
        ("20-Nov-2026", "its month is a word"),
        ("20-11-26", "its year has two digits"),
        ("3/5/26", "its year has two digits"),
        ("46347", "a spreadsheet's count of days"),
        ("46347.5", "a spreadsheet's count of days"),
        ("2026-11-21T00:00:00Z", "it has a time of day"),
        ("2026-11-21 00:00:00", "it has a time of day"),
        ("21.11.2026 09:00", "it has a time of day"),
        ("2026-11-31", "there is no such day"),
        ("2026-02-29", "there is no such day"),
        ("2026-11-2O", "format the column as a date"),
        ("2026-11", "format the column as a date"),
        ("20/11/2026", "--dates DD/MM/YYYY reads it"),
        ("2026. 11. 20.", "--dates 'YYYY. MM. DD.' reads it"),
        ("03/05/2026", "--dates DD/MM/YYYY or --dates MM/DD/YYYY reads it"),
        ("3/5/2026", "--dates D/M/YYYY or --dates M/D/YYYY reads it"),
        ("1899-12-30", "before 1905-01-01: spreadsheets show such a day for an empty cell"),
        ("1904-01-01", "before 1905-01-01"),
        ("0026-11-20", "before 1905-01-01"),
        ("################", "begins with #"),
        ("=TODAY()", "a formula"),
        ("tomorrow", "not a date such as"),
        ("2026年11月20日", "format the column as a date"),
    ],
)
def test_a_cell_that_is_no_day_is_refused_with_what_to_do(text: str, why: str) -> None:
    awards, ((row, refusal),) = read_cohort(cohort(text), (ETHICS,))
    assert (len(awards), row) == (0, 2)
    assert refusal.detail.startswith("column awarded: ")
    assert why in refusal.detail


@pytest.mark.parametrize(
    "text",
    [
        *("", "DD-MM-YY", "YYYY-DD-MM", "TT.MM.JJJJ", "DD-MM", "DD-MM-YYYY-DD", "DMYYYY", "D M"),
        *("MMDDYY", "DD-MM-YYYY\n", "DDxMMxYYYY", "%d-%m-%Y", "DD-YYYY-MM", "MDYYYY", "DD-DD-YYYY"),
    ],
)
def test_a_form_that_could_be_misread_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the command line says what is wrong
        form(text)


def test_days_in_every_form_at_once_take_no_time() -> None:
    between = ["-", "/", ".", "- ", "/ ", ". ", ",", ", ", " "]
    days = [f"3{one}4{two}2026{end}" for one in between for two in between for end in ("", ".")]
    begun = time.process_time()
    assert propose(days * 400) is None
    assert time.process_time() - begun < 2


def test_an_award_of_the_future_is_refused() -> None:
    reading = Reading(latest=date(2026, 11, 29))
    awards, refused = read_cohort(
        cohort("2026-11-29", "2026-11-30", "2062-11-29"), (ETHICS,), reading
    )
    assert [award.row for award in awards] == [2]
    assert [row for row, _ in refused] == [3, 4]
    assert all("--future-dates takes it" in why.detail for _, why in refused)
    assert len(read_cohort(cohort("2062-11-29"), (ETHICS,))[0]) == 1


def test_a_credential_may_end_in_the_future() -> None:
    reading = Reading(latest=date(2026, 11, 29))
    assert read_cohort(cohort("2026-11-29", until="2031-11-29"), (ETHICS,), reading)[1] == []


def test_an_award_ends_no_day_before_it_was_made_in_whatever_form() -> None:
    reading = Reading(dates=form("DD-MM-YYYY"))
    _, ((_, refusal),) = read_cohort(cohort("20-11-2026", until="19-11-2026"), (ETHICS,), reading)
    assert "before the day awarded" in refusal.detail


@given(st.text("0123456789-/. :TZNov", max_size=24))
def test_whatever_the_cell_it_is_a_day_or_refused(text: str) -> None:
    looks_like_a_day(text)
    for each in (None, form("D/M/YYYY"), form("YYYYMMDD")):
        with suppress(Refusal):
            assert read_day(text, each) >= date(1905, 1, 1)
