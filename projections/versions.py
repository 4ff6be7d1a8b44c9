"""Streams of one kind of thing, one row per event, and each thing as it was at a size.

The first row of a stream holds its terms. The last row before a size holds the status at that
size; versions rise with positions, so that row is found by going down the primary key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Row, Select, String, Table, bindparam, func, select

from projections.page import Page, Pages
from projections.tables import METADATA, NUMBER, POSITION, UUID_BYTES, located, uuid_bytes
from testamur.catalogue.table import Kind, event_types, row_of, subject_of
from testamur.rules import Flags
from testamur.verification.replay import ReplayedSubmission


class StreamEvent(msgspec.Struct, frozen=True):
    """One event of a stream, and the status after it. Versions count from 1."""

    position: int
    version: int
    event: str
    status: str


class Streams:
    """The table of all streams of one kind of thing, and what can be asked of it.

    The column that names the stream has the name of the kind. `states` is the query for every
    stream that began before `:size`, as of that size, with the columns `key`, `granted` (the
    position of version 1), and `position`, `version` and `status` of the last row; `first` and
    `last` are the two rows, from which more columns can be taken.
    """

    def __init__(self, kind: Kind, *columns: Column[Any]) -> None:
        """Keep the events of `kind`, with `columns` of their own."""
        self._name = name = str(kind)
        self._events = event_types(kind)
        self.table = Table(
            f"{name}s",
            METADATA,
            Column(name, UUID_BYTES, primary_key=True),
            Column("version", NUMBER, primary_key=True, autoincrement=False),
            Column("position", POSITION, nullable=False, unique=True),
            Column("event", String, nullable=False),
            Column("status", String, nullable=False),
            *columns,
            sqlite_with_rowid=False,
        )
        self.insertion = self.table.insert()
        self.first, self.last = self.table.alias("first"), self.table.alias("last")
        self.states = self._states()
        rows = self.table.c
        self._history = Pages(
            select(rows.position, rows.version, rows.event, rows.status).where(
                rows[name] == bindparam("key"), rows.position < bindparam("size")
            ),
            rows.version,
            _event,
        )

    def _states(self) -> Select[Any]:
        key, first, last, later = self._name, self.first, self.last, self.table.alias("later")
        newest = (
            select(func.max(later.c.version))
            .where(later.c[key] == first.c[key], later.c.position < bindparam("size"))
            .scalar_subquery()
        )
        return (
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

    def rows(self, submission: ReplayedSubmission) -> Iterator[tuple[Any, Flags, dict[str, Any]]]:
        """Yield (event, its flags, the row but for its own columns) for each event of a stream."""
        for position, event, admitted in located(submission, self._events):
            row = {
                self._name: uuid_bytes(subject_of(event)),
                "version": admitted.version,
                "position": position,
                "event": row_of(event).name,
                "status": str(admitted.status),
            }
            yield event, admitted.flags, row

    def one(self, statement: Select[Any]) -> Select[Any]:
        """Return `statement`, made of `states`, for the stream `:key` alone."""
        return statement.where(self.first.c[self._name] == bindparam("key"))

    def history(
        self, connection: Connection, name: str, size: int, after: int, limit: int
    ) -> Page[StreamEvent]:
        """Return the events of one stream as of `size`; `after` is a version."""
        return self._history.page(connection, size, after, limit, key=uuid_bytes(name))


def _event(row: Row[Any], _: int) -> StreamEvent:
    return StreamEvent(row.position, row.version, row.event, row.status)
