"""Replay of a whole log from a folder: every tile, root, signature and rule.

python -m bench.replay --events 1000000 --batch 1000
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.bare import beside
from bench.cohorts import published
from bench.figures import report
from testamur.memory import keep_freed_memory
from testamur.verification.replay import replay


def main(
    events: Annotated[int, typer.Option(help="events on the log")] = 1_000_000,
    batch: Annotated[int, typer.Option(help="events of one submission")] = 1000,
) -> None:
    """Print entries per second and CPU per entry of one process."""
    keep_freed_memory()  # as the command line and the server do
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name:
        print(f"writing a log of {events} events in submissions of {batch} ...", flush=True)
        log = published(Path(name), events, batch)
        os.sync()
        cpu, begun = time.process_time(), time.perf_counter()
        replayed = replay(log.source(), log.key)
        elapsed, cpu = time.perf_counter() - begun, time.process_time() - cpu
        size = replayed.statistics.size
        report(
            "replay",
            {
                "entries": size,
                "batch": batch,
                "tiles": replayed.statistics.tiles,
                "signatures": replayed.statistics.submissions,
                "entries_per_second": size / elapsed,
                "events_per_second": events / elapsed,
                "cpu_us_per_event": cpu / events * 1e6,
                **beside(size / elapsed, log.entries),
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            },
        )


if __name__ == "__main__":
    typer.run(main)
