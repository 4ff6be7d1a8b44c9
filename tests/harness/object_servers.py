"""Object stores of our own: private servers that speak S3, on free ports of the loopback.

    python -m tests.harness.object_servers        # builds versitygw, where Go is

SeaweedFS comes with the tools for tests. versitygw is built once from its Go module, into a folder
of the user's cache; where that cannot be, its tests are skipped and say so. One server of a kind
serves all tests of a process, a prefix each. Their credentials are in a file, as in production.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx2
import obstore
import pytest
from obstore.store import S3Store

from tests.harness.waiting import until

BUCKET: Final = "logs"
ACCESS: Final = "testamur-tests"
SECRET: Final = "the-secret-of-the-object-tests"
_SECONDS: Final = 60.0
_VERSITY: Final = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
_WEED_PORTS: Final = ("master.port", "volume.port", "filer.port", "s3.port")
_HOW: Final = "versitygw is not there, and is built where Go and its module proxy are"


class ObjectServer(ABC):
    """A server that this process starts, stops and starts again on the same port and folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="testamur-s3-"))
        self.credentials = self.folder / "credentials"
        self.credentials.write_text(
            f"[default]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
        )
        self.credentials.chmod(0o600)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """Where it listens."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "output").open("ab") as output:
            process = self._process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET},
            )

        def ready() -> bool:
            assert process.poll() is None, (self.folder / "output").read_text()[-3000:]
            return self._answers()

        until(ready, seconds=_SECONDS)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(_SECONDS)

    def close(self) -> None:
        """End it and remove all that it kept."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, prefix: str, *, endpoint: str | None = None) -> str:
        """Return the address of a log under a prefix, through another endpoint if one is given."""
        return f"s3://{BUCKET}/{prefix}?endpoint={quote(endpoint or self.endpoint, safe='')}"


class SeaweedFS(ObjectServer):
    """All roles of SeaweedFS in one process, every port of it named: it would take fixed ones."""

    def __init__(self) -> None:
        super().__init__()
        self._ports = free_ports(2 * len(_WEED_PORTS))
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (self.folder / "data").mkdir()
        self.start()
        # The first object makes the bucket; before that a listing finds none.
        bucket = S3Store(
            BUCKET,
            endpoint=self.endpoint,
            access_key_id=ACCESS,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )
        obstore.put(bucket, "first", b"")

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports[_WEED_PORTS.index('s3.port') * 2]}"

    def _command(self) -> list[str]:
        ports = iter(self._ports)
        return [
            str(Path(sys.executable).with_name("weed")),
            "server",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-dir={self.folder / 'data'}",
            "-filer",
            "-s3",
            f"-s3.config={self.folder / 's3.json'}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-volume.max=20",
            "-master.volumeSizeLimitMB=64",
            "-master.telemetry=false",
            f"-filer.localSocket={self.folder / 'filer.sock'}",
            f"-s3.localSocket={self.folder / 's3.sock'}",
            *(f"-{role}={next(ports)}" for name in _WEED_PORTS for role in (name, f"{name}.grpc")),
        ]

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.endpoint}/healthz", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False

    def close(self) -> None:
        super().close()
        for port in self._ports:  # of its inner sockets, which it makes where it likes
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108
                socket_file.unlink(missing_ok=True)


class Versity(ObjectServer):
    """versitygw over a folder: buckets are folders in it, and objects files."""

    def __init__(self) -> None:
        super().__init__()
        self._port = free_ports(1)[0]
        (self.folder / "data" / BUCKET).mkdir(parents=True)
        self.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _command(self) -> list[str]:
        listening = ["--port", f"127.0.0.1:{self._port}", "--health", "/health", "--quiet"]
        return [
            str(versity_program()),
            *listening,
            "--keep-alive",
            "posix",
            str(self.folder / "data"),
        ]

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.endpoint}/health", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback on which nothing listens."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def versity_program() -> Path | None:
    """Return the program, or None if it was not built."""
    program = _versity_folder() / "versitygw"
    return program if program.is_file() else None


def _versity_folder() -> Path:
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache_folder / "testamur" / f"versitygw-{_VERSITY.rpartition('@v')[2]}"


def build_versity() -> str | None:
    """Build the program unless it is there; return what is missing, or None."""
    folder = _versity_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if versity_program() is not None:
            return None
        if shutil.which("go") is None:
            return f"{_HOW}: `go` is not on the path"
        # Under another name first: an interrupted build leaves no program.
        building = {**os.environ, "GOBIN": str(folder / "new"), "GOFLAGS": "-trimpath"}
        built = subprocess.run(
            ["go", "install", _VERSITY],
            cwd=folder,
            env=building,
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            return f"{_HOW}: {built.stderr.strip()[-200:]}"
        (folder / "new" / "versitygw").replace(folder / "versitygw")
    return None


@cache
def _started(kind: Callable[[], ObjectServer]) -> ObjectServer:
    server = kind()
    atexit.register(server.close)
    return server


KINDS: Final[dict[str, Callable[[], ObjectServer]]] = {"seaweedfs": SeaweedFS, "versity": Versity}


def shared(kind: str) -> ObjectServer:
    """Return the server of a kind that all tests of this process use; skips what is not there.

    From then on this process, and those that it starts, find its credentials.
    """
    if kind == "versity" and versity_program() is None:
        pytest.skip(_HOW)
    server = _started(KINDS[kind])
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(server.credentials)
    return server


def any_shared() -> ObjectServer:
    """Return the one that is lighter, of those that are there."""
    return shared("seaweedfs" if versity_program() is None else "versity")


def prefix_of(folder: Path) -> str:
    """Return the prefix for what a test keeps in `folder`."""
    return f"t-{hashlib.sha256(bytes(folder)).hexdigest()[:24]}"


if __name__ == "__main__":
    missing = build_versity()
    if missing:
        sys.stderr.write(f"{missing}\n")
