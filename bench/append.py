"""Batch submissions over HTTP, each answered with its published receipt.

python -m bench.append --events 1000000 --batch 1000 --store sqlite
python -m bench.append --store postgres --replicas 2    # two processes take requests, one publishes
python -m bench.append --store postgres --replicas 2 --objects seaweedfs    # the tiles in a bucket
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.bare import beside
from bench.cohorts import cohorts, now_story
from bench.figures import cpu_seconds, percentile, report
from bench.load import Answers, post
from bench.placed import ObjectsAsked, ReplicasAsked, StoreAsked, driven, placed, running
from testamur.catalogue.submission import MEDIA_TYPE

_TELLING = 50  # requests: of fewer a rate says nothing


def main(
    events: Annotated[int, typer.Option(help="events in all")] = 1_000_000,
    batch: Annotated[int, typer.Option(help="events of one submission")] = 1000,
    store: StoreAsked = "sqlite",
    objects: ObjectsAsked = None,
    connections: Annotated[int, typer.Option(help="submissions under way at once")] = 8,
    wait: Annotated[Literal["durable", "published"], typer.Option()] = "published",
    replicas: ReplicasAsked = 0,
) -> None:
    """Print events per second, latencies and CPU per event, beside a bare SQLite insert."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        story = now_story()
        print(f"signing {events} events in submissions of {batch} ...", flush=True)
        bodies = list(cohorts(story, events, batch))
        with placed(store, objects) as place, running(Path(name), story, place, replicas) as found:
            target = f"/submissions?wait={wait}"
            requests = (post(found.ports[0], target, MEDIA_TYPE, body) for body in bodies)
            before = sum(map(cpu_seconds, found.pids))
            answers = driven(found.ports, requests, connections)
            cpu = sum(map(cpu_seconds, found.pids)) - before
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
                "objects": objects,
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


def _growth(answers: Answers, tenth: int, batch: int) -> dict[str, float]:
    """Return events per second of the first and the last tenth: whether it slows down."""
    last = len(answers.came)
    return {
        "first_tenth_per_second": answers.rate(0, tenth) * batch,
        "last_tenth_per_second": answers.rate(last - tenth, last) * batch,
    }


if __name__ == "__main__":
    typer.run(main)
