"""The last signed checkpoint in a SQLite file: a driver of `log.last_signed.LastSignedStore`.

SQLite makes compare-and-swap one durable step with one flush. The claim is a lock on a file beside
it, which the operating system releases when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final

from log.last_signed import Claimed, Overtaken
from log.store import FileDamage
from testamur.errors import Unavailable

# ERROR is the answer to a statement that does not fit the tables, so these were altered.
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS last_signed (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        note BLOB NOT NULL
    ) STRICT
"""
# As bytes, whatever its type: damaged text need not be UTF-8.
_HELD: Final = "SELECT typeof(note), CAST(note AS BLOB) FROM last_signed"


class SqliteLastSigned:
    """One note in a small SQLite file at `path`, made if it is not there.

    Every method raises `Unavailable` when the file cannot be read or written, and `FileDamage`
    when it holds something else than was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._claim: IO[bytes] | None = None
        with self._failures_named():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with self._failures_named(), ExitStack() as on_failure:
            on_failure.callback(self._database.close)
            # A commit returns once it is on the device: in WAL that takes FULL, not NORMAL.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(_SCHEMA)
            on_failure.pop_all()

    def get(self) -> bytes | None:
        """Return the last signed note, None before the first."""
        with self._turn, self._failures_named():
            return self._held()

    def compare_and_swap(self, old: bytes | None, new: bytes) -> None:
        """Put `new` in the place of `old`; return once that is durable.

        Raises `Overtaken`, and changes nothing, when the stored note is not `old`.
        """
        with self._turn, self._failures_named(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            if self._held() != old:
                raise Overtaken("another publisher has signed since: its checkpoint stands")
            self._database.execute("INSERT OR REPLACE INTO last_signed VALUES (1, ?)", (new,))

    def _held(self) -> bytes | None:
        row = self._database.execute(_HELD).fetchone()
        if row is None:
            return None
        kind, note = row
        if kind != "blob":
            raise self._damage(f"the note is of type {kind}, not blob")
        return bytes(note)

    def claim(self) -> None:
        """Become the one publisher of this log until `release`, or until the process ends.

        Raises `Claimed` while another holds the claim.
        """
        if self._claim is not None:
            return  # a file lock stands as long as its descriptor is open
        with self._failures_named():
            claim = self._path.with_name(f"{self._path.name}.lock").open("ab")
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                claim.close()
                raise Claimed(f"another publisher holds {self._path}") from None
            self._claim = claim

    def release(self) -> None:
        """Give up the claim, if it is held."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def close(self) -> None:
        """Give up the claim and close the file."""
        self.release()
        with self._turn:
            self._database.close()

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:  # SQLite quotes the damaged text in its message
            raise self._damage(str(error)) from error
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise self._damage(str(error)) from error
            raise Unavailable(f"{self._path}: {error}") from error

    def _damage(self, detail: str) -> FileDamage:
        return FileDamage("last-signed", "malformed", f"{self._path.name}: {detail}")
