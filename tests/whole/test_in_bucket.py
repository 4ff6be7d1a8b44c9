"""The server with its published log in a bucket: made, served, killed, checked, repaired."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from urllib.parse import quote

import pytest

from log.directory import DirectoryStore
from tests.harness import object_servers, postgres
from tests.harness.bucket_log import BucketLog, made
from tests.harness.faulty_objects import Request
from tests.harness.postgres import Cluster
from tests.harness.served import api, authority_of, processes
from tests.harness.simulators import flipped
from tests.harness.waiting import until

pytestmark = [pytest.mark.objects, pytest.mark.postgres, pytest.mark.server]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with closing(Cluster()) as cluster:
        yield cluster


@pytest.fixture
def kept(cluster: Cluster, tmp_path: Path) -> Iterator[BucketLog]:
    """Give a log that is made, and not served yet."""
    with made(cluster.url, tmp_path) as log:
        yield log


def test_a_log_is_served_from_a_bucket_as_from_a_folder(kept: BucketLog) -> None:
    served = kept.served
    with served.running(*kept.options):
        served.open_register()
        receipt = served.submit(served.story.cohort(300))
        did = quote(served.story.provider.did, safe="")
        assert served.answer(f"/organizations/{did}?size={served.size}").status_code == 200
        for path in ("checkpoint", "tile/0/000", "tile/entries/000"):
            assert served.get(f"/log/{path}").content == kept.bucket.read(path)
        assert served.get("/log/tile/0/900").status_code == 404
        # Killed at once, it has lost nothing that was answered.
        served.stop(how=signal.SIGKILL)
        until(lambda: not processes(str(served.data.resolve()).encode()))
        served.start(*kept.options)
        assert served.size == receipt.position + 301
        served.submit(served.story.cohort(1))
    assert not (served.data / "log").exists()
    checked = kept.fsck()
    assert (checked.returncode, checked.stdout) == (0, "")
    assert object_servers.SECRET not in served.errors()


def test_a_bucket_that_fails_for_a_while_stops_publication_and_loses_nothing(
    kept: BucketLog,
) -> None:
    served = kept.served
    with served.running(*kept.options):
        served.open_register()
        kept.proxy.plan = lambda request: "503" if request.kind == "put" else None
        body = served.story.cohort(3)
        assert served.post(body, wait="durable").status_code in (201, 202, 503)
        until(lambda: served.get("/readyz").status_code == 503, 90)
        kept.proxy.plan = lambda _: None
        until(lambda: served.get("/readyz").status_code == 200, 90)
        served.submit(body)
    assert kept.fsck().returncode == 0


def test_a_silent_bucket_stops_no_request_that_does_not_need_it(kept: BucketLog) -> None:
    served = kept.served
    with served.running(*kept.options), ThreadPoolExecutor(1) as threads:
        served.open_register()
        published, asked = Event(), Event()

        def plan(request: Request) -> str | None:
            if request.kind == "put" and request.target.partition("?")[0].endswith("checkpoint"):
                published.set()
            tile = request.kind == "get" and "/tile/0/" in request.target
            if not published.is_set() or not tile:
                return None
            asked.set()
            return "silence"

        kept.proxy.plan = plan
        body = served.story.cohort(1)
        receipt = threads.submit(served.post, body)
        try:
            assert asked.wait(60)
            # The answer to the receipt comes only when the bucket speaks, or is given up.
            while not receipt.done():
                served.client.get(f"{served.url}/healthz", timeout=5).raise_for_status()
                time.sleep(0.2)
        finally:
            kept.proxy.plan = lambda _: None
            kept.proxy.ended.set()
        assert receipt.result().status_code == 503
        assert served.post(body).status_code == 200


def test_objects_that_were_lost_or_damaged_are_repaired(kept: BucketLog) -> None:
    served = kept.served
    with served.running(*kept.options):
        served.open_register()
        served.submit(served.story.cohort(300))
    before = {path: kept.bucket.read(path) for path in kept.bucket.paths()}
    kept.bucket.put_back("tile/entries/000", flipped(before["tile/entries/000"], 3000))
    kept.bucket.put_back("tile/1/000.p/1", b"")
    checked = kept.fsck()
    assert checked.returncode == 1
    assert "tile/entries/000: altered-entry" in checked.stdout
    mended = kept.fsck("--repair")
    assert mended.returncode == 0, mended.stderr
    assert mended.stdout.count("repaired tile/") == 2
    assert {path: kept.bucket.read(path) for path in kept.bucket.paths()} == before


def test_a_log_moves_from_a_bucket_into_its_folder_and_back(kept: BucketLog) -> None:
    """By the way on which a bucket comes back of which all is lost."""
    served = kept.served
    with served.running(*kept.options):
        served.open_register()
    in_folder = ("--data", served.data, "--store", kept.store)
    moved = api("fsck", *in_folder, "--repair")
    assert moved.returncode == 0, moved.stderr
    assert "repaired checkpoint: it was missing\n" in moved.stdout
    folder = DirectoryStore(served.data / "log")
    assert folder.read("checkpoint") == kept.bucket.read("checkpoint")
    with served.running("--store", kept.store):
        served.submit(served.story.cohort(2))
    # The bucket was left behind, and is brought up to what was signed since.
    behind = kept.fsck("--repair")
    assert behind.returncode == 0, behind.stdout
    for path in folder.paths():
        if path != "checkpoint":
            assert kept.bucket.read(path) == folder.read(path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--log", "s3://logs"], "name it by --store"),
        (["--store", "STORE", "--log", "s3://KEY:SECRET@logs"], "holds no credentials"),
        (["--store", "STORE", "--log", "/srv/log"], "the address of a bucket is s3://"),
        (["--store", "STORE", "--log", "ADDRESS"], "is not empty"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    kept: BucketLog, tmp_path: Path, options: list[str], told: str
) -> None:
    schema = postgres.schema_of(tmp_path / "another")
    postgres.sql(kept.store, f"CREATE SCHEMA {schema}")
    store = postgres.in_schema(kept.store.partition("&options")[0], schema)
    assert api("migrate", "--store", store).returncode == 0
    values = {"STORE": store, "ADDRESS": kept.address}
    given = [values.get(option, option) for option in options]
    authority = authority_of(kept.served.story, tmp_path)
    another = tmp_path / "another"
    made = api("init", "--data", another, "--origin", "a.example", "--authority", authority, *given)
    assert made.returncode in (1, 2)
    assert told in made.stderr
    assert "SECRET" not in made.stderr
    assert not another.exists()
