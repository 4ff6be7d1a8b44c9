"""A bucket that fails, stalls or lies at any request: nothing false is signed, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from log.bucket import Bucket, Limits
from log.publisher import Publisher
from log.s3 import S3Store
from log.store import FileDamage
from testamur.errors import Unavailable
from tests.harness import object_servers
from tests.harness.checked_log import KEY, TestLog
from tests.harness.faulty_objects import (
    LIST_FAULTS,
    READ_FAULTS,
    WRITE_FAULTS,
    FaultyProxy,
    Request,
    faulty,
)

pytestmark = pytest.mark.objects

SCRIPT: Final = (2, 300, 1, 1)  # submissions whose publication takes every kind of request
# No retries, so that each fault reaches the driver. A machine too slow for this only adds faults.
IMPATIENT: Final = Limits(connecting=2, request=1, retries=0, retrying=1)
FAULTS: Final = {
    "put": WRITE_FAULTS,
    "get": READ_FAULTS,
    "list": LIST_FAULTS,
    "delete": ("503", "stored, 503", "cut", "stored, cut", "silence"),
}

State = tuple[dict[str, bytes], bytes | None]  # the files, and the last note signed
Undisturbed = tuple[list[Request], State]


class BucketLog(TestLog):
    """A log whose files are in a bucket behind a proxy; what it signed is in memory."""

    def __init__(self, proxy: FaultyProxy, address: Callable[[str], str]) -> None:
        self.bucket = Bucket.parse(address(proxy.endpoint))
        self.direct = S3Store(Bucket.parse(address(proxy.upstream)))
        self.through = S3Store(self.bucket, limits=IMPATIENT)
        super().__init__()

    def restarted(self) -> Publisher:
        self.through.close()
        self.through = S3Store(self.bucket, limits=IMPATIENT)
        self.publisher = Publisher(
            self.source,
            self.through,
            self.last_signed,
            KEY,
            published=lambda checkpoint, _: self.published.append(checkpoint.size),
        )
        return self.publisher

    def check(self) -> None:
        self.store.files = {path: self.direct.read(path) for path in self.direct.paths()}
        super().check()

    def close(self) -> None:
        self.through.close()
        self.direct.close()


@contextmanager
def bucket_log(folder: Path) -> Iterator[tuple[BucketLog, FaultyProxy]]:
    server = object_servers.any_shared()
    prefix = object_servers.prefix_of(folder)
    with faulty(server.endpoint) as proxy:
        log = BucketLog(proxy, lambda endpoint: server.address(prefix, endpoint=endpoint))
        with closing(log):
            yield log, proxy


def publish(log: BucketLog, *, process: str) -> None:
    """Publish the script, recovering from whatever goes wrong."""
    submissions = list(SCRIPT)
    for _ in range(60):
        try:
            if not log.publisher.allowed:
                log.publisher.resume()
            if log.publisher.publish_once() is None:
                if not submissions:
                    return
                log.source.submit(submissions.pop(0))
        except (Unavailable, FileDamage):
            log.check()  # nothing is signed or public over an object that is not there
            if process == "new":
                log.restarted()
    raise AssertionError("it did not recover")


def final_state(log: BucketLog) -> State:
    log.restarted().resume()
    for size in (300, 1, 1):  # so that all tidying is done
        log.source.submit(size)
        log.publisher.publish_once()
    log.check()
    return dict(log.store.files), log.last_signed.get()


@pytest.fixture(scope="module", name="undisturbed")
def undisturbed_(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    with bucket_log(tmp_path_factory.mktemp("undisturbed")) as (log, proxy):
        publish(log, process="same")
        return list(proxy.requests), final_state(log)


def test_a_publication_makes_every_kind_of_request(undisturbed: Undisturbed) -> None:
    requests, _ = undisturbed
    assert {request.kind for request in requests} == set(FAULTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "fault"), [(kind, fault) for kind, faults in FAULTS.items() for fault in faults]
)
def test_a_fault_at_any_request_changes_nothing_in_the_end(
    tmp_path: Path, undisturbed: Undisturbed, kind: str, fault: str
) -> None:
    """Every other request of the kind is hit, then in a second log those between."""
    requests, final = undisturbed
    total = sum(request.kind == kind for request in requests)
    for run, process in enumerate(("new", "same")):
        # Each silence takes a second, so only the first, the middle and the last are met with it.
        chosen = {0, total // 2 + run, total - 1} if "silence" in fault else range(run, total, 2)
        with bucket_log(tmp_path / process) as (log, proxy):
            proxy.plan = at(kind, fault, chosen)
            publish(log, process=process)
            proxy.plan = lambda _: None
            assert final_state(log) == final


def at(kind: str, fault: str, chosen: Collection[int]) -> Callable[[Request], str | None]:
    """Return a plan: the requests of a kind with these numbers, counted among them, fail so."""
    numbers = count()

    def plan(request: Request) -> str | None:
        return fault if request.kind == kind and next(numbers) in chosen else None

    return plan
