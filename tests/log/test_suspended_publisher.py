"""A publisher suspended anywhere in a publication, while another takes over, leaves no trace.

It is a real process, which stops itself (SIGSTOP) at a given call, over a real lease and a real
folder. When it wakes it must not sign, and the newest checkpoint must be the public one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from log.directory import DirectoryStore
from log.fsck import fsck
from log.last_signed import Claimed
from log.postgres import PostgresLastSigned
from log.publisher import Publisher
from log.store import CHECKPOINT
from registry.postgres.address import Address
from testamur.tlog.checkpoint import open_checkpoint
from tests.harness import postgres
from tests.harness.checked_log import KEY, ignore
from tests.harness.simulators import GrowingSource
from tests.harness.waiting import until

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).resolve().parents[2]
LEASE = 1.0
STEPS = ("committed", "read", "write_many", "swap", "swapped", "write_checkpoint", "remove")
# It publishes once, so that there are partial files to remove, and is suspended in the second.
SUSPENDED = """
import os, signal, sys
from pathlib import Path
from log.directory import DirectoryStore
from log.last_signed import Claimed, Overtaken
from log.postgres import PostgresLastSigned
from log.publisher import Publisher
from log.publisher_thread import PublisherThread
from registry.postgres.address import Address
from tests.harness.checked_log import KEY
from tests.harness.simulators import GrowingSource
from tests.log.test_suspended_publisher import LEASE

url, folder, step = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
armed = False

def at(name):
    global armed
    if armed and name == step:
        armed = False
        print("stopping", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)

class Source(GrowingSource):
    def committed(self):
        size = super().committed()
        at("committed")
        return size

class Store(DirectoryStore):
    def read(self, path):
        at("read")
        return super().read(path)
    def write_many(self, files):
        at("write_many")
        super().write_many(files)
    def write_checkpoint(self, data):
        at("write_checkpoint")
        super().write_checkpoint(data)
    def remove_partials(self, path):
        at("remove")
        super().remove_partials(path)

class Signed(PostgresLastSigned):
    def compare_and_swap(self, old, new):
        at("swap")
        super().compare_and_swap(old, new)
        at("swapped")

signed = Signed(Address.parse(url).connect, lease=LEASE)
sizes = []
publisher = Publisher(
    Source(folder / "length", step=300, most=100_000), Store(folder / "log"), signed, KEY,
    published=lambda checkpoint, note: sizes.append(checkpoint.size),
)
publisher.resume()
publisher.publish_once()
publisher.publish_once()
armed = True
print("published", sizes[-1], flush=True)
try:
    publisher.publish_once()
    print("went on", flush=True)
except Exception as error:
    print(type(error).__name__, flush=True)
# Whatever it believes, it asks for the claim again before it goes on.
try:
    publisher.resume()
    print("resumed", flush=True)
except Claimed:
    print("stands by", flush=True)
"""


@contextmanager
def suspended(url: str, folder: Path, step: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has stopped itself at `step` of a publication."""
    with subprocess.Popen(
        [sys.executable, "-c", SUSPENDED, url, str(folder), step],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "published 600\n"
            assert process.stdout.readline() == "stopping\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("step", STEPS)
def test_one_that_is_suspended_at_any_step_signs_nothing_when_it_wakes(
    step: str, tmp_path: Path
) -> None:
    url = postgres.address(tmp_path)
    with suspended(url, tmp_path, step) as process:
        source = GrowingSource(tmp_path / "length", step=300, most=100_000)
        store = DirectoryStore(tmp_path / "log")
        connect = Address.parse(url).connect
        with closing(PostgresLastSigned(connect, lease=LEASE)) as signed:
            other = Publisher(source, store, signed, KEY, published=ignore)
            other.check_published()  # as a standby does
            until(lambda: claimed(signed))
            other.resume()
            for _ in range(3):
                other.publish_once()
            newest = signed.get()
            os.kill(process.pid, signal.SIGCONT)
            assert process.stdout is not None
            said = process.stdout.read().split("\n")
            # What it was about to do after its checkpoint was public does no harm, and is done.
            # A session that is found cut, rather than fenced off, is "Unavailable".
            ended = {"went on"} if step == "remove" else {"Overtaken", "Unavailable"}
            assert said[0] in ended, said
            assert said[1] == "stands by"
            assert signed.get() == newest
            assert store.read(CHECKPOINT) == newest
            other.publish_once()
            assert newest is not None
            assert open_checkpoint(newest, KEY.verifier)[0].size < other_size(other)
            found = fsck(store, KEY.verifier, source, signed)
            assert found.damage == []


def claimed(signed: PostgresLastSigned) -> bool:
    try:
        signed.claim()
    except Claimed:
        return False
    return True


def other_size(publisher: Publisher) -> int:
    assert publisher.checkpoint is not None
    return publisher.checkpoint[0].size
