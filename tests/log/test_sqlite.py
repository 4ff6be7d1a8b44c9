"""The last signed checkpoint in a SQLite file: what survives a crash, and damage that is named."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from log.last_signed import Overtaken
from log.sqlite import SqliteLastSigned
from log.store import FileDamage
from testamur.errors import Unavailable


@pytest.fixture
def last_signed(tmp_path: Path) -> Iterator[SqliteLastSigned]:
    opened = SqliteLastSigned(tmp_path / "last-signed.db")
    yield opened
    opened.close()


def test_the_last_signed_note_survives_its_process(tmp_path: Path) -> None:
    first = SqliteLastSigned(tmp_path / "folder" / "last-signed.db")
    assert first.get() is None
    first.compare_and_swap(None, b"one")
    first.compare_and_swap(b"one", b"two")
    first.close()
    second = SqliteLastSigned(tmp_path / "folder" / "last-signed.db")
    assert second.get() == b"two"
    second.close()


def test_of_many_that_replace_the_same_note_one_succeeds(tmp_path: Path) -> None:
    stores = [SqliteLastSigned(tmp_path / "last-signed.db") for _ in range(4)]
    outcomes: list[bytes] = []

    def race(store: SqliteLastSigned, note: bytes) -> None:
        try:
            store.compare_and_swap(None, note)
        except Overtaken:
            return
        outcomes.append(note)

    threads = [
        threading.Thread(target=race, args=(store, b"note %d" % number))
        for number, store in enumerate(stores * 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [stores[0].get()] == outcomes
    for store in stores:
        store.close()


def test_every_commit_is_flushed_before_it_returns(
    tmp_path: Path, last_signed: SqliteLastSigned
) -> None:
    # PRAGMA synchronous belongs to a connection: 2 is FULL.
    assert last_signed._database.execute("PRAGMA synchronous").fetchone() == (2,)
    with sqlite3.connect(tmp_path / "last-signed.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_second_publisher_cannot_claim_the_log_until_the_first_lets_go(
    tmp_path: Path, last_signed: SqliteLastSigned
) -> None:
    other = SqliteLastSigned(tmp_path / "last-signed.db")
    last_signed.claim()
    last_signed.claim()  # it is ours already
    with pytest.raises(Unavailable, match="another publisher"):
        other.claim()
    assert other.get() is None  # reading needs no claim
    last_signed.release()
    other.claim()
    with pytest.raises(Unavailable):
        last_signed.claim()
    other.close()
    last_signed.claim()


def test_a_file_that_is_no_database_is_damage(tmp_path: Path) -> None:
    (tmp_path / "last-signed.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(
        FileDamage, match=r"last-signed: malformed: last-signed\.db: .* not a database"
    ):
        SqliteLastSigned(tmp_path / "last-signed.db")


@pytest.mark.parametrize("note", ["NULL", "7", "0.5", "'text'", "CAST(x'ff' AS TEXT)"])
def test_a_note_that_is_none_any_more_is_damage(tmp_path: Path, note: str) -> None:
    with sqlite3.connect(tmp_path / "last-signed.db") as database:
        database.execute("CREATE TABLE last_signed (id, note)")
        database.execute(f"INSERT INTO last_signed VALUES (1, {note})")  # noqa: S608
    database.close()
    last_signed = SqliteLastSigned(tmp_path / "last-signed.db")
    with pytest.raises(FileDamage, match="last-signed: malformed: "):
        last_signed.get()
    with pytest.raises(FileDamage):
        last_signed.compare_and_swap(b"one", b"two")
    last_signed.close()


def test_a_flipped_bit_in_the_schema_of_the_last_signed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "last-signed.db"
    last_signed = SqliteLastSigned(path)
    last_signed.compare_and_swap(None, b"one")
    last_signed.close()
    raw = path.read_bytes()
    start = raw.index(b"CREATE TABLE")
    named = 0
    for at in range(start, raw.index(b"STRICT", start) + 6):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x80]) + raw[at + 1 :])
        try:
            opened = SqliteLastSigned(path)
        except FileDamage:
            named += 1
            continue
        with suppress(FileDamage):
            assert opened.get() == b"one"
        opened.close()
    assert named > 20


def test_a_last_signed_store_that_was_closed_is_unavailable(last_signed: SqliteLastSigned) -> None:
    last_signed.close()
    with pytest.raises(Unavailable):
        last_signed.get()
    with pytest.raises(Unavailable):
        last_signed.compare_and_swap(None, b"one")
