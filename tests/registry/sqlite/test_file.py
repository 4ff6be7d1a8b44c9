"""The file that SQLite keeps the sequence in: durable, ours, and of this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from registry.gate import StorageFull
from registry.sqlite.connection import Connection, opener
from registry.sqlite.schema import SCHEMA_VERSION
from registry.sqlite.store import SqliteStore
from registry.store import OutcomeUnknown, StorageDamaged
from testamur.errors import Unavailable
from testamur.tlog.merkle import leaf_hash


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path)) as store:
        yield store


def append(store: SqliteStore, entry: bytes = b"entry") -> None:
    with store.writing() as transaction:
        number = transaction.count() + 1
        transaction.append([(number, uuid4().bytes, 1, "topic", entry, leaf_hash(entry))], [])
        transaction.commit()


def test_every_commit_goes_to_the_disk(path: Path) -> None:
    connection = Connection(opener(path, make=True))
    connection.prepare(cache=1024 * 1024, timeout=0)
    assert connection.run("PRAGMA synchronous") == [(2,)]  # FULL
    assert connection.run("PRAGMA journal_mode") == [("wal",)]
    connection.close()


# --- Files that are something else ---


def test_a_file_of_another_application_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE things (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(StorageDamaged, match="not a registry"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_of_a_later_version_is_refused(path: Path, store: SqliteStore) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(
        StorageDamaged, match=f"schema version {SCHEMA_VERSION + 1}, need {SCHEMA_VERSION}"
    ):
        SqliteStore(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"an old shopping list\n" * 400)
    with pytest.raises(StorageDamaged, match="not a database"):
        SqliteStore(path)


def test_a_file_in_no_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be opened"):
        SqliteStore(tmp_path / "nowhere" / "log.db")


def test_a_file_that_is_not_there_is_made_only_on_request(path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be opened"):
        SqliteStore(path, make=False)
    assert not path.exists()


def test_a_file_is_opened_by_the_name_it_has(tmp_path: Path) -> None:
    """Names are not read as URIs."""
    path = tmp_path / "a?mode=memory#%41 log.db"
    SqliteStore(path).close()
    assert path.exists()


# --- What a failure leaves behind ---


def test_a_full_disk_leaves_no_transaction_behind(path: Path) -> None:
    room = [2]

    def connect() -> sqlite3.Connection:
        connection = opener(path, make=True)()
        if room:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + room[0]}")
        return connection

    SqliteStore(path).close()
    with closing(SqliteStore(path, connect=connect)) as store:
        append(store)
        with pytest.raises(StorageFull, match="full"):
            append(store, bytes(100_000))
        room.clear()
        append(store)
        with store.reading() as reading:
            assert reading.count() == 2


def test_a_commit_that_fails_leaves_no_transaction_behind(path: Path) -> None:
    """SQLite keeps the transaction open when COMMIT itself is what fails."""

    class Reluctant(sqlite3.Connection):
        def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
            if statement == "COMMIT" and refusing:
                refusing.pop()
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR
                raise error
            return super().execute(statement, *values)  # type: ignore[arg-type]  # as given

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Reluctant
        )

    refusing: list[bool] = []
    with closing(SqliteStore(path, connect=connect)) as store:
        refusing.append(True)
        with pytest.raises(OutcomeUnknown, match="not known"):
            append(store, b"lost")
        append(store, b"kept")
        with store.reading() as reading:
            assert reading.read(0, 9)[0] == [b"kept"]
