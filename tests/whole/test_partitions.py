"""The network between the roles is cut, one link after the other: nothing is lost or signed twice.

Each role runs in a network namespace of its own: clients, a server that takes requests, two
publishers, PostgreSQL. The published files are in a folder that all reach.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from api.moving import copy_log
from testamur.tlog.source import DirectorySource
from tests.harness import postgres
from tests.harness.crowd import Crowd
from tests.harness.network import SUBNET, Network, NetworkRefused
from tests.harness.postgres import Cluster
from tests.harness.served import Served
from tests.harness.split import Split, closing_all
from tests.harness.waiting import until
from tests.harness.witness import Witness

pytestmark = [pytest.mark.postgres, pytest.mark.server, pytest.mark.slow]

SECONDS = 60
EPOCH = "SELECT epoch FROM log.published"


@dataclass
class Parted:
    """A log whose roles are each in a namespace of their own."""

    network: Network
    log: Served
    store: str
    """The address of the database for this process, which is in none of them."""

    @property
    def epoch(self) -> int:
        """How often a publisher claimed the log."""
        ((claimed,),) = postgres.sql(self.store, EPOCH)
        return int(claimed)

    def publications(self, publisher: str) -> int:
        """Return how often a publisher published so far."""
        return self.errors(publisher).read_text().count(" in all, in ")

    def errors(self, role: str) -> Path:
        """Return the file that a role writes its standard error to."""
        return self.log.data.parent / f"{role}.log"


@pytest.fixture
def network() -> Iterator[Network]:
    try:
        made = Network("clients", "server", "publisher", "standby", "database").__enter__()
    except NetworkRefused as refused:
        pytest.skip(str(refused))
    yield made
    made.__exit__()


@pytest.fixture
def parted(network: Network, opened_log: Served, tmp_path: Path) -> Iterator[Parted]:
    database = network.address("database")
    with ExitStack() as stack:
        with network.inside("database"):
            cluster = Cluster(f"listen_addresses={database}", network=f"{SUBNET}.0/24")
        stack.callback(cluster.close)
        store = postgres.made(cluster.url, "log")
        log = stack.enter_context(closing(opened_log.copy(tmp_path / "data")))
        copy_log(log.data, None, store)
        schema = quote("-csearch_path=log", safe="")
        by_tcp = f"postgresql://testamur@{database}/postgres?sslmode=disable&options={schema}"
        split = stack.enter_context(closing_all(Split(log, by_tcp)))
        parted = Parted(network, log, store)
        for name in ("publisher", "standby"):
            split.log = parted.errors(name)
            with network.inside(name):
                split.start("publish").ready()
        split.log = parted.errors("server")
        with network.inside("server"):
            server = split.start("api,project", "--host", network.address("server"))
        log.url = server.url
        yield parted


def more(crowd: Crowd) -> None:
    """Return once some more submissions are recorded."""
    enough = len(crowd.receipts) + 10
    until(lambda: len(crowd.receipts) >= enough, SECONDS)


def test_a_cut_between_any_two_roles_loses_nothing_and_no_publisher_signs_after_its_successor(
    parted: Parted,
) -> None:
    log, network = parted.log, parted.network
    witness = Witness(log, parted.store)
    with network.inside("clients"):
        crowd = Crowd(log, random.Random(1))
        with crowd.inside(), closing(httpx2.Client(timeout=20)) as client:

            def goes_on() -> None:
                """Heal the network; all that was sent gets a receipt, and what was given holds."""
                network.heal()
                crowd.pause()
                until(lambda: crowd.settle(client), SECONDS)
                witness.check(crowd.receipts, DirectorySource(log.data / "log"))
                crowd.go()

            crowd.go()
            more(crowd)

            # Answers of the database are lost on their way to the server, then what it asks.
            for sender, receiver in (("database", "server"), ("server", "database")):
                network.cut(sender, receiver)
                until(lambda: crowd.answers["503"] + crowd.answers["ReadTimeout"] > 0, SECONDS)
                goes_on()
                crowd.answers.clear()

            # The publisher is cut off from the database, and the other one takes over.
            before = parted.epoch
            network.part("publisher", "database")
            until(lambda: parted.epoch > before, SECONDS)
            more(crowd)
            of_the_first = parted.publications("publisher")
            taken_over = parted.epoch
            goes_on()
            more(crowd)
            goes_on()
            # It is back, and the log is still its successor's: it has signed nothing since.
            assert parted.epoch == taken_over
            assert parted.publications("publisher") == of_the_first
            assert parted.publications("standby") > 0

            # Clients are cut off from the server.
            network.part("clients", "server")
            more_unanswered = len(crowd.unanswered)
            until(lambda: len(crowd.unanswered) > more_unanswered, SECONDS)
            goes_on()
    assert crowd.odd == []
