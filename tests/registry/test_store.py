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
from tests.harness.stores import MARKED, Kept


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
        transaction.append(
            [row(1)], [SubmissionRow(0, 0, "issuer", "key", 0, 0, None, 0, 0, 0)], [(0, 0)]
        )
    with suppress(KeyError), store.writing() as transaction:
        transaction.append([row(1)], [])
        raise KeyError
    with store.reading() as reading:
        assert (reading.count(), reading.register_entries(0, 10)) == (0, [])
        assert reading.submissions_from(0, 10) == []
    append(store, b"first")
    assert ids(store) == [1]


@pytest.mark.slow
@pytest.mark.parametrize("driver", MARKED)
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
    listed = [
        SubmissionRow(0, 1, "one", "k1", 7, 1, None, 1, 2, 3),
        SubmissionRow(2, 1, "two", "k2", 8, 0, b"\x00\xff", 0, 0, 9),
    ]
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


def test_streams_are_read_whole_and_who_said_each_entry_of_them(store: Store) -> None:
    stream, short = uuid4(), uuid4()
    issued, revoked = ("issued", b"first"), ("revoked", b"last")
    rows = [
        (*row(at, each, version, entry)[:3], topic, *row(at, entry=entry)[4:])
        for at, each, version, (topic, entry) in [
            (1, None, 1, ("header", b"one")),
            (2, stream, 1, issued),
            (3, None, 1, ("header", b"two")),
            (4, stream, 2, revoked),
            (5, short, 1, issued),
            (6, stream, 3, issued),
        ]
    ]
    first, second = ("one", "k1", 7), ("two", "k2", 8)
    with store.writing() as transaction:
        transaction.append(
            rows,
            [
                SubmissionRow(0, 1, *first, 0, None, 0, 0, 0),
                SubmissionRow(2, 3, *second, 0, None, 0, 0, 0),
            ],
        )
        transaction.commit()
    with store.reading() as reading:
        asked = [uuid4().bytes, stream.bytes, short.bytes]
        whole = [
            (1, 1, 1, "issued", "first", 0, *first),
            (1, 2, 3, "revoked", "last", 2, *second),
            # Written again it is the same line.
            (1, 3, 5, "issued", None, 2, *second),
            (2, 1, 4, "issued", "first", 2, *second),
        ]
        assert sorted(reading.streams(asked, "issued")) == whole
        assert sorted(reading.streams(asked, "issued", size=5)) == [*whole[:2], whole[3]]
        assert reading.streams(asked, "issued", size=3) == whole[:1]
        assert reading.streams(asked, "issued", size=1) == []
        assert len(reading.streams(asked, "issued", most=2)) == 2
        assert len(reading.streams(asked, "issued", most=9)) == 4
        assert reading.streams([], "issued") == []
        assert sorted(reading.streams(asked, "issued", after=[0, 1, 1])) == whole[1:3]
        assert sorted(reading.streams(asked, "issued", after=[0, 2])) == whole[2:]
        assert sorted(reading.streams(asked, "defined")) == [whole[0], whole[3]]


def test_the_entries_of_the_register_are_read_apart_from_all_others(store: Store) -> None:
    rows = [row(number, entry=b"%d" % (number - 1)) for number in range(1, 8)]
    listed = [
        SubmissionRow(0, 2, "one", "k1", 7, 1, None, 0, 0, 0),
        SubmissionRow(3, 3, "two", "k2", 8, 2, None, 0, 0, 0),
    ]
    with store.writing() as transaction:
        transaction.append(rows, listed, [(2, 0), (4, 3), (6, 3)])
        transaction.commit()

    def expected(position: int, *header: object) -> tuple[object, ...]:
        leaf = leaf_hash(b"%d" % position).hex()
        return (position, "topic", str(position), leaf, *header)

    with store.reading() as reading:
        found = [(*one[:3], one.leaf.lower(), *one[4:]) for one in reading.register_entries(0, 10)]
        assert found == [
            expected(2, 0, "one", "k1", 7),
            expected(4, 3, "two", "k2", 8),
            expected(6, 3, "two", "k2", 8),
        ]
        positions = [one.position for one in reading.register_entries(3, 1)]
        assert positions == [4]
        assert reading.register_entries(7, 10) == []


def test_running_totals_are_those_of_the_last_submission_below_a_position(store: Store) -> None:
    listed = [
        SubmissionRow(0, 0, "one", "k", 5, 0, None, 1, 0, 0),
        SubmissionRow(1, 0, "two", "k", 5, 0, None, 7, 7, 7),
        SubmissionRow(2, 0, "one", "k", 6, 0, None, 3, 1, 0),
        SubmissionRow(3, 0, "one", "other", 8, 0, None, 9, 9, 9),
    ]
    with store.writing() as transaction:
        transaction.append([row(number) for number in range(1, 5)], listed)
        transaction.commit()
    with store.reading() as reading:
        ones = [(0, 0, 0), (1, 0, 0), (1, 0, 0), (3, 1, 0), (3, 1, 0)]
        assert reading.totals("one", "k", [0, 1, 2, 3, 2**62]) == ones
        assert reading.totals("two", "k", [9]) == [(7, 7, 7)]
        assert reading.totals("two", "other", [9]) == [(0, 0, 0)]
        assert reading.totals("one", "k", []) == []
        signers = [("two", "k"), ("one", "k"), ("two", "other")]
        assert reading.latest_totals(signers) == [(7, 7, 7), (3, 1, 0), (0, 0, 0)]
        assert reading.latest_totals([]) == []
        assert [reading.first_recorded(at) for at in (0, 5, 6, 7, 8, 9)] == [0, 0, 2, 3, 3, None]


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
