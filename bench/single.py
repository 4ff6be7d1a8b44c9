"""Submissions of one event each over HTTP, answered with their published receipts.

python -m bench.single --events 60000 --connections 400
python -m bench.single --store postgres --replicas 2
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.bare import beside
from bench.cohorts import cohorts, now_story
from bench.figures import cpu_seconds, percentile, report
from bench.load import post
from bench.placed import ObjectsAsked, ReplicasAsked, StoreAsked, driven, placed, running
from testamur.catalogue.submission import MEDIA_TYPE


def main(
    events: Annotated[int, typer.Option(help="submissions in all")] = 60_000,
    connections: Annotated[int, typer.Option(help="submissions under way at once")] = 400,
    wait: Annotated[Literal["durable", "published"], typer.Option()] = "published",
    store: StoreAsked = "sqlite",
    objects: ObjectsAsked = None,
    replicas: ReplicasAsked = 0,
) -> None:
    """Print submissions per second, latencies and CPU per submission."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        story = now_story()
        print(f"signing {events} submissions of one event ...", flush=True)
        bodies = list(cohorts(story, events, 1))
        with placed(store, objects) as place, running(Path(name), story, place, replicas) as found:
            target = f"/submissions?wait={wait}"
            requests = (post(found.ports[0], target, MEDIA_TYPE, body) for body in bodies)
            before = sum(map(cpu_seconds, found.pids))
            answers = driven(found.ports, requests, connections)
            cpu = sum(map(cpu_seconds, found.pids)) - before
        answers.only(201)
        rate = events / answers.elapsed
        lines = (line for body in bodies for line in body[:-1].split(b"\n"))
        milliseconds = [seconds * 1000 for seconds in answers.seconds]
        report(
            "single",
            {
                "events": events,
                "store": store,
                "objects": objects,
                "replicas": replicas,
                "wait": wait,
                "connections": connections,
                "events_per_second": rate,
                "p50_ms": percentile(milliseconds, 0.5),
                "p99_ms": percentile(milliseconds, 0.99),
                "cpu_us_per_event": cpu / events * 1e6,
                **beside(rate, lines),
            },
        )


if __name__ == "__main__":
    typer.run(main)
