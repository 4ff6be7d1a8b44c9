"""How long each step of a piece of work took, for those who operate a server.

A step that is entered again is added up. Reading a clock costs 50 ns, so the parts measure groups,
publications and transactions, never single entries.
"""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
from msgspec import Meta


class Stopwatch:
    """Seconds by step, since `restart`. For one thread at a time."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew, now."""
        self.began = time.time_ns()
        self.seconds: dict[str, float] = {}
        self._lap = time.perf_counter()

    def lap(self, step: str) -> None:
        """Add the time since the last lap to `step`."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._lap
        self._lap = now

    def skip(self) -> None:
        """Count the time since the last lap for no step."""
        self._lap = time.perf_counter()


class Advance(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A part went on to the tree of `size` entries, `entries` more than before.

    `root` is the hexadecimal root of that tree if it is a published one. `began` is in Unix
    nanoseconds. `seconds` are those of each step.
    """

    size: Annotated[int, Meta(ge=0)]
    entries: Annotated[int, Meta(ge=0)]
    began: Annotated[int, Meta(ge=0)]
    seconds: dict[str, Annotated[float, Meta(ge=0)]]
    root: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None

    @property
    def took(self) -> float:
        """All steps together, in seconds."""
        return sum(self.seconds.values())


def ignore(_: object) -> None:
    """Measure for nobody."""
