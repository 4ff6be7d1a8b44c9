"""A follower in a thread of its own keeps up with a log that grows, and says what stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from projections import credentials
from projections.database import sqlite_engine
from projections.follower import Follower
from testamur.errors import Unavailable
from testamur.tlog.reader import LogReader
from testamur.tlog.source import Source
from testamur.verification.replay import BadEntry
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Story, credentials_of
from tests.harness.tables import built, rows


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = sqlite_engine(tmp_path / "projections.db")
    yield engine
    engine.dispose()


def reaches(follower: Follower, size: int, seconds: float) -> bool:
    """Wake the follower, and return whether it reaches `size` in so many seconds."""
    follower.wake()
    deadline = time.monotonic() + seconds
    while follower.size < size and follower.failure is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return follower.size >= size


@pytest.fixture
def following(tmp_path: Path, engine: Engine) -> Iterator[tuple[PublishedLog, Story, Follower]]:
    log, story = opened_log(tmp_path / "log", 10)
    follower = Follower(engine, log.reader())
    follower.start()
    yield log, story, follower
    follower.stop()


@pytest.mark.slow
def test_a_writer_reads_what_it_wrote(following: tuple[PublishedLog, Story, Follower]) -> None:
    log, story, follower = following
    for _ in range(20):
        body = story.cohort(3)
        log.append(body)
        size = log.publish().size
        assert reaches(follower, size, 10)
        with follower.engine.connect() as connection:
            for credential in credentials_of(body):
                assert credentials.credential_at(connection, credential, size) is not None


@pytest.mark.slow
def test_a_follower_that_nobody_wakes_looks_by_itself(
    following: tuple[PublishedLog, Story, Follower],
) -> None:
    log, story, follower = following
    assert reaches(follower, log.size, 10)
    log.append(story.cohort(3))
    log.publish()
    size = log.size
    deadline = time.monotonic() + 10
    while follower.size < size and time.monotonic() < deadline:
        time.sleep(0.05)
    assert follower.size == size


@pytest.mark.slow
def test_tailing_while_the_log_grows_misses_nothing(tmp_path: Path, engine: Engine) -> None:
    """One thread publishes as fast as it can, checkpoints of all sizes; the follower keeps up."""
    log, story = opened_log(tmp_path / "log", 10)
    bodies = [story.cohort(1 + n % 40) for n in range(120)]
    follower = Follower(engine, log.reader())
    follower.start()

    def publish() -> None:
        for body in bodies:
            log.append(body)
            log.publish()
            follower.wake()

    publisher = threading.Thread(target=publish)
    publisher.start()
    publisher.join()
    assert reaches(follower, log.size, 30), follower.failure
    follower.stop()
    assert built(log.reader()) == rows(engine)


def test_a_thread_that_halts_says_so_at_once(
    following: tuple[PublishedLog, Story, Follower],
) -> None:
    log, story, follower = following
    assert reaches(follower, log.size, 10)
    log.append(story.submission(story.accreditor, story.issued()))
    log.publish()
    follower.wake()
    deadline = time.monotonic() + 10
    while follower.failure is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert isinstance(follower.failure, BadEntry)
    assert follower.size < log.size


class FlakySource(Source):
    """A folder that can be out of reach."""

    at_once = 1

    def __init__(self, source: Source) -> None:
        self._source = source
        self.reachable = True
        self.fetched = 0

    def fetch(self, path: str) -> bytes:
        self.fetched += 1
        if not self.reachable:
            raise Unavailable(f"{path}: out of reach")
        return self._source.fetch(path)


def test_a_source_out_of_reach_is_an_obstacle_until_it_is_back(
    tmp_path: Path, engine: Engine
) -> None:
    log, story = opened_log(tmp_path / "log", 10)
    source = FlakySource(log.source())
    follower = Follower(engine, LogReader(source, log.key))
    source.reachable = False
    follower.start()
    try:
        deadline = time.monotonic() + 10
        while follower.obstacle is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "out of reach" in str(follower.obstacle)
        assert follower.failure is None
        source.reachable = True
        assert reaches(follower, log.size, 10)
        assert follower.catch_up() == log.size
        log.append(story.cohort(2))
        assert reaches(follower, log.publish().size, 10)
        assert follower.obstacle is None
    finally:
        follower.stop()


@pytest.mark.slow
def test_a_follower_with_nothing_to_do_does_nothing(tmp_path: Path, engine: Engine) -> None:
    """Woken once, it looks once, and then sleeps."""
    log, _ = opened_log(tmp_path / "log", 10)
    source = FlakySource(log.source())
    follower = Follower(engine, LogReader(source, log.key))
    follower.start()
    assert reaches(follower, log.size, 10)
    follower.wake()
    time.sleep(0.2)
    before = source.fetched
    time.sleep(0.5)
    follower.stop()
    assert source.fetched - before <= 4


@pytest.mark.slow
def test_it_can_be_stopped_amid_a_backlog_and_started_again(tmp_path: Path, engine: Engine) -> None:
    log, _ = opened_log(tmp_path / "log", *[1000] * 20)
    follower = Follower(engine, log.reader())
    follower.start()
    assert reaches(follower, 1, 30)
    follower.stop()
    assert 0 < follower.size <= log.size
    follower.start()
    assert reaches(follower, log.size, 60)
    follower.stop()
    assert built(log.reader()) == rows(engine)
