"""Several publishers over one bucket: one publishes, one that was fenced off changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from log.bucket import Bucket
from log.fsck import fsck
from log.last_signed import Claimed, Overtaken
from log.postgres import PostgresLastSigned
from log.publisher import Publisher
from log.publisher_thread import PublisherThread
from log.s3 import S3Store
from log.store import CHECKPOINT, File
from registry.postgres.address import Address
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from tests.harness import object_servers, postgres
from tests.harness.checked_log import KEY, ignore
from tests.harness.simulators import GrowingSource
from tests.harness.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.objects]

PUBLISHERS = 4
ENDED = 6  # sessions
# The session that holds the claim.
HOLDERS = """
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objid = 'published'::regclass::oid
"""


class Growing(GrowingSource):
    """A sequence that grows whenever its length is asked for. Threads share it."""

    def __init__(self) -> None:
        super().__init__(Path(), step=0, most=0)
        self._lock = threading.Lock()
        self._length = 0

    def committed(self) -> int:
        with self._lock:
            self._length += 40
            return self._length


class Contended:
    """A log whose files are in a bucket, and of which there may be several publishers."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.source = Growing()
        self.database = postgres.address(folder)
        server = object_servers.any_shared()
        self.bucket = Bucket.parse(server.address(object_servers.prefix_of(folder)))
        self.stack = stack
        self.files = stack.enter_context(closing(S3Store(self.bucket)))
        self.signed = self.last_signed()

    def last_signed(self) -> PostgresLastSigned:
        connect = Address.parse(self.database).connect
        return self.stack.enter_context(closing(PostgresLastSigned(connect)))

    def publisher(
        self, store: S3Store, published: Callable[[Checkpoint, bytes], None] = ignore
    ) -> Publisher:
        return Publisher(self.source, store, self.last_signed(), KEY, published=published)

    def holders(self) -> list[int]:
        """Return the processes of the database whose session holds the claim."""
        return [int(pid) for (pid,) in postgres.sql(self.database, HOLDERS)]

    def fence(self) -> None:
        """End the session that holds the claim, as when the network is cut."""
        until(lambda: self.holders() != [], 60)
        for pid in self.holders():
            postgres.sql(self.database, "SELECT pg_terminate_backend(%s)", pid)

    @property
    def public(self) -> int:
        """The size that everybody sees."""
        return open_checkpoint(self.files.read(CHECKPOINT), KEY.verifier)[0].size

    def check(self) -> None:
        assert self.files.read(CHECKPOINT) == self.signed.get()
        assert fsck(self.files, KEY.verifier, self.source, self.signed).damage == []


@pytest.fixture
def contended(tmp_path: Path) -> Iterator[Contended]:
    with ExitStack() as stack:
        yield Contended(tmp_path, stack)


def test_of_several_publishers_one_publishes_and_another_goes_on_when_it_loses_its_session(
    contended: Contended,
) -> None:
    told: list[tuple[int, int]] = []  # who published, and how many entries

    def teller(number: int) -> Callable[[Checkpoint, bytes], None]:
        return lambda checkpoint, _: told.append((number, checkpoint.size))

    threads = []
    for number in range(PUBLISHERS):
        store = contended.stack.enter_context(closing(S3Store(contended.bucket)))
        publisher = contended.publisher(store, teller(number))
        threads.append(PublisherThread(publisher, interval=0.01, retry=0.05))
    for thread in threads:
        thread.start()
    try:
        seen = 0
        for _ in range(ENDED):
            until(lambda: contended.signed.get() is not None, 60)
            until(lambda: contended.public > seen, 60)  # noqa: B023  # called here
            seen = contended.public
            assert len(contended.holders()) <= 1
            contended.fence()
        until(lambda: contended.public > seen, 60)
    finally:
        for thread in threads:
            thread.stop()
    contended.check()
    # Each told what it published; a new one begins with what is public, and none went back.
    assert [size for _, size in told] == sorted(size for _, size in told)
    ((epochs,),) = postgres.sql(contended.database, "SELECT epoch FROM published")
    assert epochs > ENDED, "a claim at first, and one after each session that was ended"


class Waiting(S3Store):
    """A store whose writes wait at `step`, as in a process that is suspended there."""

    def __init__(self, bucket: Bucket, step: str) -> None:
        super().__init__(bucket)
        self.armed = False
        self.waits = threading.Event()
        self.go_on = threading.Event()
        self.replaced = False
        self._step = step

    def _at(self, step: str) -> None:
        if self.armed and step == self._step:
            self.armed = False
            self.waits.set()
            assert self.go_on.wait(120)

    def write_many(self, files: list[File]) -> None:  # type: ignore[override]
        self._at("write_many")
        super().write_many(files)

    def read(self, path: str) -> bytes:
        self._at("read")
        return super().read(path)

    def write_checkpoint(self, data: bytes) -> None:
        self._at("write_checkpoint")
        super().write_checkpoint(data)
        self.replaced = self.waits.is_set()


@pytest.mark.parametrize("step", ["write_many", "read", "write_checkpoint"])
def test_one_that_is_suspended_while_another_publishes_puts_no_older_checkpoint_into_the_bucket(
    contended: Contended, step: str
) -> None:
    """In a folder it may, for a moment: only a bucket replaces what it expects to be there."""
    slow = contended.stack.enter_context(closing(Waiting(contended.bucket, step)))
    suspended = contended.publisher(slow)
    suspended.resume()
    suspended.publish_once()
    slow.armed = True
    ended: list[Overtaken | Unavailable] = []

    def go_on() -> None:
        try:
            suspended.publish_once()
        except (Overtaken, Unavailable) as error:
            ended.append(error)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        assert slow.waits.wait(60)
        contended.fence()
        store = contended.stack.enter_context(closing(S3Store(contended.bucket)))
        other = contended.publisher(store)
        until(lambda: resumed(other), 60)
        for _ in range(3):
            other.publish_once()
        newest = contended.files.read(CHECKPOINT)
    finally:
        slow.go_on.set()
        thread.join()
    assert len(ended) == 1, "it went on"
    assert not slow.replaced
    assert contended.files.read(CHECKPOINT) == newest == contended.signed.get()
    with pytest.raises(Claimed):
        suspended.resume()
    assert contended.files.read(CHECKPOINT) == newest
    other.publish_once()
    contended.check()


def resumed(publisher: Publisher) -> bool:
    try:
        publisher.resume()
    except Unavailable:
        return False
    return True
