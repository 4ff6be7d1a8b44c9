"""The submissions that a declaration keeps: ranges of header positions, packed.

A range takes 16 bytes in memory, where tuples of numbers take 140, and an organization may keep
thousands. It checks neither order nor bounds: `KeyCompromised` and `key_admission.py` do.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from testamur.catalogue.members import Range

_BYTES = 16  # two numbers of 8 bytes, in this machine's own order


class Kept(msgspec.Struct, frozen=True, gc=False):
    """Disjoint ranges [from, to] of header positions, in order, each with both its ends."""

    packed: bytes = b""

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Kept:
        """Return the ranges, packed; they must be disjoint and in order."""
        return cls(array("q", chain.from_iterable(ranges)).tobytes())

    def __len__(self) -> int:
        """Return how many ranges there are."""
        return len(self.packed) // _BYTES

    def __iter__(self) -> Iterator[Range]:
        """Yield each range, in order."""
        bounds = self.bounds
        return zip(bounds[::2], bounds[1::2], strict=True)

    def __contains__(self, position: int) -> bool:
        """Return whether one of the ranges has `position`."""
        bounds = self.bounds
        after = bisect_right(bounds, position)
        # Past the start of a range and not past its end, or at its end.
        return after % 2 == 1 or (after > 0 and bounds[after - 1] == position)

    @property
    def last(self) -> Range | None:
        """The last range, or None if there is none."""
        bounds = self.bounds
        return (bounds[-2], bounds[-1]) if bounds else None

    @property
    def bounds(self) -> memoryview[int]:
        """The first and the last position of each range, one after the other."""
        return memoryview(self.packed).cast("q")
