"""How much all answers under way may decode together, so that a crowd's questions stay bounded.

An organization may have a thousand key events with a thousand ranges each, which take ten times
as much memory as text. Nearly every answer decodes less than is counted here.
"""

from __future__ import annotations

import threading
import weakref
from typing import Final

from projections.too_long import TooLong

MOST: Final = 16 * 1024 * 1024
"""Bytes of entries that all answers under way may hold decoded."""

_AT_ONCE: Final = 256 * 1024  # counted in such steps, of which the first is free


class Decoding:
    """What the answers under way hold decoded; any thread may use it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """Count so many bytes more; raises `TooLong` if these are too many."""
        with self._lock:
            if self._held + count > self._most:
                raise TooLong(f"answers under way hold more than {self._most} bytes of entries")
            self._held += count

    def give_back(self, count: list[int]) -> None:
        """Count so many bytes less."""
        with self._lock:
            self._held -= sum(count)


ALL: Final = Decoding()


class Share:
    """What one answer holds decoded, until it is gone."""

    def __init__(self, decoding: Decoding = ALL) -> None:
        self._decoding = decoding
        self._uncounted = 0
        self._counted: list[int] = []
        weakref.finalize(self, decoding.give_back, self._counted)

    def add(self, count: int) -> None:
        """Note that `count` bytes are going to be decoded; raises `TooLong`."""
        self._uncounted += count
        if self._uncounted > _AT_ONCE:
            self._decoding.take(self._uncounted)
            self._counted.append(self._uncounted)
            self._uncounted = 0
