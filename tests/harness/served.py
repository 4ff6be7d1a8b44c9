"""A server process over a folder, and the organizations that submit to it.

    served = Served(tmp_path / "data")
    served.init()
    with served.running():
        receipt = served.submit(body)     # posted, answered, and verified

Nothing is imitated: the server is `python -m api serve` in a process of its own, asked over HTTP.
It can be killed at any moment, and started again on what it left behind.
"""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx2
from typer.testing import CliRunner

from api.http.problem_types import TYPES
from testamur.catalogue import dry_run
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import MEDIA_TYPE
from testamur.http.source import HttpSource
from testamur.keys import PublicKey
from testamur.tlog.note import VerifierKey
from testamur.tlog.policy import Policy, parse_policy
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from testamur.verification.receipt import Receipt, parse_receipt, verify_receipt
from tests.harness.story import Story
from tests.harness.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
TYPE = {"Content-Type": MEDIA_TYPE}


def api(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m api` to its end."""
    return run_module("api", *arguments)


def called(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of `python -m api` to its end in this process, which starts no server."""
    from api.__main__ import commands

    words = list(map(str, arguments))
    done = CliRunner().invoke(commands, words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def run_module(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m module` to its end."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def in_background(*command: str | Path) -> list[str]:
    """Return `command` as a shell's background job runs it: with SIGINT ignored."""
    return ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *map(str, command)]


def authority_of(story: Story, folder: Path) -> Path:
    """Write the registration of the story's root authority, as `init` takes it; return the file."""
    registered = story.registration(
        story.authority, "authority", sponsor=story.origin, name="Authority"
    )
    file = folder / "authority.json"
    file.write_bytes(encode_event(registered) + b"\n")
    return file


class Served:
    """The log in the folder `data`; its story takes place now, by the clock of this machine.

    `environment` is given to its server beside that of this process; `program` is what `python`
    runs as the server.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.story = Story(now=int(time.time()))
        self.vkey = ""
        self.url = ""
        self.operations = ""
        self.program: tuple[str, ...] = ("-m", "api")
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen[str] | None = None
        self.client = httpx2.Client(timeout=60)

    def init(self) -> None:
        """Make the log."""
        made = called(
            "init",
            *("--data", self.data),
            *("--origin", self.story.origin),
            *("--authority", authority_of(self.story, self.data.parent)),
        )
        assert made.returncode == 0, made.stderr
        self.vkey = made.stdout.strip()

    def record(self, *bodies: bytes) -> None:
        """Record submissions, publish them and bring the tables up, all in this process.

        No server may have the log open; nor is one started, which takes ten times as long.
        """
        from api.folder import Folder, read_key
        from log.directory import DirectoryStore
        from log.publisher import Publisher
        from log.sqlite import SqliteLastSigned
        from projections.follower import Follower
        from registry.gate import Gate
        from registry.sqlite.store import SqliteStore

        folder, recorded = Folder(self.data), list[object]()
        with (
            closing(SqliteStore(folder.registry)) as store,
            closing(SqliteLastSigned(folder.last_signed)) as last_signed,
            Gate(store, log_key=self.log_key, settled=recorded.extend) as gate,
        ):
            for body in bodies:
                gate.offer(gate.check(body), None)
            until(lambda: len(recorded) == len(bodies))
            last_signed.claim()
            publisher = Publisher(
                gate.entries,
                DirectoryStore(folder.log),
                last_signed,
                read_key(folder),
                published=lambda *_: None,
            )
            publisher.resume()
            publisher.publish_once()
        reader = LogReader(DirectorySource(folder.log), self.key)
        follower = Follower.open(folder.projections, reader)
        size = follower.catch_up()
        follower.engine.dispose()
        assert size == reader.checkpoint().size

    def copy(self, data: Path) -> Served:
        """Copy the log, which no server may have open, into the new folder `data`."""
        shutil.copytree(self.data, data)
        other = Served(data)
        other.story, other.vkey = copy.deepcopy(self.story), self.vkey
        return other

    # --- The process ---

    def start(self, *options: str) -> None:
        """Start the server and wait until it says where it listens."""
        command = [sys.executable, *self.program, "serve", "--data", str(self.data), "--port", "0"]
        command += ["--ops-port", "0"]
        with (self.data.parent / "server.log").open("ab") as errors:
            self.process = subprocess.Popen(
                [*command, *options],
                cwd=PROJECT,
                env={**os.environ, **self.environment},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                process_group=0,  # as a shell does, so that Ctrl-C can be pressed on it
            )
        assert self.process.stdout is not None
        said = [self.process.stdout.readline() for _ in range(2)]
        if [line.rpartition(" ")[0] for line in said] != ["listening on", "operations on"]:
            self.stop()
            raise AssertionError(self.errors())
        self.url, self.operations = (line.split()[-1] for line in said)

    def stop(self, *, how: signal.Signals = signal.SIGTERM) -> int:
        """Tell the process to end (or kill it), and return its exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(how)
        try:
            return self.process.wait(timeout=60)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.client.close()
            self.client = httpx2.Client(timeout=60)

    def close(self) -> None:
        """Close the client, and kill the process if a failed test left it running."""
        if self.process is not None and self.process.poll() is None:
            self.stop(how=signal.SIGKILL)
        self.client.close()

    def errors(self) -> str:
        """Return what the server wrote to its standard error."""
        return (self.data.parent / "server.log").read_text()

    @contextmanager
    def running(self, *options: str) -> Iterator[Served]:
        """Start the server, and stop it at the end."""
        self.start(*options)
        try:
            yield self
        finally:
            self.stop()

    # --- Asking it ---

    def get(self, path: str, **options: object) -> httpx2.Response:
        """Return the answer to a GET."""
        return self.client.get(self.url + path, **options)  # type: ignore[arg-type]

    def metrics(self) -> str:
        """Return what the port for operators answers to /metrics."""
        return self.client.get(f"{self.operations}/metrics").text

    def answer(self, path: str) -> httpx2.Response:
        """Return the answer to a GET that is asked again while the tables lag behind (503).

        A question waits 5 s for them; on a busy machine a process takes longer to start.
        """
        answers: list[httpx2.Response] = []

        def answered() -> bool:
            answers.append(self.get(path))
            return answers[-1].status_code != httpx2.codes.SERVICE_UNAVAILABLE

        until(answered)
        return answers[-1]

    def post(
        self,
        body: bytes,
        *,
        wait: str | None = None,
        flags: str | None = None,
        path: str = "/submissions",
        **headers: str,
    ) -> httpx2.Response:
        """Return the answer to a submission."""
        options = {"wait": wait, "flags": flags}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            self.url + path,
            content=body,
            params={name: each for name, each in options.items() if each is not None},
            headers={**TYPE, **named},
        )

    def check(self, body: bytes, **headers: str) -> httpx2.Response:
        """Return the answer to a dry run."""
        headers.setdefault("Content_Type", dry_run.MEDIA_TYPE)
        return self.post(body, path="/submissions/check", **headers)

    def submit(self, *bodies: bytes) -> Receipt:
        """Submit each body, verify its receipt, and return the last one."""
        for body in bodies:
            answer = self.post(body)
            assert answer.status_code in (200, 201), answer.text
            receipt = parse_receipt(answer.content)
            verify_receipt(receipt, body, self.policy)
        return receipt

    def open_register(self) -> Receipt:
        """Bring the accreditor, the provider and its achievement in."""
        return self.submit(*self.story.opening()[1:])

    # --- Checking it from outside ---

    @property
    def key(self) -> VerifierKey:
        """The log's verifier key, as `init` printed it."""
        return VerifierKey.parse(self.vkey)

    @property
    def log_key(self) -> PublicKey:
        """The same key, as the genesis is signed with it."""
        return PublicKey("Ed25519", self.key.public)

    @property
    def policy(self) -> Policy:
        """A policy that believes this log without witnesses."""
        return parse_policy(f"log {self.vkey}\nquorum none\n")

    @property
    def source(self) -> HttpSource:
        """The published log, over HTTP."""
        return HttpSource(self.url + "/log", self.client)

    def reader(self) -> LogReader:
        """Return a fresh reader of the published log, over HTTP."""
        return LogReader(self.source, self.key)

    @property
    def size(self) -> int:
        """The published size."""
        return self.reader().checkpoint().size


def processes(*words: bytes) -> list[int]:
    """Return the processes that have all of `words` in their command line (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if set(words) <= set((process / "cmdline").read_bytes().split(b"\0")):
                found.append(int(process.name))
    return found


def files_of(process: int) -> list[str]:
    """Return what a process holds open: a file may be closed again between the two looks."""
    held = []
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):
            held.append(str(link.readlink()))
    return held


def problem(answer: httpx2.Response, status: int, rule: str) -> dict[str, object]:
    """Return the problem document that the answer must be."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: dict[str, object] = answer.json()
    assert (answer.status_code, found["rule"]) == (status, rule), found
    assert found["status"] == status
    assert found["type"] == f"/problems/{rule}"
    assert rule in TYPES, "the type of a problem leads to the page of its rule"
    return found
