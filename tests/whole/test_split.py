"""The work of one log split between processes that share a database: one log, nothing lost."""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from unittest.mock import ANY

import httpx2
import pytest

from testamur.catalogue.submission import parse
from testamur.http.source import HttpSource
from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.tiles import bundle_path
from testamur.verification.receipt import Receipt, parse_receipt, verify_receipt
from testamur.verification.replay import ReplayedSubmission, replay
from tests.harness import postgres
from tests.harness.postgres import Cluster
from tests.harness.served import Served, api, called, problem
from tests.harness.split import Cast, Crowd, Process, Split, made
from tests.harness.story import credentials_of
from tests.harness.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.server]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with closing(Cluster()) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def split(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Split]:
    """A log in a database; nobody works on it yet."""
    store = postgres.made(cluster.url, "log")
    with made(store, tmp_path_factory.mktemp("split")) as split:
        yield split


@pytest.fixture(scope="module")
def cast(split: Split) -> Cast:
    return Cast(split)


# --- Several replicas ---


def test_of_the_same_submission_at_two_replicas_one_is_recorded_and_both_get_its_receipt(
    cast: Cast,
) -> None:
    bodies = [cast.story.cohort(5) for _ in range(12)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda pair: cast.split.post(*pair), itertools.product(cast.replicas, bodies)
            )
        )
    for first, second, body in zip(answers[:12], answers[12:], bodies, strict=True):
        assert sorted((first.status_code, second.status_code)) == [200, 201]
        one, other = parse_receipt(first.content), parse_receipt(second.content)
        for receipt in (one, other):
            verify_receipt(receipt, body, cast.split.served.policy)
        assert (one.position, one.entry, one.flags) == (other.position, other.entry, other.flags)


def test_what_one_replica_answered_the_other_one_knows(cast: Cast) -> None:
    """Checkpoint, tiles, tables: a client is sent to either at every request."""
    turns = itertools.cycle((cast.replicas, cast.replicas[::-1]))
    for (one, other), _ in zip(turns, range(12), strict=False):
        body = cast.story.cohort(3)
        receipt = cast.split.submit(one, body)
        size = receipt.position + 1 + receipt.events
        note = httpx2.get(f"{one.url}/log/checkpoint").content
        checkpoint = open_checkpoint(note, cast.split.served.key)[0]
        width, full = checkpoint.size % 256, checkpoint.size // 256
        tile = httpx2.get(f"{other.url}/log/{bundle_path(full, width)}")
        assert tile.status_code == 200, tile.text
        asked = f"/credentials/{credentials_of(body)[-1]}"
        found = httpx2.get(f"{other.url}{asked}?size={size}")
        assert (found.status_code, found.json()["size"]) == (200, size)
        evidence = httpx2.get(f"{other.url}{asked}/evidence?size={size}")
        assert evidence.status_code == 200, evidence.text
        lines = httpx2.get(f"{other.url}/entries?start={size}")
        assert lines.status_code == 200, lines.text


# --- Turns ---


def test_each_process_shows_the_numbers_of_its_own_work(cast: Cast) -> None:
    leader = cast.leader()
    (standby,) = (each for each in cast.publishers if each is not leader)
    shown = httpx2.get(f"{leader.url}/metrics").text
    assert re.search(r"^testamur_publications_total [1-9]", shown, re.MULTILINE)
    assert 'testamur_child_stands_by{child="publisher"} 0.0' in shown
    assert "testamur_submissions_total" not in shown
    assert "testamur_projections_total" not in shown
    waiting = httpx2.get(f"{standby.url}/metrics").text
    assert 'testamur_child_stands_by{child="publisher"} 1.0' in waiting
    assert 'testamur_part_works{part="publisher"} 1.0' in waiting
    projector = httpx2.get(f"{cast.at_work('projector', cast.projectors).url}/metrics").text
    assert re.search(r"^testamur_projections_total [1-9]", projector, re.MULTILINE)
    assert "testamur_publications_total" not in projector


def check_log(cast: Cast, *receipts: tuple[bytes, Receipt]) -> None:
    """What was acknowledged is on the log, which an outsider replays; nothing is damaged."""
    served = cast.split.served
    checked = api("fsck", "--data", served.data, "--store", cast.split.store)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout
    at: dict[int, ReplayedSubmission] = {}
    with httpx2.Client(timeout=60) as client:
        source = HttpSource(f"{cast.replicas[0].url}/log", client)
        replay(source, served.key, on_submission=lambda found: at.update({found.position: found}))
    for body, receipt in receipts:
        assert at[receipt.position].lines == parse(body).lines


def test_a_standby_takes_over_from_a_publisher_that_is_killed(cast: Cast) -> None:
    leader = cast.leader()
    leader.kill()
    cast.split.submit(cast.replicas[0], cast.story.cohort(2))
    cast.replaced(leader)
    assert cast.leader() is not leader


def test_a_publisher_that_was_stopped_stands_by_when_it_wakes_and_signs_nothing(
    cast: Cast,
) -> None:
    leader = cast.leader()
    (other,) = (each for each in cast.publishers if each is not leader)
    leader.signal(signal.SIGSTOP)
    try:
        body = cast.story.cohort(2)
        receipt = cast.split.submit(cast.replicas[1], body)
        until(lambda: other.says("publisher", "at work"))
        ((epoch,),) = postgres.sql(cast.split.store, "SELECT epoch FROM published")
    finally:
        leader.signal(signal.SIGCONT)
    until(lambda: leader.says("publisher", "stands by"))
    cast.split.submit(cast.replicas[0], cast.story.cohort(2))
    # Nobody claimed the log since: the one that woke did not take it back.
    assert postgres.sql(cast.split.store, "SELECT epoch FROM published") == [(epoch,)]
    assert other.says("publisher", "at work")
    check_log(cast, (body, receipt))


def test_of_two_projectors_one_works_and_the_other_goes_on_when_it_is_gone(cast: Cast) -> None:
    for how in (signal.SIGKILL, signal.SIGSTOP):
        working = cast.at_work("projector", cast.projectors)
        working.signal(how)
        body = cast.story.cohort(2)
        receipt = cast.split.submit(cast.replicas[0], body)
        size = receipt.position + 1 + receipt.events
        asked = f"{cast.replicas[1].url}/credentials/{credentials_of(body)[-1]}?size={size}"
        until(lambda: httpx2.get(asked).status_code == 200)  # noqa: B023  # called here
        if how == signal.SIGKILL:
            working.close()
            cast.replaced(working)
        else:
            working.signal(signal.SIGCONT)
            until(lambda: working.says("projector", "stands by"))  # noqa: B023  # likewise
    cast.at_work("projector", cast.projectors)


# --- The end of a process ---


def test_a_request_that_waits_gets_an_answer_before_the_time_is_over(cast: Cast) -> None:
    """Nobody publishes, so that it waits; what it brought is recorded all the same."""
    for publisher in cast.publishers:
        publisher.signal(signal.SIGSTOP)
    try:
        replica = cast.split.start("api", "--grace", "4")
        body = cast.story.cohort(2)
        before = committed(cast)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(cast.split.post, replica, body)
            until(lambda: committed(cast) > before)
            replica.process.send_signal(signal.SIGTERM)
            until(lambda: replica.readiness() == (503, ANY))
            answer = waiting.result(30)
        problem(answer, 503, "publication-delayed")
        assert int(answer.headers["retry-after"]) > 0
        assert replica.process.wait(30) == 0
        replica.close()
    finally:
        for publisher in cast.publishers:
            publisher.signal(signal.SIGCONT)
    until(lambda: cast.split.post(cast.replicas[0], body).status_code == 200)
    cast.leader()


def committed(cast: Cast) -> int:
    ((count,),) = postgres.sql(cast.split.store, "SELECT count FROM head")
    return int(count)


def test_replicas_are_restarted_in_turn_and_no_acknowledged_submission_is_lost(
    cast: Cast,
) -> None:
    with Crowd(cast) as crowd:
        crowd.more(10)
        for at in range(2):
            leaving = cast.replicas[at]
            leaving.process.send_signal(signal.SIGTERM)
            assert leaving.process.wait(60) == 0
            leaving.close()
            cast.replaced(leaving)
            cast.replicas[at].ready()
            crowd.more(10)
    assert (crowd.unexpected, crowd.broken) == ([], [])
    settle(cast, crowd)


def settle(cast: Cast, crowd: Crowd) -> None:
    """Receipts are stated again by either replica, and hold; the log holds all of them."""
    # On a busy machine a restart takes long, and thousands were acknowledged meanwhile.
    some = crowd.receipts[:: 1 + len(crowd.receipts) // 60]
    for (body, receipt), replica in zip(some, itertools.cycle(cast.replicas), strict=False):
        again = cast.split.submit(replica, body)
        assert (again.position, again.entry) == (receipt.position, receipt.entry)
    check_log(cast, *crowd.receipts)


def test_each_process_is_killed_in_turn_under_load_and_nothing_acknowledged_is_lost(
    cast: Cast,
) -> None:
    finders: tuple[Callable[[], Process], ...] = (
        lambda: cast.replicas[0],
        cast.leader,
        lambda: cast.at_work("projector", cast.projectors),
        lambda: cast.replicas[1],
    )
    with Crowd(cast) as crowd:
        for find in finders:
            crowd.more(5)
            killed = find()
            killed.kill()
            crowd.more(5)
            cast.replaced(killed)
    assert crowd.unexpected == []
    settle(cast, crowd)


def test_all_go_on_when_the_database_is_back(cast: Cast, cluster: Cluster) -> None:
    with Crowd(cast) as crowd:
        crowd.more(5)
        cluster.end(signal.SIGQUIT)
        until(lambda: cast.replicas[0].readiness()[0] == 503)
        cluster.start()
        crowd.more(10)
    assert crowd.unexpected == []
    for process in (*cast.replicas, *cast.publishers, *cast.projectors):
        process.ready()
    settle(cast, crowd)


def test_readiness_tells_that_nobody_publishes(cast: Cast) -> None:
    for publisher in cast.publishers:
        publisher.signal(signal.SIGSTOP)
    try:
        answer = cast.split.post(cast.replicas[0], cast.story.cohort(1), wait="durable")
        assert answer.status_code == 201
        # Both replicas know, whichever took it in; the projector has nothing to do with it.
        for replica in cast.replicas:
            until(lambda: replica.readiness()[0] == 503, 60)  # noqa: B023  # called here
            parts = httpx2.get(f"{replica.url}/readyz").json()["parts"]
            assert [part["state"] for part in parts] == ["works", "lags", "works"]
        assert cast.projectors[0].readiness()[0] == 200
    finally:
        for publisher in cast.publishers:
            publisher.signal(signal.SIGCONT)
    for process in (*cast.replicas, *cast.publishers):
        process.ready()


# --- What cannot be split, or is missing ---


def test_roles_are_not_split_over_a_file_and_the_remedy_is_said(
    opened_log: Served, tmp_path: Path
) -> None:
    data = opened_log.copy(tmp_path / "data").data
    for roles, said in (
        ("api", "roles are split where a database keeps it: name it by --store"),
        ("publish,project", "roles are split where a database keeps it"),
        ("api,paint", "paint is no role: roles are api, publish, project"),
        ("api,api", "a role is given twice"),
        ("", "is no role"),
    ):
        refused = called("serve", "--data", data, "--port", "0", "--roles", roles)
        assert refused.returncode == 2
        assert said in refused.stderr


def test_a_process_without_a_key_is_given_the_verifier_key_or_says_so(
    cast: Cast, tmp_path: Path
) -> None:
    split = cast.split
    options = ("--port", "0", "--store", split.store, "--roles")
    refused = api("serve", "--data", tmp_path, *options, "api")
    assert refused.returncode == 2
    assert "name a file with the log's verifier key by --vkey" in refused.stderr
    (tmp_path / "vkey").write_text("log.example/other+00000000+AA==\n")
    refused = api("serve", "--data", tmp_path, *options, "api", "--vkey", tmp_path / "vkey")
    assert refused.returncode == 1
    # With the right key and no published log there is nothing to serve.
    (tmp_path / "vkey").write_text(f"{split.served.vkey}\n")
    refused = api("serve", "--data", tmp_path, *options, "api", "--vkey", tmp_path / "vkey")
    assert refused.returncode == 2
    assert "checkpoint" in refused.stderr


def test_a_process_that_takes_requests_needs_no_signing_key(cast: Cast) -> None:
    held = cast.split.served.data / "key"
    moved = held.with_name("hidden")
    held.rename(moved)
    try:
        process = cast.split.start("api,project")
        cast.split.submit(process, cast.story.cohort(1))
        assert process.end() == 0
    finally:
        moved.rename(held)
