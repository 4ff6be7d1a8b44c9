"""The sequence in PostgreSQL: `store.Store`, for several processes on several machines.

Entry p is row p + 1 of `entries`; `state` holds the leaf bytes themselves. Rows are added by
`PostgresTransaction` alone, which holds the lock on the head's row from before its first read
until COMMIT. So the order of positions is the order of commits, and a reader may follow by
position alone; a sequence of PostgreSQL would leave a hole for every transaction that failed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Final
from uuid import uuid4

from registry.outcomes import Overloaded
from registry.pool import Pool
from registry.postgres import schema
from registry.postgres.address import Address
from registry.postgres.announcements import Announcements, channel_of
from registry.postgres.connection import Connection
from registry.postgres.integrity import check_database
from registry.postgres.packing import packed
from registry.postgres.reading import PostgresReading
from registry.store import EntryRow, SetBack, StorageDamaged, SubmissionRow
from testamur.errors import Unavailable

_READERS: Final = 16

_COPY: Final = (
    "COPY entries (notification_id, originator_id, originator_version, topic, state, leaf)"
    " FROM STDIN (FORMAT binary)"
)
# One round trip for both lists.
_LIST: Final = """
    WITH listed AS (INSERT INTO submissions SELECT * FROM unnest(
        %(position)s::bigint[], %(events)s::int[], %(issuer)s::text[], %(key)s::text[],
        %(recorded_at)s::bigint[], %(register_events)s::int[], %(flags)s::bytea[],
        %(issuances)s::bigint[], %(grants)s::bigint[], %(endings)s::bigint[]))
    INSERT INTO register SELECT * FROM unnest(%(of_register)s::bigint[], %(headers)s::bigint[])
"""


class PostgresStore:
    """The sequence in the database at `url`, whose tables `migrating.migrate` made.

    `patience` is how long a transaction waits for its turn, and a reader beyond the 16th for its
    connection, in seconds. `durable=False` takes a server that runs with `fsync = off`, for tests.
    Raises what `registry.store` lists.
    """

    def __init__(self, url: str, *, patience: float = 10.0, durable: bool = True) -> None:
        self._address = Address.parse(url)
        self._patience = patience
        self._durable = durable
        self._readers = Pool(
            self._connected, Connection.begin_reading, most=_READERS, patience=patience
        )
        self._turn = threading.Lock()
        self._writer: Connection | None = None
        self._closed = False
        self._seen = _Seen()
        self._name = uuid4().hex
        self._listeners: frozenset[threading.Event] = frozenset()
        self._announcements: Announcements | None = None
        with closing(self._connected()) as connection:
            self._channel = channel_of(connection, "head")

    @contextmanager
    def reading(self) -> Iterator[PostgresReading]:
        """Enter a view of the store as of one moment."""
        with self._view() as connection:
            yield PostgresReading(connection)

    @contextmanager
    def writing(self) -> Iterator[PostgresTransaction]:
        """Enter a transaction, which takes the write lock first."""
        if not self._turn.acquire(timeout=self._patience):
            raise Overloaded(f"another thread held the write lock for {self._patience} s")
        try:
            seen = self._seen.count
            connection = self._begun_writer()
            try:
                self._seen.check(connection.head, seen)
                transaction = PostgresTransaction(connection, f"{self._channel}, '{self._name}'")
                yield transaction
            except (Unavailable, StorageDamaged):
                # The session may be in any state, and the next transaction gets another.
                connection.close()
                raise
            finally:
                connection.rollback()
        finally:
            self._turn.release()
        if transaction.committed:
            self._seen.note(transaction.count())
            self._wake()

    def examine(self) -> None:
        """Raise `StorageDamaged` unless indexes, ids and lists are sound."""
        with self._view() as connection:
            check_database(connection)

    @property
    def readers(self) -> int:
        """How many readings are under way in this process."""
        return self._readers.lent

    def free_space(self) -> None:
        """Return None: PostgreSQL does not tell."""

    def listen(self, woken: threading.Event) -> None:
        """Set `woken` after every commit, of this process and of others."""
        with self._turn:
            self._listeners |= {woken}
            if self._announcements is None and not self._closed:
                self._announcements = Announcements(self._connected, self._channel, self._hear)

    def unlisten(self, woken: threading.Event) -> None:
        """Set it no more."""
        self._listeners -= {woken}

    def close(self) -> None:
        """End the sessions, once the transaction under way has ended."""
        self._readers.close()
        with self._turn:
            self._closed = True
            if self._writer is not None:
                self._writer.close()
            if self._announcements is not None:
                self._announcements.close()

    @contextmanager
    def _view(self) -> Iterator[Connection]:
        seen = self._seen.count
        with self._readers.connection() as connection:
            self._seen.check(connection.head, seen)
            yield connection
            # What was read is read. A session that is gone by now is replaced when it is needed.
            with suppress(Unavailable):
                connection.rollback()

    def _hear(self, name: str | None) -> None:
        if name != self._name:  # of its own commits this process knows already
            self._wake()

    def _wake(self) -> None:
        for woken in self._listeners:
            woken.set()

    def _begun_writer(self) -> Connection:
        if self._closed:
            raise Unavailable("the store is closed")
        if self._writer is not None and not self._writer.closed:
            try:
                return _locked(self._writer)
            except Unavailable:
                if not self._writer.closed:
                    raise
            # It was cut while it was idle. Nothing was asked of it yet, so another takes its place.
        self._writer = self._connected()
        return _locked(self._writer)

    def _connected(self) -> Connection:
        connection = Connection(self._address, patience=self._patience, durable=self._durable)
        try:
            schema.identify(connection)
        except BaseException:
            connection.close()
            raise
        return connection


class PostgresTransaction(PostgresReading):
    """A `store.Transaction`: the lock on the head is held from before its first read.

    `announcement` is what NOTIFY is given at COMMIT. There is one for each commit, since the
    server takes a lock for the whole instance to order them.
    """

    committed = False

    def __init__(self, connection: Connection, announcement: str) -> None:
        super().__init__(connection)
        self._announcement = announcement

    def append(
        self,
        entries: Sequence[EntryRow],
        submissions: Sequence[SubmissionRow],
        register: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Add entries, whose ids go on from the head, and list their submissions."""
        if entries:
            first, last = entries[0][0], entries[-1][0]
            if last - first + 1 != len(entries):
                raise ValueError(f"{len(entries)} entries cannot have the ids {first} to {last}")
            if first != self.count() + 1:
                raise StorageDamaged(f"row {first} was to follow a head of {self.count()} entries")
            self._connection.copy(_COPY, packed(entries))
            self._count = last
        if submissions or register:
            self._connection.run(_LIST, _listed(submissions, register))

    def commit(self) -> None:
        """Move the head, tell those who listen, and write the transaction to the disk."""
        moved = f"UPDATE head SET count = {self.count()} WHERE id = 0;"
        self._connection.commit(f"{moved} NOTIFY {self._announcement};")
        self.committed = True


class _Seen:
    """The most entries that this process saw: a store that has fewer later was set back.

    Once others appended as many again, the count tells nothing: `register_state` compares a hash.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def check(self, head: int | None, before: int) -> None:
        """Raise `SetBack` unless the head counts what was seen `before` it was read."""
        if head is None:
            return  # which `PostgresReading.count` reports
        if head < before:
            raise SetBack(
                f"the head counts {head} entries, and counted {before} before: the database was"
                " set back to an earlier state"
            )
        self.note(head)

    def note(self, count: int) -> None:
        """Take note that there are so many."""
        with self._lock:
            self.count = max(self.count, count)


def _locked(connection: Connection) -> Connection:
    try:
        connection.begin_writing()
    except Overloaded:
        connection.rollback()
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _listed(
    submissions: Sequence[SubmissionRow], register: Sequence[tuple[int, int]]
) -> dict[str, list[object]]:
    columns = zip(*submissions, strict=True) if submissions else [()] * len(SubmissionRow._fields)
    listed = {
        name: list(column) for name, column in zip(SubmissionRow._fields, columns, strict=True)
    }
    listed["of_register"] = [position for position, _ in register]
    listed["headers"] = [header for _, header in register]
    return listed
