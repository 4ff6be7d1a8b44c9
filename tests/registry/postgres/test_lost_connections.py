"""Sessions that are cut and servers that die: nothing acknowledged is lost, no outcome guessed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from api.processes.publisher import wake_on_commits
from registry.gate import Recorded
from registry.postgres.store import PostgresStore
from registry.store import OutcomeUnknown
from testamur.catalogue.submission import parse
from testamur.errors import Unavailable
from tests.harness import postgres
from tests.harness.gates import OPENING, Desk
from tests.harness.postgres import Cluster
from tests.harness.story import Story
from tests.harness.waiting import until
from tests.harness.wire import Wire
from tests.registry.postgres.conftest import at

pytestmark = pytest.mark.postgres

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'testamur'"


@pytest.fixture
def address(cluster: Cluster, tmp_path: Path) -> str:
    return postgres.made(cluster.url, postgres.schema_of(tmp_path))


@pytest.fixture
def wire(cluster: Cluster) -> Iterator[Wire]:
    with closing(Wire(cluster.folder)) as wire:
        yield wire


@pytest.fixture
def desk(address: str, cluster: Cluster, wire: Wire, story: Story) -> Iterator[Desk]:
    """Give a gate that reaches the server by the wire."""
    by_wire = address.replace(cluster.folder.name, wire.folder.name)
    with Desk(at(by_wire), story) as desk:
        yield desk.open_log()


def test_a_commit_whose_answer_was_lost_is_acknowledged_once_the_store_has_told(
    desk: Desk, wire: Wire
) -> None:
    body = desk.story.cohort(3)
    wire.cut = "after"
    recorded = desk.record(body)
    assert not wire.cut
    assert (recorded.position, recorded.repeated) == (OPENING, False)
    assert desk.record(body).repeated
    assert desk.record(desk.story.cohort(1)).position == OPENING + 4
    desk.examine()


def test_a_commit_that_never_arrived_is_of_unknown_outcome_and_leaves_nothing(
    desk: Desk, wire: Wire
) -> None:
    body = desk.story.cohort(3)
    wire.cut = "before"
    outcome = desk.submit(body)
    assert type(outcome) is OutcomeUnknown
    assert "not known" in str(outcome)
    assert desk.committed() == OPENING
    recorded = desk.record(body)
    assert (recorded.position, recorded.repeated) == (OPENING, False)
    desk.examine()


def test_sessions_that_were_cut_while_idle_are_replaced_unseen(
    cluster: Cluster, desk: Desk
) -> None:
    desk.record(desk.story.cohort(1))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: desk.committed(), range(8)))
    assert postgres.sql(cluster.url, CUT)
    assert desk.committed() == OPENING + 2
    assert desk.record(desk.story.cohort(1)).position == OPENING + 2


def test_a_reading_that_is_cut_is_unavailable_and_the_next_one_is_not(
    cluster: Cluster, desk: Desk
) -> None:
    def read_after_a_cut() -> None:
        with desk.store.reading() as reading:
            postgres.sql(cluster.url, CUT)
            reading.read(0, 1)

    with pytest.raises(Unavailable, match="the store failed"):
        read_after_a_cut()
    assert desk.committed() == OPENING


def test_what_was_read_before_the_session_was_cut_is_good(cluster: Cluster, desk: Desk) -> None:
    with desk.store.reading() as reading:
        found = reading.read(0, OPENING)
        postgres.sql(cluster.url, CUT)
    assert desk.read(0, OPENING) == found


def test_a_listener_hears_of_commits_again_after_its_session_was_cut(
    cluster: Cluster, address: str, story: Story
) -> None:
    woken = Event()
    with closing(PostgresStore(address)) as store, Desk(at(address), story) as desk:
        desk.open_log()
        store.listen(woken)
        until(lambda: bool(postgres.sql(cluster.url, LISTENING)))
        postgres.sql(cluster.url, CUT)
        assert woken.wait(30)  # when it listens again
        woken.clear()
        desk.record(story.cohort(1))
        assert woken.wait(30)


def test_a_publisher_is_woken_by_commits_of_other_processes(
    address: str, cluster: Cluster, story: Story
) -> None:
    woken = Event()
    with closing(PostgresStore(address)) as store, Desk(at(address), story) as desk:
        wake_on_commits(store, woken.set)
        until(lambda: bool(postgres.sql(cluster.url, LISTENING)))
        desk.open_log()
        assert woken.wait(30)


LISTENING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle'"


def killed(cluster: Cluster) -> None:
    cluster.end(signal.SIGQUIT)  # the server's processes end at once: no checkpoint, no goodbye
    cluster.start()


@pytest.mark.slow
def test_a_server_that_dies_under_load_loses_nothing_it_acknowledged(
    cluster: Cluster, address: str, story: Story
) -> None:
    with Desk(at(address), story) as desk:
        desk.open_log()
        bodies = [story.cohort(20) for _ in range(120)]
        recorded: list[tuple[bytes, Recorded]] = []

        def submit(body: bytes) -> None:
            outcome = desk.submit(body)
            if isinstance(outcome, Recorded):
                recorded.append((body, outcome))
            else:
                assert isinstance(outcome, Unavailable), outcome

        def kill_after(enough: int) -> None:
            until(lambda: len(recorded) >= enough)
            killed(cluster)

        for part in range(3):
            with ThreadPoolExecutor(8) as threads:
                for body in bodies[part * 40 : part * 40 + 40]:
                    threads.submit(submit, body)
                kill_after(len(recorded) + 5)
        acknowledged = list(recorded)
        assert len(acknowledged) >= 15
        for body in bodies:
            desk.record(body)
        for body, outcome in acknowledged:
            again = desk.record(body)
            assert (again.position, again.repeated) == (outcome.position, True)
        assert desk.committed() == OPENING + sum(1 + len(parse(body).lines) for body in bodies)
        desk.examine()


def test_while_the_server_is_down_nothing_is_recorded_and_nothing_hangs(
    cluster: Cluster, address: str, story: Story
) -> None:
    with Desk(at(address), story) as desk:
        desk.open_log()
        cluster.end(signal.SIGINT)
        try:
            body = story.cohort(1)
            outcome = desk.submit(body)
            assert isinstance(outcome, Unavailable)
            with pytest.raises(Unavailable, match="cannot be reached"):
                desk.committed()
        finally:
            cluster.start()
        assert desk.record(body).position == OPENING
