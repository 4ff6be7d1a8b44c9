"""Plain names are found to be names sooner, and by no other rule."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.catalogue.names import _PLAIN, PATTERN

RULE: Final = re.compile(PATTERN.removeprefix(f"{_PLAIN}|"))
BOTH: Final = re.compile(PATTERN)


def test_the_plain_ones_come_first() -> None:
    assert RULE.pattern != BOTH.pattern
    assert re.search(_PLAIN, "Soil Science, Ltd. (C-1)")


@pytest.mark.parametrize(
    "text", ["a\n", "a \n", "did:key:z", "A did:x", " a", "a ", "a  b", "", "\t", "a\x7f"]
)
def test_no_fault_is_plain(text: str) -> None:
    assert not BOTH.search(text)


@given(st.text(st.sampled_from("adDiI0:,~! \n\x7f\u00a0\u0301"), max_size=12))
def test_what_is_plain_is_a_name_by_the_whole_rule(text: str) -> None:
    assert bool(BOTH.search(text)) == bool(RULE.search(text))
