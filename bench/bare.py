"""What SQLite alone does with the same bytes, on the same machine, a moment later."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

COMMIT = 1000  # rows of one commit, as in a cohort


def beside(rate: float, rows: Iterable[bytes]) -> dict[str, Any]:
    """Return the figures of a bare bulk insert of `rows`, and of `rate` (rows a second) to it."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        bare = _insert(Path(name) / "bare.db", _groups(rows))
    return {"sqlite_insert_events_per_second": bare, "ratio_to_sqlite_insert": rate / bare}


def _groups(rows: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    left = iter(rows)
    while group := list(islice(left, COMMIT)):
        yield group


def _insert(path: Path, groups: Iterable[Sequence[bytes]]) -> float:
    """Return rows per second put into a bare table, one durable commit per group."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE entry (position INTEGER PRIMARY KEY, state BLOB NOT NULL)")
    rows, taken = 0, 0.0
    for group in groups:
        values = [(row,) for row in group]
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO entry (state) VALUES (?)", values)
        connection.execute("COMMIT")
        taken += time.perf_counter() - begun
        rows += len(values)
    connection.close()
    return rows / taken
