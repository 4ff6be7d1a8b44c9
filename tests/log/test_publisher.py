"""The life of an entry: published whole, once, in order, by one publisher."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log.directory import DirectoryStore
from log.last_signed import Overtaken
from log.proofs import Proofs
from log.publisher import Publisher, Stopped
from log.sqlite import SqliteLastSigned
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.merkle import tree_root, verify_inclusion
from testamur.tlog.reader import LogReader
from tests.harness.checked_log import KEY, TestLog, ignore
from tests.harness.simulators import (
    Fault,
    FaultyStore,
    MemorySource,
    MemoryStore,
)
from tests.harness.tile_resources import tile_resources

# --- Publishing ---


def test_nothing_is_published_of_an_empty_sequence() -> None:
    log = TestLog()
    log.publisher.resume()
    assert log.publisher.publish_once() is None
    assert log.publisher.checkpoint is None
    assert log.store.files == {}
    assert log.last_signed.signed == []


def test_every_tree_is_published_whole_as_it_grows() -> None:
    log = TestLog().publish(2, 1, 5, 247, 1, 1, 255, 256, 512, 3, 700, 1)
    assert log.published == [2, 3, 8, 255, 256, 257, 512, 768, 1280, 1283, 1983, 1984]


@pytest.mark.slow
def test_a_tree_of_three_tile_levels_is_published_whole() -> None:
    log = TestLog().publish(65_530, 5, 1, 300)
    assert {"tile/0/255", "tile/1/000", "tile/2/000.p/1", "tile/1/001.p/1"} <= set(log.store.files)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 600), min_size=1, max_size=6), st.integers(1, 300))
def test_any_submissions_read_in_any_portions_are_published_whole(
    submissions: list[int], at_once: int
) -> None:
    TestLog(source=MemorySource(at_once=at_once)).publish(*submissions)


def test_portions_that_end_within_a_bundle_are_put_together() -> None:
    TestLog(source=MemorySource(at_once=100)).publish(50, 9_000)


@pytest.mark.slow
def test_a_backlog_is_published_in_bounded_portions_and_signed_once() -> None:
    log = TestLog()
    log.source.append([bytes(60_000) + b"%d" % number for number in range(3000)])  # 180 MB
    written: list[int] = []

    class Weighing(FaultyStore):
        def write_many(self, files: Sequence[tuple[str, bytes]]) -> None:
            written.append(sum(len(data) for _, data in files))
            super().write_many(files)

    store = Weighing(log.store, log.plan)
    publisher = Publisher(log.source, store, log.last_signed, KEY, published=ignore)
    publisher.resume()
    publisher.publish_once()
    assert max(written) < 72 << 20
    assert [checkpoint.size for checkpoint in log.signed()] == [3000]


def test_a_backlog_leaves_no_partial_files_but_those_of_the_published_size() -> None:
    log = TestLog().publish(20_000)
    partials = {path for path in log.store.files if ".p/" in path}
    assert partials == {path for path in tile_resources(20_000) if ".p/" in path}
    assert log.plan.calls.count("write files") > 1


def test_a_checkpoint_has_the_size_the_source_stated_when_asked_and_no_other() -> None:
    log = TestLog()
    stated = iter([300, 300, 2000])

    class Growing(MemorySource):
        def committed(self) -> int:
            log.source.submit(1000)  # submissions land while we publish
            return next(stated)

        def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
            return log.source.read(start, limit)

    publisher = Publisher(Growing(), log.store, log.last_signed, KEY, published=ignore)
    publisher.resume()
    for size in (300, None, 2000):
        checkpoint = publisher.publish_once()
        assert (checkpoint and checkpoint.size) == size
    log.check()


def test_a_checkpoint_is_reported_once_it_is_public_and_entries_can_be_proven() -> None:
    log = TestLog()
    seen: list[int] = []

    def published(checkpoint: Checkpoint, note: bytes) -> None:
        assert log.store.files["checkpoint"] == log.last_signed.get() == note
        assert publisher.checkpoint == (checkpoint, note)
        last = checkpoint.size - 1
        path = Proofs(log.store).inclusion(last, checkpoint)
        leaf = log.source.leaves[last]
        verify_inclusion(last, checkpoint.size, leaf, path, checkpoint.root)
        seen.append(checkpoint.size)

    publisher = Publisher(log.source, log.store, log.last_signed, KEY, published=published)
    publisher.resume()
    for count in (2, 300):
        log.source.submit(count)
        publisher.publish_once()
    assert publisher.publish_once() is None
    assert seen == [2, 302]


def test_outsiders_read_back_every_entry() -> None:
    log = TestLog().publish(2, 600, 70)
    reader = LogReader(log.store, KEY.verifier)
    read = [
        entry for _, entries in reader.bundles(0, reader.checkpoint().size) for entry in entries
    ]
    assert read == log.source.entries


@pytest.mark.slow
def test_the_folder_holds_the_very_bytes_that_the_memory_does(tmp_path: Path) -> None:
    log = TestLog()
    store = DirectoryStore(tmp_path / "log")
    last_signed = SqliteLastSigned(tmp_path / "last-signed.db")
    log.publisher.resume()
    publisher = Publisher(log.source, store, last_signed, KEY, published=ignore)
    publisher.resume()
    for count in (2, 250, 600, 1, 70_000, 1):
        log.source.submit(count)
        log.publisher.publish_once()
        publisher.publish_once()
        assert {path: store.read(path) for path in store.paths()} == log.store.files
    assert last_signed.get() == log.last_signed.get()
    publisher.release()
    last_signed.close()


def test_each_publication_is_logged_once_with_its_sizes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="log.publisher")
    log = TestLog().publish(2, 300)
    assert log.publisher.publish_once() is None
    lines = [re.sub(r"\d+ ms", "N ms", record.getMessage()) for record in caplog.records]
    assert lines == [
        "published 2 entries, 2 in all, in N ms",
        "published 300 entries, 302 in all, in N ms",
    ]


# --- Partial files ---


def test_partials_stay_for_one_publication_after_the_full_file_came() -> None:
    log = TestLog().publish(2, 250, 10)
    for path in ("tile/0/000", "tile/0/000.p/2", "tile/0/000.p/252", "tile/entries/000.p/252"):
        assert path in log.store.files
    log.publish(1)
    assert not [path for path in log.store.files if path.startswith("tile/0/000.p/")]
    assert not [path for path in log.store.files if path.startswith("tile/entries/000.p/")]


@pytest.mark.slow
def test_partial_files_do_not_pile_up() -> None:
    log = TestLog()
    log.publisher.resume()
    for _ in range(120):
        log.source.submit(100)
        log.publisher.publish_once()
    log.check()
    at_level_0 = [path for path in log.store.files if ".p/" in path and "tile/1/" not in path]
    assert len(at_level_0) <= 2 * 6  # bundles and tiles, of this publication and the one before


def test_partials_that_a_crash_kept_from_being_removed_are_removed_later() -> None:
    log = TestLog().publish(2, 250, 10)
    log.restarted().resume()
    assert "tile/0/000.p/252" in log.store.files
    log.publish(1)
    assert "tile/0/000.p/252" not in log.store.files
    assert "tile/entries/000.p/2" not in log.store.files


# --- Failing closed ---


def test_nothing_is_published_before_the_first_resume() -> None:
    log = TestLog()
    log.source.submit(2)
    with pytest.raises(Stopped):
        log.publisher.publish_once()
    assert log.store.files == {}


def test_after_a_failure_nothing_is_published_until_resumed() -> None:
    log = TestLog().publish(2)
    log.source.submit(5)
    log.plan.faults[len(log.plan.calls)] = "before"
    with pytest.raises(Fault):
        log.publisher.publish_once()
    assert isinstance(log.publisher.failure, Fault)
    before = dict(log.store.files)
    for _ in range(3):
        with pytest.raises(Stopped) as stopped:
            log.publisher.publish_once()
        assert stopped.value.__cause__ is log.publisher.failure
    assert log.store.files == before
    public = open_checkpoint(before["checkpoint"], KEY.verifier)[0]
    Proofs(log.store).inclusion(1, public)  # what is public stays public, and provable
    log.publisher.resume()
    assert not log.publisher.failure
    log.publish(1)


def test_a_resume_that_fails_leaves_publishing_stopped() -> None:
    log = TestLog().publish(2)
    log.plan.faults[len(log.plan.calls)] = "before"
    with pytest.raises(Fault):
        log.publisher.resume()
    assert isinstance(log.publisher.failure, Fault)
    with pytest.raises(Stopped):
        log.publisher.publish_once()


def test_a_listener_that_fails_stops_publishing_and_is_called_again() -> None:
    log = TestLog()
    reported = []

    def published(checkpoint: Checkpoint, _note: bytes) -> None:
        reported.append(checkpoint.size)
        if len(reported) == 2:
            raise RuntimeError("the listener broke")

    publisher = Publisher(log.source, log.store, log.last_signed, KEY, published=published)
    publisher.resume()
    for count in (2, 3):
        log.source.submit(count)
        with suppress(RuntimeError):
            publisher.publish_once()
    assert isinstance(publisher.failure, RuntimeError)
    publisher.resume()
    assert reported == [2, 5, 5]
    log.check()


# --- Two publishers ---


def test_two_publishers_of_two_histories_never_sign_both() -> None:
    log = TestLog().publish(2)
    other_source = MemorySource()
    other_source.append(log.source.entries)
    ours, theirs = (
        Publisher(source, store, log.last_signed, KEY, published=ignore)
        for source, store in ((log.source, log.store), (other_source, MemoryStore()))
    )
    theirs._store.write_many(
        [(path, data) for path, data in log.store.files.items() if path != "checkpoint"]
    )
    ours.resume()
    theirs.resume()
    log.source.append([b"the one history"])
    other_source.append([b"the other history"])
    ours.publish_once()
    with pytest.raises(Overtaken):
        theirs.publish_once()
    assert isinstance(theirs.failure, Overtaken)
    log.check()
    with pytest.raises(FileDamage):  # nor does it help to try again
        theirs.resume()
    with pytest.raises(Stopped):
        theirs.publish_once()
    log.check()


def test_two_publishers_racing_over_one_history_sign_one_chain() -> None:
    log = TestLog().publish(2)
    publishers = [
        Publisher(log.source, log.store, log.last_signed, KEY, published=ignore) for _ in range(2)
    ]
    overtaken = []

    def race(publisher: Publisher) -> None:
        for _ in range(40):
            try:
                if publisher.failure is not None or publisher.checkpoint is None:
                    publisher.resume()
                publisher.publish_once()
            except Overtaken:
                overtaken.append(publisher)
            except (Unavailable, FileDamage):
                pass  # it read a checkpoint that the other was just replacing
            log.source.submit(3)

    threads = [threading.Thread(target=race, args=(publisher,)) for publisher in publishers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    leaves = log.source.leaves
    sizes = [checkpoint.size for checkpoint in log.signed()]
    assert len(sizes) > 10  # else both did nothing but fail
    assert sizes == sorted(set(sizes))
    for checkpoint in log.signed():
        assert checkpoint.root == tree_root(leaves[: checkpoint.size])


def test_a_second_publisher_does_not_even_start_while_the_first_is_at_work(tmp_path: Path) -> None:
    source = MemorySource()
    source.submit(2)
    claims = [SqliteLastSigned(tmp_path / "last-signed.db") for _ in range(2)]
    first, second = (
        Publisher(source, DirectoryStore(tmp_path / "log"), claim, KEY, published=ignore)
        for claim in claims
    )
    first.resume()
    with pytest.raises(Unavailable, match="another publisher"):
        second.resume()
    with pytest.raises(Stopped):
        second.publish_once()
    first.publish_once()
    first.release()
    with pytest.raises(Stopped):
        first.publish_once()
    second.resume()  # it takes over where the first one stopped
    assert second.checkpoint == first.checkpoint
    for claim in claims:
        claim.close()
