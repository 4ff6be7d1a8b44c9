"""One log, its work split between processes: `python -m api serve --roles ...`, as many as wanted.

    split = Split(served, store)
    api = split.start("api"); split.start("publish"); split.start("project")
    api.ready()

Each is a real process, which can be killed with its children, stopped by SIGSTOP, or ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import httpx2

from testamur.verification.receipt import Receipt, parse_receipt, verify_receipt
from tests.harness.served import PROJECT, TYPE, Served, authority_of, called
from tests.harness.waiting import until

WAITS = ("published", "durable", "published")


class Process:
    """One process of the split log, which listens at `url`."""

    def __init__(
        self, roles: str, log: Path, command: list[str], environment: dict[str, str]
    ) -> None:
        self.roles = roles
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                process_group=0,
            )
        self.url = ""

    def listening(self) -> Process:
        """Wait until it says where it listens."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(("listening on ", "operations on ")), line
        self.url = line.split()[-1]
        return self

    def readiness(self) -> tuple[int, dict[str, str]]:
        """Return the status of `/readyz`, and the detail of each part."""
        answer = httpx2.get(f"{self.url}/readyz", timeout=30)
        return answer.status_code, {part["part"]: part["detail"] for part in answer.json()["parts"]}

    def ready(self) -> Process:
        """Wait until it is ready."""
        until(lambda: self.readiness()[0] == 200, 60)
        return self

    def says(self, part: str, words: str) -> bool:
        """Return whether `/readyz` says these words of a part."""
        with suppress(httpx2.TransportError):
            return words in self.readiness()[1].get(part, "")
        return False

    def everyone(self) -> list[int]:
        """Return this process and its children, which are the parts that work."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = [self.process.pid]
        with suppress(OSError):
            for task in children.parents[1].iterdir():
                found += map(int, (task / "children").read_text().split())
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children at once, as the end of a machine would."""
        for process in reversed(self.everyone()):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """Kill the process and its children."""
        self.signal(signal.SIGKILL)
        self.close()

    def end(self, seconds: float = 60) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.close()
        return code

    def close(self) -> None:
        """Kill what is left of it."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Split:
    """The processes of one log, whose database is `store`."""

    def __init__(self, served: Served, store: str) -> None:
        self.served = served
        self.store = store
        self.log = served.data.parent / "split.log"
        self._processes: list[Process] = []
        self._vkey = served.data.parent / "log.vkey"
        self._vkey.write_text(f"{served.vkey}\n")

    def begin(self, roles: str, *options: str) -> Process:
        """Start a process, and wait for nothing."""
        command = [sys.executable, "-m", "api", "serve", "--data", str(self.served.data)]
        command += ["--port" if "api" in roles else "--ops-port", "0", "--roles", roles, *options]
        if "api" in roles:
            command += ["--announce", "0.5"]  # longer than any client of these tests is idle
        if "publish" not in roles:
            command += ["--vkey", str(self._vkey)]
        found = Process(roles, self.log, command, {"TESTAMUR_STORE": self.store})
        self._processes.append(found)
        return found

    def start(self, roles: str, *options: str) -> Process:
        """Start a process, and wait until it listens."""
        found = self.begin(roles, *options)
        try:
            return found.listening()
        except AssertionError:
            raise AssertionError(self.errors()) from None

    def close(self) -> None:
        """Kill all that is left."""
        for process in self._processes:
            process.close()

    def errors(self) -> str:
        """Return what all of them wrote to their standard error."""
        return self.log.read_text()

    # --- Asking them ---

    def post(self, process: Process, body: bytes, wait: str = "published") -> httpx2.Response:
        """Return the answer of a process to a submission."""
        return httpx2.post(
            f"{process.url}/submissions?wait={wait}", content=body, headers=TYPE, timeout=60
        )

    def submit(self, process: Process, body: bytes, wait: str = "published") -> Receipt:
        """Submit to a process, verify the receipt, and return it."""
        answer = self.post(process, body, wait)
        assert answer.status_code in (200, 201), answer.text
        receipt = parse_receipt(answer.content)
        verify_receipt(receipt, body, self.served.policy)
        return receipt


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


class Crowd:
    """Clients that submit to one replica until it sends them away, and then to the other."""

    def __init__(self, cast: Cast, clients: int = 4) -> None:
        self._cast = cast
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.receipts: list[tuple[bytes, Receipt]] = []
        self.broken: list[bytes] = []
        self.unexpected: list[str] = []
        self._refused: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._submit, args=(number,)) for number in range(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        """Wait until so many more submissions were acknowledged."""
        wanted = len(self.receipts) + count
        until(lambda: len(self.receipts) >= wanted, 60)

    def _submit(self, turn: int) -> None:
        with httpx2.Client(timeout=60) as client:
            while not self._over.wait(0.05):  # enough to disturb, and few enough to check
                with self._lock:
                    body = self._cast.story.cohort(1 + turn % 3)
                turn = self._sent(client, body, turn)

    def _sent(self, client: httpx2.Client, body: bytes, turn: int) -> int:
        """Submit until there is a receipt; return whose turn it is then."""
        while True:
            url = self._cast.replicas[turn % 2].url
            try:
                answer = client.post(
                    f"{url}/submissions",
                    params={"wait": WAITS[turn % 3]},
                    content=body,
                    headers=TYPE,
                )
            except httpx2.ConnectError:
                turn += 1
                time.sleep(0.02)
                continue
            except httpx2.TransportError:
                self.broken.append(body)
                turn += 1
                continue
            if answer.headers.get("connection") == "close":
                turn += 1
            if answer.status_code in (200, 201):
                self.receipts.append((body, parse_receipt(answer.content)))
                if answer.status_code == 200 and body not in self.broken + self._refused:
                    self.unexpected.append("recorded before it was sent")
                return turn
            self._refused.append(body)
            if answer.status_code != 503 or "retry-after" not in answer.headers:
                self.unexpected.append(answer.text)
            turn += 1
            time.sleep(0.05)


@contextmanager
def made(store: str, folder: Path) -> Iterator[Split]:
    """Yield a new log whose sequence is in the database at `store`; nobody works on it yet."""
    with closing(Served(folder / "data")) as served:
        done = called(
            *("init", "--data", served.data, "--store", store, "--origin", served.story.origin),
            *("--authority", authority_of(served.story, folder)),
        )
        assert done.returncode == 0, done.stderr
        served.vkey = done.stdout.strip()
        with closing(Split(served, store)) as split:
            yield split
        assert "Traceback" not in split.errors()


@contextmanager
def closing_all(split: Split) -> Iterator[Split]:
    """Yield it, and kill all that is left afterwards."""
    try:
        yield split
    finally:
        split.close()
