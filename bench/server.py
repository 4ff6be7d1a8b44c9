"""A real server process to load, whose provider has entered the register and may issue."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from testamur.http.client import RegistryClient
from testamur.tlog.note import VerifierKey
from tests.harness.served import authority_of
from tests.harness.story import Story

_API: Final = (sys.executable, "-m", "api")


@dataclass(frozen=True, slots=True)
class Served:
    """Where the server listens, its process, its folder and the log's key."""

    url: str
    port: int
    pid: int
    folder: Path
    key: VerifierKey


@dataclass(frozen=True, slots=True)
class Split:
    """The processes of one log; `port` and `url` of one that takes no requests are of operators."""

    replicas: list[Served]
    publishers: list[Served]
    projector: Served

    @property
    def processes(self) -> list[Served]:
        """All of them."""
        return [*self.replicas, *self.publishers, self.projector]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log is kept that is not in the folder alone: an empty database, an empty bucket.

    `database` is the address of the sequence, and `bucket` that of the published files.
    """

    database: str | None = None
    bucket: str | None = None

    @property
    def options(self) -> list[str]:
        """The options of every command that name it."""
        named = (("--store", self.database), ("--log", self.bucket))
        return [word for option, value in named if value is not None for word in (option, value)]


IN_FOLDER: Final = Place()


@contextmanager
def serving(folder: Path, story: Story, place: Place = IN_FOLDER) -> Iterator[Served]:
    """Yield a running server whose log is open and whose provider may issue."""
    kept = place.options
    key = _made(folder, story, kept)
    with running(folder / "server", key, *kept) as served:
        _open_register(story, served)
        yield served


@contextmanager
def split(
    folder: Path, story: Story, place: Place, *, replicas: int, publishers: int = 1
) -> Iterator[Split]:
    """Yield the same with its work split: replicas, publishers, and a projector."""
    kept = place.options
    key = _made(folder, story, kept)
    data = folder / "server"
    with ExitStack() as stack:
        (projector, *publishing) = [
            stack.enter_context(running(data, key, *kept, "--roles", role))
            for role in ("project", *("publish",) * publishers)
        ]
        serving_ = [
            stack.enter_context(running(data, key, *kept, "--roles", "api"))
            for _ in range(replicas)
        ]
        _open_register(story, serving_[0])
        yield Split(serving_, publishing, projector)


def _made(folder: Path, story: Story, kept: Sequence[str]) -> VerifierKey:
    data, authority = folder / "server", authority_of(story, folder)
    made = subprocess.run(
        [*_API, "init", "--data", data, "--origin", story.origin, "--authority", authority, *kept],
        check=True,
        capture_output=True,
        text=True,
    )
    return VerifierKey.parse(made.stdout.strip())


def _open_register(story: Story, served: Served) -> None:
    with RegistryClient(served.url) as registry:
        # The server has opened its log itself, with a key of its own.
        for body in story.opening()[1:]:
            registry.submit(body, "published", "admit")


@contextmanager
def running(data: Path, key: VerifierKey, *options: str) -> Iterator[Served]:
    """Yield a running server of the log in `data`, whose key is `key`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    takes_requests = "--roles" not in options or "api" in options
    listening = "--port" if takes_requests else "--ops-port"
    process = subprocess.Popen([*_API, "serve", "--data", data, listening, str(port), *options])
    try:
        _wait(url, process)
        yield Served(url, port, process.pid, data, key)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{url}/readyz").status_code == httpx2.codes.OK:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")
