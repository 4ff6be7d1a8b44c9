"""The last checkpoint that this log signed, kept apart from the tiles it vouches for.

A checkpoint may leave only once it has replaced, in one durable step, the very one it extends. So
of two publishers that both extend the same checkpoint one fails, and the log never signs two
trees of which neither contains the other. It does not protect against being itself restored from
an old copy: whoever does that must first ask what the published checkpoint says.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Final

from log.store import Damage
from testamur.errors import Refuted, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# ERROR is what it answers to a statement that its own tables do not fit.
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS last_signed (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        note BLOB NOT NULL
    ) STRICT
"""


# As bytes, whatever it is, for text need not be UTF-8.
_HELD: Final = "SELECT typeof(note), CAST(note AS BLOB) FROM last_signed"


class Overtaken(Refuted):
    """The checkpoint to be replaced is not the last one signed: another publisher is at work."""


class LastSigned:
    """One note in a small SQLite file at `path`; may be shared by threads.

    Every method raises `Unavailable` when the file cannot be read or written, and `Damage` when it
    holds something else than was written. After a
    `compare_and_swap` that raised so, either note may be the one stored.
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
        """Return the last note that was signed, or None before the first."""
        with self._turn, self._failures_named():
            return self._held()

    def compare_and_swap(self, old: bytes | None, new: bytes) -> None:
        """Put `new` in the place of `old`; return once that is durable.

        Raise `Overtaken`, and change nothing, when it is not `old` that is stored.
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
            raise self._damage(f"where the note was there is {kind}")
        return bytes(note)

    def claim(self) -> None:
        """Become the one publisher of this log until `release`, or until the process ends.

        Raise `Unavailable` while another holds the claim. Safety does not rest on it, which
        `compare_and_swap` sees to: it keeps two publishers from undoing each other's work.
        """
        if self._claim is not None:
            return
        with self._failures_named():
            claim = self._path.with_name(f"{self._path.name}.lock").open("ab")
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                claim.close()
                raise Unavailable(f"another publisher holds {self._path}") from None
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
        except UnicodeDecodeError as error:  # in what SQLite says of the damage
            raise self._damage(str(error)) from error
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise self._damage(str(error)) from error
            raise Unavailable(f"{self._path}: {error}") from error

    def _damage(self, detail: str) -> Damage:
        return Damage("last-signed", "malformed", f"{self._path.name}: {detail}")
