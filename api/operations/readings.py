"""Which number of `/metrics` is read from which part of a server, when it is asked for.

Other threads than that of the event loop ask, so everything here reads one attribute, or copies in
one step. None of it may cost more than that.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Final, Protocol

from api.entries import Entries
from api.health import Health
from api.http.answers import Answers
from api.http.intake import Intake
from api.operations import series
from api.operations.numbers import Numbers
from api.parts import Parts
from api.processes.child_process import ChildProcess
from api.questions.answerer import Answerer
from api.tiles import Tiles

_LOOP_SECONDS: Final = 1.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Sized(Protocol):
    """What has a length."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...


def read_parts(numbers: Numbers, parts: Parts, health: Health) -> None:
    """Show how far the parts are, and whether they work."""
    wakeups, gate = parts.wakeups, parts.gate
    numbers.read(series.READY, lambda: health.readiness().ready)
    for name in series.PARTS:
        numbers.read(series.PART, _works(health, name), name)
    numbers.read(series.COMMITTED, lambda: health.progress().committed)
    numbers.read(series.PUBLISHED, lambda: wakeups.size)
    numbers.read(series.PROJECTED, lambda: parts.following.size)
    numbers.read(series.UNPUBLISHED_SECONDS, lambda: wakeups.stuck)
    numbers.read(series.WAITING, lambda: wakeups.waiting)
    numbers.read(series.QUEUED, lambda: gate.queued[0])
    numbers.read(series.QUEUED_BYTES, lambda: gate.queued[1])
    numbers.read(series.READERS, lambda: gate.readers)


def read_http(
    numbers: Numbers,
    *,
    tiles: Tiles,
    reading: Entries,
    answerer: Answerer,
    bodies: Intake,
    answers: Answers,
) -> None:
    """Show what the HTTP side holds and has done."""
    numbers.read(series.BODY_BYTES, lambda: bodies.held)
    numbers.read(series.ANSWER_BYTES, lambda: answers.held)
    numbers.read(series.GIVEN_UP, lambda: answers.given_up)
    numbers.read(series.QUESTIONS, lambda: answerer.asked)
    numbers.read(series.STREAMS, lambda: reading.streams)
    numbers.read(series.DOWNLOADS, lambda: reading.downloads)
    numbers.read(series.TILE_HITS, lambda: tiles.hits)
    numbers.read(series.TILE_MISSES, lambda: tiles.misses)
    numbers.read(series.TILE_CACHE, lambda: tiles.held)


def read_loop(numbers: Numbers, loop: asyncio.AbstractEventLoop, connections: Sized) -> None:
    """Show the event loop's connections, and how long it takes to get its attention."""
    numbers.read(series.CONNECTIONS, lambda: len(connections))
    numbers.read(series.LOOP_SECONDS, lambda: _turn_of(loop))


def read_child(numbers: Numbers, child: ChildProcess, name: str) -> None:
    """Show a child process under `name`."""
    numbers.read(series.CHILD_UP, lambda: child.pid is not None, name)
    numbers.read(series.STANDS_BY, lambda: child.stands_by, name)
    numbers.read(series.CHILD_STARTS, lambda: child.starts, name)
    numbers.read(series.CHILD_MEMORY, lambda: _memory(child.pid), name)
    numbers.read(series.CHILD_CPU, lambda: _processor_time(child.pid), name)


def _works(health: Health, name: str) -> Callable[[], float]:
    def works() -> float:
        return any(part.part == name and part.state == "works" for part in health.readiness().parts)

    return works


def _turn_of(loop: asyncio.AbstractEventLoop) -> float:
    """Return how long the loop takes to call something, up to `_LOOP_SECONDS`."""
    reached, asked = Event(), perf_counter()
    try:
        loop.call_soon_threadsafe(reached.set)
    except RuntimeError:  # it is closed
        return _LOOP_SECONDS
    reached.wait(_LOOP_SECONDS)
    return min(perf_counter() - asked, _LOOP_SECONDS)


def _memory(pid: int | None) -> float:
    """Return the memory of a process in use, in bytes; 0 for none, or where there is no procfs."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
    except OSError:
        return 0


def _processor_time(pid: int | None) -> float:
    """Return the seconds that a process has used, user and system; 0 likewise.

    A child that is started again begins at 0, as counters may (proc(5), fields 14 and 15).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / _TICKS
