"""The follower takes in every entry once, whole submissions at a time, whatever interrupts it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.event import listen, remove

from projections import credentials, submissions
from projections.database import open_tables
from projections.follower import Follower
from projections.known_credentials import KnownCredentials
from projections.position import POSITION_ROW, reached
from projections.register import known_at, register_at
from projections.submissions import SUBMISSIONS
from testamur.catalogue import events as e
from testamur.errors import Unavailable
from testamur.rules import MAX_AHEAD
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import CompactRange, leaf_hashes, tree_root
from testamur.tlog.reader import LogReader, Stretch
from testamur.verification.replay import BadEntry, replay
from tests.harness.chronicle import Chronicle
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.story import Story, credentials_of
from tests.harness.tables import built, engine_at, rows
from tests.projections.naive import Naive


class Crash(Exception):
    """Stands for the process ending at this very moment."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = engine_at(tmp_path / "projections.db")
    yield engine
    engine.dispose()


# --- Reading on ---


def test_what_a_log_recorded_in_the_future_is_waited_for(tmp_path: Path, engine: Engine) -> None:
    """Such a log could let the 90 days pass at once in which a theft can be declared."""
    told = Chronicle.opened(tmp_path / "log")
    story, log = told.story, told.log
    log.publish()
    before, sooner = log.size, story.milliseconds
    log.append(story.cohort(2), recorded_at=sooner + MAX_AHEAD * 1000)
    between = len(log.entries)
    log.append(story.cohort(2), recorded_at=sooner + MAX_AHEAD * 1000 + 1)
    log.publish()
    times = [datetime.fromtimestamp(sooner / 1000, UTC)]
    follower = Follower(engine, log.reader(), clock=lambda: times[-1])
    with pytest.raises(Unavailable, match="one of the two is wrong"):
        follower.catch_up()
    assert before < follower.size == between
    with pytest.raises(Unavailable, match=f"entry {between} "):
        follower.catch_up()
    assert (follower.size, follower.failure) == (between, None)
    times.append(times[0] + timedelta(seconds=1))
    assert follower.catch_up() == log.size
    assert built(log.reader()) == rows(engine)


@pytest.mark.slow
def test_it_reaches_what_the_replay_of_the_log_reaches(tmp_path: Path, engine: Engine) -> None:
    log, _ = opened_log(tmp_path / "log", 300, 1, 5000, 2)
    follower = Follower(engine, log.reader())
    assert follower.catch_up() == follower.size == log.size
    replayed = replay(log.source(), log.key)
    with engine.connect() as connection:
        at = reached(connection)
        assert (replayed.checkpoint.size, replayed.checkpoint.root) == (at.size, at.root)
        register, names = register_at(connection, at.size), known_at(connection, at.size)
    assert replayed.register == register
    known = KnownCredentials(engine, lambda: log.size, list, lambda at: log.entries[at], names)
    known.look_up(log.entries)
    assert replayed.credentials == known


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 3, 100])
def test_tailing_a_growing_log_gives_the_tables_of_one_go(
    tmp_path: Path, engine: Engine, step: int
) -> None:
    """Whatever the checkpoints in between were, nothing is missed and nothing doubled."""
    story = Story()
    log = PublishedLog(tmp_path / "log", story)
    follower = Follower(engine, log.reader())
    bodies = [*story.opening(), *(story.cohort(1 + n % 7) for n in range(40))]
    for start in range(0, len(bodies), step):
        log.append(*bodies[start : start + step])
        log.publish()
        assert follower.catch_up() == log.size
        assert follower.catch_up() == log.size  # nothing new, nothing done
    assert built(log.reader()) == rows(engine)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("each_database")
def test_a_restart_at_any_size_goes_on_to_the_same_tables(
    tmp_path: Path, engine: Engine, seed: int
) -> None:
    """Register and credentials are known from the tables, not from memory, whatever happened."""
    told = Chronicle.opened(tmp_path / "log")
    RandomSubmissions(told, seed).go(250)
    log = told.log
    replayer = Naive.empty(log).replayer
    restarted = 0
    for entry in log.entries:
        for cohort in replayer.feed([entry], leaf_hashes([entry])):
            log.publish(cohort.position + 1 + len(cohort.events))
            follower = Follower(engine, log.reader())
            assert follower.size == cohort.position
            assert follower.catch_up() == log.size
            restarted += 1
    assert restarted >= 50
    assert built(log.reader()) == rows(engine)


def test_a_log_not_published_yet_is_waited_for(tmp_path: Path, engine: Engine) -> None:
    story = Story()
    log = PublishedLog(tmp_path / "log", story)
    follower = Follower(engine, log.reader())
    with pytest.raises(Unavailable):
        follower.catch_up()
    log.append(*story.opening())
    log.publish()
    assert follower.catch_up() == log.size
    assert follower.failure is None


@pytest.mark.slow
def test_memory_holds_one_stretch_and_one_submission_however_long_the_backlog(
    tmp_path: Path, engine: Engine
) -> None:
    """A backlog is committed in pieces, each the end of a submission."""
    log, _ = opened_log(tmp_path / "log", *[700] * 20)
    ends: list[int] = []

    def note_size(connection: Any) -> None:
        ends.append(connection.scalar(select(POSITION_ROW.c.size)))

    follower = Follower(engine, log.reader())
    listen(engine, "commit", note_size)
    follower.catch_up()
    assert len(ends) >= len(log.entries) // 5000
    assert max(b - a for a, b in zip([0, *ends], ends, strict=False)) <= 16 * 256 + 701
    with engine.connect() as connection:
        assert all(end == submissions.as_of(connection, size=end) for end in ends)


# --- Crashing ---


def crash_at(engine: Engine, nth: int) -> Callable[[], None]:
    """Make the nth statement or commit from now on fail; return what undoes this."""
    count = 0

    def fail(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == nth:
            raise Crash

    listen(engine, "before_cursor_execute", fail)
    listen(engine, "commit", fail)

    def undo() -> None:
        remove(engine, "before_cursor_execute", fail)
        remove(engine, "commit", fail)

    return undo


@pytest.mark.slow
@pytest.mark.usefixtures("each_database")
def test_a_crash_at_any_statement_loses_nothing_and_doubles_nothing(
    tmp_path: Path, engine: Engine
) -> None:
    story = Story()
    log = PublishedLog(tmp_path / "log", story)
    log.append(*story.opening(), story.cohort(4200), story.cohort(900))
    (one, *_) = credentials_of(story.cohort(1))
    log.append(story.submission(story.provider, story.issued(one)))
    log.append(
        story.submission(story.provider, e.CredentialRevoked(credential=one, reason="misconduct"))
    )
    log.publish()
    whole = built(log.reader())
    follower = Follower(engine, log.reader())
    crashes = 0
    for nth in range(1, 200):
        undo = crash_at(engine, nth)
        try:
            follower.catch_up()
        except Crash:
            crashes += 1
        else:
            break
        finally:
            undo()
        assert follower.failure is None
        with engine.connect() as connection:
            at = reached(connection)
            # The tables are those of the position, whatever the crash interrupted.
            last = connection.execute(select(SUBMISSIONS).order_by(SUBMISSIONS.c.position.desc()))
            row = last.first()
            assert at.size == (0 if row is None else row.position + 1 + row.events)
            assert at.root == tree_root(leaf_hashes(log.entries[: at.size]))
        if nth % 2:  # every other time the process starts anew
            follower = Follower(engine, log.reader())
    assert crashes > 10
    assert follower.size == log.size
    assert whole == rows(engine)


def test_a_database_that_cannot_be_reached_is_an_obstacle_and_no_failure(
    tmp_path: Path, engine: Engine
) -> None:
    log, _ = opened_log(tmp_path / "log", 10)
    listen(engine, "connect", lambda opened, _: opened.execute("PRAGMA busy_timeout=1"))
    follower = Follower(engine, log.reader())
    blocking = sqlite3.connect(tmp_path / "projections.db", isolation_level=None)
    blocking.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="database is locked"):
        follower.catch_up()
    assert (follower.size, follower.failure) == (0, None)
    blocking.close()
    assert follower.catch_up() == log.size


@pytest.mark.usefixtures("each_database")
def test_of_two_followers_on_the_same_tables_neither_doubles_a_row(
    tmp_path: Path, engine: Engine
) -> None:
    log, story = opened_log(tmp_path / "log", 10)
    one, two = Follower(engine, log.reader()), Follower(engine, log.reader())
    assert one.catch_up() == log.size
    with pytest.raises(Unavailable, match="another follower"):
        two.catch_up()
    assert two.catch_up() == log.size
    log.append(story.cohort(5))
    log.publish()
    assert two.catch_up() == log.size
    with pytest.raises(Unavailable, match="another follower"):
        one.catch_up()
    assert one.catch_up() == log.size
    assert built(log.reader()) == rows(engine)


# --- What is written again ---


def test_an_id_that_counts_no_more_is_written_again_by_its_owner_and_by_nobody_else(
    tmp_path: Path, engine: Engine
) -> None:
    """The tables look up each id that is issued: the line is the one that the log has."""
    told = Chronicle.opened(tmp_path / "log")
    story, provider = told.story, told.story.provider
    first, again = story.issued(), story.issued()
    follower = Follower(engine, told.log.reader())
    assert told.offer(provider, first, again)
    assert told.offer(provider, defined := story.defined(story.new_id()))
    assert told.offer(provider.recovery, story.key_compromised(provider, 10))
    fresh = provider.with_key("fresh")
    assert told.offer(provider.recovery, story.key_listed(fresh))
    told.log.publish()
    follower.catch_up()
    # Of one known from the tables, and of one in the stretch that is being read.
    assert told.offer(fresh, defined, first)
    assert told.offer(provider.recovery, story.key_compromised(fresh, len(told.log.entries) - 3))
    last = provider.with_key("last")
    assert told.offer(provider.recovery, story.key_listed(last))
    assert told.offer(last, defined, first, again)
    told.log.publish()
    assert follower.catch_up() == told.log.size
    assert built(told.log.reader()) == rows(engine)
    with engine.connect() as connection:
        found = {
            one: credentials.credential_at(connection, one, told.log.size)
            for one in (first.credential, again.credential)
        }
    assert [(each.version, each.standing.status) for each in found.values() if each] == [
        (3, "active"),
        (2, "active"),
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("each_database")
def test_ids_are_written_again_in_any_order_and_wherever_the_log_is_cut(
    tmp_path: Path, engine: Engine
) -> None:
    """Each part of the log with their first lines is read once, however they alternate."""
    told = Chronicle.opened(tmp_path / "log")
    story, provider = told.story, told.story.provider
    cohorts = [[story.issued() for _ in range(150)] for _ in range(2)]
    for cohort in cohorts:
        assert told.offer(provider, *cohort)
    fresh = provider.with_key("fresh")
    declared = story.key_compromised(provider, 10), story.key_listed(fresh)
    assert told.offer(provider.recovery, *declared)
    # Longer than what is read at once: some of its ids are pending then, some in the tables.
    assert told.offer(fresh, *(each for pair in zip(*cohorts, strict=True) for each in pair))
    told.log.publish()
    read: list[int] = []

    class OneBundle(LogReader):
        def stretches(
            self, edge: CompactRange, checkpoint: Checkpoint, *, bundles: int = 1
        ) -> Iterator[Stretch]:
            return super().stretches(edge, checkpoint, bundles=bundles)

        def bundles(
            self, start: int, end: int, *, size: int | None = None
        ) -> Iterator[tuple[int, list[bytes]]]:
            read.append(start)
            return super().bundles(start, end, size=size)

    follower = Follower(engine, OneBundle(told.log.source(), told.log.key))
    assert follower.catch_up() == told.log.size
    assert built(told.log.reader()) == rows(engine)
    assert len(read) < 8


@pytest.mark.usefixtures("each_database")
def test_a_line_that_was_changed_is_no_line_written_again(tmp_path: Path, engine: Engine) -> None:
    told = Chronicle.opened(tmp_path / "log")
    story, provider = told.story, told.story.provider
    event = story.issued()
    assert told.offer(provider, event)
    assert told.offer(provider.recovery, story.key_compromised(provider, 10))
    fresh = provider.with_key("fresh")
    assert told.offer(provider.recovery, story.key_listed(fresh))
    other = msgspec.structs.replace(event, valid_until=None)
    told.log.append(story.submission(fresh, other))
    told.log.publish()
    follower = Follower(engine, told.log.reader())
    with pytest.raises(BadEntry, match="another-line") as refused:
        follower.catch_up()
    assert (refused.value.position, follower.size) == (17, 16)


# --- Another layout ---


def test_tables_of_another_layout_are_built_anew(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "log", 10)
    folder = tmp_path / "tables"
    first = open_tables(folder)
    Follower(first, log.reader()).catch_up()
    with first.begin() as connection:
        connection.execute(update(POSITION_ROW).values(layout=0))
        connection.execute(text("ALTER TABLE position DROP COLUMN hashes"))
    first.dispose()
    second = open_tables(folder)
    assert Follower(second, log.reader()).size == 0
    second.dispose()
    assert [path.name for path in folder.glob("*.db")] == ["projections.db"]
