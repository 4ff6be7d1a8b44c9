"""Projections: from a published log to tables that answer, alone and from nothing.

python -m bench.project --events 1000000 --batch 1000
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.bare import beside
from bench.cohorts import published
from bench.figures import report
from projections import postgres
from projections.database import open_tables
from projections.follower import Follower
from registry.postgres.address import Address
from testamur.memory import keep_freed_memory
from tests.harness.postgres import Cluster


def main(
    events: Annotated[int, typer.Option(help="events on the log")] = 1_000_000,
    batch: Annotated[int, typer.Option(help="events of one submission")] = 1000,
    store: Annotated[
        Literal["sqlite", "postgres"], typer.Option(help="where the tables lie")
    ] = "sqlite",
) -> None:
    """Print events per second and CPU per event of one process, the database's apart."""
    keep_freed_memory()  # as the command line and the server do
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        print(f"writing a log of {events} events in submissions of {batch} ...", flush=True)
        log = published(folder / "log", events, batch)
        (folder / "tables").mkdir()
        engine = open_tables(folder / "tables")
        if store == "postgres":
            cluster = stack.enter_context(closing(Cluster()))
            engine = postgres.open_tables(Address.parse(cluster.url).connect)
        stack.callback(engine.dispose)
        follower = Follower(engine, log.reader())
        cpu, begun = time.process_time(), time.perf_counter()
        size = follower.catch_up()
        elapsed, cpu = time.perf_counter() - begun, time.process_time() - cpu
        if size != log.size:
            raise SystemExit(f"the tables reached {size} of {log.size} entries")
        tables = sum(file.stat().st_size for file in (folder / "tables").rglob("*.db*"))
        report(
            "project",
            {
                "entries": size,
                "store": store,
                "batch": batch,
                "events_per_second": events / elapsed,
                "cpu_us_per_event": cpu / events * 1e6,
                **({"bytes_per_event": tables / events} if store == "sqlite" else {}),
                **beside(events / elapsed, log.entries),
            },
        )


if __name__ == "__main__":
    typer.run(main)
