"""A running publisher: it publishes when woken, at intervals, and recovers by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from log.last_signed import Claimed, Overtaken
from log.publisher import Publisher
from log.publisher_thread import PublisherThread
from log.store import CHECKPOINT, FileDamage
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.tiles import bundle_path
from tests.harness.checked_log import KEY, OTHER_LOG, TestLog, ignore, note_of
from tests.harness.simulators import (
    Fault,
    FaultyStore,
    MemoryLastSigned,
    MemorySource,
    MemoryStore,
    Plan,
    flipped,
)


@contextmanager
def running(
    publisher: Publisher, *, interval: float = 0.1, retry: float = 0.5
) -> Iterator[PublisherThread]:
    thread = PublisherThread(publisher, interval=interval, retry=retry)
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()


def eventually(true: Callable[[], bool]) -> None:
    """Wait until it is so, at most 10 seconds."""
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.002)


class Published:
    """The sizes that a publisher reported, and when."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.times: list[float] = []

    def __call__(self, checkpoint: Checkpoint, _note: bytes) -> None:
        self.sizes.append(checkpoint.size)
        self.times.append(time.monotonic())


def test_a_running_publisher_publishes_when_woken() -> None:
    source, published = MemorySource(), Published()
    store = MemoryStore()
    publisher = Publisher(source, store, MemoryLastSigned(), KEY, published=published)
    with running(publisher, interval=0.0) as thread:
        for count in (2, 5, 300):
            source.submit(count)
            thread.wake()
            eventually(lambda: published.sizes[-1:] == [source.committed()])
    assert published.sizes == [2, 7, 307]


@pytest.mark.slow
def test_entries_that_another_process_committed_are_published_without_a_wake() -> None:
    source, published = MemorySource(), Published()
    publisher = Publisher(source, MemoryStore(), MemoryLastSigned(), KEY, published=published)
    with running(publisher):
        time.sleep(0.05)
        source.submit(2)
        eventually(lambda: published.sizes == [2])


def test_publications_are_at_least_an_interval_apart_and_miss_nothing() -> None:
    source, published = MemorySource(), Published()
    publisher = Publisher(source, MemoryStore(), MemoryLastSigned(), KEY, published=published)
    with running(publisher, interval=0.1) as thread:
        for _ in range(60):
            source.submit(3)
            thread.wake()
            time.sleep(0.005)
        eventually(lambda: published.sizes[-1:] == [180])
    lasted = published.times[-1] - published.times[0]
    assert 2 <= len(published.sizes) <= lasted / 0.1 + 2  # stopping brings one about at once


@pytest.mark.slow
def test_an_idle_publisher_publishes_at_once_when_woken() -> None:
    source, published = MemorySource(), Published()
    publisher = Publisher(source, MemoryStore(), MemoryLastSigned(), KEY, published=published)
    with running(publisher, interval=0.8) as thread:
        for _ in range(2):
            source.submit(2)
            submitted = time.monotonic()
            thread.wake()
            eventually(lambda: published.sizes[-1:] == [source.committed()])
            assert published.times[-1] - submitted < 0.7
            time.sleep(0.9)


def test_stopping_publishes_what_is_committed() -> None:
    source, published = MemorySource(), Published()
    publisher = Publisher(source, MemoryStore(), MemoryLastSigned(), KEY, published=published)
    thread = PublisherThread(publisher, interval=60)
    thread.start()
    source.submit(2)
    thread.wake()
    eventually(lambda: published.sizes == [2])
    source.submit(3)
    thread.stop()
    assert published.sizes == [2, 5]
    thread.start()  # and it can be started again
    source.submit(3)
    thread.stop()
    assert published.sizes[-1] == 8


def test_a_publisher_is_started_once() -> None:
    publisher = Publisher(MemorySource(), MemoryStore(), MemoryLastSigned(), KEY, published=ignore)
    with running(publisher) as thread, pytest.raises(RuntimeError, match="already"):
        thread.start()


def test_a_full_disk_is_recovered_from_once_there_is_room() -> None:
    source, published, plan = MemorySource(), Published(), Plan({"write files": "half"})
    store = FaultyStore(MemoryStore(), plan)
    publisher = Publisher(source, store, MemoryLastSigned(), KEY, published=published)
    source.submit(300)
    with running(publisher, interval=0, retry=0.02):
        eventually(lambda: plan.calls.count("write files") >= 3)
        assert isinstance(publisher.failure, Fault)
        assert published.sizes == []
        plan.faults.clear()
        eventually(lambda: published.sizes[-1:] == [300])
        eventually(lambda: publisher.failure is None)


@pytest.mark.slow
def test_attempts_to_recover_come_at_growing_intervals() -> None:
    source, plan = MemorySource(), Plan({"write files": "before"})
    store = FaultyStore(MemoryStore(), plan)
    publisher = Publisher(source, store, MemoryLastSigned(), KEY, published=ignore)
    source.submit(2)
    with running(publisher, retry=0.05):
        time.sleep(0.6)
        attempts = plan.calls.count("write files")
    assert 2 <= attempts <= 5  # at 0, 0.05, 0.15, 0.35 seconds


class ClaimedInTurn(MemoryLastSigned):
    """A last signed note whose claim is the test's to give: `held` while another has it."""

    def __init__(self) -> None:
        super().__init__()
        self.held = True
        self.claims = 0

    def claim(self) -> None:
        self.claims += 1
        if self.held:
            raise Claimed("another publisher holds the log")


def test_a_publisher_that_is_overtaken_goes_on_from_what_the_other_signed() -> None:
    log = TestLog().publish(2)
    published = Published()
    publisher = Publisher(log.source, log.store, log.last_signed, KEY, published=published)
    with running(publisher, interval=0, retry=0.01) as thread:
        eventually(lambda: published.sizes == [2])
        # Of the same tree, so that the files fit.
        other = note_of(2, log.signed()[0].root, KEY) + OTHER_LOG.sign(b"\n")
        log.last_signed.signed.append(other)
        log.source.submit(2)
        thread.wake()
        eventually(lambda: published.sizes[-1:] == [4])
    assert log.last_signed.signed[-2] == other
    assert len(log.last_signed.signed) == 3


def test_a_standby_checks_all_files_first_and_takes_over_when_the_claim_is_free() -> None:
    log, last_signed, published = TestLog().publish(300), ClaimedInTurn(), Published()
    last_signed.signed = list(log.last_signed.signed)
    checked: list[int] = []
    publisher = Publisher(
        log.source,
        log.store,
        last_signed,
        KEY,
        published=published,
        checked=lambda done, _: checked.append(done),
    )
    with running(publisher, interval=0) as thread:
        eventually(lambda: last_signed.claims >= 3)
        assert checked == [256, 300]
        log.source.submit(5)
        thread.wake()
        assert published.sizes == []
        last_signed.held = False
        eventually(lambda: published.sizes == [300, 305])
    assert checked == [256, 300]  # and not again, which would take long in a large log


def test_a_standby_that_finds_damage_says_so_and_does_not_take_over_with_it() -> None:
    log, last_signed = TestLog().publish(300), ClaimedInTurn()
    last_signed.signed = list(log.last_signed.signed)
    path = bundle_path(0)
    whole = log.store.files[path]
    log.store.files[path] = flipped(whole, 5)
    publisher = Publisher(log.source, log.store, last_signed, KEY, published=ignore)
    with running(publisher, interval=0, retry=0.01):
        eventually(lambda: isinstance(publisher.failure, FileDamage))
        last_signed.held = False
        eventually(lambda: last_signed.claims >= 3)
        assert isinstance(publisher.failure, FileDamage)
        log.store.files[path] = whole
        eventually(lambda: publisher.failure is None)


def test_one_that_was_suspended_does_not_leave_an_older_checkpoint_in_public() -> None:
    """It is stopped right before its checkpoint is made public, while the other publishes more."""
    log = TestLog().publish(2)
    other = Publisher(log.source, log.store, log.last_signed, KEY, published=ignore)
    other.resume()

    class Suspended(MemoryStore):
        def write_checkpoint(self, data: bytes) -> None:
            if not overtook:
                overtook.append(True)
                log.source.submit(3)
                with suppress(Overtaken):  # it believed in another tree
                    other.publish_once()
                other.resume()
                other.publish_once()
            super().write_checkpoint(data)

    overtook: list[bool] = []
    store = Suspended()
    store.files = log.store.files
    publisher = Publisher(log.source, store, log.last_signed, KEY, published=ignore)
    overtook.append(True)
    publisher.resume()
    overtook.clear()
    log.source.submit(2)
    with pytest.raises(Overtaken):
        publisher.publish_once()
    assert open_checkpoint(log.store.files[CHECKPOINT], KEY.verifier)[0].size == 7
    assert log.store.files[CHECKPOINT] == log.last_signed.signed[-1]
