"""A page of what is looked for among rows that an index gives in log order.

A question costs what its answer is long only if an index knows the answer. Where it knows some
more rows than that, a bounded number of them is looked at for one page. So a page may hold few
items, or none, and still name a next one; nothing is missed, and no question reads without end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)

from projections.page import Page, Stretch, bounded

EXAMINED: Final = 10_000
"""Rows that are looked at for one page."""

T = TypeVar("T")


class Search(Generic[T]):
    """The rows of `candidates`, in the order of the column `cursor`, that meet the conditions.

    `candidates` must come from an index in the order of `cursor`, or from stretches of the log
    that come in the order `order`. The conditions are asked of the candidates, as a table. Bind
    parameters other than `:size`, above every cursor, are keyword arguments of `page`.
    """

    def __init__(
        self,
        candidates: Select[Any],
        cursor: ColumnElement[int],
        conditions: Callable[[FromClause], Sequence[ColumnElement[bool]]],
        from_row: Callable[[Row[Any], int], T],
        *,
        order: Sequence[ColumnElement[int]] = (),
    ) -> None:
        # Where stretches lead to the rows, these bounds must not: the planner would take them and
        # read all that lies between them, for each stretch anew. A sum is in no index.
        bounded_by = cursor + literal_column("0") if order else cursor
        looked_at = (
            candidates.add_columns(cursor.label("cursor"))
            .where(bounded_by > bindparam("after"), bounded_by < bindparam("size"))
            .order_by(*(order or [cursor]))
            .limit(bindparam("examined"))
            .subquery("examined")
        )
        # Without an order of its own: to sort them, all candidates would be read for any page.
        self._rows = select(looked_at).where(*conditions(looked_at)).limit(bindparam("limit"))
        self._examined = select(func.count(), func.max(looked_at.c.cursor)).select_from(looked_at)
        self._from_row = from_row

    def page(
        self,
        connection: Connection,
        size: int,
        after: int,
        limit: int,
        *,
        within: Stretch,
        **names: object,
    ) -> Page[T]:
        """Return the page of what follows the cursor `after`; cursors are positions."""
        asked = {
            "size": min(size, within.end),
            "after": max(after, within.first - 1),
            "examined": EXAMINED,
            **names,
        }
        rows = connection.execute(self._rows, {**asked, "limit": bounded(limit)}).all()
        if any(one.cursor >= other.cursor for one, other in pairwise(rows)):
            raise TypeError("the database gave rows of an index in another order")
        items = tuple(self._from_row(row, size) for row in rows[:limit])
        if len(rows) > limit:
            return Page(size, items, rows[limit - 1].cursor)
        count, last = connection.execute(self._examined, asked).one()
        return Page(size, items, last if count >= EXAMINED else None)
