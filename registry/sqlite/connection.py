"""A connection to the file: durable at every COMMIT, its errors those of the seam."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from registry.outcomes import Overloaded
from registry.sqlite.errors import is_busy, translated
from registry.store import StorageDamaged
from testamur.errors import Unavailable

Value: TypeAlias = int | str | bytes | None
Connect: TypeAlias = Callable[[], sqlite3.Connection]

_OLDEST_SQLITE: Final = (3, 38)  # STRICT tables, and JSON built in
_CHECKPOINT_AFTER: Final = 16 * 1024 * 1024  # bytes of write-ahead log
_POLL: Final = 0.002
_PATIENCE: Final = 10.0  # seconds


class Connection:
    """Runs statements; at most one thread at a time may use it, and any thread may."""

    def __init__(self, connect: Connect) -> None:
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise Unavailable(f"SQLite {sqlite3.sqlite_version} is too old, need 3.38")
        self.closed = False
        try:
            self._raw = connect()
        except sqlite3.Error as error:
            raise translated(error) from error

    def prepare(self, *, cache: int, timeout: float) -> None:
        """Make every COMMIT durable; `cache` is in bytes.

        `timeout` is how long SQLite itself waits for a lock, in seconds; 0 leaves the waiting to
        `begin_writing`.
        """
        self._switch_to_wal()
        self.run("PRAGMA synchronous = FULL")
        self.run(f"PRAGMA cache_size = {-cache // 1024}")
        ((page,),) = self.run("PRAGMA page_size")
        self.run(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_AFTER // page}")
        self.run(f"PRAGMA busy_timeout = {round(timeout * 1000)}")

    def run(self, statement: str, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; raises what `registry.store` lists."""
        try:
            return self._raw.execute(statement, values).fetchall()
        # SQLite quotes a damaged schema in its errors, and that need not be UTF-8.
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise translated(error) from error

    def begin_reading(self) -> None:
        """Begin a view of one moment, which the first statement picks."""
        self.run("BEGIN")

    def begin_writing(self, *, patience: float = _PATIENCE) -> None:
        """Take the write lock; raises `Overloaded` after `patience` seconds.

        The lock comes before the first read of the transaction: SQLite refuses to upgrade a
        reader once another connection has written.
        """
        # SQLite's own wait backs off to 100 ms between tries, and starves beside a busy writer
        # that releases the lock for less than that. Short random naps get a fair share.
        deadline = time.monotonic() + patience
        while True:
            try:
                self._raw.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                if not is_busy(error):
                    raise translated(error) from error
                if time.monotonic() >= deadline:
                    raise Overloaded(
                        f"another process held the write lock for {patience} s"
                    ) from error
                time.sleep(random.uniform(_POLL / 10, _POLL))  # noqa: S311  # a nap, not a secret
            else:
                return

    def rollback(self) -> None:
        """Leave the transaction, if SQLite has not already left it after an error of its own."""
        if not self.closed and self._raw.in_transaction:
            self.run("ROLLBACK")

    def close(self) -> None:
        """Close the file; a transaction under way is rolled back."""
        self.closed = True
        self._raw.close()

    def _switch_to_wal(self) -> None:
        # Two processes that create the file together can meet here, and SQLite does not wait for
        # this lock by itself.
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                ((mode,),) = self.run("PRAGMA journal_mode = WAL")
            except Overloaded:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL)
            else:
                break
        if mode != "wal":
            raise StorageDamaged(f"the file system allows no write-ahead log: journal mode {mode}")


def opener(path: Path, *, make: bool) -> Connect:
    """Return what opens the file at `path`; only if `make`, one that is not there is made."""
    place = f"file:{quote(str(path))}?mode={'rwc' if make else 'rw'}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            place, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512
        )

    return connect
