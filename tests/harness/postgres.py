"""A PostgreSQL of our own: a private cluster in a temporary folder, on a socket in that folder.

    python -m tests.harness.postgres        # says in one line whether the programs are there

One cluster without fsync serves all tests of a process, a schema each. Tests whose promise is
durability start one of their own, with fsync, which they may stop, kill and start again.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg

from registry.postgres.migrating import statements
from registry.postgres.schema import VERSION_TABLE
from tests.harness.waiting import until

HOW: Final = (
    "PostgreSQL's server programs were not found: `apt-get install postgresql-15`, or name the "
    "folder of `initdb` in TESTAMUR_POSTGRES_BIN"
)
_DEBIAN: Final = Path("/usr/lib/postgresql")
_SHARED: Final = "TESTAMUR_TEST_CLUSTER"  # for the processes that a test starts
_SECONDS: Final = 60.0
_USER: Final = "testamur"
_UNSAFE: Final = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
_SETTINGS: Final = ("listen_addresses=", "max_connections=200", "shared_buffers=32MB")


def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, or None if there is none."""
    named = os.environ.get("TESTAMUR_POSTGRES_BIN")
    found = shutil.which("initdb")
    versions = sorted(_DEBIAN.glob("[0-9]*/bin"), key=lambda path: -int(path.parent.name))
    candidates = [
        *([Path(named)] if named else []),
        *versions,
        *([Path(found).resolve().parent] if found else []),
    ]
    return next((path for path in candidates if (path / "initdb").is_file()), None)


class Cluster:
    """A cluster that this process starts and stops; `settings` are lines of its configuration.

    With `primary` it is a standby of that one, with `port` it listens on the loopback as well. Its
    server gets `environment` beside that of this process. Clients from `network` need no password.
    """

    def __init__(
        self,
        *settings: str,
        durable: bool = True,
        primary: Cluster | None = None,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
        network: str | None = None,
    ) -> None:
        folder = programs()
        if folder is None:
            raise RuntimeError(HOW)
        self._programs = folder
        self._settings = [*_SETTINGS, *(() if durable else _UNSAFE), *settings]
        self._environment = {**os.environ, **(environment or {})}
        self._port = port
        if port is not None:
            self._settings += ["listen_addresses=127.0.0.1", f"port={port}"]
        self.folder = Path(tempfile.mkdtemp(prefix="testamur-pg-"))
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            shutil.chown(self.folder, "nobody", "nogroup")
        self._process: subprocess.Popen[bytes] | None = None
        data = ["-U", _USER, "-D", str(self.folder / "data")]
        if primary is None:
            kind = ["--auth=trust", "-E", "UTF8", "--locale=C", "-k", "-N"]
            self._run("initdb", *data, *kind)
        else:
            self._run("pg_basebackup", *data, "-h", str(primary.folder), "-R", "-c", "fast")
        if network is not None:
            with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {network} trust\n")
        self.start()

    @property
    def url(self) -> str:
        """The address of its one database, by the socket in its folder."""
        place = f"postgresql://{_USER}@/postgres?host={quote(str(self.folder), safe='')}"
        return place if self._port is None else f"{place}&port={self._port}"

    @property
    def url_by_tcp(self) -> str:
        """The same by TCP."""
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/postgres?sslmode=disable"

    @property
    def pid(self) -> int:
        """The server's first process, of which all others are children."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server's first process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = [part for setting in self._settings for part in ("-c", setting)]
        command = [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*map(str, command), *options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self._environment,
                **_as_ordinary_user(self.folder),
            )
        self.answering()

    def answering(self) -> None:
        """Wait until it answers: after the end of any of its processes it recovers first."""
        process = self._process
        assert process is not None
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def end(self, number: signal.Signals) -> None:
        """Send a signal to the server's first process, and wait for its end."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(_SECONDS)

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut ends them."""
        for each in (self.pid, *_children(self.pid)):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(_SECONDS)

    def close(self) -> None:
        """Stop it at once, and remove it."""
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, **_as_ordinary_user(self.folder))


def _children(pid: int) -> list[int]:
    """Return the children of a process (Linux)."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in children.read_text().split()]


def either(primary: Cluster, standby: Cluster, address: str) -> str:
    """Return the address of what is at `address` in the primary, in whichever takes writes."""
    one, both = (
        quote(",".join(map(str, folders)), safe="")
        for folders in ([primary.folder], [primary.folder, standby.folder])
    )
    return address.replace(one, both) + "&target_session_attrs=read-write"


def followed(primary: Cluster, how: str) -> bool:
    """Return whether a standby of this kind (`sync`, `async`) receives what is written."""
    return bool(
        sql(
            primary.url,
            "SELECT 1 FROM pg_stat_replication WHERE sync_state = %s AND state = 'streaming'",
            how,
        )
    )


def make_synchronous(primary: Cluster) -> None:
    """Let the primary confirm a COMMIT only once the standby has it."""
    sql(primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'")
    sql(primary.url, "SELECT pg_reload_conf()")
    until(lambda: followed(primary, "sync"))


def _as_ordinary_user(folder: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {"cwd": folder}
    return {"cwd": folder, "user": "nobody", "group": "nogroup", "extra_groups": []}


@cache
def _started() -> Cluster:
    cluster = Cluster(durable=False)
    atexit.register(cluster.close)
    os.environ[_SHARED] = cluster.url
    return cluster


def shared() -> str:
    """Return the address of the cluster that all tests of this process use."""
    return os.environ.get(_SHARED) or _started().url


def stop_shared() -> None:
    """Stop it, if this process started it."""
    if _started.cache_info().currsize:
        _started().close()
        os.environ.pop(_SHARED, None)
        _started.cache_clear()


def sql(url: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement, in which `%s` stands for a value, and return its rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def listening(url: str, channel: str) -> Iterator[Callable[[], list[str]]]:
    """Listen to a channel; the function given returns what was announced on it so far."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"LISTEN {channel}".encode())

        def heard() -> list[str]:
            connection.execute(f"NOTIFY {channel}, 'the end'".encode())
            payloads = (one.payload for one in connection.notifies(timeout=_SECONDS))
            return list(takewhile(lambda payload: payload != "the end", payloads))

        yield heard


def schema_of(folder: Path) -> str:
    """Return the name of the schema for what a test keeps in `folder`."""
    return f"t_{hashlib.sha256(bytes(folder)).hexdigest()[:24]}"


def in_schema(url: str, schema: str) -> str:
    """Return the address of a schema in the database at `url`."""
    return f"{url}&options={quote(f'-csearch_path={schema}', safe='')}"


@cache
def _script() -> bytes:
    return statements().encode()


@cache
def made(url: str, schema: str) -> str:
    """Return the address of a schema with the tables of a log, made unless it is there."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")  # threads and processes may ask at once
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
        connection.execute(f"SET search_path = {schema}".encode())
        (there,) = connection.execute("SELECT to_regclass(%s)", [VERSION_TABLE]).fetchone() or (1,)
        if there is None:
            connection.execute(_script())
    return in_schema(url, schema)


def address(folder: Path) -> str:
    """Return the address of what a test keeps in `folder`, in the cluster that all share."""
    return made(shared(), schema_of(folder))


if __name__ == "__main__":
    sys.exit(None if programs() else HOW)
