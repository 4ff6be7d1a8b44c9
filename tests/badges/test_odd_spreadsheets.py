"""Tables as programs of other systems, languages and calendars save them."""

from __future__ import annotations

from datetime import date

import pytest

from testamur.badges.cohort_csv import read_cohort
from testamur.badges.columns import Reading
from testamur.errors import Refusal
from tests.badges.test_cohort import ETHICS


def refusal(cells: str, headings: str = "learner,awarded,name,validUntil") -> Refusal:
    """Return what is wrong with the cells below the headings."""
    _, ((_, found),) = read_cohort(f"{headings}\n{cells}\n".encode(), (ETHICS,))
    return found


def name_of(cell: str) -> str | None:
    """Return the name that a cell is read as."""
    ((award,), refused) = read_cohort(
        f'learner,awarded,name\n7,2026-11-20,"{cell}"\n'.encode(), (ETHICS,)
    )
    assert refused == []
    return award.name


# --- Letters ---


@pytest.mark.parametrize("charset", ["cp1252", "latin-1", "cp437", "cp850", "mac_roman"])
@pytest.mark.parametrize("name", ["Müller", "Renée Ødegård", "Zoë"])
def test_a_name_that_was_read_in_another_encoding_is_told_as_it_was(
    name: str, charset: str
) -> None:
    garbled = name.encode().decode(charset)
    try:
        found = refusal(f'7,2026-11-20,"{garbled}",')
    except ValueError:
        pytest.fail(f"{garbled} was taken for a name")
    assert (f"write {name}" in found.detail) or "invisible character" in found.detail


def test_so_is_a_name_in_cyrillic_letters() -> None:
    garbled = "Оксана".encode().decode("cp1251")
    assert "write Оксана" in refusal(f"7,2026-11-20,{garbled},").detail


@pytest.mark.parametrize(
    "name",
    ["Íñigo", "Êçã", "Сњежана", "Рашид", "Ñandú", "François", "Łukasz", "Þórður", "Ölçüm", "ΔΩ"],
)
def test_an_honest_name_is_not_taken_for_a_garbled_one(name: str) -> None:
    assert name_of(name) == name


def test_a_name_of_letters_that_only_look_alike_is_refused() -> None:
    """Nobody finds it by typing it."""
    assert "mixes scripts" in refusal("7,2026-11-20,\u0410da Lovelace,").detail
    assert name_of("Ада Lovelace") == "Ада Lovelace"


def test_an_error_of_a_spreadsheet_with_a_wide_colon_is_no_name() -> None:
    assert "numbered error" in refusal("7,2026-11-20,错误\uff1a502,").detail


# --- Days ---


@pytest.mark.parametrize("day", ["2569-11-20", "9999-12-31"])
def test_a_year_of_another_calendar_is_no_day(day: str) -> None:
    reading = Reading(latest=None)
    for cells in (f"7,{day},,", f"7,2026-11-20,,{day}"):
        table = f"learner,awarded,name,validUntil\n{cells}\n".encode()
        _, ((_, found),) = read_cohort(table, (ETHICS,), reading)
        assert "leave the cell empty if there is no end" in found.detail
        assert "Gregorian" in found.detail


def test_of_days_that_are_wrong_as_they_are_written_no_other_form_is_proposed() -> None:
    """Each was said to look like DD-MM-YYYY, since 2026-11-21 is read beside any form."""
    data = b"learner,awarded\n7,1405-08-29\n8,2026-11-20\n9,1404-08-29\n"
    awards, refused = read_cohort(data, (ETHICS,))
    assert len(awards) == 1
    assert ["before 1905-01-01" in why.detail for _, why in refused] == [True, True]


@pytest.mark.parametrize("word", ["none", "∞", "unbefristet", "n/a"])
def test_a_word_for_no_end_is_to_be_an_empty_cell(word: str) -> None:
    assert "leave the cell empty if there is no end" in refusal(f"7,2026-11-20,,{word}").detail


# --- What is above the headings, or is no table ---


@pytest.mark.parametrize("above", ["\n", ",,\n\n", "\r\n ,\t,\r\n"])
def test_empty_rows_above_the_headings_are_passed_over_and_counted(above: str) -> None:
    data = f"{above}learner,awarded,name\n7,2026-11-20,Ada\n8,tomorrow,Bob\n".encode()
    awards, ((bad, _),) = read_cohort(data, (ETHICS,))
    (award,) = awards
    assert (award.row, award.awarded) == (bad - 1, date(2026, 11, 20))
    assert award.row == 2 + above.count("\n")


@pytest.mark.parametrize("title", ["Table 1", "# exported", "Class of 2026,,"])
def test_a_title_above_the_headings_is_to_be_deleted(title: str) -> None:
    with pytest.raises(Refusal, match="delete the others and what stands above them"):
        read_cohort(f"{title}\nlearner,awarded\n7,2026-11-20\n".encode(), (ETHICS,))


@pytest.mark.parametrize(
    ("begins", "what"),
    [
        (b"<html><table>", "a web page or XML"),
        (b"\xef\xbb\xbf\r\n<?xml version='1.0'?>", "a web page or XML"),
        (rb"{\rtf1\ansi", "a document of a word processor"),
    ],
)
def test_a_table_in_another_format_is_named_whatever_its_name(begins: bytes, what: str) -> None:
    with pytest.raises(Refusal, match="cohort-encoding") as caught:
        read_cohort(begins, (ETHICS,))
    assert what in caught.value.detail


def test_a_cell_in_a_column_without_a_name_is_told_where_it_is() -> None:
    found = refusal("7,2026-11-20,x", "learner,awarded,")
    assert found.detail == "column without a name: name the column, or empty the cell"
