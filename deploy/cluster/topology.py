"""Which parts are there, where does each listen, and with which command is it started?

The same parts as in docker-compose.yml, Grafana apart. Each has a folder of its own under one that
is removed at the end, and ports of the loopback that were free.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGQUIT
from typing import Final
from urllib.parse import quote

import httpx2
import psycopg

from deploy.cluster.configuration import DEPLOY, PROJECT, configured
from deploy.cluster.part import Part
from deploy.cluster.ports import free_ports
from deploy.cluster.programs import Programs
from deploy.make_secrets import BUCKET, DATABASE, USER, make_secrets
from testamur.errors import Unavailable

API: Final = ("api-1", "api-2")
PUBLISHERS: Final = ("publisher-1", "publisher-2")
WORKERS: Final = (*PUBLISHERS, "projector")
SERVERS: Final = (*API, *WORKERS)
SECONDS: Final = 90.0
"""How long a part may take to start."""

_DRAIN: Final = 20.0  # seconds that a part may take to end
_WEED_PORTS: Final = ("master.port", "volume.port", "filer.port")


def options_of(name: str) -> tuple[str, ...]:
    """Return the options of `serve` for a process, without addresses and folders."""
    if name in API:
        return ("--roles=api", "--announce=5", "--grace=30", "--log-format=json")
    role = "publish" if name in PUBLISHERS else "project"
    return (f"--roles={role}", "--grace=30", "--log-format=json")


@dataclass(slots=True)
class Topology:
    """The parts in `folder`, none of them started yet."""

    folder: Path
    programs: Programs
    parts: dict[str, Part] = field(init=False, default_factory=dict)
    _ports: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        names = [
            *("postgres", "objects", "objects.grpc", "proxy", "prometheus", *API),
            *(f"{name}.operations" for name in SERVERS),
            *(f"{port}{grpc}" for port in _WEED_PORTS for grpc in ("", ".grpc")),
        ]
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        # PostgreSQL refuses to run as root, and its user must reach its folder.
        self.folder.chmod(0o711)
        make_secrets(self.secrets)
        (self.folder / "empty").mkdir()
        self._add_stores()
        self._add_servers()
        self._add_proxy()
        if self.programs.prometheus is not None:
            self._add_prometheus(self.programs.prometheus)

    # --- Where everything is ---

    @property
    def secrets(self) -> Path:
        """The folder of secrets."""
        return self.folder / "secrets"

    @property
    def data(self) -> Path:
        """The folder of the log, which holds its key."""
        return self.secrets / "log"

    @property
    def vkey(self) -> Path:
        """The file with the log's verifier key."""
        return self.secrets / "log.vkey"

    @property
    def url(self) -> str:
        """Where the public reaches the registry: the proxy."""
        return self._url("proxy")

    @property
    def store(self) -> str:
        """The address of the database."""
        return f"postgresql://{USER}@{self._place('postgres')}/{DATABASE}"

    @property
    def log(self) -> str:
        """The address of the published log."""
        endpoint = quote(self._url("objects"), safe="")
        return f"s3://{BUCKET}/log?endpoint={endpoint}&region=us-east-1"

    def address(self, name: str) -> str:
        """Return the URL of a part."""
        return self._url(name)

    def shown(self, name: str) -> str:
        """Return where a part listens, in one line."""
        if name == "postgres":
            return f"{self.store}, password in {self.secrets / 'pgpass'}"
        own = "" if name in WORKERS else f"{self._url(name)}  "
        numbers = f"numbers at {self.operations(name)}/metrics" if name in SERVERS else ""
        return (own + numbers).rstrip()

    def operations(self, name: str) -> str:
        """Return the URL of a process's port for operators."""
        return self._url(f"{name}.operations")

    def environment(self, account: str) -> dict[str, str]:
        """Return what a process needs that has an account of the bucket: publisher or reader."""
        return {
            "TESTAMUR_STORE": self.store,
            "TESTAMUR_LOG": self.log,
            "PGPASSFILE": str(self.secrets / "pgpass"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.secrets / f"bucket-{account}"),
        }

    def _place(self, name: str) -> str:
        return f"127.0.0.1:{self._ports[name]}"

    def _url(self, name: str) -> str:
        return f"http://{self._place(name)}"

    # --- Parts ---

    def _add(self, part: Part) -> None:
        self.parts[part.name] = part

    def _output(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _add_stores(self) -> None:
        place = self.folder / "postgres"
        place.mkdir()
        as_root = os.geteuid() == 0
        if as_root:
            shutil.chown(place, "nobody", "nogroup")
        settings = (f"port={self._ports['postgres']}", "listen_addresses=127.0.0.1")
        self._add(
            Part(
                "postgres",
                [
                    *(self.programs.postgres / "postgres", "-D", place / "data", "-k", place),
                    *(word for setting in settings for word in ("-c", setting)),
                ],
                self._output("postgres"),
                self._database_answers,
                folder=place,
                user="nobody" if as_root else None,
                ends_on=SIGINT,
            )
        )
        objects = self.folder / "objects"
        objects.mkdir()
        self._add(
            Part(
                "objects",
                [
                    *(self.programs.weed, "-logtostderr=true", "server"),
                    *("-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                    *(f"-dir={objects}", "-filer", "-s3"),
                    *("-s3.ip.bind=127.0.0.1", f"-s3.config={self.secrets / 'bucket-identities'}"),
                    *("-s3.port.iceberg=0", "-s3.port.lance=0"),
                    *("-volume.max=20", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
                    f"-s3.port={self._ports['objects']}",
                    f"-s3.port.grpc={self._ports['objects.grpc']}",
                    *(
                        f"-{port}{grpc}={self._ports[port + grpc]}"
                        for port in _WEED_PORTS
                        for grpc in ("", ".grpc")
                    ),
                    f"-filer.localSocket={self.folder / 'filer.sock'}",
                    f"-s3.localSocket={self.folder / 's3.sock'}",
                ],
                self._output("objects"),
                _answers(f"{self._url('objects')}/healthz"),
                folder=self.folder,
                ends_on=SIGINT,
            )
        )

    def _add_servers(self) -> None:
        for name in SERVERS:
            publishes = name in PUBLISHERS
            keys = {} if publishes else {"TESTAMUR_VKEY": str(self.vkey)}
            listening = (
                ("--host=127.0.0.1", f"--port={self._ports[name]}", "--trusted-proxy=127.0.0.1")
                if name in API
                else ()
            )
            operations = self._ports[f"{name}.operations"]
            self._add(
                Part(
                    name,
                    [
                        *(sys.executable, "-m", "api", "serve"),
                        # Without the signing key a process has an empty folder.
                        f"--data={self.data if publishes else self.folder / 'empty'}",
                        *options_of(name),
                        *listening,
                        *("--ops-host=127.0.0.1", f"--ops-port={operations}"),
                    ],
                    self._output(name),
                    _answers(f"{self.operations(name)}/readyz"),
                    environment=self.environment("publisher" if publishes else "reader") | keys,
                    folder=PROJECT,
                )
            )

    def _add_proxy(self) -> None:
        place = self.folder / "nginx"
        place.mkdir()
        names = {name: self._place(name) for name in API}
        text = configured(
            DEPLOY / "nginx.conf",
            {f"{name}:8000": where for name, where in names.items()}
            | {
                "objects:8333": self._place("objects"),
                "0.0.0.0:8080": self._place("proxy"),
                "/tmp/": f"{place}/",  # noqa: S108
            },
        )
        (place / "nginx.conf").write_text(text, encoding="utf-8")
        shutil.copy(DEPLOY / "api.conf", place)
        as_root = " user root;" if os.geteuid() == 0 else ""
        self._add(
            Part(
                "proxy",
                [
                    *(self.programs.nginx, "-p", place, "-c", place / "nginx.conf"),
                    *("-g", f"daemon off;{as_root}"),
                ],
                self._output("proxy"),
                _answers(f"{self.url}/readyz"),
                folder=place,
                ends_on=SIGQUIT,
            )
        )

    def _add_prometheus(self, program: Path) -> None:
        place = self.folder / "prometheus"
        place.mkdir()
        text = configured(
            DEPLOY / "prometheus.yml",
            {f"{name}:9464": self._place(f"{name}.operations") for name in SERVERS}
            | {"_interval: 15s": "_interval: 1s"},
        )
        (place / "prometheus.yml").write_text(text, encoding="utf-8")
        shutil.copy(PROJECT / "api/operations/alerts.yml", place)
        self._add(
            Part(
                "prometheus",
                [
                    program,
                    f"--config.file={place / 'prometheus.yml'}",
                    f"--storage.tsdb.path={place / 'data'}",
                    f"--web.listen-address={self._place('prometheus')}",
                ],
                self._output("prometheus"),
                _answers(f"{self._url('prometheus')}/-/ready"),
                folder=place,
            )
        )

    # --- What is done once ---

    def make_database(self) -> None:
        """Make the cluster of PostgreSQL, start it, and make the database in it."""
        part, place = self.parts["postgres"], self.folder / "postgres"
        password = (self.secrets / "database-password").read_text("ascii")
        file = place / "password"
        file.write_text(password, encoding="ascii")
        file.chmod(0o444)
        kind = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums")
        words: list[str | Path] = ["-D", place / "data", "-U", USER, f"--pwfile={file}", *kind]
        run([self.programs.postgres / "initdb", *words], {}, folder=place, user=part.user)
        file.unlink()
        part.start()
        part.wait(SECONDS)
        with self._connected("postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())

    def make_bucket(self) -> None:
        """Make the bucket, once its server is started, with the script of the containers."""
        places = {
            "MASTER": self._with_grpc("master.port"),
            "FILER": self._with_grpc("filer.port"),
            "WEED": str(self.programs.weed),
            "TMPDIR": str(self.folder),  # for its log
        }
        run([DEPLOY / "bucket.sh"], places, folder=self.folder)

    def _with_grpc(self, port: str) -> str:
        return f"127.0.0.1:{self._ports[port]}.{self._ports[f'{port}.grpc']}"

    def _database_answers(self) -> bool:
        try:
            self._connected("postgres", autocommit=True).close()
        except psycopg.OperationalError:
            return False
        return True

    def _connected(
        self, database: str, *, autocommit: bool
    ) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self._ports["postgres"],
            user=USER,
            dbname=database,
            password=(self.secrets / "database-password").read_text("ascii"),
            autocommit=autocommit,
            connect_timeout=5,
        )

    # --- All together ---

    def close(self) -> None:
        """End all parts, those first that need others, and remove what lies outside the folder."""
        users = [name for name in ("prometheus", "proxy", *SERVERS) if name in self.parts]
        for names, seconds in ((users, _DRAIN), (["postgres"], _DRAIN)):
            for name in names:
                self.parts[name].begin_end()
            for name in names:
                self.parts[name].end(seconds)
        # It would say farewell for twenty seconds, over a folder that is removed.
        self.parts["objects"].kill()
        for port in self._ports.values():  # SeaweedFS makes sockets where it likes
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108
                left.unlink(missing_ok=True)


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    folder: Path,
    user: str | None = None,
) -> str:
    """Run a command to its end, and return what it printed; raises `Unavailable` if it fails."""
    as_user = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
    done = subprocess.run(  # type: ignore[call-overload]
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        **as_user,
    )
    if done.returncode:
        name = " ".join(map(str, command[:4]))
        raise Unavailable(f"{name} failed with {done.returncode}: {done.stdout}{done.stderr}")
    return str(done.stdout)


def _answers(url: str) -> Callable[[], bool]:
    """Return a function that says whether a GET of `url` is answered by 200."""

    def answers() -> bool:
        try:
            return httpx2.get(url, timeout=10).status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    return answers
