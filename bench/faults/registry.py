"""The registry that faults strike: a real server on a folder, or on a PostgreSQL of its own."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx2
import psycopg

from api.moving import copy_log
from bench.faults.interposer import Interposer
from tests.harness import postgres
from tests.harness.postgres import Cluster
from tests.harness.served import Served

_MARKERS: Final = {
    "sqlite": {
        "writer": " serve --data ",
        "publisher": " api.processes.publisher ",
        "follower": " -m projections ",
    },
    "postgres": {
        "writer": " serve --data ",
        "publisher": " api.processes.publisher ",
        "follower": " api.processes.follower ",
        "postgres": "/bin/postgres -D ",
    },
}
"""What is in the command line of the processes of each role."""
STORES: Final = tuple(_MARKERS)


class Registry:
    """One log after another, each served under the same interposer."""

    def __init__(
        self, opened: Served, folder: Path, interposer: Interposer, cluster: Cluster | None
    ) -> None:
        self._opened = opened
        self._folder = folder
        self._cluster = cluster
        self._number = 0
        self.interposer = interposer
        self.served = opened
        self.store: str | None = None

    @contextmanager
    def another(self) -> Iterator[Served]:
        """Give a fresh log, which is not served yet."""
        self._number += 1
        place = self._folder / f"log{self._number}"
        place.mkdir()
        with closing(self._opened.copy(place / "data")) as served:
            served.environment = self.interposer.environment
            served.program = self._opened.program
            if self._cluster is not None:
                self.mend_database()
                self.store = postgres.made(self._cluster.url, f"log{self._number}")
                copy_log(served.data, None, self.store)
                for file in served.data.glob("*.db*"):
                    file.unlink()
            for role in ("writer", "publisher", "follower"):
                self.interposer.aim(role, served.data)
            self.served = served
            yield served

    def start(self) -> bool:
        """Start the server on the current log; return whether it came to listen."""
        options = [] if self.store is None else ["--store", self.store]
        self.mend_database()
        try:
            self.served.start(*options)
        except AssertionError:
            return False
        return True

    def restart(self) -> bool:
        """End the server, if it did not end by itself, and start it."""
        self.served.stop(how=signal.SIGKILL)
        return self.start()

    def mend_database(self) -> None:
        """Start PostgreSQL again if it ended, as an init system does; wait until it answers."""
        if self._cluster is None:
            return
        while True:
            try:
                if self._cluster.running:
                    self._cluster.answering()
                else:
                    self._cluster.start()
            except RuntimeError:
                if self._cluster.running:
                    raise
            else:
                return

    @property
    def died(self) -> bool:
        """Whether the server ended."""
        return self.served.process is None or self.served.process.poll() is not None

    def ready(self, client: httpx2.Client) -> bool:
        """Return whether the server says that every part of it works."""
        return self._readiness(client)[0] == httpx2.codes.OK

    def stopped(self, client: httpx2.Client) -> bool:
        """Return whether the server records nothing until somebody looks at its file."""
        # Of a database it says the same while that cannot be reached, which passes by itself.
        return self.store is None and '"part":"gate","state":"failed"' in self._readiness(client)[1]

    def _readiness(self, client: httpx2.Client) -> tuple[int, str]:
        with suppress(httpx2.HTTPError):
            answer = client.get(f"{self.served.url}/readyz")
            return answer.status_code, answer.text
        return 0, ""


@contextmanager
def registry(driver: str, folder: Path, program: tuple[str, ...]) -> Iterator[Registry]:
    """Give a registry on `sqlite` or `postgres`; `program` is what `python` runs as its server."""
    with ExitStack() as stack:
        (folder / "opened").mkdir()
        opened = stack.enter_context(closing(Served(folder / "opened" / "data")))
        opened.init()
        opened.record(*opened.story.opening()[1:])
        opened.program = program
        markers = _MARKERS[driver]
        interposer = stack.enter_context(
            Interposer(
                scopes=dict.fromkeys(markers, folder),
                markers=markers,
                forked_only=frozenset({"postgres"}),
            )
        )
        cluster = None
        if driver == "postgres":
            cluster = Cluster(environment=interposer.environment)
            stack.callback(cluster.close)
            interposer.aim("postgres", cluster.folder)
        yield Registry(opened, folder, interposer, cluster)


def is_running(pid: int) -> bool:
    """Return whether a process is there, and did not end."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def version_of(driver: str) -> str:
    """Return the version of the store."""
    if driver == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    folder = postgres.programs()
    major = folder.parent.name if folder else "?"
    return f"PostgreSQL {major}, psycopg {psycopg.__version__}, libpq {psycopg.pq.version()}"
