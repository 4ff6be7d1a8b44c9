"""Sets of positions hold what they say, however their bounds meet."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.rules.spans import Spans, below_or_within, changed, clipped, common

END = 12
BOUNDS = st.lists(st.integers(0, END), unique=True).map(
    lambda found: sorted(found)[: len(found) // 2 * 2]
)


def held(spans: Spans) -> set[int]:
    """Return the positions of a set, once its spelling is found to be the only one."""
    assert spans == sorted(set(spans))
    assert len(spans) % 2 == 0
    return {
        at
        for at in range(END)
        if any(a <= at < b for a, b in zip(spans[::2], spans[1::2], strict=True))
    }


@pytest.mark.parametrize("since", range(9))
@pytest.mark.parametrize(
    "ranges", [[], [3, 3], [3, 5], [3, 4, 5, 6], [0, 0, 2, 2], [2, 3, 4, 4, 6, 6], [0, END]]
)
def test_what_a_declaration_leaves_is_before_it_and_what_it_keeps(
    since: int, ranges: list[int]
) -> None:
    kept = {at for a, b in zip(ranges[::2], ranges[1::2], strict=True) for at in range(a, b + 1)}
    expected = {at for at in range(END) if at < since or at in kept}
    assert held(below_or_within(since, ranges)) == expected


@settings(max_examples=30)
@given(st.lists(BOUNDS, min_size=1, max_size=4))
def test_what_is_common_is_in_all_sets(sets: list[Spans]) -> None:
    assert held(common(sets)) == set.intersection(*map(held, sets))


@settings(max_examples=30)
@given(BOUNDS, BOUNDS)
def test_what_changed_is_lost_or_gained(before: Spans, after: Spans) -> None:
    lost, gained = changed(before, after)
    assert held(lost) == held(before) - held(after)
    assert held(gained) == held(after) - held(before)


@settings(max_examples=30)
@given(BOUNDS, st.integers(0, END), st.integers(0, END))
def test_what_is_clipped_lies_between(spans: Spans, first: int, end: int) -> None:
    assert held(clipped(spans, first, end)) == held(spans) & set(range(first, end))
