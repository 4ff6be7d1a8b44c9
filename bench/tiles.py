"""Tiles over HTTP from one worker.

python -m bench.tiles --requests 200000
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bench.cohorts import cohorts, now_story
from bench.figures import cpu_seconds, percentile, report
from bench.load import drive, get
from bench.server import serving
from testamur.http.client import RegistryClient
from testamur.tlog.tiles import tile_path


def main(
    requests: Annotated[int, typer.Option(help="requests in all")] = 200_000,
    events: Annotated[int, typer.Option(help="events on the log")] = 100_000,
    connections: Annotated[int, typer.Option()] = 32,
) -> None:
    """Print tiles per second and CPU per tile; the load generator runs on the same machine."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        folder = Path(name)
        story = now_story()
        with serving(folder, story) as served:
            with RegistryClient(served.url) as registry:
                for body in cohorts(story, events, 10_000):
                    registry.submit(body, "published", "admit")
            paths = [f"/log/{tile_path(0, index)}" for index in range(events // 256)]
            asked = (get(served.port, path) for path in itertools.cycle(paths))
            before = cpu_seconds(served.pid)
            answers = asyncio.run(
                drive(served.port, itertools.islice(asked, requests), connections)
            )
            cpu = cpu_seconds(served.pid) - before
        answers.only(200)
        milliseconds = [seconds * 1000 for seconds in answers.seconds]
        report(
            "tiles",
            {
                "requests": requests,
                "connections": connections,
                "tiles_per_second": requests / answers.elapsed,
                "p50_ms": percentile(milliseconds, 0.5),
                "p99_ms": percentile(milliseconds, 0.99),
                "cpu_us_per_tile": cpu / requests * 1e6,
            },
        )


if __name__ == "__main__":
    typer.run(main)
