"""What is durable in the sequence, for whoever publishes it from a process of its own."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from registry import sequence
from registry.sequence import StorageDamaged
from testamur.errors import Unavailable


class CommittedEntries:
    """The entries in the file at `path`, read as they are committed; may be shared by threads.

    It writes nothing, and examines nothing but the ids: whoever publishes compares the entries
    with the leaf hashes recorded beside them. Every method raises `StorageDamaged` when the file
    is not what was written, and `Unavailable` when it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._turn = threading.Lock()
        with _named():
            self._database = sequence.connect(path)

    def committed(self) -> int:
        """Return how many entries are durable: always the end of a submission."""
        with self._turn, _named():
            return sequence.count(self._database)

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        """Return at most `limit` entries from position `start` on, and their leaf hashes."""
        # No transaction holds these together: what is committed never changes.
        with self._turn, _named():
            return sequence.read(self._database, start, limit)

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            self._database.close()


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if sequence.is_damage(error):
            raise StorageDamaged(f"SQLite cannot read the file: {error}") from error
        raise Unavailable(f"the store cannot be read: {error}") from error
