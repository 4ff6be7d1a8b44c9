"""The whole server while its PostgreSQL is stopped, killed, and succeeded by a standby."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from api.moving import copy_log
from testamur.tlog.source import DirectorySource
from tests.harness import postgres
from tests.harness.crowd import Crowd
from tests.harness.postgres import Cluster
from tests.harness.served import Served, api
from tests.harness.waiting import until
from tests.harness.witness import Witness

pytestmark = [pytest.mark.postgres, pytest.mark.server, pytest.mark.slow]


@dataclass
class Pair:
    """A primary, its standby, and a log in the database that both keep."""

    primary: Cluster
    standby: Cluster
    log: Served
    store: str


@pytest.fixture
def pair(opened_log: Served, tmp_path: Path) -> Iterator[Pair]:
    with (
        closing(Cluster()) as primary,
        closing(Cluster(primary=primary)) as standby,
        closing(opened_log.copy(tmp_path / "data")) as log,
    ):
        address = postgres.made(primary.url, "log")
        copy_log(log.data, None, address)
        until(lambda: postgres.followed(primary, "async"))
        yield Pair(primary, standby, log, postgres.either(primary, standby, address))


@contextmanager
def crowded(log: Served) -> Iterator[Crowd]:
    """Let clients submit to a log that is served."""
    crowd = Crowd(log, random.Random(1))
    with crowd.inside():
        crowd.go()
        yield crowd


def more(crowd: Crowd) -> None:
    """Return once some more submissions are recorded."""
    enough = len(crowd.receipts) + 20
    until(lambda: len(crowd.receipts) >= enough, 60)


def settled(crowd: Crowd) -> None:
    """Let the clients finish, and ask again for what got no receipt."""
    crowd.pause()
    with httpx2.Client(timeout=20) as client:
        until(lambda: crowd.settle(client), 60)


def epoch(cluster: Cluster) -> int:
    """Return how often the log was claimed by a publisher."""
    ((claimed,),) = postgres.sql(cluster.url, "SELECT epoch FROM log.published")
    return int(claimed)


def test_nothing_acknowledged_is_lost_when_postgresql_stops_at_once_or_a_standby_takes_over(
    pair: Pair,
) -> None:
    postgres.make_synchronous(pair.primary)
    witness = Witness(pair.log, pair.store)
    with pair.log.running("--store", pair.store), crowded(pair.log) as crowd:
        more(crowd)
        pair.primary.end(signal.SIGQUIT)  # `pg_ctl stop -m immediate`
        pair.primary.start()
        more(crowd)
        settled(crowd)
        witness.check(crowd.receipts, pair.log.source)

        before = epoch(pair.primary)
        crowd.go()
        more(crowd)
        pair.primary.kill()
        postgres.sql(pair.standby.url, "SELECT pg_promote()")
        more(crowd)
        settled(crowd)
        # The claim went with the primary, and was made anew with the standby.
        assert epoch(pair.standby) > before
        witness.check(crowd.receipts, pair.log.source)
    witness.check(crowd.receipts, DirectorySource(pair.log.data / "log"))
    assert crowd.odd == []


def test_a_standby_that_lacks_what_was_published_is_never_signed_over(pair: Pair) -> None:
    """Without synchronous replication the last commits can be lost; then the log stops."""
    log = pair.log
    with log.running("--store", pair.store):
        kept = log.submit(log.story.cohort(1))
        until(
            lambda: (
                postgres.sql(pair.standby.url, "SELECT count FROM log.head")
                == [(kept.position + 2,)]
            )
        )
        pair.standby.end(signal.SIGINT)
        log.submit(log.story.cohort(1))  # of which the standby never hears
        checkpoint = log.get("/log/checkpoint").content
        pair.primary.kill()
        pair.standby.start()
        postgres.sql(pair.standby.url, "SELECT pg_promote()")
        until(lambda: "publishing has stopped" in log.errors())
        for wait in ("durable", "published"):
            assert log.post(log.story.cohort(1), wait=wait).status_code == 503
        until(lambda: log.get("/readyz").status_code == 503)
    assert postgres.sql(pair.standby.url, "SELECT count FROM log.head") == [(kept.position + 2,)]
    refused = api("serve", "--data", log.data, "--store", pair.store, "--port", "0")
    assert refused.returncode == 1
    # Whichever looks first: who shows the checkpoint, or who would sign the next one.
    assert any(rule in refused.stderr for rule in ("another-tree", "from-the-future"))
    assert (log.data / "log/checkpoint").read_bytes() == checkpoint
    damage = api("fsck", "--data", log.data, "--store", pair.store)
    assert damage.returncode == 1
