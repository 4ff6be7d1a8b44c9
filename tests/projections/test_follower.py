"""The follower takes in every entry once, believes none unproven, and says where it stopped."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.event import listen, remove

from projections import credentials, submissions
from projections.credentials import CREDENTIALS
from projections.database import discard, open_live, open_next, sqlite_engine
from projections.follower import Follower
from projections.position import POSITION_ROW, reached
from projections.register import known_at
from projections.submissions import SUBMISSIONS
from projections.tables import METADATA
from testamur.catalogue import events as e
from testamur.catalogue.submission import parse, submission_entry
from testamur.errors import Refuted, Unavailable
from testamur.rules.register import dump_register
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource, Source
from testamur.verification.replay import BadEntry, Replayer, replay
from tests.harness.chronicle import Chronicle, Wild
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Story, credentials_of, private_key


class Crash(Exception):
    """Stands for the process ending at this very moment."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = sqlite_engine(tmp_path / "projections.db")
    yield engine
    engine.dispose()


def tables(engine: Engine) -> dict[str, list[Any]]:
    """Return every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in METADATA.sorted_tables
        }


def expected(log: PublishedLog, folder: Path) -> dict[str, list[Any]]:
    """Return the rows of tables that a fresh follower builds in one go."""
    engine = sqlite_engine(folder / f"expected-{log.size}-{time.monotonic_ns()}.db")
    Follower(engine, log.reader()).catch_up()
    rows = tables(engine)
    engine.dispose()
    return rows


# --- Reading on ---


def test_it_reaches_what_the_replay_of_the_log_reaches(tmp_path: Path, engine: Engine) -> None:
    log, _ = opened_log(tmp_path / "log", 300, 1, 5000, 2)
    follower = Follower(engine, log.reader())
    assert follower.catch_up() == follower.size == log.size
    replayed = replay(log.source(), log.key)
    with engine.connect() as connection:
        at = reached(connection)
        assert (replayed.checkpoint.size, replayed.checkpoint.root) == (at.size, at.root)
        names = list(replayed.credentials)
        assert replayed.credentials == credentials.states(connection, names)
        register = known_at(connection, at.size).register
    assert dump_register(replayed.register) == dump_register(register)


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
    assert expected(log, tmp_path) == tables(engine)


@pytest.mark.parametrize("seed", range(3))
def test_a_restart_at_any_size_goes_on_to_the_same_tables(
    tmp_path: Path, engine: Engine, seed: int
) -> None:
    """Register and credentials are known from the tables, not from memory, whatever happened."""
    told = Chronicle.opened(tmp_path / "log")
    Wild(told, seed).go(250)
    log = told.log
    replayer = Replayer(log.log_key)
    restarted = 0
    for entry in log.entries:
        for cohort in replayer.feed([entry], leaf_hashes([entry])):
            log.publish(cohort.position + 1 + len(cohort.events))
            follower = Follower(engine, log.reader())
            assert follower.size == cohort.position
            assert follower.catch_up() == log.size
            restarted += 1
    assert restarted >= 50
    assert expected(log, tmp_path) == tables(engine)


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
    whole = expected(log, tmp_path)
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
    assert whole == tables(engine)


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
    assert expected(log, tmp_path) == tables(engine)


# --- Refusing ---


def refused(
    log: PublishedLog, engine: Engine, *, reader: LogReader | None = None
) -> tuple[Follower, Refuted]:
    """Return the follower that halts at `log`, and what it halted at."""
    follower = Follower(engine, reader or log.reader())
    with pytest.raises(Refuted) as caught:
        follower.catch_up()
    assert follower.failure is caught.value
    return follower, caught.value


def test_an_entry_changed_on_the_way_is_named_and_nothing_of_it_is_kept(
    tmp_path: Path, engine: Engine
) -> None:
    """Bundles are not signed: the changed entry is the one that its tree does not hold."""
    log, _ = opened_log(tmp_path / "log", 200, 600)
    path = log.root / "tile/entries/001"
    path.write_bytes(
        path.read_bytes().replace(b"blended", b"onlinee", 100).replace(b"onlinee", b"blended", 99)
    )
    follower, failure = refused(log, engine)
    assert isinstance(failure, BadEntry)
    assert failure.position is not None
    assert 256 <= failure.position < 512
    assert log.entries[failure.position].count(b"blended")
    assert (failure.rule, follower.size) == ("inclusion", 0)
    with engine.connect() as connection:
        assert connection.execute(select(CREDENTIALS)).all() == []


@pytest.mark.parametrize(
    ("cohort", "rule"),
    [
        (lambda story, _: story.submission(story.accreditor, story.issued()), "role"),
        (
            lambda story, _: story.submission(story.provider.with_key("unknown"), story.issued()),
            "unknown-key",
        ),
        (
            lambda story, _: story.submission(
                replace(story.provider, key=private_key("forger")), story.issued()
            ),
            "signature",
        ),
        (
            lambda story, _: story.submission(
                story.provider, story.issued(), story.issued(achievement=story.new_id())
            ),
            "unknown-achievement",
        ),
        (lambda story, old: story.submission(story.provider, story.issued(old)), "already-issued"),
        (
            lambda story, old: story.submission(
                story.provider, story.issued(), story.issued(), story.issued(old)
            ),
            "already-issued",
        ),
        (
            lambda story, old: story.submission(
                story.provider, e.CredentialReinstated(credential=old)
            ),
            "transition",
        ),
        (
            lambda story, _: story.submission(
                story.provider, story.issued(), story.issued(story.achievement)
            ),
            "id-taken",
        ),
        # No row of these would clash with one that is there: only the rules can tell.
        (lambda story, old: story.submission(story.provider, story.defined(old)), "id-taken"),
        (lambda story, old: story.submission(story.authority, story.recognised(old)), "id-taken"),
        (
            lambda story, _: story.submission(
                story.provider, story.issued(new := story.new_id()), story.defined(new)
            ),
            "id-taken",
        ),
        (
            lambda story, _: story.submission(
                story.provider, e.CredentialReinstated(credential="?" * 36)
            ),
            "unknown-credential",
        ),
        (
            lambda story, old: story.submission(
                story.provider, e.CredentialReinstated(credential=old.upper())
            ),
            "unknown-credential",
        ),
    ],
)
@pytest.mark.parametrize("restarted", [False, True])
def test_what_the_rules_refuse_is_named_and_all_before_it_is_kept(
    tmp_path: Path,
    engine: Engine,
    cohort: Callable[[Story, str], bytes],
    rule: str,
    restarted: bool,  # noqa: FBT001
) -> None:
    """The log's operator signed it, and still it does not get in; nor does what follows."""
    story = Story()
    log = PublishedLog(tmp_path / "log", story)
    old = story.new_id()
    log.append(*story.opening(), story.submission(story.provider, story.issued(old)))
    if restarted:
        log.publish()
        Follower(engine, log.reader()).catch_up()
    log.append(story.cohort(5))
    body = cohort(story, old)
    bad = log.append(body)
    log.append(story.cohort(5))
    log.publish()
    follower, failure = refused(log, engine)
    assert isinstance(failure, BadEntry)
    assert failure.rule == rule
    assert failure.position is not None
    assert bad <= failure.position <= bad + parse(body).header.payload.events
    assert follower.size == bad
    # It keeps answering for what it reached, and keeps refusing what it refused.
    with engine.connect() as connection:
        found = credentials.status(connection, old, submissions.as_of(connection))
        assert found is not None
        assert found.size == bad
    with pytest.raises(BadEntry) as again:
        follower.catch_up()
    assert again.value is failure
    assert not follower.wait_for(bad + 1, 0)
    assert follower.wait_for(bad, 0)


def test_a_submission_recorded_twice_is_named_even_long_after(
    tmp_path: Path, engine: Engine
) -> None:
    """Which submissions were seen is known from the table, not from memory."""
    story = Story()
    log = PublishedLog(tmp_path / "log", story)
    log.append(*story.opening())
    new = story.new_id()
    body = story.submission(story.provider, story.defined(new))
    again = story.submission(story.provider, story.issued(), jti=parse(body).header.payload.jti)
    log.append(body, story.cohort(10))
    log.publish()
    follower = Follower(engine, log.reader())
    follower.catch_up()
    at = log.append(story.cohort(3), again) + 4
    log.publish()
    with pytest.raises(BadEntry, match="duplicate-submission") as caught:
        follower.catch_up()
    assert (caught.value.position, follower.size) == (at, at)


def test_a_checkpoint_that_cuts_a_submission_is_refused(tmp_path: Path, engine: Engine) -> None:
    log, story = opened_log(tmp_path / "log", 10)
    log.append(story.cohort(10))
    log.publish(log.size + 4)
    follower, failure = refused(log, engine)
    assert isinstance(failure, BadEntry)
    assert (failure.rule, failure.position, follower.size) == ("cut-submission", 21, 21)


def test_a_log_that_shrank_is_refused(tmp_path: Path, engine: Engine) -> None:
    log, _ = opened_log(tmp_path / "log", 10, 10)
    follower = Follower(engine, log.reader())
    follower.catch_up()
    size = 21
    log.sign(Checkpoint(log.signer.name, size, tree_root(leaf_hashes(log.entries[:size]))))
    with pytest.raises(BadEntry, match=r"checkpoint 21: .* the log shrank"):
        follower.catch_up()
    assert follower.size == 32


@pytest.mark.parametrize("more", [0, 300])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_rewritten_log_is_refused_at_the_same_size_and_grown(
    tmp_path: Path,
    engine: Engine,
    more: int,
    restarted: bool,  # noqa: FBT001
) -> None:
    """Another history, just as well-formed and signed by the log: only memory tells them apart."""
    log, story = opened_log(tmp_path / "log", 10)
    body = story.cohort(10)
    log.append(body)
    log.publish()
    follower = Follower(engine, log.reader())
    follower.catch_up()
    rewritten = log.entries[:21]
    submission = parse(body)
    rewritten += [
        submission_entry(submission.header.jws, story.milliseconds + 1),
        *submission.lines,
    ]
    log.republish(rewritten)
    if more:
        log.append(story.cohort(more), recorded_at=story.milliseconds + 1)
        log.publish()
    replay(log.source(), log.key)  # nothing else is wrong with it
    if restarted:
        follower = Follower(engine, log.reader())
    else:
        follower._reader = log.reader()
    before = tables(engine)
    with pytest.raises(BadEntry, match="rewritten"):
        follower.catch_up()
    assert follower.size == 32
    assert before == tables(engine)


def test_a_checkpoint_by_another_key_is_refused(tmp_path: Path, engine: Engine) -> None:
    log, _ = opened_log(tmp_path / "log", 10)
    other, _ = opened_log(tmp_path / "other", 10, story=Story(name="other"))
    reader = LogReader(DirectorySource(log.root), other.key)
    follower, _ = refused(log, engine, reader=reader)
    assert follower.size == 0


def test_tables_of_another_log_are_not_carried_on(tmp_path: Path, engine: Engine) -> None:
    log, _ = opened_log(tmp_path / "log", 10)
    Follower(engine, log.reader()).catch_up()
    other, _ = opened_log(tmp_path / "other", 10, story=Story(name="other"))
    with pytest.raises(Refuted, match="the tables are of log"):
        Follower(engine, other.reader())


def test_tables_that_cannot_be_carried_on_are_let_go_of(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "log", 10)
    folder = tmp_path / "tables"
    Follower.open(folder, log.reader()).engine.dispose()
    other, _ = opened_log(tmp_path / "other", 10, story=Story(name="other"))
    with pytest.raises(Refuted, match="the tables are of log"):
        Follower.open(folder, other.reader())
    held = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    assert not [name for name in held if name.startswith(str(folder))]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"layout": 0}, "of layout 0"),
        ({"root": bytes(32)}, "its hashes lead to root"),
        ({"hashes": bytes(32)}, "position in the tables is damaged"),
        ({"hashes": bytes(31)}, "position in the tables is damaged"),
        ({"size": 20}, "position in the tables is damaged"),
    ],
)
def test_a_damaged_position_is_refused_at_the_start(
    tmp_path: Path, engine: Engine, damage: dict[str, Any], message: str
) -> None:
    log, _ = opened_log(tmp_path / "log", 10)
    Follower(engine, log.reader()).catch_up()
    with engine.begin() as connection:
        connection.execute(update(POSITION_ROW).values(**damage))
    with pytest.raises(Refuted, match=message):
        Follower(engine, log.reader())


@pytest.mark.parametrize("lost", [False, True])
def test_tables_that_reach_elsewhere_than_their_position_are_refused_at_the_start(
    tmp_path: Path,
    engine: Engine,
    lost: bool,  # noqa: FBT001
) -> None:
    """Half a backup: the position is older than the rows, or newer."""
    log, story = opened_log(tmp_path / "log", 10)
    follower = Follower(engine, log.reader())
    follower.catch_up()
    with engine.connect() as connection:
        before = connection.execute(select(POSITION_ROW)).mappings().one()
    log.append(story.cohort(5))
    log.publish()
    follower.catch_up()
    with engine.begin() as connection:
        if lost:
            connection.execute(delete(SUBMISSIONS).where(SUBMISSIONS.c.position >= before["size"]))
        else:
            connection.execute(update(POSITION_ROW).values(**before))
    with pytest.raises(Refuted, match=r"the tables end at (21|27), their position says"):
        Follower(engine, log.reader())


def test_rows_that_the_follower_did_not_write_stop_it(tmp_path: Path, engine: Engine) -> None:
    log, story = opened_log(tmp_path / "log", 10)
    Follower(engine, log.reader()).catch_up()
    body = story.cohort(5)
    with engine.begin() as connection:
        # Position 24 is where the third credential of the next submission will be.
        connection.execute(
            insert(CREDENTIALS).values(
                position=24, credential=bytes(16), version=1, kind=0, flags=0, achievement=9
            )
        )
    log.append(body)
    log.publish()
    follower, failure = refused(log, engine)
    assert "rows beyond their position" in str(failure)
    assert follower.size == 21


# --- Following in a thread ---


@pytest.fixture
def following(tmp_path: Path, engine: Engine) -> Iterator[tuple[PublishedLog, Story, Follower]]:
    log, story = opened_log(tmp_path / "log", 10)
    follower = Follower(engine, log.reader())
    follower.start()
    yield log, story, follower
    follower.stop()


def test_a_writer_reads_what_it_wrote(following: tuple[PublishedLog, Story, Follower]) -> None:
    log, story, follower = following
    for _ in range(20):
        body = story.cohort(3)
        log.append(body)
        size = log.publish().size
        assert follower.wait_for(size, 10)
        with follower.engine.connect() as connection:
            for credential in credentials_of(body):
                assert credentials.status(connection, credential, size) is not None


def test_waiting_for_what_does_not_come_ends_in_time(
    following: tuple[PublishedLog, Story, Follower],
) -> None:
    log, _, follower = following
    assert follower.wait_for(log.size, 10)
    begun = time.monotonic()
    assert not follower.wait_for(log.size + 1, 0.1)
    assert time.monotonic() - begun < 5


def test_a_follower_that_nobody_wakes_looks_by_itself(
    following: tuple[PublishedLog, Story, Follower],
) -> None:
    log, story, follower = following
    assert follower.wait_for(log.size, 10)
    log.append(story.cohort(3))
    log.publish()
    deadline = time.monotonic() + 10
    while follower.size < log.size and time.monotonic() < deadline:
        time.sleep(0.05)
    assert follower.size == log.size


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
    assert follower.wait_for(log.size, 30), follower.failure
    follower.stop()
    assert expected(log, tmp_path) == tables(engine)


def test_a_thread_that_halts_says_so_at_once(
    following: tuple[PublishedLog, Story, Follower],
) -> None:
    log, story, follower = following
    assert follower.wait_for(log.size, 10)
    log.append(story.submission(story.accreditor, story.issued()))
    log.publish()
    begun = time.monotonic()
    assert not follower.wait_for(log.size, 60)
    assert time.monotonic() - begun < 30
    assert isinstance(follower.failure, BadEntry)


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
        assert follower.wait_for(log.size, 10)
        assert follower.catch_up() == log.size
        log.append(story.cohort(2))
        assert follower.wait_for(log.publish().size, 10)
        assert follower.obstacle is None
    finally:
        follower.stop()


def test_a_follower_with_nothing_to_do_does_nothing(tmp_path: Path, engine: Engine) -> None:
    """Woken once, it looks once, and then sleeps."""
    log, _ = opened_log(tmp_path / "log", 10)
    source = FlakySource(log.source())
    follower = Follower(engine, LogReader(source, log.key))
    follower.start()
    assert follower.wait_for(log.size, 10)
    follower.wake()
    time.sleep(0.2)
    before = source.fetched
    time.sleep(0.5)
    follower.stop()
    assert source.fetched - before <= 4


def test_it_can_be_stopped_amid_a_backlog_and_started_again(tmp_path: Path, engine: Engine) -> None:
    log, _ = opened_log(tmp_path / "log", *[1000] * 20)
    follower = Follower(engine, log.reader())
    follower.start()
    assert follower.wait_for(1, 30)
    follower.stop()
    assert 0 < follower.size <= log.size
    follower.start()
    assert follower.wait_for(log.size, 60)
    follower.stop()
    assert expected(log, tmp_path) == tables(engine)


# --- Rebuilding ---


def test_a_rebuild_gives_identical_tables_while_the_old_ones_answer(tmp_path: Path) -> None:
    log, story = opened_log(tmp_path / "log", *[500] * 20)
    folder = tmp_path / "tables"
    follower = Follower(open_live(folder), log.reader())
    follower.catch_up()
    live = follower.engine
    asked: list[int] = []
    finished = threading.Event()

    def ask() -> None:
        while not finished.is_set():
            with follower.engine.connect() as connection:
                size = submissions.as_of(connection)
                page = credentials.credentials_of(
                    connection, story.provider.did, size, after=size - 10
                )
                asked.append(len(page.items))

    asking = threading.Thread(target=ask)
    asking.start()
    replaced = follower.rebuild(open_next(folder), log.reader())
    finished.set()
    asking.join()
    assert replaced is live
    assert follower.engine is not live
    assert len(asked) > 5
    assert set(asked) == {9}
    assert tables(replaced) == tables(follower.engine)
    discard(replaced)
    log.append(story.cohort(5))
    log.publish()
    assert follower.catch_up() == log.size
    assert expected(log, tmp_path) == tables(follower.engine)
    follower.engine.dispose()
    again = open_live(folder)
    assert again.url == follower.engine.url
    assert [path.name for path in folder.glob("*.db")] == ["projections-2.db"]
    again.dispose()


def test_an_interrupted_rebuild_leaves_the_old_tables_answering(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "log", 500)
    folder = tmp_path / "tables"
    follower = Follower(open_live(folder), log.reader())
    follower.catch_up()
    live = follower.engine
    fresh = open_next(folder)
    crash_at(fresh, 12)
    with pytest.raises(Crash):
        follower.rebuild(fresh, log.reader())
    assert follower.engine is live
    assert follower.catch_up() == log.size
    live.dispose()
    fresh.dispose()
    again = open_live(folder)
    assert again.url == live.url
    assert [path.name for path in folder.glob("*.db")] == ["projections-1.db"]
    again.dispose()


def test_a_rebuild_mends_tables_that_somebody_changed(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "log", 50)
    folder = tmp_path / "tables"
    follower = Follower(open_live(folder), log.reader())
    follower.catch_up()
    with follower.engine.begin() as connection:
        connection.execute(update(CREDENTIALS).values(kind=3))
    follower.start()
    discard(follower.rebuild(open_next(folder), log.reader()))
    assert expected(log, tmp_path) == tables(follower.engine)
    follower.stop()
    follower.engine.dispose()


def test_a_rebuild_sets_a_follower_going_that_had_halted_at_its_tables(tmp_path: Path) -> None:
    log, story = opened_log(tmp_path / "log", 50)
    folder = tmp_path / "tables"
    follower = Follower(open_live(folder), log.reader())
    follower.catch_up()
    row = {"position": 65, "credential": bytes(16), "version": 1, "kind": 0, "flags": 0}
    with follower.engine.begin() as connection:
        connection.execute(insert(CREDENTIALS).values(row))
    log.append(story.cohort(5))
    log.publish()
    follower.start()
    assert not follower.wait_for(log.size, 10)
    assert "rows beyond their position" in str(follower.failure)
    discard(follower.rebuild(open_next(folder), log.reader()))
    assert follower.failure is None
    log.append(story.cohort(5))
    assert follower.wait_for(log.publish().size, 10)
    follower.stop()
    follower.engine.dispose()


def test_a_rebuild_does_not_take_a_rewritten_log_for_the_old_one(tmp_path: Path) -> None:
    """Fresh tables remember nothing; the ones they would replace do."""
    log, story = opened_log(tmp_path / "log", 10)
    folder = tmp_path / "tables"
    follower = Follower(open_live(folder), log.reader())
    follower.catch_up()
    live = follower.engine
    log.republish(log.entries[:10])
    log.append(story.cohort(20))
    log.publish()
    fresh = open_next(folder)
    with pytest.raises(Refuted, match="rewritten"):
        follower.rebuild(fresh, log.reader())
    assert follower.engine is live
    fresh.dispose()
    live.dispose()


def test_tables_of_an_older_layout_are_left_behind(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path / "log", 10)
    folder = tmp_path / "tables"
    first = open_live(folder)
    Follower(first, log.reader()).catch_up()
    with first.begin() as connection:
        connection.execute(update(POSITION_ROW).values(layout=0))
    first.dispose()
    second = open_live(folder)
    assert Follower(second, log.reader()).size == 0
    second.dispose()
