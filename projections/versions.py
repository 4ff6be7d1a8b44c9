"""A stream as it stood at a size: its first row, which holds the terms, and its last by then.

Shared by the tables that keep one row per event under (id, version). Versions rise with
positions, so the last row before a size is found by one step down the primary key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, FromClause, Select, Table, bindparam, func, select

from projections.page import Page, bounded


class StreamEvent(msgspec.Struct, frozen=True):
    """One event of a stream, and the status it led to. Versions count from 1."""

    position: int
    version: int
    event: str
    status: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The query for every stream of `table` that began before `:size`, as it stood there.

    It has the columns `key`, `granted` (the position of version 1), and `position`, `version`
    and `status` of the last row; `first` and `last` are the two rows, to ask for more.
    """

    table: Table
    key: str
    first: FromClause
    last: FromClause
    all: Select[Any]

    @classmethod
    def over(cls, table: Table, key: str) -> Standing:
        """Return the query over `table`, whose column `key` names the stream."""
        first, last, later = table.alias("first"), table.alias("last"), table.alias("later")
        newest = (
            select(func.max(later.c.version))
            .where(later.c[key] == first.c[key], later.c.position < bindparam("size"))
            .scalar_subquery()
        )
        statement = (
            select(
                first.c[key].label("key"),
                first.c.position.label("granted"),
                last.c.position,
                last.c.version,
                last.c.status,
            )
            .join_from(first, last, last.c[key] == first.c[key])
            .where(
                first.c.version == 1,
                first.c.position < bindparam("size"),
                last.c.version == newest,
            )
        )
        return cls(table, key, first, last, statement)

    def one(self, statement: Select[Any]) -> Select[Any]:
        """Return `statement` for the stream `:key` alone."""
        return statement.where(self.first.c[self.key] == bindparam("key"))

    def history(
        self, connection: Connection, key: bytes | None, size: int, after: int, limit: int
    ) -> Page[StreamEvent]:
        """Return the events of one stream as of `size`; `after` is a version."""
        table = self.table
        statement = (
            select(table.c.position, table.c.version, table.c.event, table.c.status)
            .where(table.c[self.key] == key, table.c.version > after, table.c.position < size)
            .order_by(table.c.version)
            .limit(bounded(limit))
        )
        rows = connection.execute(statement).all()
        more = rows[limit - 1].version if len(rows) > limit else None
        return Page(size, tuple(StreamEvent(*row) for row in rows[:limit]), more)
