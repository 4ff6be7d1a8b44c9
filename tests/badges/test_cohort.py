"""A class list is taken as it is meant, or refused by row, column and value, all of it at once."""

from __future__ import annotations

import json
import time
import tracemalloc
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges.cohort_csv import (
    MAX_REFUSED,
    Award,
    Offering,
    Provider,
    Registered,
    read_cohort,
    read_given,
)
from testamur.badges.spreadsheet import MAX_FILE, MAX_ROWS, UNREAD
from testamur.catalogue.ids import new_id
from testamur.catalogue.members import Definition, Outcome
from testamur.errors import Refusal
from tests.harness.story import party

PROVIDER = Provider(
    country="NL",
    did=party("polytechnic").did,
    id="did:web:provider.example",
    name="Example Polytechnic",
    url="https://provider.example",
)
OFFERING_FILE: dict[str, Any] = {
    "achievement": new_id(),
    "accreditation": new_id(),
    "version": 2,
    "description": "Short course on the ethical use of data.",
    "criteria": "Pass the portfolio with grade 6 or higher.",
    "definition": {
        "name": "Applied Data Ethics",
        "achievementType": "MicroCredential",
        "assessment": ["portfolio"],
        "languages": ["en"],
        "level": {"framework": "EQF", "value": 6},
        "outcomes": [
            {
                "name": "evaluates bias",
                "framework": "ESCO",
                "url": "http://data.europa.eu/esco/skill/1",
            },
            {"name": "explains itself"},
        ],
        "participation": ["blended"],
        "qualityAssurance": ["programme"],
        "supervision": "supervisedOnline",
        "workload": {"unit": "tenthOfEcts", "amount": 25},
    },
}
ETHICS = read_given(json.dumps(OFFERING_FILE).encode(), Offering)
DRAWING = Offering(
    achievement=new_id(),
    criteria="Draw.",
    definition=Definition(name="Drawing", achievement_type="Course"),
    description="Drawing.",
)
GOOD = "learner,awarded\nada@example.org,2026-11-21\n"


def read(text: str | bytes, *offerings: Offering) -> list[Award]:
    awards, refused = read_cohort(as_bytes(text), offerings or (ETHICS,))
    assert refused == []
    assert len(awards) == len(list(awards))
    return list(awards)


def wrong(text: str | bytes, *offerings: Offering) -> list[tuple[int, Refusal]]:
    return read_cohort(as_bytes(text), offerings or (ETHICS,))[1]


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


# --- What is taken ---


def test_a_row_is_an_award() -> None:
    (award,) = read(
        "learner,learnerId,name,awarded,validUntil,evidence,achievement\n"
        "ada@example.org,did:example:ada,Ada Lovelace,2026-11-21,2031-11-20,"
        "https://a.example/1 https://a.example/2,Applied Data Ethics\n"
    )
    assert award == Award(
        row=2,
        awarded=date(2026, 11, 21),
        offering=ETHICS,
        evidence=("https://a.example/1", "https://a.example/2"),
        learner="ada@example.org",
        learner_did="did:example:ada",
        name="Ada Lovelace",
        valid_until=date(2031, 11, 20),
    )


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.rstrip("\n"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.replace(",", ";"),
        "Learner ; Awarded\nada@example.org ; 2026-11-21\n",
        "awarded,learner\n2026-11-21,ada@example.org\n",
        '"learner","awarded"\n"ada@example.org","2026-11-21"\n',
        "learner,awarded,,\nada@example.org,2026-11-21,,\n,,,\n",
        "learner,awarded\n\n\nada@example.org,2026-11-21\n\n",
        "learner,awarded,valid until\nada@example.org,2026-11-21,\n",
        "LEARNER,Awarded,Valid_Until\nada@example.org,2026-11-21,\u00a0\n",
    ],
)
def test_what_spreadsheets_make_of_one_list_is_one_list(text: str) -> None:
    (award,) = read(text)
    assert (award.learner, award.awarded) == ("ada@example.org", date(2026, 11, 21))


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    awards = read("learner,awarded\n\na1,2026-11-21\n,\n\na2,2026-11-21\n")
    assert [(award.row, award.learner) for award in awards] == [(3, "a1"), (6, "a2")]


def test_a_quoted_cell_may_hold_the_delimiter() -> None:
    (award,) = read('learner;name;awarded\n7;"Lovelace; Ada";2026-11-21\n')
    assert award.name == "Lovelace; Ada"


def test_accents_have_one_spelling_so_that_a_typed_address_hashes_alike() -> None:
    composed, decomposed = "zoë@example.org", "zoe\u0308@example.org"
    (award,) = read(GOOD.replace("ada@example.org", decomposed))
    assert award.learner == composed


def test_the_achievement_is_named_by_id_or_by_name_where_several_are_on_offer() -> None:
    text = f"learner,awarded,achievement\n1,2026-11-21,{DRAWING.achievement}\n"
    text += "1,2026-11-21,Applied Data Ethics\n"
    assert [award.offering for award in read(text, ETHICS, DRAWING)] == [DRAWING, ETHICS]


# --- What is refused: rows ---


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("awarded", "", "is empty"),
        ("awarded", "21/11/2026", "not a date"),
        ("awarded", "2026-11-31", "not a date"),
        ("awarded", "2026-1-2", "not a date"),
        ("awarded", "20261121", "not a date"),
        ("awarded", "2026-W47-6", "not a date"),
        ("awarded", "2026-11-21T00:00:00Z", "not a date"),
        ("awarded", "46347", "not a date"),  # the day, as a spreadsheet counts
        ("awarded", "２０２６-11-21", "not a date"),  # noqa: RUF001
        ("validUntil", "2026-11-20", "before the day awarded"),
        ("validUntil", "never", "not a date"),
        ("learner", "", "is empty: whose award"),
        ("learner", "ada@", "not an e-mail address"),
        ("learner", "ada@example", "not an e-mail address"),
        *(("learner", f"a{c}da@example.org", "invisible") for c in "\u200b\u00ad\u200d\u2060"),
        ("learner", "ada@example.org, bob@example.org", "not an e-mail address"),
        ("learner", "did:example:ada", "goes into column learnerId"),
        ("learner", "2.02611E+11", "rounded"),
        ("learner", "2,02611e11", "rounded"),
        ("learner", "x" * 321, "longer than 320"),
        ("learner", "x" * 2001, "longer than 2000"),
        ("learner", "=HYPERLINK(A1)", "formula"),
        ("learner", "+31612345678", "formula"),
        ("learner", "-7", "formula"),
        ("learner", "@SUM(A1)", "formula"),
        ("learner", "#N/A", "formula"),
        ("learner", "#REF!", "formula"),
        ("learner", "ada\u202e@example.org", "invisible"),
        ("learner", "ada\x07@example.org", "invisible"),
        ("learner", "ada\nbob", "line break"),
        ("learnerId", "ada", "not a DID"),
        ("learnerId", "did:web:", "not a DID"),
        ("learnerId", "did:web:a b", "not a DID"),
        ("name", "=1+1", "formula"),
        ("name", "Ada\u2028Lovelace", "invisible"),
        ("name", "x" * 201, "not a name"),
        ("evidence", "portfolio.pdf", "not a URL"),
        ("evidence", "javascript:alert(1)", "not a URL"),
        ("evidence", "https://a.example " * 11, "more than 10"),
        *(("evidence", f"https://a.example/1{c}https://b.example", "spaces") for c in (",", "; ")),
        ("evidence", "https://a.example/1;", "spaces between"),
        (
            "achievement",
            "Cooking",
            "names 0 of those on offer; write the id or the name: Applied Data Ethics",
        ),
    ],
)
def test_a_bad_cell_is_refused_by_row_column_and_reason(column: str, cell: str, why: str) -> None:
    ((number, refusal),) = wrong(table([{"learner": "7", "awarded": "2026-11-21", column: cell}]))
    assert number == 2
    assert refusal.detail.startswith(f"column {column}: ")
    assert why in refusal.detail


def test_an_achievement_must_be_named_where_several_are_on_offer() -> None:
    for text in (GOOD, "learner,awarded,achievement\n7,2026-11-21,\n"):
        ((row, refusal),) = wrong(text, ETHICS, DRAWING)
        assert (row, refusal.rule) == (2, "cohort-achievement")
        assert "2 are on offer" in refusal.detail


def test_an_achievement_must_not_be_ambiguous() -> None:
    ((_, refusal),) = wrong("learner,awarded,achievement\n7,2026-11-21,Drawing\n", DRAWING, DRAWING)
    assert "names 2 of those on offer" in refusal.detail


def table(rows: list[dict[str, str]]) -> bytes:
    columns = list(rows[0])
    lines = [columns, *([row[column] for column in columns] for row in rows)]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    return ("\n".join(quoted) + "\n").encode()


def test_all_that_is_wrong_is_listed_not_only_the_first() -> None:
    refused = wrong(
        "learner,name,awarded,validUntil\n"
        "=1,=2,tomorrow,2026-13-01\n"
        "ada@example.org,Ada,2026-11-21,\n"
        "7,Bob,21-11-2026,\n"
        "8,2026-11-21\n"
    )
    assert [(row, refusal.value) for row, refusal in refused] == [
        (2, "=1"),
        (2, "=2"),
        (2, "tomorrow"),
        (2, "2026-13-01"),
        (4, "21-11-2026"),
        (5, "2 cells"),
    ]
    assert "one cell for each of 4 columns" in refused[-1][1].detail


def test_good_rows_are_read_beside_bad_ones() -> None:
    awards, refused = read_cohort(b"learner,awarded\n1,x\n2,2026-11-21\n", (ETHICS,))
    assert [award.row for award in awards] == [3]
    assert [row for row, _ in refused] == [2]


def test_a_learner_is_known_by_the_address_and_by_the_did() -> None:
    rows = ["a@b.example,did:web:a.example", "a@b.example,", ",did:web:a.example"]
    text = "learner,learnerId,awarded\n" + "".join(f"{row},2026-11-21\n" for row in rows)
    awards, refused = read_cohort(text.encode(), (ETHICS,))
    assert [award.row for award in awards] == [2]
    assert [(row, why.rule) for row, why in refused] == [
        (3, "cohort-duplicate"),
        (4, "cohort-duplicate"),
    ]


@pytest.mark.parametrize("again", ["ada@example.org", "ADA@Example.org", " ada@example.org"])
def test_a_learner_given_twice_is_refused_and_the_first_row_named(again: str) -> None:
    ((row, refusal),) = wrong(GOOD + f"{again},2026-11-22\n")
    assert (row, refusal.rule) == (3, "cohort-duplicate")
    assert "row 2" in refusal.detail


def test_one_learner_may_be_awarded_two_achievements() -> None:
    text = "learner,awarded,achievement\n7,2026-11-21,Drawing\n7,2026-11-21,Applied Data Ethics\n"
    assert len(read(text, ETHICS, DRAWING)) == 2


def test_quotes_out_of_step_end_the_reading_and_say_where() -> None:
    text = (
        GOOD
        + 'bob@example.org,"2026-11-21\n'
        + "".join(f"a{i},2026-11-21\n" for i in range(20_000))
    )
    awards, refused = read_cohort(text.encode(), (ETHICS,))
    assert len(awards) == 1
    ((row, refusal),) = refused
    assert (row, refusal.rule) == (3, UNREAD)
    assert "not read any further" in refusal.detail


def test_a_wrong_file_is_not_refused_row_by_row_for_ever() -> None:
    text = "learner,awarded\n" + "x,y\n" * 5_000
    refused = wrong(text)
    assert len(refused) == MAX_REFUSED + 1
    assert "were not read" in refused[-1][1].detail


# --- What is refused: files ---


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "rule", "why"),
    [
        (b"", "cohort-header", "is empty; row 1 names the columns"),
        (b"learner\nada@example.org\n", "cohort-header", "needs `awarded`"),
        (b"awarded\n2026-11-21\n", "cohort-header", "`learner` or `learnerId`"),
        (b"learner,awarded,grade\n1,2026-11-21,8\n", "cohort-header", "the columns are"),
        (b"learner,awarded,Awarded\n", "cohort-header", "twice"),
        (b'"learner,awarded\n', "cohort-header", "not CSV"),
        (b"ada@example.org,2026-11-21\n", "cohort-header", "the columns are"),
        (b"learner,awarded" + b"," * 80, "cohort-header", "more than 64 columns"),
        (GOOD.encode("utf-16")[:-1], "cohort-encoding", "line 2 is not UTF-16"),
        (GOOD.encode("utf-16-le"), "cohort-encoding", "line 1 is not UTF-8"),
        (GOOD.encode("utf-32"), "cohort-encoding", "line 1 is not UTF-16"),
        (b"\x1f\x8b\x08", "cohort-encoding", "compressed; unpack it first"),
        (b"%PDF-1.7", "cohort-encoding", "is a PDF"),
        (GOOD.replace("ada", "zoë").encode("latin-1"), "cohort-encoding", "line 2 is not UTF-8"),
        (GOOD.encode() + b"bob\0@example.org,2026-11-21\n", "cohort-encoding", "line 3"),
        (b"PK\x03\x04\x00\x00xl/workbook.xml", "cohort-encoding", "workbook"),
        (b"learner,awarded\n" + b"1,x\n" * (MAX_ROWS + 1), "cohort-size", "make two of it"),
        (b"learner,awarded\n" + b"\n" * 1_048_576, "cohort-size", "delete the empty rows"),
        (b"x" * (MAX_FILE + 1), "cohort-size", "bytes"),
    ],
)
def test_a_file_that_is_no_class_list_is_refused_whole(data: bytes, rule: str, why: str) -> None:
    with pytest.raises(Refusal, match=why) as caught:
        read_cohort(data, (ETHICS,))
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    "row",
    [
        b"," * 4_000_000,
        b"a" * 4_000_000,
        b'"' + b"a" * 4_000_000,
        b'"\n",' * 1_000_000,
        "\U0001f600".encode() * 1_000_000,
    ],
)
def test_a_row_without_end_costs_little_more_than_its_file(row: bytes) -> None:
    """A cell of nothing is eight bytes in a list, and 64 MB of commas took 970 MB."""
    data = GOOD.encode() + row
    tracemalloc.start()
    try:
        awards, refused = read_cohort(data, (ETHICS,))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(awards) == 1
    ((number, refusal),) = refused
    assert (number, refusal.rule) == (3, UNREAD)
    assert "a row is at most 65536 bytes" in refusal.detail
    assert most < 2 * len(data)


def test_row_1_has_an_end_too() -> None:
    with pytest.raises(Refusal, match="a row is at most") as caught:
        read_cohort(b"," * 1_000_000, (ETHICS,))
    assert caught.value.rule == "cohort-header"


def test_a_row_as_long_as_its_cells_may_be_is_read() -> None:
    quotes = '"' + '""' * 2_000 + '"'
    text = f"learner,awarded,name,evidence\nada,2026-11-21,{quotes},{quotes}\n"
    assert {refusal.rule for _, refusal in wrong(text)} == {"cohort-cell"}


@pytest.mark.slow
@pytest.mark.parametrize("empty", ["\n", "\r\n", "\r", ",,\n", " , ,\r\n", "," * 90 + "\n"])
def test_empty_rows_count_as_rows_and_cost_next_to_nothing(empty: str) -> None:
    text = "learner,awarded\n" + empty * 3 + "7,2026-11-21\n" + empty * 2 + "8,nonsense\n"
    awards, refused = read_cohort(text.encode(), (ETHICS,))
    assert [award.row for award in awards] == [5]
    assert [row for row, _ in refused] == [8]
    begun = time.process_time()
    assert read(b"learner,awarded\n" + (b"," * 60 + b"\n") * 100_000) == []
    assert time.process_time() - begun < 5


def test_quotes_out_of_step_are_found_by_their_line_behind_empty_rows() -> None:
    ((row, refusal),) = wrong("learner,awarded\n\n,\n\n7,2026-11-21\n\n" + '8,"2026\n' * 3)
    assert (row, refusal.rule) == (7, UNREAD)


@given(st.binary(max_size=200) | st.text(',;"\n\r=a1-@\0 ', max_size=80).map(str.encode))
def test_whatever_the_bytes_a_list_is_read_or_refused(data: bytes) -> None:
    for start in (b"", b"learner,awarded\n", b"learner;awarded;name\r\n"):
        try:
            awards, refused = read_cohort(start + data, (ETHICS,))
        except Refusal:
            continue
        assert all(isinstance(refusal, Refusal) for _, refusal in refused)
        assert all(award.learner for award in awards)


# --- What a provider says beside the list ---


def test_an_offering_a_provider_and_a_mapping_are_read_from_json() -> None:
    assert ETHICS.version == 2
    assert ETHICS.definition.outcomes is not None
    assert ETHICS.definition.outcomes[1] == Outcome(name="explains itself")
    did = PROVIDER.did
    data = json.dumps({"did": did, "name": "Example Polytechnic", "country": "NL"}).encode()
    assert read_given(data, Provider).url is None
    mapping = json.dumps({"https://p.example/1": {"achievement": DRAWING.achievement}}).encode()
    assert read_given(mapping, dict[str, Registered])["https://p.example/1"].version == 1


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"achievement": "teamwork"}, "achievement"),
        ({"achievement": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, "achievement"),
        ({"version": 0}, "version"),
        ({"version": "1"}, "version"),
        ({"criteria": ""}, "criteria"),
        ({"grade": 8}, "grade"),
        ({"definition": {"name": "x"}}, "definition"),
        ({"definition": {**OFFERING_FILE["definition"], "assessment": ["exam"]}}, "assessment"),
    ],
)
def test_a_wrong_offering_is_refused_by_its_member(members: dict[str, Any], why: str) -> None:
    with pytest.raises(Refusal, match=why) as caught:
        read_given(json.dumps(OFFERING_FILE | members).encode(), Offering)
    assert caught.value.rule == "settings"
