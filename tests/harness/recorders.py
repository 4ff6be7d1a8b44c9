"""Recorders of `eventsourcing` on PostgreSQL, ours and the library's own, to be compared.

    python -m tests.harness.recorders URL ours|stock|functions EVENTS

inserts so many events of 4 kB in one call, in a process that a test can end if the call hangs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Protocol
from uuid import uuid4

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder
from psycopg.conninfo import conninfo_to_dict

from registry.outcomes import Overloaded
from registry.postgres.store import PostgresStore
from registry.store import Store
from testamur.tlog.merkle import leaf_hash
from tests.harness.writing_recorder import WritingRecorder


def event(state: bytes = b"state", version: int = 1) -> StoredEvent:
    """Return an event of a stream of its own."""
    return StoredEvent(uuid4(), version, "topic", state)


class Recorded(Protocol):
    """A sequence of events, and how one comes in."""

    @property
    def recorder(self) -> ApplicationRecorder:
        """The recorder that reads it, and inserts."""
        ...

    def under_way(self) -> AbstractContextManager[None]:
        """Insert an event in a transaction that is committed at the end."""
        ...

    def insert_soon(self) -> None:
        """Insert an event, if that need not wait for long."""
        ...


class Ours:
    """Our recorder over a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.recorder = WritingRecorder(store)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Insert an event in a transaction that is committed at the end."""
        with self.store.writing() as transaction:
            row = (transaction.count() + 1, uuid4().bytes, 1, "topic", b"", leaf_hash(b""))
            transaction.append([row], [])
            yield
            transaction.commit()

    def insert_soon(self) -> None:
        """Insert an event, if that need not wait for long."""
        with suppress(Overloaded):
            self.recorder.insert_events([event()])

    def close(self) -> None:
        """Close the store."""
        self.store.close()


class Stock:
    """The library's own recorder; with `functions` it inserts by a function in the database."""

    def __init__(self, url: str, *, functions: bool, table: str = "stored_events") -> None:
        found = conninfo_to_dict(url)
        self.datastore = PostgresDatastore(
            str(found["dbname"]),
            str(found["host"]),
            5432,
            str(found["user"]),
            "",
            pool_size=4,
            schema=str(found.get("options", "")).rpartition("=")[2],
            enable_db_functions=functions,
        )
        self.recorder = PostgresProcessRecorder(
            self.datastore, events_table_name=table, tracking_table_name=f"{table}_tracking"
        )
        self.recorder.create_table()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Insert an event by the function, in a transaction that is committed at the end."""
        new = event()
        values = self.recorder.construct_pg_stored_event(
            new.originator_id, new.originator_version, new.topic, new.state
        )
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(self.recorder.sql_invoke_pg_function_insert_events, ([values],))
            yield

    def insert_soon(self) -> None:
        """Insert an event."""
        self.recorder.insert_events([event()])

    def close(self) -> None:
        """Close the connections."""
        self.datastore.close()


def tail(recorder: ApplicationRecorder, after: int) -> Sequence[Notification]:
    """Return what a reader that has seen everything up to `after` sees next."""
    return recorder.select_notifications(after, 100, inclusive_of_start=False)


def main(url: str, kind: str, events: int) -> None:
    """Insert events in one call."""
    opened: Ours | Stock
    if kind == "ours":
        opened = Ours(PostgresStore(url, durable=False))
    else:
        opened = Stock(url, functions=kind == "functions")
    with closing(opened):
        opened.recorder.insert_events([event(bytes(4096)) for _ in range(events)])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
