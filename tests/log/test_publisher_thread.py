"""A running publisher: it publishes when woken, at intervals, and recovers by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from log.last_signed import Overtaken
from log.publisher import Publisher
from log.publisher_thread import PublisherThread
from testamur.tlog.checkpoint import Checkpoint
from tests.harness.checked_log import KEY, OTHER_LOG, TestLog, ignore, note_of
from tests.harness.simulators import (
    Fault,
    FaultyStore,
    MemoryLastSigned,
    MemorySource,
    MemoryStore,
    Plan,
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


def test_a_publisher_that_is_overtaken_gives_up() -> None:
    log = TestLog().publish(2)
    published = Published()
    publisher = Publisher(log.source, log.store, log.last_signed, KEY, published=published)
    with running(publisher, interval=0, retry=0.01) as thread:
        eventually(lambda: published.sizes == [2])
        log.last_signed.signed.append(note_of(2, log.signed()[0].root, KEY) + OTHER_LOG.sign(b"\n"))
        log.source.submit(2)
        thread.wake()
        eventually(lambda: isinstance(publisher.failure, Overtaken))
        time.sleep(0.1)
        assert isinstance(publisher.failure, Overtaken)
        assert published.sizes == [2]
