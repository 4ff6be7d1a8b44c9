"""The sequence on SQLite: gapless, ordered, and what `eventsourcing` expects of a recorder."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing import cryptography
from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    StoredEvent,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import recorder as recorder_module
from registry import sequence
from registry.recorder import EntryDatastore, EntryFactory, EntryRecorder
from registry.sequence import StorageDamaged
from testamur.tlog.merkle import leaf_hash

with pytest.MonkeyPatch.context() as patch:
    # The library's test cases import its AES cipher in the make that needs pycryptodome; this
    # is the same class on the package that we have.
    patch.setitem(sys.modules, "eventsourcing.cipher", cryptography)
    from eventsourcing.tests.persistence import ApplicationRecorderTestCase


class TestLibraryRecorder(ApplicationRecorderTestCase[EntryRecorder]):
    """The library's own promises. `AggregateRecorderTestCase` is not among them: it wants a
    recorder without notification ids, and there is none here; what else it asks is below.
    """

    def setUp(self) -> None:
        self.folder = TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def create_recorder(self) -> EntryRecorder:
        """Return a recorder on a fresh file."""
        datastore = EntryDatastore(str(Path(self.folder.name) / "log.db"))
        self.addCleanup(datastore.close)
        made = EntryRecorder(datastore)
        made.create_table()
        return made

    def test_insert_subscribe(self) -> None:
        """Subscriptions, which the library's own SQLite recorder has not."""
        self.optional_test_insert_subscribe()


# The base is abstract, and unittest would collect it here as well.
del ApplicationRecorderTestCase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def recorder(path: Path) -> Iterator[EntryRecorder]:
    datastore = EntryDatastore(str(path))
    made = EntryRecorder(datastore)
    made.create_table()
    yield made
    datastore.close()


def stored(stream: UUID | None = None, version: int = 1, state: bytes = b"state") -> StoredEvent:
    return StoredEvent(stream or uuid4(), version, "topic", state)


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.execute(statement, values)
    finally:
        connection.close()


# --- Order ---


def test_positions_follow_one_another_from_zero(recorder: EntryRecorder, path: Path) -> None:
    assert recorder.insert_events([stored(), stored()]) == [1, 2]
    assert recorder.insert_events([stored()]) == [3]
    assert rows(path, "SELECT count FROM head") == [(3,)]
    assert rows(path, "SELECT notification_id FROM entries ORDER BY 1") == [(1,), (2,), (3,)]


def test_a_refused_batch_burns_no_position(recorder: EntryRecorder) -> None:
    taken = stored()
    recorder.insert_events([taken])
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(), stored(), taken])
    assert recorder.insert_events([stored()]) == [2]


def test_a_batch_is_written_whole_or_not_at_all(recorder: EntryRecorder) -> None:
    fresh = uuid4()
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(fresh), stored(fresh)])
    assert recorder.select_events(fresh) == []
    assert recorder.max_notification_id() is None


@given(st.lists(st.integers(0, 2100), max_size=5))
@settings(max_examples=15, deadline=None)
def test_batches_of_any_size_leave_no_hole(sizes: list[int]) -> None:
    """Rows go in by statements of several sizes; none is lost between them."""
    with TemporaryDirectory() as folder:
        datastore = EntryDatastore(str(Path(folder) / "log.db"))
        made = EntryRecorder(datastore)
        made.create_table()
        for size in sizes:
            batch = [stored(state=b"%d" % number) for number in range(size)]
            first = (made.max_notification_id() or 0) + 1
            assert made.insert_events(batch) == list(range(first, first + size))
        expected = [b"%d" % number for size in sizes for number in range(size)]
        with made.reading() as cursor:
            entries, leaves = sequence.read(cursor, 0, 20_000)
        assert entries == expected
        assert leaves == [leaf_hash(entry) for entry in expected]
        datastore.close()


def test_a_stale_writer_is_fenced_off(recorder: EntryRecorder, path: Path) -> None:
    """Rows that were numbered before somebody else appended do not go in."""
    connection = sequence.connect(path)
    state = b"state"
    stale = [(1, uuid4().bytes, 1, "topic", state, leaf_hash(state))]
    ahead = [(3, uuid4().bytes, 1, "topic", state, leaf_hash(state))]
    recorder.insert_events([stored()])
    for late in (stale, ahead):
        sequence.begin(connection)
        with pytest.raises((StorageDamaged, sqlite3.IntegrityError)):
            sequence.append(connection, late)
        sequence.rollback(connection)
    connection.close()
    assert recorder.insert_events([stored()]) == [2]


def test_rows_with_a_hole_in_their_numbers_are_refused(path: Path) -> None:
    connection = sequence.connect(path)
    sequence.create(connection)
    sequence.begin(connection)
    holed = [(number, uuid4().bytes, 1, "topic", b"", bytes(32)) for number in (1, 3)]
    with pytest.raises(ValueError, match="cannot have the ids 1 to 3"):
        sequence.append(connection, holed)
    connection.close()


def test_writers_wait_for_one_another_and_then_give_up(path: Path) -> None:
    one, other = sequence.connect(path, timeout=0), sequence.connect(path, timeout=0)
    sequence.create(one)
    sequence.begin(one)
    with pytest.raises(sequence.StorageLocked, match=r"for 0\.05 s"):
        sequence.begin(other, patience=0.05)
    one.execute("COMMIT")
    sequence.begin(other, patience=0.05)
    one.close()
    other.close()


# --- What is kept ---


def test_the_bytes_come_back_as_they_went_in(recorder: EntryRecorder) -> None:
    stream = uuid4()
    state = bytes(range(256))
    recorder.insert_events([stored(stream, state=state)])
    (found,) = recorder.select_events(stream)
    assert (found.originator_id, found.state, found.id) == (stream, state, 1)
    with recorder.reading() as cursor:
        assert sequence.read(cursor, 0, 1) == ([state], [leaf_hash(state)])


def test_streams_can_be_read_in_part_and_backwards(recorder: EntryRecorder) -> None:
    stream = uuid4()
    recorder.insert_events([stored(stream, version) for version in (1, 2, 3, 4)])
    recorder.insert_events([stored()])

    def versions(**options: Any) -> list[int]:
        return [event.originator_version for event in recorder.select_events(stream, **options)]

    assert versions() == [1, 2, 3, 4]
    assert versions(gt=1, lte=3) == [2, 3]
    assert versions(desc=True, limit=1) == [4]
    assert versions(gt=4) == []


def test_reading_past_the_end_gives_what_there_is(recorder: EntryRecorder) -> None:
    recorder.insert_events([stored(state=b"0"), stored(state=b"1")])
    with recorder.reading() as cursor:
        assert sequence.read(cursor, 1, 100)[0] == [b"1"]
        assert sequence.read(cursor, 2, 100) == ([], [])
        assert sequence.read(cursor, 0, 0) == ([], [])


@pytest.mark.parametrize("state", [b"one\ntwo", b"\xff\xfe", b"a\x00b", b""])
def test_entries_that_are_no_json_lines_are_read_all_the_same(
    recorder: EntryRecorder, state: bytes
) -> None:
    """A bit that flipped into a LF or out of UTF-8 must not shift what follows it."""
    recorder.insert_events([stored(state=b"before"), stored(state=state), stored(state=b"after")])
    with recorder.reading() as cursor:
        entries, leaves = sequence.read(cursor, 0, 10)
    assert entries == [b"before", state, b"after"]
    assert leaves == [leaf_hash(entry) for entry in entries]


def test_a_missing_entry_is_named(recorder: EntryRecorder, path: Path) -> None:
    recorder.insert_events([stored() for _ in range(5)])
    change(path, "DELETE FROM entries WHERE notification_id = 3")
    with recorder.reading() as cursor, pytest.raises(StorageDamaged, match="entry 2 is missing"):
        sequence.read(cursor, 0, 5)
    change(path, "DELETE FROM entries WHERE notification_id = 5")
    with recorder.reading() as cursor, pytest.raises(StorageDamaged, match="entry 4 is missing"):
        sequence.read(cursor, 3, 2)


def test_every_commit_goes_to_the_disk(path: Path) -> None:
    connection = sequence.connect(path)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


# --- Files that are something else ---


def test_a_file_of_another_application_is_refused(path: Path) -> None:
    change(path, "CREATE TABLE things (id INTEGER)")
    with pytest.raises(StorageDamaged, match="not a registry"):
        sequence.connect(path)


def test_a_file_of_a_later_version_is_refused(path: Path, recorder: EntryRecorder) -> None:
    change(path, f"PRAGMA user_version = {sequence.SCHEMA_VERSION + 1}")
    with pytest.raises(StorageDamaged, match="schema version 2, need 1"):
        sequence.connect(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"an old shopping list\n" * 400)
    with pytest.raises(StorageDamaged, match="not a database"):
        sequence.connect(path)


def test_a_sequence_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="memory forgets"):
        EntryDatastore(":memory:")


def test_a_missing_folder_is_an_error_of_the_library(tmp_path: Path) -> None:
    recorder = EntryRecorder(EntryDatastore(str(tmp_path / "nowhere" / "log.db")))
    with pytest.raises(InterfaceError, match="unable to open"):
        recorder.create_table()


def test_streams_not_named_by_uuids_are_refused(recorder: EntryRecorder) -> None:
    with pytest.raises(ValueError, match="badly formed"):
        recorder.insert_events([StoredEvent("a name", 1, "topic", b"")])
    with pytest.raises(ValueError, match="named by UUIDs"):
        EntryDatastore("log.db", originator_id_type="text")


def test_the_factory_makes_this_recorder_and_no_other(path: Path) -> None:
    factory = EntryFactory.construct(
        {"PERSISTENCE_MODULE": recorder_module.__name__, "SQLITE_DBNAME": str(path)}
    )
    assert type(factory.application_recorder()) is EntryRecorder
    for refused in (factory.aggregate_recorder, factory.process_recorder):
        with pytest.raises(NotImplementedError):
            refused()
    with pytest.raises(NotImplementedError):
        factory.tracking_recorder()
    factory.close()


# --- Several at once ---


def test_processes_may_create_the_file_together(tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / f"{attempt}.db"
        ready = threading.Barrier(8)

        def create(path: Path = path, ready: threading.Barrier = ready) -> None:
            ready.wait()
            connection = sequence.connect(path)
            sequence.create(connection)
            connection.close()

        with ThreadPoolExecutor(8) as threads:
            for created in [threads.submit(create) for _ in range(8)]:
                created.result()
        assert rows(path, "SELECT * FROM head") == [(0, 0)]


def test_a_full_disk_leaves_no_transaction_behind(recorder: EntryRecorder) -> None:
    recorder.insert_events([stored()])
    with recorder.datastore.get_connection(commit=True) as pooled:
        raw = pooled.raw  # type: ignore[attr-defined]
        (pages,) = raw.execute("PRAGMA page_count").fetchone()
        raw.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(OperationalError, match="full"):
        recorder.insert_events([stored(state=bytes(100_000))])
    with recorder.datastore.get_connection(commit=True) as pooled:
        raw = pooled.raw  # type: ignore[attr-defined]
        assert not raw.in_transaction
        raw.execute("PRAGMA max_page_count = 1000000")
    assert recorder.insert_events([stored()]) == [2]


def test_a_commit_that_fails_leaves_no_transaction_behind(
    recorder: EntryRecorder, path: Path
) -> None:
    """SQLite keeps the transaction open when COMMIT itself is what fails."""
    change(path, "CREATE TABLE parents (id INTEGER PRIMARY KEY)")
    change(
        path,
        "CREATE TABLE children (id INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    with recorder.datastore.get_connection(commit=True) as pooled:
        pooled.cursor().execute("PRAGMA foreign_keys = ON")
    with (
        pytest.raises(IntegrityError, match="FOREIGN KEY"),
        recorder.datastore.transaction(commit=True) as cursor,
    ):
        cursor.execute("INSERT INTO children VALUES (1)")
    assert recorder.insert_events([stored()]) == [1]


def test_closing_waits_for_nobody_and_breaks_nobody(recorder: EntryRecorder) -> None:
    """A connection in use when the pool closes serves its thread to the end."""
    recorder.insert_events([stored(state=b"kept")])
    with recorder.reading() as cursor:
        recorder.datastore.close()
        assert sequence.read(cursor, 0, 1)[0] == [b"kept"]
    with pytest.raises(ConnectionPoolClosedError), recorder.reading():
        pass


# --- Subscriptions ---


def test_a_subscription_sees_what_another_connection_wrote(
    recorder: EntryRecorder, path: Path
) -> None:
    """Another process cannot wake us; we look for ourselves."""
    elsewhere = EntryRecorder(EntryDatastore(str(path)))
    with recorder.subscribe(gt=0) as subscription:
        elsewhere.insert_events([stored(state=b"1"), stored(state=b"2")])
        assert [next(subscription).state, next(subscription).state] == [b"1", b"2"]
    elsewhere.datastore.close()


def test_a_subscription_misses_nothing_while_many_write(recorder: EntryRecorder) -> None:
    with recorder.subscribe() as subscription:
        with ThreadPoolExecutor(4) as threads:
            for _ in range(40):
                threads.submit(recorder.insert_events, [stored() for _ in range(7)])
        seen = [next(subscription).id for _ in range(280)]
    assert seen == list(range(1, 281))


def test_a_subscription_hands_over_the_error_that_ended_it(
    recorder: EntryRecorder, path: Path
) -> None:
    recorder.insert_events([stored()])
    with recorder.subscribe() as subscription:
        next(subscription)
        change(path, "ALTER TABLE entries RENAME TO gone")
        with pytest.raises(OperationalError, match="no such table"):
            next(subscription)
