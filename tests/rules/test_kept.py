"""Packed ranges are the ranges that were packed, and take little room."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from testamur.catalogue.members import Range
from testamur.rules.kept import Kept
from tests.harness.key_story import KeyStory, declares

POSITIONS = st.integers(0, 60) | st.integers(0, 2**53 - 1)


@st.composite
def disjoint(draw: st.DrawFn) -> tuple[Range, ...]:
    """Ranges in order, of which some hold one position and some touch."""
    found: list[Range] = []
    for bound in sorted(draw(st.sets(POSITIONS, max_size=20))):
        reaches = draw(st.booleans())
        if found and reaches:
            found[-1] = found[-1][0], bound
        else:
            found.append((bound, bound))
    return tuple(found)


@given(disjoint(), POSITIONS)
def test_packed_ranges_hold_what_the_ranges_hold(ranges: tuple[Range, ...], position: int) -> None:
    kept = Kept.of(ranges)
    bounds = {bound for each in ranges for bound in each}
    for at in {position, *bounds, *(bound + 1 for bound in bounds), *(b - 1 for b in bounds)}:
        assert (at in kept) == any(first <= at <= last for first, last in ranges)


@given(disjoint())
def test_packed_ranges_are_the_ranges(ranges: tuple[Range, ...]) -> None:
    kept = Kept.of(ranges)
    assert (tuple(kept), len(kept)) == (ranges, len(ranges))
    assert kept.last == (ranges[-1] if ranges else None)
    assert kept == Kept.of(iter(ranges))


def test_an_organization_that_keeps_all_it_may_takes_a_tenth_of_a_megabyte() -> None:
    story = KeyStory()
    story.size = 2000
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for key, ranges in [("r1", 500), ("r2", 500), ("f", 1000)]:
        story.says(key, declares("s1", 0, *((at, at) for at in range(ranges))))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert sum(each.kept for each in story.table.history) == 2000
    assert taken < 100_000
