"""One page of a list, as of a size, and the cursor that leads to the next.

Lists are in log order and never change below a size, so a cursor is a position, and turning
pages while the log grows repeats nothing and misses nothing.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

import msgspec

MAX_PAGE: Final = 1000
"""Items that one page may hold."""

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items of a list as of `size`; pass `next` as `after` for more, `None` is the end."""

    size: int
    items: tuple[T, ...]
    next: int | None


def bounded(limit: int) -> int:
    """Return how many rows to ask for: the page, and one more to see if there is another."""
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page holds 1 to {MAX_PAGE} items, not {limit}")
    return limit + 1
