"""A stream as it stood at a size: its first row, which holds the terms, and its last by then.

Shared by the tables that keep one row per event under (id, version). Versions rise with
positions, so the last row before a size is found by one step down the primary key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Select, Table, bindparam, func, select

from projections.page import Page, bounded


class StreamEvent(msgspec.Struct, frozen=True):
    """One event of a stream, and the status it led to. Versions count from 1."""

    position: int
    version: int
    event: str
    status: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The query for streams as of `:size`: columns `key`, `granted` (position of version 1),
    `position`, `version` and `status` of the last row, and named ones of the first.
    """

    all: Select[Any]
    first: Any
    key: str
    table: Table

    def where_key(self) -> Select[Any]:
        """Return the query for the one stream `:key`."""
        return self.all.where(self.first.c[self.key] == bindparam("key"))


def standing(table: Table, key: Column[Any], *of_first: str) -> Standing:
    """Return the query over `table`, whose streams are named by the column `key`."""
    first, last, later = table.alias("first"), table.alias("last"), table.alias("later")
    newest = (
        select(func.max(later.c.version))
        .where(later.c[key.name] == first.c[key.name], later.c.position < bindparam("size"))
        .scalar_subquery()
    )
    statement = (
        select(
            first.c[key.name].label("key"),
            first.c.position.label("granted"),
            last.c.position,
            last.c.version,
            last.c.status,
            *(first.c[name] for name in of_first),
        )
        .join_from(first, last, last.c[key.name] == first.c[key.name])
        .where(first.c.version == 1, last.c.version == newest)
    )
    return Standing(statement, first, key.name, table)


def history_of(
    connection: Connection, stream: Standing, key: bytes | None, size: int, after: int, limit: int
) -> Page[StreamEvent]:
    """Return the events of the stream `key` as of `size`; `after` is a version."""
    table = stream.table
    statement = (
        select(table.c.position, table.c.version, table.c.event, table.c.status)
        .where(table.c[stream.key] == key, table.c.version > after, table.c.position < size)
        .order_by(table.c.version)
        .limit(bounded(limit))
    )
    rows = connection.execute(statement).all()
    more = rows[limit - 1].version if len(rows) > limit else None
    return Page(size, tuple(StreamEvent(*row) for row in rows[:limit]), more)
