"""Sets of positions as lists of bounds: from the first to just before the second, and so on.

Bounds ascend and none stands twice, so each set has one spelling. A declaration may keep a
thousand ranges and is judged under the write lock, so these functions work on whole lists.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import eq
from typing import Final, TypeAlias

Spans: TypeAlias = list[int]

ABOVE_ALL: Final = 2**63
"""A bound above every position."""

_BELOW_ALL: Final = -1


def below_or_within(since: int, ranges: Sequence[int]) -> Spans:
    """Return the positions below `since`, and those in `ranges`.

    `ranges` has the first and the last position of each; they are disjoint and in order.
    """
    bounds = list(ranges)
    bounds[1::2] = [last + 1 for last in ranges[1::2]]
    if any(map(eq, bounds[1::2], bounds[2::2])):  # of two that touch, neither bound is one
        touching = set(bounds[1::2]).intersection(bounds[::2])
        bounds = [bound for bound in bounds if bound not in touching]
    at = bisect_left(bounds, since)
    if at % 2:  # the rest of a range that reaches across
        return [_BELOW_ALL, *bounds[at:]]
    if bounds[at : at + 1] == [since]:
        return [_BELOW_ALL, *bounds[at + 1 :]]
    return [_BELOW_ALL, since, *bounds[at:]]


def clipped(spans: Spans, first: int, end: int) -> Spans:
    """Return the positions of `spans` from `first` to just before `end`."""
    if first >= end:
        return []
    low, high = bisect_right(spans, first), bisect_left(spans, end)
    return [*([first] * (low % 2)), *spans[low:high], *([end] * (high % 2))]


def common(sets: Sequence[Spans]) -> Spans:
    """Return the positions that are in all of the sets; there must be one at least."""
    if len(sets) == 1:
        return sets[0]
    # Where a span begins the number is odd, where one ends it is even.
    turns = [2 * bound + 1 for spans in sets for bound in spans[::2]]
    turns += [2 * bound for spans in sets for bound in spans[1::2]]
    turns.sort()
    inside = accumulate([1 if turn & 1 else -1 for turn in turns])
    most = len(sets), len(sets) - 1
    return [
        turn >> 1 for turn, sets_ in zip(turns, inside, strict=True) if sets_ == most[not turn & 1]
    ]


def changed(before: Spans, after: Spans) -> tuple[Spans, Spans]:
    """Return the positions that are in the first set alone, and those in the second alone."""
    if not before or not after:
        return before, after
    both = common([before, after])
    return _without(before, both), _without(after, both)


def _without(spans: Spans, part: Spans) -> Spans:
    """Return the positions of `spans` that are not in `part`, which lies within them."""
    # A bound of both begins a span in both, or ends one in both.
    return sorted(set(spans).symmetric_difference(part))
