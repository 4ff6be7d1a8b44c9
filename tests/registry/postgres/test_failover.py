"""A standby that takes over: with synchronous replication nothing acknowledged is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from registry.gate import Recorded
from registry.outcomes import Overloaded
from registry.postgres.store import PostgresStore
from registry.store import StorageDamaged
from testamur.errors import Unavailable
from tests.harness import postgres
from tests.harness.gates import OPENING, Desk
from tests.harness.postgres import Cluster
from tests.harness.story import Story
from tests.harness.waiting import until
from tests.registry.postgres.conftest import at
from tests.registry.test_store import append

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def primary() -> Iterator[Cluster]:
    with closing(Cluster()) as cluster:
        yield cluster


@pytest.fixture
def standby(primary: Cluster) -> Iterator[Cluster]:
    with closing(Cluster(primary=primary)) as cluster:
        until(lambda: postgres.followed(primary, "async"))
        yield cluster


def test_a_synchronous_standby_that_takes_over_has_all_that_was_acknowledged(
    primary: Cluster, standby: Cluster, story: Story
) -> None:
    url = postgres.either(primary, standby, postgres.made(primary.url, "log"))
    postgres.make_synchronous(primary)
    with Desk(at(url), story) as desk:
        desk.open_log()
        bodies = [story.cohort(10) for _ in range(60)]
        recorded: list[tuple[bytes, Recorded]] = []

        def submit(body: bytes) -> None:
            outcome = desk.submit(body)
            if isinstance(outcome, Recorded):
                recorded.append((body, outcome))
            else:
                assert isinstance(outcome, Unavailable), outcome

        with ThreadPoolExecutor(6) as threads:
            for body in bodies:
                threads.submit(submit, body)
            until(lambda: len(recorded) >= 15)
            primary.end(signal.SIGQUIT)
        postgres.sql(standby.url, "SELECT pg_promote()")
        for body, outcome in recorded:
            again = desk.record(body)
            assert (again.position, again.repeated) == (outcome.position, True)
        for body in bodies:
            desk.record(body)
        assert desk.committed() == OPENING + len(bodies) * 11
        desk.examine()


def test_a_commit_waits_for_the_standby_and_others_are_told_to_wait(
    primary: Cluster, standby: Cluster
) -> None:
    url = postgres.made(primary.url, "log")
    postgres.make_synchronous(primary)
    with (
        closing(PostgresStore(url)) as store,
        closing(PostgresStore(url, patience=0.2)) as other,
        ThreadPoolExecutor(1) as threads,
    ):
        standby.end(signal.SIGINT)
        waiting = threads.submit(append, store, b"0")
        until(
            lambda: bool(
                postgres.sql(
                    primary.url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                )
            )
        )
        with pytest.raises(Overloaded):
            append(other, b"1")
        with other.reading() as reading:
            assert reading.count() == 0
        standby.start()
        waiting.result(30)
        append(other, b"1")


def heads(standby: Cluster) -> list[tuple[object, ...]]:
    """Return the rows of the head, none before the table is there."""
    (found,) = postgres.sql(standby.url, "SELECT to_regclass('log.head') IS NOT NULL")
    return postgres.sql(standby.url, "SELECT count FROM log.head") if found == (True,) else []


def test_a_standby_that_lacks_the_last_commits_is_not_gone_on_with(
    primary: Cluster, standby: Cluster
) -> None:
    url = postgres.either(primary, standby, postgres.made(primary.url, "log"))
    with closing(PostgresStore(url)) as store:
        append(store, b"0")
        until(lambda: heads(standby) == [(1,)])
        standby.end(signal.SIGINT)
        append(store, b"1")  # which the standby never hears of
        primary.end(signal.SIGQUIT)
        standby.start()
        with pytest.raises(Unavailable, match="cannot be reached"):
            append(store, b"2")
        postgres.sql(standby.url, "SELECT pg_promote()")
        with pytest.raises(StorageDamaged, match="counts 1 entries, and counted 2 before"):
            append(store, b"2")
