"""Whether memory and latency stay flat while a log grows: cohorts over HTTP, tenth by tenth.

python -m bench.growth --events 5000000 --store sqlite

Each tenth gets its rate, its latencies, and the most memory that each process of the server had
meanwhile: `anonymous` is what the process itself keeps, without files that it has mapped.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from bench.cohorts import cohorts, now_story
from bench.figures import cpu_seconds, family, percentile, report
from bench.load import Answers, drive, post
from bench.placed import ObjectsAsked, StoreAsked, placed
from bench.server import serving
from testamur.catalogue.submission import MEDIA_TYPE

_LOOK_EVERY: Final = 0.5  # seconds
_TENTHS: Final = 10


class Sample(NamedTuple):
    """The memory of one process, in MB, once so many requests were answered."""

    answered: int
    process: str
    resident: float
    anonymous: float


def main(
    events: Annotated[int, typer.Option(help="events in all")] = 5_000_000,
    batch: Annotated[int, typer.Option(help="events of one submission")] = 1000,
    store: StoreAsked = "sqlite",
    objects: ObjectsAsked = None,
    connections: Annotated[int, typer.Option(help="submissions under way at once")] = 8,
    seconds: Annotated[
        float, typer.Option(help="send nothing more after so many, on a busy machine")
    ] = math.inf,
) -> None:
    """Print a line for each tenth, and whether the last is like the first."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name, ExitStack() as stack:
        place = stack.enter_context(placed(store, objects))
        story = now_story()
        print(f"signing {events} events in submissions of {batch} ...", flush=True)
        bodies = list(cohorts(story, events, batch))
        with serving(Path(name), story, place) as served:
            answers = Answers()
            over = time.monotonic() + seconds
            requests = (
                post(served.port, "/submissions?wait=published", MEDIA_TYPE, body)
                for body in takewhile(lambda _: time.monotonic() < over, bodies)
            )
            before = cpu_seconds(served.pid)
            with _sampling(served.pid, answers) as samples:
                asyncio.run(drive(served.port, requests, connections, answers))
            cpu = cpu_seconds(served.pid) - before
        answers.only(201)
        recorded = min(events, len(answers.came) * batch)
        tenths = [_tenth(answers, samples, number, batch) for number in range(_TENTHS)]
        for tenth in tenths:
            print(tenth, flush=True)
        report(
            "growth",
            {
                "events": recorded,
                "batch": batch,
                "store": store,
                "connections": connections,
                "events_per_second": recorded / answers.elapsed,
                "cpu_us_per_event": cpu / recorded * 1e6,
                "tenths": tenths,
            },
        )


def _tenth(answers: Answers, samples: list[Sample], number: int, batch: int) -> dict[str, Any]:
    """Return what was measured in one tenth, numbered from 0."""
    many = len(answers.came)
    start, end = many * number // _TENTHS, many * (number + 1) // _TENTHS
    milliseconds = [seconds * 1000 for seconds in answers.seconds[start:end]]
    memory: dict[str, dict[str, int]] = {}
    for sample in samples:
        if start <= sample.answered < end:
            most = memory.setdefault(sample.process, {"resident": 0, "anonymous": 0})
            most["resident"] = max(most["resident"], round(sample.resident))
            most["anonymous"] = max(most["anonymous"], round(sample.anonymous))
    return {
        "tenth": number + 1,
        "events_per_second": round(answers.rate(start, end) * batch),
        "p50_ms": round(percentile(milliseconds, 0.5)),
        "p99_ms": round(percentile(milliseconds, 0.99)),
        "memory_mb": memory,
    }


@contextmanager
def _sampling(pid: int, answers: Answers) -> Iterator[list[Sample]]:
    """Look at the memory of a process and its children until the end of the block."""
    samples: list[Sample] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY):
            for each in family(pid):
                memory = _memory(each)
                if memory is not None:
                    samples.append(Sample(len(answers.came), _name(each, pid), *memory))

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _memory(pid: int) -> tuple[float, float] | None:
    """Return resident and anonymous MB of a process (Linux), None once it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = dict(line.partition(":")[::2] for line in text.splitlines())
    if "VmRSS" not in found:
        return None  # it has ended, and was not waited for yet
    resident, anonymous = (int(found[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))
    return resident, anonymous


def _name(pid: int, server: int) -> str:
    """Return what a process of the server is called: the last module that it was started with."""
    if pid == server:
        return "api"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    modules = [word for word in words if word.startswith(("api.", "projections"))]
    return modules[0] if modules else str(pid)


if __name__ == "__main__":
    typer.run(main)
