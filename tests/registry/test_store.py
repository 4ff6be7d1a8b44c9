"""What the gate relies on in any store: one order without holes, durable, read as of one moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.outcomes import Overloaded
from registry.store import Clash, EntryRow, StorageDamaged, Store, SubmissionRow
from testamur.errors import Unavailable
from testamur.tlog.merkle import leaf_hash
from tests.harness.stores import DRIVERS, Kept


@pytest.fixture
def store(kept: Kept) -> Iterator[Store]:
    with closing(kept.open()) as store:
        yield store


def row(
    number: int, stream: UUID | None = None, version: int = 1, entry: bytes = b"entry"
) -> EntryRow:
    """Return an entry to append; `number` is its notification id."""
    return (number, (stream or uuid4()).bytes, version, "topic", entry, leaf_hash(entry))


def append(store: Store, *entries: bytes) -> None:
    """Append entries, each in a stream of its own."""
    with store.writing() as transaction:
        first = transaction.count() + 1
        transaction.append([row(at, entry=entry) for at, entry in enumerate(entries, first)], [])
        transaction.commit()


def ids(store: Store) -> list[int]:
    """Return the notification ids of all entries."""
    with store.reading() as reading:
        return [entry.position + 1 for entry in reading.entries(0, reading.count())]


def read(store: Store, start: int, limit: int) -> list[bytes]:
    """Return entries, once their leaf hashes are checked."""
    with store.reading() as reading:
        entries, leaves = reading.read(start, limit)
    assert leaves == [leaf_hash(entry) for entry in entries]
    return entries


# --- Order ---


def test_positions_follow_one_another_from_zero(store: Store) -> None:
    append(store, b"0", b"1")
    append(store, b"2")
    assert ids(store) == [1, 2, 3]
    with store.reading() as reading:
        assert reading.count() == 3


def test_a_clash_takes_nothing_in_and_burns_no_position(store: Store) -> None:
    taken, fresh = uuid4(), uuid4()
    with store.writing() as transaction:
        transaction.append([row(1, taken)], [])
        transaction.commit()
    for clashing in ([row(2), row(3), row(4, taken)], [row(2, fresh), row(3, fresh)]):
        with pytest.raises(Clash), store.writing() as transaction:
            transaction.append(clashing, [])
        assert ids(store) == [1]
    append(store, b"next")
    assert ids(store) == [1, 2]


def test_what_was_not_committed_is_taken_back(store: Store) -> None:
    with store.writing() as transaction:
        transaction.append([row(1)], [SubmissionRow(0, 0, "issuer", 0, 0, None)])
        transaction.save_states([("kind", "name", b"state")])
    with suppress(KeyError), store.writing() as transaction:
        transaction.append([row(1)], [])
        raise KeyError
    with store.reading() as reading:
        assert (reading.count(), reading.states(0, 10)) == (0, [])
        assert reading.submissions_from(0, 10) == []
    append(store, b"first")
    assert ids(store) == [1]


@pytest.mark.slow
@pytest.mark.parametrize("driver", DRIVERS)
@given(sizes=st.lists(st.integers(0, 2100), max_size=5))
@settings(max_examples=15, deadline=None)
def test_batches_of_any_size_leave_no_hole(driver: str, sizes: list[int]) -> None:
    """Rows may go in by several statements; none is lost between them."""
    with TemporaryDirectory() as folder, closing(Kept(driver, Path(folder)).open()) as store:
        for size in sizes:
            append(store, *(b"%d" % number for number in range(size)))
        assert ids(store) == list(range(1, sum(sizes) + 1))
        assert read(store, 0, 20_000) == [
            b"%d" % number for size in sizes for number in range(size)
        ]


@pytest.mark.parametrize("number", [1, 3])
def test_rows_numbered_before_another_append_do_not_go_in(store: Store, number: int) -> None:
    append(store, b"first")
    with pytest.raises(StorageDamaged, match="to follow a head of 1"), store.writing() as late:
        late.append([row(number)], [])
    append(store, b"second")
    assert ids(store) == [1, 2]


def test_rows_with_a_hole_in_their_numbers_are_refused(store: Store) -> None:
    with (
        pytest.raises(ValueError, match="cannot have the ids 1 to 3"),
        store.writing() as transaction,
    ):
        transaction.append([row(1), row(3)], [])
    assert ids(store) == []


def test_writers_wait_for_one_another_and_then_give_up(kept: Kept) -> None:
    with closing(kept.open()) as one, closing(kept.open(patience=0.05)) as other:
        with one.writing(), pytest.raises(Overloaded, match=r"for 0\.05 s"), other.writing():
            pass
        append(other, b"now")


def test_a_reader_sees_one_moment_and_waits_for_no_writer(kept: Kept, store: Store) -> None:
    append(store, b"0")
    with closing(kept.open()) as other, store.reading() as reading:
        assert reading.count() == 1
        with other.writing() as transaction:
            transaction.append([row(2)], [])
            assert reading.count() == 1
            transaction.commit()
        assert reading.count() == 1
        assert reading.entries(0, 10, limit=None) == reading.entries(0, 0)


# --- What is kept ---


def test_the_bytes_come_back_as_they_went_in(store: Store) -> None:
    stream, entry = uuid4(), bytes(range(256))
    with store.writing() as transaction:
        transaction.append([row(1, stream, entry=entry)], [])
        transaction.commit()
    assert read(store, 0, 1) == [entry]
    with store.reading() as reading:
        assert reading.stream(stream.bytes) == reading.entries(0, 0)
        (found,) = reading.stream(stream.bytes)
    assert found == (0, stream.bytes, 1, "topic", entry, leaf_hash(entry))


def test_reading_past_the_end_gives_what_there_is(store: Store) -> None:
    append(store, b"0", b"1")
    assert read(store, 1, 100) == [b"1"]
    assert read(store, 2, 100) == []
    assert read(store, 0, 0) == []


@pytest.mark.parametrize("entry", [b"one\ntwo", b"\xff\xfe", b"a\x00b", b""])
def test_entries_that_are_no_json_lines_are_read_all_the_same(store: Store, entry: bytes) -> None:
    """A bit that flipped into a LF or out of UTF-8 must not shift what follows it."""
    append(store, b"before", entry, b"after")
    assert read(store, 0, 10) == [b"before", entry, b"after"]


def test_a_missing_entry_is_named(kept: Kept, store: Store) -> None:
    append(store, *[b"entry"] * 5)
    kept.sql("DELETE FROM entries WHERE notification_id = 3")
    with pytest.raises(StorageDamaged, match="entry 2 is missing"):
        read(store, 0, 5)
    kept.sql("DELETE FROM entries WHERE notification_id = 5")
    with pytest.raises(StorageDamaged, match="entry 4 is missing"):
        read(store, 3, 2)


def test_entries_are_read_by_topic(store: Store) -> None:
    with store.writing() as transaction:
        topics = ["a", "b", "a", "c"]
        rows = [row(number) for number in range(1, 5)]
        transaction.append(
            [(*one[:3], topic, *one[4:]) for one, topic in zip(rows, topics, strict=True)], []
        )
        transaction.commit()
    with store.reading() as reading:
        assert [one.position for one in reading.entries(0, 3, topics=["a", "c"])] == [0, 2, 3]
        assert [one.position for one in reading.entries(0, 3, without=["a", "c"])] == [1]
        assert [one.position for one in reading.entries(1, 9, topics=["a"], limit=1)] == [2]


def test_submissions_are_listed_as_they_were_given(store: Store) -> None:
    streams = [uuid4(), uuid4()]
    listed = [SubmissionRow(0, 1, "one", 7, 1, None), SubmissionRow(2, 1, "two", 8, 0, b"\x00\xff")]
    with store.writing() as transaction:
        headers = {0: streams[0], 2: streams[1]}
        rows = [row(number + 1, headers.get(number), entry=b"%d" % number) for number in range(4)]
        transaction.append(rows, listed)
        transaction.commit()
    with store.reading() as reading:
        assert reading.submissions_from(0, 10) == listed
        assert reading.submissions_from(1, 10) == listed[1:]
        assert reading.submissions_from(0, 1) == listed[:1]
        assert [reading.submission_around(at) for at in range(4)] == [
            listed[0],
            listed[0],
            listed[1],
            listed[1],
        ]
        asked = [uuid4().bytes, streams[1].bytes, streams[0].bytes]
        assert reading.submissions(asked) == {
            streams[0].bytes: (listed[0], b"0"),
            streams[1].bytes: (listed[1], b"2"),
        }
        assert reading.submissions([]) == {}


def test_the_ends_of_streams_are_told_and_the_issuer_of_the_first(store: Store) -> None:
    stream = uuid4()
    with store.writing() as transaction:
        transaction.append(
            [row(1), row(2, stream), row(3), row(4, stream, 2), row(5, stream, 3)],
            [SubmissionRow(0, 1, "one", 0, 0, None), SubmissionRow(2, 2, "two", 0, 0, None)],
        )
        transaction.commit()
    with store.reading() as reading:
        asked = [uuid4().bytes, stream.bytes]
        first = (1, 1, "topic", "one")
        assert sorted(reading.ends(asked)) == [first, (1, 3, "topic", None)]
        assert sorted(reading.ends(asked, size=4)) == [first, (1, 2, "topic", None)]
        assert reading.ends(asked, size=3) == [first]
        assert reading.ends(asked, size=1) == []
        assert reading.ends([]) == []


def test_rows_of_the_register_keep_their_place_when_they_are_replaced(store: Store) -> None:
    many = [("kind", str(number), b"%d" % number) for number in range(1_500)]
    for rows in (many, [("kind", "3", b"changed"), ("another", "3", b"new")]):
        with store.writing() as transaction:
            transaction.save_states(rows)
            transaction.commit()
    with store.reading() as reading:
        found = reading.states(0, 10_000)
        assert [each[1:] for each in found] == [
            ("kind", name, b"changed" if name == "3" else state) for _, name, state in many
        ] + [("another", "3", b"new")]
        assert reading.states(found[4].place, 3) == found[5:8]
        assert reading.state("kind", "3") == b"changed"
        assert reading.state("kind", "no name") is None
    with store.writing() as transaction:
        transaction.clear_states()
        transaction.commit()
    with store.reading() as reading:
        assert reading.states(0, 10) == []


# --- Several at once ---


def test_processes_may_create_the_store_together(tmp_path: Path, kept: Kept) -> None:
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        ready = threading.Barrier(8)

        def create(folder: Path = folder, ready: threading.Barrier = ready) -> int:
            ready.wait()
            with closing(Kept(kept.driver, folder).open()) as store, store.reading() as reading:
                return reading.count()

        with ThreadPoolExecutor(8) as threads:
            assert [one.result() for one in [threads.submit(create) for _ in range(8)]] == [0] * 8


def test_listeners_are_woken_by_commits_alone(store: Store) -> None:
    woken = Event()
    store.listen(woken)
    with store.writing() as transaction:
        transaction.append([row(1)], [])
    assert not woken.is_set()
    append(store, b"0")
    assert woken.is_set()
    woken.clear()
    store.unlisten(woken)
    append(store, b"1")
    assert not woken.is_set()


def test_closing_breaks_no_reading_that_is_under_way(store: Store) -> None:
    append(store, b"kept")
    with store.reading() as reading:
        store.close()
        assert reading.read(0, 1)[0] == [b"kept"]
    with pytest.raises(Unavailable, match="closed"), store.reading():
        pass
    with pytest.raises(Unavailable, match="closed"), store.writing():
        pass
    store.close()


def test_threads_read_and_write_one_store_at_once(store: Store) -> None:
    """Each reader sees a whole number of commits, and every commit is seen in the end."""
    seen: list[int] = []

    def look() -> None:
        with store.reading() as reading:
            size = reading.count()
            assert len(reading.read(0, size)[0]) == size
            seen.append(size)

    with ThreadPoolExecutor(6) as threads:
        for _ in range(40):
            threads.submit(append, store, *[b"entry"] * 7)
            threads.submit(look)
    assert all(size % 7 == 0 for size in seen)
    assert ids(store) == list(range(1, 281))


def test_a_store_knows_how_much_room_is_left(store: Store) -> None:
    room = store.free_space()
    assert room is None or room > 0
