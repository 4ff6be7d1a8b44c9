"""Lists, page after page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from projections.page import Page


def all_pages(turn: Callable[[Any, int], Page[Any]], start: int, limit: int) -> list[Any]:
    """Return the items of every page of a list, turned by its cursors."""
    found: list[Any] = []
    after: int | None = start
    while after is not None:
        page = turn(after, limit)
        found += page.items
        after = page.next
    return found
