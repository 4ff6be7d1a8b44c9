"""One list is read alike, however it was saved; rows are numbered as the spreadsheet shows them."""

from __future__ import annotations

import csv
import io
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges.cohort_csv import read_cohort
from testamur.badges.columns import Reading
from testamur.badges.headings import COLUMNS, template
from testamur.badges.spreadsheet import MAX_ROWS, UNREAD, read_table
from testamur.errors import Refusal
from tests.badges.test_cohort import ETHICS, GOOD

ROWS = [["learner", "awarded"], ["ada@example.org", "2026-11-21"], ["7", "2026-11-22"]]


def learners(data: bytes, reading: Reading = Reading()) -> list[tuple[int, str | None]]:  # noqa: B008  # it is frozen
    awards, refused = read_cohort(data, (ETHICS,), reading)
    assert refused == []
    return [(award.row, award.learner) for award in awards]


def saved(rows: list[list[str]], delimiter: str = ",", *, quoted: bool = False) -> str:
    text = io.StringIO(newline="")
    dialect = csv.unix_dialect if quoted else csv.excel
    csv.writer(text, dialect, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


# --- One list in every form ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_list_is_the_same_however_it_is_saved(
    delimiter: str, encoding: str, ends: str, *, quoted: bool
) -> None:
    text = saved(ROWS, delimiter, quoted=quoted).replace("\r\n", ends)
    assert learners(text.encode(encoding)) == [(2, "ada@example.org"), (3, "7")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_both_orders_of_bytes_of_unicode_text_are_read(encoding: str) -> None:
    data = ("\ufeff" + saved([*ROWS, ["zoë@example.org", "2026-11-21"]], "\t")).encode(encoding)
    assert learners(data)[2] == (4, "zoë@example.org")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":"])
@pytest.mark.parametrize("line", ["sep={}", '"sep={}"', "SEP={}", '"sep={}",', "sep={};;"])
@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
def test_a_line_that_names_the_separator_is_no_row(line: str, delimiter: str, ends: str) -> None:
    text = f"{line.format(delimiter)}\r\n{saved(ROWS, delimiter)}".replace("\r\n", ends)
    for mark in ("", "\ufeff"):
        assert learners((mark + text).encode()) == [(2, "ada@example.org"), (3, "7")]


def test_the_separator_that_is_named_need_not_be_the_one_that_is_used() -> None:
    # A spreadsheet saved anew what it had read by this line.
    assert learners(b"sep=;\n" + GOOD.encode()) == [(2, "ada@example.org")]


def test_headings_tell_the_separator_not_how_often_it_occurs() -> None:
    text = 'learner;"name";awarded\n7;Lovelace, Ada, Countess, of, Commas;2026-11-21\n'
    assert learners(text.encode()) == [(2, "7")]
    reading = Reading(headings={"learner": "E-mail, or number, or both", "awarded": "Day; UTC"})
    text = "E-mail, or number, or both\tDay; UTC\n7\t2026-11-21\n"
    assert learners(text.encode(), reading) == [(2, "7")]


cells = st.text(st.sampled_from(",;\t|\"'ab1 \né"), max_size=8)


@given(
    st.lists(st.tuples(st.integers(1, 10**9), cells), max_size=5, unique_by=lambda row: row[0]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["", "sep"]),
)
def test_what_is_accepted_is_read_alike_in_every_form(
    rows: list[tuple[int, str]],
    delimiter: str,
    quoted: bool,  # noqa: FBT001  # drawn by position
    encoding: str,
    line: str,
) -> None:
    table = [["learner", "name", "awarded"]]
    table += [[f"{number}", cell, "2026-11-21"] for number, cell in rows]
    line = f"sep={delimiter}\r\n" if line else ""
    plain = read_cohort(saved(table).encode(), (ETHICS,))
    again = read_cohort((line + saved(table, delimiter, quoted=quoted)).encode(encoding), (ETHICS,))
    assert list(again[0]) == list(plain[0])
    assert [(row, str(why)) for row, why in again[1]] == [(row, str(why)) for row, why in plain[1]]


# --- Rows ---


@pytest.mark.parametrize("data", [b"\r\n", b"\n\n", b",;\n"])
def test_a_file_of_empty_lines_has_no_rows(data: bytes) -> None:
    assert list(read_table(data, COLUMNS.__contains__).rows()) == []


def test_empty_rows_below_the_list_are_no_rows() -> None:
    text = "learner;awarded;\r\n"
    text += "".join(f"a{number}@example.org;2026-11-20;\r\n" for number in range(30))
    text += ";;\r\n" * (MAX_ROWS + 5)
    assert len(learners(text.encode())) == 30


@pytest.mark.parametrize("empty", ["", ",", " , ", '"",""', "\u00a0,\t"])
def test_an_empty_row_is_passed_over_and_counted(empty: str) -> None:
    text = f"learner,awarded\n{empty}\n7,2026-11-20\n{empty}\n{empty}\n8,2026-11-20\n{empty}"
    assert learners(text.encode()) == [(3, "7"), (6, "8")]


def test_a_row_that_was_broken_over_lines_is_one_row() -> None:
    text = 'learner,name,awarded\n7,"Ada\nLovelace",2026-11-20\n8,Bob,2026-11-2O\n'
    _, refused = read_cohort(text.encode(), (ETHICS,))
    assert [row for row, _ in refused] == [2, 3]
    assert "line break" in refused[0][1].detail


@pytest.mark.parametrize(
    "below", ["Total: 30,", "Total,30", ",2026-11-21", "30,", "as of 2026-11-21,"]
)
def test_what_stands_below_the_list_is_not_a_learner(below: str) -> None:
    awards, refused = read_cohort(f"{GOOD}{below}\n".encode(), (ETHICS,))
    assert len(awards) == 1
    assert {row for row, _ in refused} == {3}


@pytest.mark.parametrize("row", ["7", "7,2026-11-20,8", "1,046,783,2026-11-20", "7;2026-11-20"])
def test_a_row_of_other_cells_than_columns_is_refused(row: str) -> None:
    awards, ((number, refusal),) = read_cohort(f"{GOOD}{row}\n".encode(), (ETHICS,))
    assert (len(awards), number, refusal.rule) == (1, 3, "cohort-row")


def test_the_line_of_quotes_out_of_step_counts_the_line_of_the_separator() -> None:
    for before, line in (("", 3), ("sep=,\n", 4)):
        _, refused = read_cohort(f'{before}{GOOD}"7,2026-11-20\n'.encode(), (ETHICS,))
        ((row, refusal),) = refused
        assert (row, refusal.rule) == (3, UNREAD)
        assert f"at line {line}" in refusal.detail


@pytest.mark.parametrize("data", [b"sep=;", b"sep=;\n", b"sep=", b"sep=\n", b'"sep="",\n', b"\n"])
def test_a_line_for_the_separator_alone_is_no_list(data: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_cohort(data, (ETHICS,))
    assert caught.value.rule == "cohort-header"


@pytest.mark.parametrize(
    "data",
    [
        b"sep=" + b'"' * 100_000,
        b'"' * 1_000_000,
        b"," * 1_000_000,
        b"a" * 1_000_000,
        b"learner,awarded\n" + b'"' * 1_000_000,
        b"learner,awarded\n" + b"7," + b"1T" * 500_000,
        b"learner,awarded\n" + b"a@" * 900 + b",x\n",
        b"learner,awarded\n" + (b"1-" * 900 + b",x\n") * 500,
    ],
)
def test_a_hostile_file_is_refused_in_no_time(data: bytes) -> None:
    begun = time.process_time()
    try:
        awards, refused = read_cohort(data, (ETHICS,))
    except Refusal:
        pass
    else:
        assert (len(awards), bool(refused)) == (0, True)
    assert time.process_time() - begun < 2


# --- Headings of one's own, and the template ---


@pytest.mark.parametrize("written", ["E-mail", "e-mail", "E_Mail", " Email "])
def test_a_heading_of_ones_own_is_mapped(written: str) -> None:
    reading = Reading(headings={"learner": written, "awarded": "Datum"})
    data = b"Datum;E-mail\n2026-11-20;ada@example.org\n"
    assert learners(data, reading) == [(2, "ada@example.org")]


def test_headings_may_be_exchanged() -> None:
    reading = Reading(headings={"learner": "name", "name": "learner"})
    (award,), _ = read_cohort(b"learner,name,awarded\nAda,7,2026-11-20\n", (ETHICS,), reading)
    assert (award.learner, award.name) == ("7", "Ada")


@pytest.mark.parametrize(
    ("text", "headings", "why"),
    [
        ("E-mail,awarded", {"learner": "Mail"}, "no heading 'Mail', which --map takes for learner"),
        ("E-mail,awarded", {}, "--map learner=HEADING"),
        ("E-mail,awarded,grade", {"learner": "E-mail"}, "delete the others"),
        ("E-mail,E-Mail,awarded", {"learner": "E-mail"}, "twice"),
        ("x,awarded", {"learner": "x", "name": "x"}, "needs `awarded`, and `learner`"),
        ("learner,E-mail,awarded", {"learner": "E-mail"}, "the columns are"),
        ("learner,Datum", {"validUntil": "Datum"}, "needs `awarded`"),
    ],
)
def test_headings_that_do_not_tell_what_is_what_are_refused(
    text: str, headings: dict[str, str], why: str
) -> None:
    with pytest.raises(Refusal, match="cohort-header") as caught:
        read_cohort(f"{text}\n".encode(), (ETHICS,), Reading(headings=headings))
    assert why in caught.value.detail


def test_all_headings_that_mean_nothing_are_named() -> None:
    with pytest.raises(Refusal) as caught:
        read_cohort(b"learner,awarded,grade,group\n", (ETHICS,))
    assert caught.value.value == "grade, group"


def test_the_template_is_an_empty_list_with_every_column() -> None:
    assert read_table(template(), COLUMNS.__contains__).headings == list(COLUMNS)
    assert learners(template()) == []
    assert learners(template() + b"7,,,2026-11-20,,,\r\n") == [(2, "7")]
    (award,), _ = read_cohort(template() + b"7,,,2026-11-20,,,\r\n", (ETHICS,))
    assert award.awarded == date(2026, 11, 20)
