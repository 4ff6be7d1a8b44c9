"""The sequence as `eventsourcing` knows it: an application recorder with its subscriptions.

Whatever goes through here lands in the same `entries` and moves the same head row as what the
gate admits (`sequence.append` does both), so there is one total order whoever writes. The
recorder asks nothing about what it is given, signatures least of all: only the gate does, and
the application of `application.py` therefore writes nothing through it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from threading import Event
from typing import Any, Final, NoReturn, cast
from uuid import UUID

# As modules: the library looks for factory classes among the names of this one.
from eventsourcing import persistence, sqlite

from registry import sequence
from testamur.tlog.merkle import leaf_hash

_POLL: Final = 0.1
"""Seconds after which a subscription looks for itself: other processes cannot wake it."""


class EntryTransaction(sqlite.SQLiteTransaction):
    """A transaction that takes the write lock at once, and leaves none behind when COMMIT fails."""

    def __enter__(self) -> sqlite.SQLiteCursor:
        if self.commit:
            try:
                sequence.begin(self.connection.raw)
            except (sequence.StorageLocked, sqlite3.OperationalError) as error:
                raise persistence.OperationalError(str(error)) from error
            return self.connection.cursor()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:  # noqa: PYI036
        try:
            super().__exit__(*error)
        finally:
            # A COMMIT that found the disk full may leave the transaction open.
            sequence.rollback(self.connection.raw)

    connection: EntryConnection


class EntryConnection(sqlite.SQLiteConnection):
    """A pooled connection whose transactions are `EntryTransaction`s."""

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection of the standard library."""
        return self._sqlite_conn

    @contextlib.contextmanager
    def transaction(self, *, commit: bool) -> Iterator[sqlite.SQLiteCursor]:
        """Run the block in a transaction; the cursor is closed after it."""
        with EntryTransaction(self, commit=commit) as cursor, cursor:
            yield cursor


class EntryConnectionPool(sqlite.SQLiteConnectionPool):
    """Pools connections made by `sequence.connect`."""

    def _create_connection(self) -> EntryConnection:
        try:
            raw = sequence.connect(self.db_name, timeout=self.lock_timeout or 10)
        except sqlite3.Error as error:
            raise persistence.InterfaceError(str(error)) from error
        raw.row_factory = sqlite3.Row
        return EntryConnection(raw, max_age=self.max_age)

    def close(self) -> None:
        """Close the connections that are idle; those in use are closed when they come back.

        The library closes them all, and closing one while a thread is in the middle of a
        statement on it crashes the interpreter.
        """
        with self._put_condition:
            self._closed = True
            while self._pool:
                self._pool.popleft().close()

    def put_connection(self, conn: sqlite.SQLiteConnection) -> None:
        """Take a connection back."""
        try:
            super().put_connection(conn)
        except persistence.ConnectionPoolClosedError:
            conn.close()


class EntryDatastore(sqlite.SQLiteDatastore):
    """A datastore on an `EntryConnectionPool`."""

    def __init__(self, db_name: str, *, lock_timeout: int | None = None, **options: Any) -> None:
        super().__init__(db_name, lock_timeout=lock_timeout, **options)
        if self.originator_id_type != "uuid":
            raise ValueError(f"streams are named by UUIDs, not by {self.originator_id_type}")
        if self.pool.is_sqlite_memory_mode:
            raise ValueError("the sequence is kept in a file: memory forgets")
        self.pool.close()
        # Patience, because a disk may take its time.
        self.pool = EntryConnectionPool(
            db_name=db_name, lock_timeout=lock_timeout, pool_timeout=30.0
        )


class EntryRecorder(sqlite.SQLiteApplicationRecorder):
    """Records events in the sequence; `notification_id` is position + 1."""

    def __init__(self, datastore: EntryDatastore, events_table_name: str = "entries") -> None:
        super().__init__(datastore, events_table_name)
        self._listeners: set[Event] = set()

    def construct_create_table_statements(self) -> list[str]:
        """Return the tables of the sequence."""
        return list(sequence.TABLES)

    def create_table(self) -> None:
        """Create what is missing, whoever else may be doing so."""
        with self.datastore.get_connection(commit=True) as connection:
            sequence.create(cast("EntryConnection", connection).raw)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor in a read transaction; its errors are those of the library."""
        with self.datastore.transaction(commit=False) as cursor:
            yield cursor.sqlite_cursor

    def insert_events(
        self, stored_events: Sequence[persistence.StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append the events in one transaction and return their ids, without holes."""
        ids = super().insert_events(stored_events, **kwargs)
        self.wake_subscriptions()
        return ids

    def _insert_events(
        self,
        c: sqlite.SQLiteCursor,
        stored_events: Sequence[persistence.StoredEvent],
        **_: Any,
    ) -> Sequence[int] | None:
        cursor = c.sqlite_cursor
        first = sequence.count(cursor) + 1
        rows = [
            (
                number,
                _key(stored.originator_id),
                stored.originator_version,
                stored.topic,
                stored.state,
                leaf_hash(stored.state),
            )
            for number, stored in enumerate(stored_events, first)
        ]
        sequence.append(cursor, rows)
        return list(range(first, first + len(rows)))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[persistence.Notification]:
        """Return events of one stream, each with its place in the sequence."""
        return self._select(
            [
                ("originator_id = ?", _key(originator_id)),
                ("originator_version > ?", gt),
                ("originator_version <= ?", lte),
            ],
            order=f"originator_version {'DESC' if desc else 'ASC'}",
            limit=limit,
        )

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[persistence.Notification]:
        """Return at most `limit` events from `start` to `stop` (ids), of `topics` if any."""
        among = f"topic IN ({', '.join('?' * len(topics))})"
        return self._select(
            [
                (f"notification_id {'>=' if inclusive_of_start else '>'} ?", start),
                ("notification_id <= ?", stop),
                (among, tuple(topics) or None),
            ],
            order="notification_id ASC",
            limit=limit,
        )

    def max_notification_id(self) -> int | None:  # type: ignore[override]  # as its own base says
        """Return how many entries there are, or None when there are none."""
        with self.reading() as cursor:
            return sequence.count(cursor) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> EntrySubscription:
        """Return an iterator over the events after id `gt`, which then waits for more."""
        return EntrySubscription(self, gt=gt, topics=topics)

    def listen(self, event: Event) -> None:
        """Set `event` whenever this process has appended."""
        self._listeners = self._listeners | {event}

    def unlisten(self, event: Event) -> None:
        """Set it no more."""
        self._listeners = self._listeners - {event}

    def wake_subscriptions(self) -> None:
        """Tell the subscriptions of this process that entries were committed."""
        for event in self._listeners:
            event.set()

    def _select(
        self,
        conditions: list[tuple[str, Any]],
        *,
        order: str,
        limit: int | None,
    ) -> list[persistence.Notification]:
        kept = [(text, value) for text, value in conditions if value is not None]
        where = f"WHERE {' AND '.join(text for text, _ in kept)}" if kept else ""
        values: list[Any] = []
        for _, value in kept:
            values.extend(value if isinstance(value, tuple) else (value,))
        statement = f"SELECT * FROM entries {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        with self.reading() as cursor:
            found = cursor.execute(statement, [*values, -1 if limit is None else limit]).fetchall()
        return [
            persistence.Notification(
                id=row["notification_id"],
                originator_id=UUID(bytes=row["originator_id"]),
                originator_version=row["originator_version"],
                topic=row["topic"],
                state=row["state"],
            )
            for row in found
        ]


class EntrySubscription(persistence.ListenNotifySubscription[EntryRecorder]):
    """Yields events as they are committed, by this process at once, by others within 0.1 s."""

    def __init__(
        self, recorder: EntryRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder, gt=gt, topics=topics)
        recorder.listen(self._has_been_notified)

    def stop(self) -> None:
        """Stop iterating."""
        super().stop()
        self._recorder.unlisten(self._has_been_notified)

    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(_POLL)
        except BaseException as error:  # noqa: BLE001  # handed to whoever iterates
            self._thread_error = error
            self.stop()


class EntryFactory(sqlite.SQLiteFactory):
    """Makes recorders of the sequence in the file `SQLITE_DBNAME`."""

    application_recorder_class: type[sqlite.SQLiteApplicationRecorder] = EntryRecorder

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        stock = self.datastore
        stock.close()
        self.datastore = EntryDatastore(
            stock.pool.db_name,
            lock_timeout=stock.pool.lock_timeout,
            originator_id_type=stock.originator_id_type,
        )

    def aggregate_recorder(self, purpose: str = "events") -> NoReturn:
        """Refuse: the file holds one sequence, and the policy state is its only snapshot."""
        raise NotImplementedError(f"no separate recorder for {purpose}")

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> NoReturn:
        """Refuse: who follows the sequence keeps its place elsewhere."""
        raise NotImplementedError("no tracking in the file of the sequence")

    def process_recorder(self) -> NoReturn:
        """Refuse, for the same reason."""
        raise NotImplementedError("no tracking in the file of the sequence")


def _key(originator_id: UUID | str) -> bytes:
    return originator_id.bytes if isinstance(originator_id, UUID) else UUID(originator_id).bytes
