"""Batch submissions over HTTP, each answered with its published receipt.

python -m bench.append --events 1000000 --batch 1000 --store sqlite
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.bare import beside
from bench.cohorts import cohorts, now_story
from bench.figures import cpu_seconds, percentile, report
from bench.load import Answers, drive, post
from bench.server import serving
from testamur.catalogue.submission import MEDIA_TYPE
from tests.harness import postgres
from tests.harness.postgres import Cluster

_TELLING = 50  # requests: of fewer a rate says nothing


def main(
    events: Annotated[int, typer.Option(help="events in all")] = 1_000_000,
    batch: Annotated[int, typer.Option(help="events of one submission")] = 1000,
    store: Annotated[
        Literal["sqlite", "postgres"], typer.Option(help="the event store")
    ] = "sqlite",
    connections: Annotated[int, typer.Option(help="submissions under way at once")] = 8,
    wait: Annotated[Literal["durable", "published"], typer.Option()] = "published",
) -> None:
    """Print events per second, latencies and CPU per event, beside a bare SQLite insert."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        address = None
        if store == "postgres":
            cluster = stack.enter_context(closing(Cluster()))
            address = postgres.made(cluster.url, "log")
        story = now_story()
        print(f"signing {events} events in submissions of {batch} ...", flush=True)
        bodies = list(cohorts(story, events, batch))
        with serving(folder, story, address) as served:
            target = f"/submissions?wait={wait}"
            requests = (post(served.port, target, MEDIA_TYPE, body) for body in bodies)
            before = cpu_seconds(served.pid)
            answers = asyncio.run(drive(served.port, requests, connections))
            cpu = cpu_seconds(served.pid) - before
        answers.only(201)
        rate = events / answers.elapsed
        lines = (line for body in bodies for line in body[:-1].split(b"\n"))
        tenth = len(bodies) // 10
        milliseconds = [seconds * 1000 for seconds in answers.seconds]
        report(
            "append",
            {
                "events": events,
                "batch": batch,
                "store": store,
                "wait": wait,
                "connections": connections,
                "bytes_per_event": round(sum(map(len, bodies)) / events),
                "events_per_second": rate,
                **({} if tenth < _TELLING else _growth(answers, tenth, batch)),
                "p50_ms": percentile(milliseconds, 0.5),
                "p99_ms": percentile(milliseconds, 0.99),
                "cpu_us_per_event": cpu / events * 1e6,
                **beside(rate, lines),
            },
        )


def _growth(answers: Answers, tenth: int, batch: int) -> dict[str, float]:
    """Return events per second of the first and the last tenth: whether it slows down."""
    last = len(answers.came)
    return {
        "first_tenth_per_second": answers.rate(0, tenth) * batch,
        "last_tenth_per_second": answers.rate(last - tenth, last) * batch,
    }


if __name__ == "__main__":
    typer.run(main)
