"""How long nobody publishes when the publisher is killed, or stopped, while another stands by.

python -m bench.takeover --rounds 10

Each round submits one event right after the publisher at work was stopped with its parent
(SIGSTOP), or killed (SIGKILL). The time is that until its published receipt is there.
"""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from bench.cohorts import now_story
from bench.figures import report
from bench.placed import placed
from bench.server import Served, Split, split
from testamur.http.client import RegistryClient
from tests.harness.waiting import until


def main(
    rounds: Annotated[int, typer.Option(help="how often it is stopped, and killed")] = 10,
) -> None:
    """Print the seconds from a stop to the next published receipt, and the same without one."""
    with tempfile.TemporaryDirectory(prefix="testamur-bench-") as name, ExitStack() as stack:
        place = stack.enter_context(placed("postgres", None))
        story = now_story()
        found = stack.enter_context(split(Path(name), story, place, replicas=1, publishers=2))
        registry = stack.enter_context(RegistryClient(found.replicas[0].url))
        seconds: dict[str, list[float]] = {"undisturbed": [], "stopped": [], "killed": []}

        def published() -> float:
            body, began = story.cohort(1), time.perf_counter()
            registry.submit(body, "published", "admit")
            return time.perf_counter() - began

        for _ in range(rounds):
            leader = _at_work(found)
            seconds["undisturbed"].append(published())
            stopped = [leader.pid, *_children(leader.pid)]
            for each in stopped:
                os.kill(each, signal.SIGSTOP)
            seconds["stopped"].append(published())
            for each in stopped:
                os.kill(each, signal.SIGCONT)
            # The child alone: its parent starts another one, which stands by for the next round.
            for each in _children(_at_work(found).pid):
                os.kill(each, signal.SIGKILL)
            seconds["killed"].append(published())
        figures = {f"{how}_median_s": statistics.median(taken) for how, taken in seconds.items()}
        figures |= {f"{how}_worst_s": max(taken) for how, taken in seconds.items()}
        report("takeover", {"rounds": rounds, **figures})


def _at_work(found: Split) -> Served:
    """Return the publisher at work, once one is and all others stand by."""
    works: list[Served] = []

    def one() -> bool:
        said = [httpx2.get(f"{each.url}/readyz").text for each in found.publishers]
        works[:] = [
            each for each, text in zip(found.publishers, said, strict=True) if "at work" in text
        ]
        return len(works) == 1 and all("at work" in text or "stands by" in text for text in said)

    until(one, 60)
    return works[0]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


if __name__ == "__main__":
    typer.run(main)
