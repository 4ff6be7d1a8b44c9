"""A word from the database only wakes: without any, everything goes on, since each looks itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx2
import pytest

from api.moving import copy_log
from testamur.verification.receipt import verify_receipt
from tests.harness import postgres
from tests.harness.postgres import Cluster
from tests.harness.served import Served
from tests.harness.split import Cast, Crowd, Split, made
from tests.harness.story import credentials_of
from tests.harness.waiting import until
from tests.harness.wire import Wire

pytestmark = [pytest.mark.postgres, pytest.mark.server]

LISTENING = "FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with closing(Cluster()) as cluster:
        yield cluster


def test_without_a_single_word_everything_is_published_and_followed(
    cluster: Cluster, opened_log: Served, tmp_path: Path
) -> None:
    store = postgres.made(cluster.url, postgres.schema_of(tmp_path))
    with ExitStack() as stack:
        wire = stack.enter_context(closing(Wire(cluster.folder, deaf=True)))
        log = stack.enter_context(closing(opened_log.copy(tmp_path / "data")))
        copy_log(log.data, None, store)
        split = stack.enter_context(closing(Split(log, store)))
        split.store = store.replace(cluster.folder.name, wire.folder.name)
        api, other = split.begin("api"), split.begin("api")
        begun = [api, other, split.begin("publish"), split.begin("project")]
        for process in begun:
            process.listening().ready()
        for count in (1, 300, 2):
            body = log.story.cohort(count)
            receipt = split.submit(api, body)
            verify_receipt(receipt, body, log.policy)
            # The other replica hears of neither, and the tables follow all the same.
            size = receipt.position + 1 + receipt.events
            asked = f"{other.url}/credentials/{credentials_of(body)[-1]}?size={size}"
            until(lambda: httpx2.get(asked, timeout=30).status_code == 200, 60)  # noqa: B023
        for process in begun:
            assert process.readiness()[0] == 200
        assert wire.withheld >= 3, "there was nothing to be deaf to"


def test_sessions_that_listen_are_ended_under_load_and_each_process_listens_again(
    cluster: Cluster, tmp_path: Path
) -> None:
    store = postgres.made(cluster.url, postgres.schema_of(tmp_path))

    def listening() -> set[int]:
        return {int(pid) for (pid,) in postgres.sql(store, f"SELECT pid {LISTENING}")}

    with made(store, tmp_path) as split:
        cast = Cast(split)
        sessions = len(listening())
        assert sessions >= 6, "each process listens"
        with Crowd(cast) as crowd:
            for _ in range(3):
                crowd.more(5)
                ended = listening()
                postgres.sql(store, f"SELECT pg_terminate_backend(pid) {LISTENING}")
                until(lambda: len(listening() - ended) >= sessions, 60)  # noqa: B023  # called here
            crowd.more(5)
        assert (crowd.unexpected, crowd.broken) == ([], [])
        for process in (*cast.replicas, *cast.publishers, *cast.projectors):
            assert process.readiness()[0] == 200
