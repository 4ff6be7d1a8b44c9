"""Batch submissions over HTTP, each answered with its published receipt.

python -m bench.append --events 1000000 --batch 1000 --store sqlite
python -m bench.append --store postgres --replicas 2    # two processes take requests, one publishes
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.bare import beside
from bench.cohorts import cohorts, now_story
from bench.figures import cpu_seconds, percentile, report
from bench.load import Answers, drive, post
from bench.server import serving, split
from testamur.catalogue.submission import MEDIA_TYPE
from tests.harness import postgres
from tests.harness.postgres import Cluster
from tests.harness.story import Story

_TELLING = 50  # requests: of fewer a rate says nothing


def main(
    events: Annotated[int, typer.Option(help="events in all")] = 1_000_000,
    batch: Annotated[int, typer.Option(help="events of one submission")] = 1000,
    store: Annotated[
        Literal["sqlite", "postgres"], typer.Option(help="the event store")
    ] = "sqlite",
    connections: Annotated[int, typer.Option(help="submissions under way at once")] = 8,
    wait: Annotated[Literal["durable", "published"], typer.Option()] = "published",
    replicas: Annotated[
        int, typer.Option(help="on PostgreSQL: split the work, with so many that take requests")
    ] = 0,
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
        with _running(folder, story, address, replicas) as (ports, pids):
            target = f"/submissions?wait={wait}"
            requests = (post(ports[0], target, MEDIA_TYPE, body) for body in bodies)
            before = sum(map(cpu_seconds, pids))
            answers = asyncio.run(_driven(ports, requests, connections))
            cpu = sum(map(cpu_seconds, pids)) - before
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
                "replicas": replicas,
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


@contextmanager
def _running(
    folder: Path, story: Story, address: str | None, replicas: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the ports that take requests, and the processes whose time is counted."""
    if replicas == 0 or address is None:
        with serving(folder, story, address) as served:
            yield [served.port], [served.pid]
        return
    with split(folder, story, address, replicas=replicas) as found:
        yield [each.port for each in found.replicas], [each.pid for each in found.processes]


async def _driven(ports: list[int], requests: Iterator[bytes], connections: int) -> Answers:
    """Send all `requests`, the next one to the server that answered last."""
    answers = Answers()
    each = connections // len(ports)
    await asyncio.gather(*(drive(port, requests, each, answers) for port in ports))
    return answers


def _growth(answers: Answers, tenth: int, batch: int) -> dict[str, float]:
    """Return events per second of the first and the last tenth: whether it slows down."""
    last = len(answers.came)
    return {
        "first_tenth_per_second": answers.rate(0, tenth) * batch,
        "last_tenth_per_second": answers.rate(last - tenth, last) * batch,
    }


if __name__ == "__main__":
    typer.run(main)
