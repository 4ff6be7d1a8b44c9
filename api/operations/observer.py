"""Takes what the parts of a process measured, and hands it on: to numbers, traces and records."""

from __future__ import annotations

from time import time
from typing import Final

from api.http.methods import known_method
from api.operations import series
from api.operations.numbers import Numbers
from api.operations.series import Role
from registry.group import Group
from registry.outcomes import Recorded
from testamur.stopwatch import Advance

_OUTCOMES: Final = ("recorded", "repeated", "4xx", "5xx", "hung-up")
"""What becomes of a submission: a receipt, a problem by its class, or a client that is gone."""
_LONG: Final = frozenset(("/stream", "/entries"))
"""Answers without an end, or of any length: how long these take says nothing."""


class Observer:
    """What a process with these `roles` reports of itself.

    The committer's thread calls `group`, the one that hears of publications `published`, the one
    that hears of the tables `projected`; the event loop calls the others.
    """

    def __init__(self, *roles: Role) -> None:
        self.numbers = numbers = Numbers(*roles)
        if "api" in roles:
            for counted in (series.EVENTS, series.SUBMISSION_SECONDS):
                numbers.begin(counted)
            for counted in (series.GROUP_SUBMISSIONS, series.GROUP_EVENTS):
                numbers.begin(counted)
            numbers.begin(series.SUBMISSIONS, _OUTCOMES)
            numbers.begin(series.GATE_SECONDS, series.GATE_STEPS)
            numbers.begin(series.LIMITED, series.LIMITS)
        if {"api", "publish"} & set(roles):
            numbers.begin(series.PUBLICATIONS)
            numbers.begin(series.PUBLICATION_ENTRIES)
            numbers.begin(series.PUBLICATION_SECONDS, series.PUBLICATION_STEPS)
        if {"api", "project"} & set(roles):
            numbers.begin(series.PROJECTIONS)
            numbers.begin(series.PROJECTION_ENTRIES)
            numbers.begin(series.PROJECTION_SECONDS, series.PROJECTION_STEPS)
        self._heard = 0.0  # when the newest checkpoint was heard of
        if "api" in roles:
            numbers.read(series.CHECKPOINT_TIME, lambda: self._heard)

    # --- From the parts ---

    def group(self, group: Group) -> None:
        """Take a group of submissions that the gate settled."""
        numbers = self.numbers
        events = sum(
            outcome.events
            for _, outcome in group.settled
            if isinstance(outcome, Recorded) and not outcome.repeated
        )
        numbers.add(series.EVENTS, by=events)
        numbers.observe(series.GROUP_SUBMISSIONS, len(group.settled))
        numbers.observe(series.GROUP_EVENTS, events)
        numbers.observe(series.GATE_SECONDS, group.waited, "queue")
        for step, seconds in group.seconds.items():
            numbers.observe(series.GATE_SECONDS, seconds, step)

    def published(self, advance: Advance) -> None:
        """Take a publication."""
        numbers = self.numbers
        numbers.add(series.PUBLICATIONS)
        numbers.observe(series.PUBLICATION_ENTRIES, advance.entries)
        for step, seconds in _known(advance, series.PUBLICATION_STEPS):
            numbers.observe(series.PUBLICATION_SECONDS, seconds, step)

    def projected(self, advance: Advance) -> None:
        """Take a transaction of the follower."""
        numbers = self.numbers
        numbers.add(series.PROJECTIONS)
        numbers.observe(series.PROJECTION_ENTRIES, advance.entries)
        for step, seconds in _known(advance, series.PROJECTION_STEPS):
            numbers.observe(series.PROJECTION_SECONDS, seconds, step)

    def on_checkpoint(self) -> None:
        """Note that a new checkpoint was heard of, now."""
        self._heard = time()

    # --- From the event loop ---

    def receipt(self, seconds: float, *, repeated: bool) -> None:
        """Count a submission that got its receipt, `seconds` after it began to arrive."""
        self.numbers.add(series.SUBMISSIONS, "repeated" if repeated else "recorded")
        self.numbers.observe(series.SUBMISSION_SECONDS, seconds)

    def refused(self, status: int, rule: str) -> None:
        """Count a submission that got a problem."""
        self.numbers.add(series.SUBMISSIONS, f"{status // 100}xx")
        self.numbers.add(series.PROBLEMS, rule)

    def hung_up(self) -> None:
        """Count a submission whose client was gone before it was whole."""
        self.numbers.add(series.SUBMISSIONS, "hung-up")

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer to a request of `route`, a template."""
        self.numbers.add(series.REQUESTS, route, known_method(method), str(status))
        if route not in _LONG:
            self.numbers.observe(series.REQUEST_SECONDS, seconds, route)


def _known(advance: Advance, steps: tuple[str, ...]) -> list[tuple[str, float]]:
    """Return the steps that have a name of ours: a child's line may hold any."""
    return [(step, advance.seconds[step]) for step in steps if step in advance.seconds]
