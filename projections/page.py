"""One page of a list, as of a size, and the cursor that leads to the next.

Lists are in log order and never change below a size. So a cursor is a position, or a number that
rises with it, and reading page after page while the log grows repeats nothing and misses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam

MAX_PAGE: Final = 1000
"""Items that one page may hold."""
MAX_PAGE_TEXT: Final = 512 * 1024
"""Characters after which a page ends early: an item may be as long as an entry, 64 KiB."""

_AT_ONCE: Final = 32  # things that are read together for a page

T = TypeVar("T")
Name = TypeVar("Name")


class Stretch(NamedTuple):
    """The entries that a list is asked about: those from `first` on, and below `end`."""

    first: int = 0
    end: int = 2**63 - 1


WHOLE: Final = Stretch()
"""The whole log."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items of a list as of `size`; pass `next` as `after` for more, `None` is the end."""

    size: int
    items: tuple[T, ...]
    next: int | None


class Pages(Generic[T]):
    """A list: the rows of `statement` in the order of the column `cursor`, page by page.

    `from_row` makes an item from a row and the size it holds for. Bind parameters of the statement
    other than `:size` are keyword arguments of `page`.
    """

    def __init__(
        self,
        statement: Select[Any],
        cursor: ColumnElement[int],
        from_row: Callable[[Row[Any], int], T],
    ) -> None:
        self._statement = (
            statement.add_columns(cursor.label("cursor"))
            .where(cursor > bindparam("after"))
            .order_by(cursor)
            .limit(bindparam("limit"))
        )
        self._from_row = from_row

    def page(
        self,
        connection: Connection,
        size: int,
        after: int,
        limit: int,
        *,
        within: Stretch = WHOLE,
        **names: object,
    ) -> Page[T]:
        """Return the page that follows the row whose cursor is `after`.

        Where cursors are positions, `within` is the stretch of the log that they lie in.

        It holds `limit` items, or fewer where these are long, and `next` where there are more.
        """
        after = max(after, within.first - 1)
        asked = {"size": min(size, within.end), "after": after, "limit": bounded(limit), **names}
        items: list[T] = []
        held = 0
        with connection.execute(self._statement, asked) as rows:
            # Row by row, so that memory never holds more of them than the page does.
            for row in rows:
                if len(items) == limit or held >= MAX_PAGE_TEXT:
                    return Page(size, tuple(items), after)
                items.append(self._from_row(row, size))
                held += sum(len(value) for value in row if type(value) in (str, bytes))
                after = row.cursor
        return Page(size, tuple(items), None)


def filled(
    page: Page[tuple[int, Name]],
    make: Callable[[Sequence[Name]], Sequence[T]],
    weight: Callable[[T], int],
) -> Page[T]:
    """Return the page of the things that `page` names, each beside its cursor.

    `make` reads a few at a time; the page ends early once they weigh `MAX_PAGE_TEXT` together.
    """
    items: list[T] = []
    held = 0
    after = 0
    for start in range(0, len(page.items), _AT_ONCE):
        some = page.items[start : start + _AT_ONCE]
        for (cursor, _), made in zip(some, make([name for _, name in some]), strict=True):
            if held >= MAX_PAGE_TEXT:
                return Page(page.size, tuple(items), after)
            items.append(made)
            held += weight(made)
            after = cursor
    return Page(page.size, tuple(items), page.next)


def bounded(limit: int) -> int:
    """Return how many rows to ask for: those of the page, and one more if there is another page."""
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page holds 1 to {MAX_PAGE} items, not {limit}")
    return limit + 1
