"""What a name may hold is told to other implementations by ranges and cases, which hold here."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from testamur.catalogue import names
from testamur.catalogue.members import Name

VECTORS: Final[dict[str, Any]] = json.loads(
    Path("tests/vectors/formats/names.json").read_text("utf-8")
)


def test_the_ranges_told_are_those_in_force() -> None:
    in_force = (names.UNSEEN, names.MARKS, names.JOINERS, names.JOINED)
    told = (VECTORS[name] for name in ("unseen", "marks", "joiners", "joined"))
    assert [[list(each) for each in ranges] for ranges in in_force] == list(told)
    assert VECTORS["maxMarks"] == names.MAX_MARKS
    did = {"d": names.D_LIKE, "i": names.I_LIKE, "colon": names.COLON_LIKE}
    assert {letter: [list(each) for each in ranges] for letter, ranges in did.items()} == VECTORS[
        "did"
    ]


@pytest.mark.parametrize("name", VECTORS["names"], ids=ascii)
def test_a_name_of_the_vectors_is_taken(name: str) -> None:
    assert msgspec.convert(name, Name) == name
    assert names.fault_of(name) is None


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["desc"])
def test_a_text_of_the_vectors_is_no_name(case: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(case["text"], Name)


@pytest.mark.slow
def test_what_a_name_may_not_hold_are_the_code_points_of_one_list_and_no_others() -> None:
    ranges = (*names.UNSEEN, *names.JOINERS)
    listed = {code for first, last in ranges for code in range(first, last + 1)}
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        taken = names.fault_of(f"a{chr(code)}b") is None
        assert taken is not (code in listed), hex(code)


@pytest.mark.slow
def test_whatever_becomes_the_letters_of_a_did_under_nfkc_is_one_of_them() -> None:
    """A reader who searches, copies or compares sees the folded letters."""
    for letter, ranges in (("d", names.D_LIKE), ("i", names.I_LIKE), (":", names.COLON_LIKE)):
        folded = {
            code
            for code in range(0x110000)
            if unicodedata.normalize("NFKC", chr(code)).casefold() == letter
        }
        assert folded <= {code for first, last in ranges for code in range(first, last + 1)}
