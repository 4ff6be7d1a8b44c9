"""The one sequence, on SQLite: its tables, and the only function that adds to it.

Entry p of the log is row p + 1 of `entries`; `state` holds the leaf bytes themselves. Rows are
added by `append` alone, inside one transaction that also moves the head row, so the ids have no
hole, count and order agree, and a reader who has seen row n has seen every row before it. What
an entry says, and whether it may say it, is not known here: the gate decides that.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

from testamur.errors import Refuted, Unavailable

_OLDEST_SQLITE: Final = (3, 38)  # STRICT tables, and JSON built in
APPLICATION_ID: Final = 0x7E57A308
SCHEMA_VERSION: Final = 1

TABLES: Final = (
    # The explicit id is what keeps the sequence gapless: SQLite never picks one for us.
    """CREATE TABLE IF NOT EXISTS entries (
        notification_id INTEGER PRIMARY KEY,
        originator_id BLOB NOT NULL,
        originator_version INTEGER NOT NULL,
        topic TEXT NOT NULL,
        state BLOB NOT NULL,
        leaf BLOB NOT NULL,
        UNIQUE (originator_id, originator_version)
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS head (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        count INTEGER NOT NULL
    ) STRICT""",
    "INSERT INTO head SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM head)",
    # One row per submission, keyed by the position of its header. Who issued a credential, and
    # what was flagged, is found by one step down a small tree rather than by walking entries.
    """CREATE TABLE IF NOT EXISTS submissions (
        position INTEGER PRIMARY KEY,
        events INTEGER NOT NULL,
        issuer TEXT NOT NULL,
        recorded_at INTEGER NOT NULL,
        policy_events INTEGER NOT NULL,
        flags BLOB
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS policy (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        size INTEGER NOT NULL,
        digest BLOB NOT NULL,
        register BLOB NOT NULL
    ) STRICT""",
)

_CHECKPOINT_AFTER: Final = 16 * 1024 * 1024  # bytes of write-ahead log
_POLL: Final = 0.002


Row: TypeAlias = tuple[int, bytes, int, str, bytes, bytes]
"""A row of `entries`: notification id, originator id and version, topic, state, leaf hash."""

Value: TypeAlias = int | str | bytes | None
Database: TypeAlias = sqlite3.Connection | sqlite3.Cursor


class StorageDamaged(Refuted):
    """The stored sequence was examined and is not what was once written."""


class StorageLocked(Unavailable):
    """Another process held the write lock for as long as we were willing to wait."""


def connect(
    path: Path | str, *, timeout: float = 10.0, cache: int = 8 * 1024 * 1024
) -> sqlite3.Connection:
    """Return a connection in autocommit mode, durable at every COMMIT; any thread may use it.

    `timeout` is how long SQLite itself waits for a lock, in seconds; 0 leaves it to `begin`.
    `cache` is in bytes. Raises `StorageDamaged` when the file is some other application's, or
    of another version, and `Unavailable` when SQLite itself is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise Unavailable(f"SQLite {sqlite3.sqlite_version} is too old, need 3.38")
    connection = sqlite3.connect(
        path, timeout=timeout, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        _identify(connection)
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = {-cache // 1024}")
        (page,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_AFTER // page}")
    except sqlite3.DatabaseError as error:
        connection.close()
        if is_damage(error):
            raise StorageDamaged(f"SQLite cannot read the file: {error}") from error
        raise
    except UnicodeDecodeError as error:  # in what SQLite says of a damaged schema
        connection.close()
        raise StorageDamaged(f"SQLite cannot read the file: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether SQLite says that the file is not, or no longer, a sound database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the higher bits only refine it
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def create(connection: sqlite3.Connection) -> None:
    """Create the tables unless they are there; safe while other processes do the same."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA_VERSION:
        return
    begin(connection)
    try:
        for statement in TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise


def begin(connection: sqlite3.Connection, *, patience: float = 10.0) -> None:
    """Take the write lock, waiting at most `patience` seconds; raises `StorageLocked`.

    The lock comes before the first read of the transaction: SQLite refuses to upgrade a reader
    once somebody else has written.
    """
    # SQLite's own wait backs off to 100 ms between tries, and starves beside a busy writer who
    # lets go for less than that. Short random naps get a fair share.
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() >= deadline:
                raise StorageLocked(
                    f"another process held the write lock for {patience} s"
                ) from error
            time.sleep(random.uniform(_POLL / 10, _POLL))  # noqa: S311  # a nap, not a secret
        else:
            return


def rollback(connection: sqlite3.Connection) -> None:
    """Leave the transaction, if SQLite has not already left it after an error of its own."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def count(database: Database) -> int:
    """Return how many entries there are, which is also the position the next one gets."""
    row = database.execute("SELECT count FROM head").fetchone()
    if row is None:
        raise StorageDamaged("the head row is missing")
    return int(row[0])


def append(database: Database, rows: Sequence[Row]) -> None:
    """Add `rows`, whose ids go on from the head, and move the head past them.

    Only inside a transaction from `begin`. Raises `sqlite3.IntegrityError` when a stream already
    has an event of that version, and `StorageDamaged` when the head is not where `rows` begin.
    """
    if not rows:
        return
    first, last = rows[0][0], rows[-1][0]
    if last - first + 1 != len(rows):
        raise ValueError(f"{len(rows)} rows cannot have the ids {first} to {last}")
    insert(database, "entries", rows)
    moved = database.execute("UPDATE head SET count = ? WHERE count = ?", (last, first - 1))
    if moved.rowcount != 1:
        raise StorageDamaged(f"row {first} was to follow a head of {count(database)} entries")


def insert(database: Database, table: str, rows: Sequence[tuple[Value, ...]]) -> None:
    """Insert `rows` into `table` in as few steps as can be.

    Every step of SQLite gives up the interpreter lock, and with busy threads beside us it takes
    up to 5 ms to get it back: a thousand rows by `executemany` then cost a second, and by one
    statement of a thousand rows 20 ms.
    """
    at = 0
    for size in _chunks(len(rows)):
        chunk = rows[at : at + size]
        database.execute(_insertion(table, len(chunk[0]), size), list(chain.from_iterable(chunk)))
        at += size


def read(database: Database, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
    """Return at most `limit` entries from position `start` on, and their admitted leaf hashes.

    Raises `StorageDamaged` when one is missing. The entries are not hashed here: whoever
    publishes them compares.
    """
    entries: list[bytes] = []
    leaves: list[bytes] = []
    end = min(start + limit, count(database))
    for at in range(start, end, _READ_AT_ONCE):
        some, hashes = _read_some(database, at, min(at + _READ_AT_ONCE, end))
        entries += some
        leaves += hashes
    return entries, leaves


def _identify(connection: sqlite3.Connection) -> None:
    application, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if tables == 0:
        return
    if application != APPLICATION_ID:
        raise StorageDamaged(f"the file is not a registry: application id {application:#x}")
    if version != SCHEMA_VERSION:
        raise StorageDamaged(f"the file has schema version {version}, need {SCHEMA_VERSION}")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # Two processes that create the file together can meet here, and SQLite does not wait for
    # this lock by itself.
    deadline = time.monotonic() + 10
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_POLL)
        else:
            break
    if mode != "wal":
        raise StorageDamaged(f"the file system allows no write-ahead log: journal mode {mode}")


# A thousand rows of 6 values stay below SQLite's limit of 32,766 per statement. What remains
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
    return f"INSERT INTO {table} VALUES {', '.join([row] * rows)}"  # noqa: S608  # our own names


_READ_AT_ONCE: Final = 1024

# One row holding many entries, because each row fetched is a step (see `insert`). Canonical JSON
# holds no bare LF. The three aggregates walk the same rows, so the ids show the order of all.
_READ: Final = """
    SELECT group_concat(notification_id, ' '), group_concat(CAST(state AS TEXT), char(10)),
           group_concat(hex(leaf), '')
    FROM (SELECT notification_id, state, leaf FROM entries
          WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id)
"""
_READ_ROW_BY_ROW: Final = """
    SELECT notification_id, state, leaf FROM entries
    WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id
"""


def _read_some(database: Database, start: int, end: int) -> tuple[list[bytes], list[bytes]]:
    try:
        ids, states, hashes = database.execute(_READ, (start + 1, end)).fetchone()
    except sqlite3.OperationalError:  # a flipped bit made it invalid UTF-8
        return _read_row_by_row(database, start, end)
    expected = " ".join(map(str, range(start + 1, end + 1)))
    entries = (states or "").encode().split(b"\n")
    raw = bytes.fromhex(hashes or "")
    if ids != expected or len(entries) != end - start or len(raw) != 32 * (end - start):
        return _read_row_by_row(database, start, end)
    return entries, [raw[at : at + 32] for at in range(0, len(raw), 32)]


def _read_row_by_row(database: Database, start: int, end: int) -> tuple[list[bytes], list[bytes]]:
    rows = database.execute(_READ_ROW_BY_ROW, (start + 1, end)).fetchall()
    for position, row in enumerate(rows, start):
        if row[0] != position + 1:
            raise StorageDamaged(f"entry {position} is missing")
    if len(rows) != end - start:
        raise StorageDamaged(f"entry {start + len(rows)} is missing")
    return [row[1] for row in rows], [row[2] for row in rows]
