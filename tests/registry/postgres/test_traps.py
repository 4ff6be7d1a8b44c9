"""Traps of the library's own PostgreSQL recorders (D1 to D9): each test fails on one of them.

`xfail(strict=True)` says so: if a release of the library keeps the promise, the test tells.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from eventsourcing.dcb.api import DCBEvent
from eventsourcing.dcb.postgres_tt import PostgresDCBRecorderTT
from eventsourcing.persistence import (
    IntegrityError,
    InternalError,
    JSONTranscoder,
    Mapper,
    Notification,
    Tracking,
)
from eventsourcing.postgres import PostgresApplicationRecorder

from registry.aggregates import EventMapper
from registry.postgres.migrating import migrate
from registry.postgres.store import PostgresStore
from registry.recorder import SequenceRecorder
from testamur.errors import Refuted
from tests.harness import postgres
from tests.harness.gates import Desk
from tests.harness.recorders import Ours, Recorded, Stock, event, tail
from tests.harness.stores import Kept
from tests.harness.story import Story
from tests.harness.waiting import until

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 4.0  # in which a call of a few MB returns, by far


def fails(how: type[Exception] = AssertionError) -> pytest.MarkDecorator:
    """Return the mark of a test that must fail in this way."""
    return pytest.mark.xfail(strict=True, raises=how)


def fails_on(*kinds: str, how: type[Exception] = AssertionError) -> list[object]:
    """Return our recorder and the library's, which is expected to fail in these ways of it."""
    return ["ours", *(pytest.param(kind, marks=fails(how)) for kind in kinds)]


@pytest.fixture
def recorded(request: pytest.FixtureRequest, url: str) -> Iterator[Recorded]:
    """Give one of the recorders, on a schema of its own."""
    kind = request.param
    with closing(
        Ours(PostgresStore(url, durable=False, patience=0.1))
        if kind == "ours"
        else Stock(url, functions=kind == "functions")
    ) as recorded:
        yield recorded


@pytest.mark.slow
@pytest.mark.parametrize("kind", fails_on("stock", how=subprocess.TimeoutExpired))
def test_d1_a_call_of_a_few_megabytes_returns(url: str, kind: str) -> None:
    """In psycopg's pipeline mode each end waits for the other to read, under the table's lock."""
    command = [sys.executable, "-m", "tests.harness.recorders", url, kind, "2000"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=SECONDS if kind != "ours" else 60)


@pytest.mark.parametrize("recorded", fails_on("stock", "functions"), indirect=True)
def test_ids_have_no_hole_after_an_insertion_that_failed(recorded: Recorded) -> None:
    taken = event()
    recorded.recorder.insert_events([taken])
    with suppress(IntegrityError):
        recorded.recorder.insert_events([event(), taken])
    recorded.recorder.insert_events([event()])
    assert [one.id for one in tail(recorded.recorder, 0)] == [1, 2]


@pytest.mark.parametrize("recorded", fails_on("functions"), indirect=True)
def test_d2_a_reader_that_follows_by_id_misses_nothing(recorded: Recorded) -> None:
    """The function takes no lock, so an event can become visible after one with a higher id."""
    recorded.recorder.insert_events([event()])
    with recorded.under_way():
        recorded.insert_soon()
        seen = tail(recorded.recorder, 0)
    seen = [*seen, *tail(recorded.recorder, seen[-1].id)]
    assert [one.id for one in seen] == [one.id for one in tail(recorded.recorder, 0)]


@pytest.mark.parametrize("recorded", fails_on("functions"), indirect=True)
def test_d3_what_goes_with_the_events_is_kept_or_refused(recorded: Recorded) -> None:
    """The function drops the tracking record, and so takes a position a second time."""
    if isinstance(recorded, Ours):
        with pytest.raises(Refuted, match="without a signature"):
            SequenceRecorder(recorded.store).insert_events([event()], tracking=Tracking("up", 1))
        return
    assert isinstance(recorded, Stock)
    recorded.recorder.insert_events([event()], tracking=Tracking("up", 1))
    assert recorded.recorder.max_tracking_id("up") == 1


@pytest.mark.parametrize("kind", fails_on("functions"))
def test_d4_two_applications_in_one_database_keep_apart(url: str, empty: str, kind: str) -> None:
    """The function's name is one for the schema, and the last application's table is in it."""
    opened: list[Ours] | list[Stock]
    if kind == "ours":
        migrate(empty)
        opened = [Ours(PostgresStore(each, durable=False)) for each in (url, empty)]
    else:
        opened = [Stock(url, functions=True, table=table) for table in ("one", "other")]
    first, second = opened
    with closing(first), closing(second):
        first.recorder.insert_events([event(b"first's")])
        assert [one.state for one in tail(first.recorder, 0)] == [b"first's"]
        assert tail(second.recorder, 0) == []


@fails(InternalError)
def test_d5_processes_that_make_their_tables_together_do_not_crash(url: str) -> None:
    """Ours are made by a migration, which waits: `test_schema.py` has the same for it."""
    with closing(Stock(url, functions=True)) as one, ThreadPoolExecutor(1) as threads:
        recorder = PostgresApplicationRecorder(one.datastore)
        with one.datastore.transaction(commit=True) as cursor:
            recorder._create_table(cursor)
            other = threads.submit(recorder.create_table)
            until(lambda: bool(postgres.sql(url, "SELECT 1 FROM pg_locks WHERE NOT granted")))
        other.result(30)


@fails()
def test_d6_a_reader_misses_nothing_of_what_was_appended_without_a_condition() -> None:
    """As D2. Its tables are made in the schema `public` alone. Ours has one way to append."""
    with closing(Stock(postgres.shared(), functions=True)) as stock:
        recorder = PostgresDCBRecorderTT(stock.datastore)
        recorder.create_table()
        new = recorder.construct_psycopg_dcb_events([DCBEvent(type="t", data=b"", tags=["a"])])
        with stock.datastore.transaction(commit=True) as cursor:
            recorder._unconditional_append(cursor, new)
            recorder.append([DCBEvent(type="t", data=b"", tags=["a"])])
            seen = [each.position for each in recorder.read()]
        seen += [each.position for each in recorder.read(after=seen[-1])]
        assert seen == [each.position for each in recorder.read()]


PATCHED = (
    "import sys, dataclasses; import {}; "
    "sys.exit(dataclasses._process_class.__module__ != 'dataclasses')"
)


@pytest.mark.parametrize(
    "module",
    [
        "testamur.cli",
        "api.processes.publisher",
        "registry.postgres.store",
        pytest.param("eventsourcing.postgres", marks=fails(subprocess.CalledProcessError)),
    ],
)
@pytest.mark.slow
def test_d7_what_outsiders_run_and_what_holds_the_key_leave_the_interpreter_as_it_was(
    module: str,
) -> None:
    """The library replaces a function of the standard library when it is imported."""
    subprocess.run([sys.executable, "-c", PATCHED.format(module)], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    "mapper",
    [
        EventMapper(),
        pytest.param(Mapper[UUID](JSONTranscoder()), marks=fails()),
    ],
    ids=["ours", "stock"],
)
def test_d8_a_row_imports_nothing(mapper: Mapper[UUID]) -> None:
    """The library imports whatever module the topic of a row names."""
    sys.modules.pop("colorsys", None)
    row = Notification(uuid4(), 1, "colorsys:rgb_to_hsv", b"{}", 1)
    with suppress(Exception):
        mapper.to_domain_event(row)
    assert "colorsys" not in sys.modules


def test_d9_what_comes_together_is_announced_once(kept: Kept, story: Story) -> None:
    """NOTIFY takes a lock of the whole instance at COMMIT."""
    with Desk(kept, story).open_log() as desk:
        store = desk.store
        assert isinstance(store, PostgresStore)
        with postgres.listening(postgres.address(kept.folder), store._channel) as heard:
            desk.together(*[story.cohort(1) for _ in range(10)])
            assert len(heard()) == 1


@fails()
def test_d9_is_what_the_library_does_at_each_save(url: str) -> None:
    with (
        closing(Stock(url, functions=False)) as stock,
        postgres.listening(url, "stored_events") as heard,
    ):
        for _ in range(10):
            stock.recorder.insert_events([event()])
        assert len(heard()) == 1
