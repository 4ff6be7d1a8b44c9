"""A cluster that runs: how it is made, and how a part of it is killed and comes back."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from demo.parties import Party
from demo.story import Story, enter_authorities
from deploy.cluster.configuration import PROJECT
from deploy.cluster.part import Part, wait_for
from deploy.cluster.programs import Programs
from deploy.cluster.topology import PUBLISHERS, SECONDS, Topology, run
from testamur.catalogue.lines import encode_event
from testamur.errors import Refuted, Unavailable
from testamur.http.client import RegistryClient
from testamur.tlog.policy import Policy, parse_policy

ORIGIN: Final = "testamur.example/cluster"


@dataclass(slots=True)
class Cluster:
    """The parts, the organizations, and the policy of those who read the log."""

    topology: Topology
    authorities: list[Party]
    policy: Policy

    def part(self, name: str) -> Part:
        """Return a part by its name."""
        return self.topology.parts[name]

    @property
    def url(self) -> str:
        """Where the public reaches it."""
        return self.topology.url

    def story(self, registry: RegistryClient) -> Story:
        """Return organizations that submit to `registry`, none of which is in the log yet."""
        folder = self.topology.folder / "parties"
        return Story(
            registry,
            ORIGIN,
            self.policy,
            folder,
            self.authorities,
            lambda *_: None,
            lambda courses: courses,
        )

    def publisher_at_work(self) -> str:
        """Return the name of the publisher that publishes; the other one stands by."""
        found: list[str] = []

        def one() -> bool:
            found[:] = [
                name
                for name in PUBLISHERS
                if "at work" in _detail(f"{self.topology.operations(name)}/readyz")
            ]
            return len(found) == 1

        wait_for("one publisher at work", one, SECONDS)
        return found[0]

    def wait_until_ready(self) -> None:
        """Wait until every part is ready."""
        for part in self.topology.parts.values():
            part.wait(SECONDS)


def _detail(url: str) -> str:
    try:
        return httpx2.get(url, timeout=10).text
    except httpx2.TransportError:
        return ""


@contextmanager
def running(programs: Programs, tell: Callable[[str], None]) -> Iterator[Cluster]:
    """Make a cluster with a new log, start all of it, and remove all of it at the end.

    For the main thread of a program that ends then: from the end on signals are ignored.
    """
    folder = Path(tempfile.mkdtemp(prefix="testamur-cluster-"))
    topology: Topology | None = None
    try:
        topology = Topology(folder, programs)
        tell("PostgreSQL, and the bucket")
        topology.parts["objects"].start()
        topology.make_database()
        topology.parts["objects"].wait(SECONDS)
        topology.make_bucket()
        tell("The tables, and the log")
        authorities = enter_authorities(folder / "parties")
        _make_log(topology, authorities)
        tell("Two publishers, the projector, two API processes, the proxy")
        for name, part in topology.parts.items():
            if name not in ("postgres", "objects"):
                part.start()
        policy = parse_policy(
            f"log {topology.vkey.read_text('ascii').strip()} {topology.url}/log\nquorum none\n"
        )
        cluster = Cluster(topology, authorities, policy)
        cluster.wait_until_ready()
        yield cluster
    except (Refuted, Unavailable):
        for part in topology.parts.values() if topology is not None else ():
            tell(f"{part.name} said last: {part.last_words}")
        raise
    finally:
        # Nothing may interrupt what takes all of it away again, which is bounded.
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(each, signal.SIG_IGN)
        if topology is not None:
            topology.close()
        shutil.rmtree(folder, ignore_errors=True)


def _make_log(topology: Topology, authorities: list[Party]) -> None:
    environment = topology.environment("publisher")
    api = [sys.executable, "-m", "api"]
    run([*api, "migrate"], environment, folder=PROJECT)
    files: list[str | Path] = []
    for party in authorities:
        file = party.folder / "registration.json"
        file.write_bytes(encode_event(party.registration(ORIGIN, ORIGIN, "authority")) + b"\n")
        files += ["--authority", file]
    made = run(
        [*api, "init", "--data", topology.data, "--origin", ORIGIN, *files],
        environment,
        folder=PROJECT,
    )
    topology.vkey.write_text(made, encoding="ascii")
