"""The follower believes nothing unproven: it halts at the first bad entry and names it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from projections import credentials, submissions
from projections.database import sqlite_engine
from projections.follower import Follower
from projections.issuances import CREDENTIALS
from projections.position import POSITION_ROW
from projections.submissions import SUBMISSIONS
from testamur.catalogue import events as e
from testamur.catalogue.submission import parse, submission_entry
from testamur.errors import Refuted
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.log_keys import UnknownLogKey
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from testamur.verification.replay import BadEntry, replay
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.story import Story, private_key
from tests.harness.tables import rows


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = sqlite_engine(tmp_path / "projections.db")
    yield engine
    engine.dispose()


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


@pytest.mark.slow
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
                story.provider, e.CredentialSuperseded(credential=old, successor=old)
            ),
            "successor",
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
        found = credentials.credential_at(connection, old, submissions.as_of(connection))
        assert found is not None
        assert found.size == bad
    with pytest.raises(BadEntry) as again:
        follower.catch_up()
    assert again.value is failure


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
    before = rows(engine)
    with pytest.raises(BadEntry, match="rewritten"):
        follower.catch_up()
    assert follower.size == 32
    assert before == rows(engine)


def test_a_checkpoint_by_an_unknown_key_is_waited_for(tmp_path: Path, engine: Engine) -> None:
    log, _ = opened_log(tmp_path / "log", 10)
    other, _ = opened_log(tmp_path / "other", 10, story=Story(name="other"))
    reader = LogReader(DirectorySource(log.root), other.key)
    follower = Follower(engine, reader)
    with pytest.raises(UnknownLogKey):
        follower.catch_up()
    assert follower.size == 0
    assert follower.failure is None  # it may be given the log's new key


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
                position=24,
                credential=bytes(16),
                version=1,
                flags=0,
                achievement=9,
                revision=1,
            )
        )
    log.append(body)
    log.publish()
    follower, failure = refused(log, engine)
    assert "rows beyond their position" in str(failure)
    assert follower.size == 21
