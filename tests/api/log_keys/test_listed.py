"""A list of keys names each once, in the order of their days, and leaves no day without one."""

from __future__ import annotations

from datetime import date

import pytest

from api.log_keys.listed import KeyList, MalformedKeyList
from testamur.errors import Refuted
from testamur.tlog.note import SignerKey

A, B, C = (SignerKey.from_seed("log.example/1", bytes([n]) * 32).verifier for n in (1, 2, 3))
OTHER = SignerKey.from_seed("log.example/2", bytes([9]) * 32).verifier


def test_a_list_says_who_signs_on_a_day() -> None:
    found = KeyList.parse(
        f"{A} 2026-01-01 2026-12-31\n{B} 2026-12-01 2027-06-30\n{C} 2027-06-30 -\n"
    )
    for day, expected in (
        (date(2025, 12, 31), []),
        (date(2026, 1, 1), [A]),
        (date(2026, 12, 1), [A, B]),
        (date(2026, 12, 31), [A, B]),
        (date(2027, 1, 1), [B]),
        (date(2027, 6, 30), [B, C]),
        (date(2030, 1, 1), [C]),
    ):
        assert [line.key for line in found.in_force(day)] == expected
    assert found.keys.keys == (A, B, C)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{A} 2026-01-01 2026-12-31\n", "no key signs after 2026-12-31"),
        (f"{A} 2026-01-01 2026-12-31\n{B} 2027-01-01 -\n", "on one day at least both must sign"),
        (f"{A} 2026-02-01 -\n{B} 2026-01-01 -\n", "the first key comes first"),
        (f"{A} 2026-01-01 -\n{A} 2026-02-01 -\n", "listed twice"),
        (f"{A} 2026-01-01 -\n{OTHER} 2026-02-01 -\n", "another log"),
        (f"{A} 2026-01-01 2025-12-31\n{B} 2025-12-01 -\n", "the first key comes first"),
        (f"{A} 2026-01-01 -\n{B} 2026-03-01 2026-02-01\n", "no day"),
        (f"{A} 2026-1-01 -\n", "a day is spelled"),
        (f"{A} 20260101 -\n", "a day is spelled"),
        (f"{A} 2026-01-01\n", "a line is"),
        (f"{A} 2026-01-01 -", "not the spelling"),
        (f"{A}  2026-01-01 -\n", "a line is"),
        ("", "a line is"),
        ("PRIVATE+KEY+x 2026-01-01 -\n", "key"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(text: str, why: str) -> None:
    with pytest.raises(Refuted, match=why):
        KeyList.parse(text)


def test_no_two_spellings_are_one_list() -> None:
    text = f"{A} 2026-01-01 -\n"
    assert KeyList.parse(text).render() == text
    with pytest.raises(MalformedKeyList):
        KeyList.parse(text.replace(" ", "\t"))
