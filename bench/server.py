"""A real server process to load, whose provider has entered the register and may issue."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def serving(folder: Path, story: Story, store: str | None = None) -> Iterator[Served]:
    """Yield a running server whose log is open and whose provider may issue.

    `store` is the address of an empty database, if the sequence is to be kept there.
    """
    data = folder / "server"
    authority = authority_of(story, folder)
    kept = [] if store is None else ["--store", store]
    made = subprocess.run(
        [*_API, "init", "--data", data, "--origin", story.origin, "--authority", authority, *kept],
        check=True,
        capture_output=True,
        text=True,
    )
    with running(data, VerifierKey.parse(made.stdout.strip()), *kept) as served:
        with RegistryClient(served.url) as registry:
            # The server has opened its log itself, with a key of its own.
            for body in story.opening()[1:]:
                registry.submit(body, "published", "admit")
        yield served


@contextmanager
def running(data: Path, key: VerifierKey, *options: str) -> Iterator[Served]:
    """Yield a running server of the log in `data`, whose key is `key`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*_API, "serve", "--data", data, "--port", str(port), *options])
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
