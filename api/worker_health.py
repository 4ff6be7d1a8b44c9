"""Whether the child processes of a process do their work: its `/readyz` if it takes no requests."""

from __future__ import annotations

from functools import partial

import msgspec

from api.leaving import Leaving
from api.operations import series
from api.operations.numbers import Numbers
from api.operations.readings import read_child
from api.readiness import PartState, Readiness, hung, joined, part_state
from api.sharing import Workers


class WorkerHealth:
    """Reads the state of publisher and projector: each at work, standing by, or not."""

    def __init__(self, workers: Workers, leaving: Leaving) -> None:
        self._workers = workers
        self._leaving = leaving

    def ready(self) -> tuple[bool, bytes]:
        """Return whether every part works, and the state of each as JSON."""
        found = self.readiness()
        return found.ready, msgspec.json.encode(found)

    def readiness(self) -> Readiness:
        """Return the state of every part of this process."""
        parts = (self._publisher(), self._projector())
        return joined(*(part for part in parts if part is not None), leaving=self._leaving.begun)

    def show(self, numbers: Numbers) -> None:
        """Show all of it among the numbers of this process."""
        workers = self._workers
        numbers.read(series.READY, lambda: self.readiness().ready)
        for part in self.readiness().parts:
            numbers.read(series.PART, partial(self._works, part.part), part.part)
        for name, child in workers.children.items():
            read_child(numbers, child, name)
        if workers.publishing is not None:
            numbers.read(series.PUBLISHED, lambda: workers.log.latest.size)
        if workers.following is not None:
            numbers.read(series.PROJECTED, lambda: workers.tables.size)

    def _works(self, name: str) -> bool:
        return any(part.part == name and part.state == "works" for part in self.readiness().parts)

    def _publisher(self) -> PartState | None:
        publishing, log = self._workers.publishing, self._workers.log
        if publishing is None:
            return None
        sequence = self._workers.sequence
        found = part_state(
            "publisher",
            log.latest.size,
            max(sequence.size, log.latest.size),
            publishing.failure or log.failure or sequence.obstacle,
            hung(sequence.stuck),
        )
        return _with_turn(found, sequence.stuck, stands_by=publishing.stands_by)

    def _projector(self) -> PartState | None:
        following, tables = self._workers.following, self._workers.tables
        if following is None:
            return None
        found = part_state(
            "projector",
            tables.size,
            max(tables.size, self._workers.log.latest.size),
            following.failure,
            following.obstacle or tables.obstacle or hung(tables.stuck),
        )
        return _with_turn(found, tables.stuck, stands_by=following.stands_by)


def _with_turn(found: PartState, stuck: float, *, stands_by: bool) -> PartState:
    turn = "stands by" if stands_by else "at work"
    waited = f", some have waited for {stuck:.0f} s" if stuck >= 1 else ""
    return msgspec.structs.replace(found, detail=f"{turn}, {found.detail}{waited}")
