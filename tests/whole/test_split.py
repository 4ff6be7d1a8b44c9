"""The work of one log split between processes that share a database: one log, nothing lost."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.tiles import bundle_path
from testamur.verification.receipt import parse_receipt, verify_receipt
from tests.harness import postgres
from tests.harness.postgres import Cluster
from tests.harness.served import Served, api, authority_of, called
from tests.harness.split import Process, Split
from tests.harness.story import credentials_of
from tests.harness.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.server]

TAKEOVER_SECONDS = 3.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with closing(Cluster()) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def split(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Split]:
    """A log in a database; nobody works on it yet."""
    folder = tmp_path_factory.mktemp("split")
    store = postgres.made(cluster.url, "log")
    with closing(Served(folder / "data")) as served:
        made = called(
            *("init", "--data", served.data, "--store", store, "--origin", served.story.origin),
            *("--authority", authority_of(served.story, folder)),
        )
        assert made.returncode == 0, made.stderr
        served.vkey = made.stdout.strip()
        with closing(Split(served, store)) as split:
            yield split
        assert "Traceback" not in split.errors()


class Cast:
    """Two replicas, two publishers and two projectors of one log, each in a process of its own."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.story = split.served.story
        roles = ("api", "api", "publish", "publish", "project", "project")
        begun = [split.begin(role) for role in roles]
        for process in begun:
            process.listening()
        self.replicas, self.publishers, self.projectors = begun[:2], begun[2:4], begun[4:]
        for body in self.story.opening()[1:]:
            split.submit(self.replicas[0], body)

    def at_work(self, part: str, among: list[Process]) -> Process:
        """Return the one that is at work, once there is one."""
        found: list[Process] = []

        def one() -> bool:
            found[:] = [each for each in among if each.says(part, "at work")]
            return len(found) == 1

        until(one)
        return found[0]

    def leader(self) -> Process:
        """Return the publisher at work, while the other one stands by."""
        leader = self.at_work("publisher", self.publishers)
        (other,) = (each for each in self.publishers if each is not leader)
        until(lambda: other.says("publisher", "stands by"))
        return leader

    def replaced(self, process: Process) -> None:
        """Start another process in the place of one that is gone."""
        for group in (self.replicas, self.publishers, self.projectors):
            if process in group:
                group[group.index(process)] = self.split.start(process.roles)


@pytest.fixture(scope="module")
def cast(split: Split) -> Cast:
    return Cast(split)


def seconds_until_published(cast: Cast, replica: Process) -> float:
    """Submit until a checkpoint covers it, and return how long that took."""
    body, started = cast.story.cohort(2), time.monotonic()
    cast.split.submit(replica, body)
    return time.monotonic() - started


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


# --- What cannot be split, or is missing ---


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
