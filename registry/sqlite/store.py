"""The sequence in a file of SQLite: `store.Store`, in WAL mode with `synchronous = FULL`.

Entry p is row p + 1 of `entries`; `state` holds the leaf bytes themselves. Rows are added by
`SqliteTransaction.append` alone, which moves the head row with them, so the ids have no hole and
count and order agree.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Final

from registry.pool import Pool
from registry.sqlite import schema
from registry.sqlite.connection import Connect, Connection, Value, opener
from registry.sqlite.integrity import check_file
from registry.sqlite.reading import SqliteReading
from registry.store import (
    EntryRow,
    OutcomeUnknown,
    StorageDamaged,
    SubmissionRow,
)
from testamur.errors import Unavailable

# The warm end of the unique index, which every insert looks into, and then some.
_WRITERS_CACHE: Final = 64 * 1024 * 1024
_READERS_CACHE: Final = 8 * 1024 * 1024
_READERS_TIMEOUT: Final = 10.0  # seconds; a reader waits only while the file is recovered

_MOVE_HEAD: Final = "UPDATE head SET count = ? WHERE count = ? RETURNING count"


class SqliteStore:
    """The sequence in the file at `path`.

    `patience` is how long a transaction waits for its turn, in seconds. Only if `make`, a file
    that is not there is made. `connect` opens the file otherwise than by its path. Raises what
    `registry.store` lists.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience: float = 10.0,
        make: bool = True,
        connect: Connect | None = None,
    ) -> None:
        self._folder = path.parent
        self._patience = patience
        self._open = connect or opener(path, make=make)
        self._readers = Pool(self._reader, Connection.begin_reading)
        self._turn = threading.Lock()
        self._writer: Connection | None = None
        self._closed = False
        self._listeners: frozenset[threading.Event] = frozenset()
        connection = self._reader()
        try:
            schema.create(connection)
        finally:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[SqliteReading]:
        """Enter a view of the store as of one moment."""
        with self._view() as connection:
            yield SqliteReading(connection)

    @contextmanager
    def writing(self) -> Iterator[SqliteTransaction]:
        """Enter a transaction, which takes the write lock first."""
        with self._turn:
            connection = self._connected_writer()
            connection.begin_writing(patience=self._patience)
            transaction = SqliteTransaction(connection)
            try:
                yield transaction
            except (Unavailable, StorageDamaged):
                # The connection may be in any state, and the next transaction gets another.
                connection.close()
                raise
            finally:
                connection.rollback()
        if transaction.committed:
            for woken in self._listeners:
                woken.set()

    def examine(self) -> None:
        """Raise `StorageDamaged` unless pages, indexes and ids are sound."""
        with self._view() as connection:
            check_file(connection)

    @property
    def readers(self) -> int:
        """How many readings are under way in this process."""
        return self._readers.lent

    def free_space(self) -> int:
        """Return how many bytes are free on the volume of the file."""
        try:
            volume = os.statvfs(self._folder)
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be read: {error.strerror}") from error
        return volume.f_bavail * volume.f_frsize

    def listen(self, woken: threading.Event) -> None:
        """Set `woken` after every commit of this process; those of other processes do not."""
        self._listeners |= {woken}

    def unlisten(self, woken: threading.Event) -> None:
        """Set it no more."""
        self._listeners -= {woken}

    def close(self) -> None:
        """Close the file, once the transaction under way has ended."""
        self._readers.close()
        with self._turn:
            self._closed = True
            if self._writer is not None:
                self._writer.close()

    @contextmanager
    def _view(self) -> Iterator[Connection]:
        with self._readers.connection() as connection:
            yield connection
            connection.rollback()

    def _connected_writer(self) -> Connection:
        if self._closed:
            raise Unavailable("the store is closed")
        if self._writer is None or self._writer.closed:
            # `begin_writing` does the waiting.
            self._writer = self._connected(cache=_WRITERS_CACHE, timeout=0)
        return self._writer

    def _reader(self) -> Connection:
        return self._connected(cache=_READERS_CACHE, timeout=_READERS_TIMEOUT)

    def _connected(self, *, cache: int, timeout: float) -> Connection:
        connection = Connection(self._open)
        try:
            schema.identify(connection)
            connection.prepare(cache=cache, timeout=timeout)
        except BaseException:
            connection.close()
            raise
        return connection


class SqliteTransaction(SqliteReading):
    """A `store.Transaction`: the write lock is held from before its first read."""

    committed = False

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
            if not self._connection.run(_MOVE_HEAD, (last, first - 1)):
                raise StorageDamaged(f"row {first} was to follow a head of {self.count()} entries")
            self._insert("entries", entries)
        self._insert("submissions", submissions)
        self._insert("register", register)

    def commit(self) -> None:
        """Write the transaction to the disk."""
        try:
            self._connection.run("COMMIT")
        except (Unavailable, StorageDamaged) as error:
            # SQLite may have left the transaction open, and it must not be committed later.
            self._connection.close()
            if type(error) is not Unavailable:
                raise
            raise OutcomeUnknown(f"{error}; whether it was recorded is not known") from error
        self.committed = True

    def _insert(self, table: str, rows: Sequence[tuple[Value, ...]]) -> None:
        """Insert `rows` in as few steps as can be.

        A thousand rows by `executemany` took 0.8 s next to one busy thread; by one statement of
        a thousand rows 18 ms (see `reading`).
        """
        at = 0
        for size in _chunks(len(rows)):
            chunk = rows[at : at + size]
            statement = _insertion(table, len(chunk[0]), size)
            self._connection.run(statement, list(chain.from_iterable(chunk)))
            at += size


# A thousand rows of 10 values stay below SQLite's limit of 32,766 per statement. What remains
# below 128 rows, which is what a group of single events comes to, goes in one statement too:
# prepared ones of every such size take a few megabytes.
_CHUNKS: Final = (1000, 512, 256, 128)


def _chunks(size: int) -> Iterator[int]:
    """Return sizes that sum to `size`: few of them, and few distinct ones over time."""
    for chunk in _CHUNKS:
        while size >= chunk:
            yield chunk
            size -= chunk
    if size:
        yield size


def _insertion(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    values = ", ".join([row] * rows)
    return f"INSERT INTO {table} VALUES {values}"  # noqa: S608  # our own names
