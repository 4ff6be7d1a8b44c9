"""Submissions straight through one gate, without HTTP and without publishing, on either store.

python -m bench.gate --events 100000 --batch 1000 --store postgres

Beside it, in the same run, what the bare store does with rows of the same size: binary COPY into
the same table, or a bulk insert of SQLite. PostgreSQL is a private cluster with fsync on.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Semaphore
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
import typer

from bench.bare import COMMIT, beside
from bench.cohorts import cohorts
from bench.figures import cpu_seconds, report
from registry.gate import Gate, Outcome, Recorded
from registry.postgres.packing import packed
from registry.postgres.store import PostgresStore
from registry.sqlite.store import SqliteStore
from registry.store import Store
from testamur.tlog.merkle import leaf_hash
from tests.harness import postgres
from tests.harness.postgres import Cluster
from tests.harness.story import Story, uuid7

_UNDER_WAY = 8
_COPY = b"COPY entries FROM STDIN (FORMAT binary)"
_TOPIC = "credential.issued/1"


def main(
    events: Annotated[int, typer.Option(help="events in all")] = 100_000,
    batch: Annotated[int, typer.Option(help="events of one submission")] = 1000,
    store: Annotated[
        Literal["sqlite", "postgres"], typer.Option(help="the event store")
    ] = "postgres",
) -> None:
    """Print events per second and CPU per event, of the gate and of the store's own processes."""
    story = Story()
    print(f"signing {events} events in submissions of {batch} ...", flush=True)
    bodies = list(cohorts(story, events, batch))
    lines = [line for body in bodies for line in body[:-1].split(b"\n")]
    figures: dict[str, Any] = {"events": events, "batch": batch, "store": store}
    if store == "sqlite":
        with tempfile.TemporaryDirectory(prefix="testamur-bench-") as folder:
            took, cpu = _through_the_gate(SqliteStore(Path(folder) / "log.db"), story, bodies)
        figures |= _per_event(took, cpu, events) | beside(events / took, lines)
    else:
        with closing(Cluster()) as cluster:
            before = cpu_seconds(cluster.pid)
            opened = PostgresStore(postgres.made(cluster.url, "log"))
            took, cpu = _through_the_gate(opened, story, bodies)
            figures |= _per_event(took, cpu, events)
            figures["server_cpu_us_per_event"] = (cpu_seconds(cluster.pid) - before) / events * 1e6
            bare = _copied(postgres.made(cluster.url, "bare"), lines)
        figures |= {"copy_events_per_second": bare, "ratio_to_copy": events / took / bare}
    report("gate", figures)


def _through_the_gate(store: Store, story: Story, bodies: Sequence[bytes]) -> tuple[float, float]:
    """Return the seconds it took, and the CPU seconds of this process."""
    with closing(store), _gate(store, story) as (gate, room):
        gate.open_log(story.opening()[0])
        for body in story.opening()[1:]:
            _offer(gate, room, body)
        _settle(room)
        begun, cpu = time.perf_counter(), time.process_time()
        for body in bodies:
            _offer(gate, room, body)
        _settle(room)
        return time.perf_counter() - begun, time.process_time() - cpu


@contextmanager
def _gate(store: Store, story: Story) -> Iterator[tuple[Gate, Semaphore]]:
    room = Semaphore(_UNDER_WAY)

    def settled(answers: list[tuple[object, Outcome]]) -> None:
        for _, outcome in answers:
            if not isinstance(outcome, Recorded):
                os._exit(1)
            room.release()

    with Gate(
        store,
        log_key=story.log_key.public,
        settled=settled,
        clock=lambda: story.milliseconds,
    ) as gate:
        yield gate, room


def _offer(gate: Gate, room: Semaphore, body: bytes) -> None:
    checked = gate.check(body)
    room.acquire()
    gate.offer(checked, None)


def _settle(room: Semaphore) -> None:
    """Wait until everything that was offered is durable."""
    for _ in range(_UNDER_WAY):
        room.acquire()
    room.release(_UNDER_WAY)


def _per_event(seconds: float, cpu: float, events: int) -> dict[str, Any]:
    return {"events_per_second": events / seconds, "cpu_us_per_event": cpu / events * 1e6}


def _copied(url: str, lines: Sequence[bytes]) -> float:
    """Return rows per second copied into an empty table of the same kind, packed beforehand."""
    rows = [
        (number, UUID(uuid7(number, number)).bytes, 1, _TOPIC, line, leaf_hash(line))
        for number, line in enumerate(lines, 1)
    ]
    groups = [packed(rows[at : at + COMMIT]) for at in range(0, len(rows), COMMIT)]
    with psycopg.connect(url) as connection:
        begun = time.perf_counter()
        for group in groups:
            with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                copy.write(group)
            connection.commit()
        return len(rows) / (time.perf_counter() - begun)


if __name__ == "__main__":
    typer.run(main)
