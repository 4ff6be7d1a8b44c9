"""Takes what the parts of a process measured, and hands it on: to numbers, traces and records."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import time, time_ns
from typing import TYPE_CHECKING, Final

from api.http.asgi import Scope
from api.http.methods import known_method
from api.operations import series
from api.operations.numbers import Numbers
from api.operations.series import Role
from api.submissions.hops import Hops
from registry.group import Group
from registry.outcomes import Recorded
from testamur.stopwatch import Advance

if TYPE_CHECKING:
    from api.operations.traces import Traces

_log: Final = logging.getLogger("api.submissions")

_OUTCOMES: Final = ("recorded", "repeated", "4xx", "5xx", "hung-up")
"""What becomes of a submission: a receipt, a problem by its class, or a client that is gone."""
_LONG: Final = frozenset(("/stream", "/entries"))
"""Answers without an end, or of any length: how long these take says nothing."""


class Observer:
    """What a process with these `roles` reports of itself.

    The committer's thread calls `group`, the one that hears of publications `published`, the one
    that hears of the tables `projected`; the event loop calls the others. With `records` each
    submission is a log record. `traces`, which the caller closes, get a span for each hop; a
    request goes on with the trace that it names if the server `trusts` where it comes from.
    """

    def __init__(
        self,
        *roles: Role,
        traces: Traces | None = None,
        records: bool = False,
        trusts: Callable[[Scope], bool] = lambda _: False,
    ) -> None:
        self.numbers = numbers = Numbers(*roles)
        self.traces = traces
        self.ways: dict[object, Hops] | None = None if traces is None else {}
        """The hops of submissions that the gate has, by ticket."""
        self._records = records
        self._trusts = trusts
        if "api" in roles:
            for counted in (series.EVENTS, series.SUBMISSION_SECONDS):
                numbers.begin(counted)
            for counted in (series.GROUP_SUBMISSIONS, series.GROUP_EVENTS):
                numbers.begin(counted)
            numbers.begin(series.SUBMISSIONS, _OUTCOMES)
            numbers.begin(series.GATE_SECONDS, series.GATE_STEPS)
            numbers.begin(series.LIMITED, series.LIMITS)
        if "publish" in roles:
            numbers.begin(series.PUBLICATIONS)
            numbers.begin(series.PUBLICATION_ENTRIES)
            numbers.begin(series.PUBLICATION_SECONDS, series.PUBLICATION_STEPS)
        if "project" in roles:
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
        if self.ways is not None:
            for ticket, _ in group.settled:
                # Its request may have given up meanwhile.
                hops = self.ways.get(ticket)
                if hops is not None:
                    hops.group = group

    def published(self, advance: Advance) -> None:
        """Take a publication."""
        numbers = self.numbers
        numbers.add(series.PUBLICATIONS)
        numbers.observe(series.PUBLICATION_ENTRIES, advance.entries)
        for step, seconds in _known(advance, series.PUBLICATION_STEPS):
            numbers.observe(series.PUBLICATION_SECONDS, seconds, step)
        if self.traces is not None:
            self.traces.published(advance)

    def projected(self, advance: Advance) -> None:
        """Take a transaction of the follower."""
        numbers = self.numbers
        numbers.add(series.PROJECTIONS)
        numbers.observe(series.PROJECTION_ENTRIES, advance.entries)
        for step, seconds in _known(advance, series.PROJECTION_STEPS):
            numbers.observe(series.PROJECTION_SECONDS, seconds, step)
        if self.traces is not None:
            self.traces.projected(advance)

    def on_checkpoint(self) -> None:
        """Note that a new checkpoint was heard of, now."""
        self._heard = time()

    # --- From the event loop ---

    def receipt(self, hops: Hops, scope: Scope, status: int) -> None:
        """Take a submission that gets its receipt now."""
        repeated = hops.recorded is not None and hops.recorded.repeated
        self.numbers.observe(series.SUBMISSION_SECONDS, hops.seconds)
        self._submission(hops, scope, "repeated" if repeated else "recorded", status)

    def refused(self, hops: Hops, scope: Scope, status: int, rule: str) -> None:
        """Take a submission that gets a problem now."""
        self.numbers.add(series.PROBLEMS, rule)
        self._submission(hops, scope, f"{status // 100}xx", status, rule)

    def hung_up(self, hops: Hops, scope: Scope) -> None:
        """Take a submission whose client was gone before it was whole."""
        self._submission(hops, scope, "hung-up", 0)

    def _submission(
        self, hops: Hops, scope: Scope, outcome: str, status: int, rule: str | None = None
    ) -> None:
        self.numbers.add(series.SUBMISSIONS, outcome)
        trace = None
        if self.traces is not None:
            trace = self.traces.submission(
                hops, scope["headers"], status, rule, trusted=self._trusts(scope)
            )
        if self._records:
            fields = submission_record(hops, outcome, status, rule, trace)
            _log.info("submission %s", outcome, extra={"fields": fields})

    def limited(self, limit: str) -> None:
        """Count a request that is answered 429; one thread for each `limit`."""
        self.numbers.add(series.LIMITED, limit)

    def request(self, scope: Scope, route: str, method: str, status: int, seconds: float) -> None:
        """Take an answer to a request of `route`, a template, that took so many seconds."""
        self.numbers.add(series.REQUESTS, route, known_method(method), str(status))
        if route not in _LONG:
            self.numbers.observe(series.REQUEST_SECONDS, seconds, route)
        if self.traces is not None and (route, method) != ("/submissions", "POST"):
            ended = time_ns()
            began = ended - round(seconds * 1e9)
            self.traces.request(
                scope["headers"],
                route,
                method,
                status,
                began=began,
                ended=ended,
                trusted=self._trusts(scope),
            )


def submission_record(
    hops: Hops, outcome: str, status: int, rule: str | None, trace: str | None
) -> dict[str, object]:
    """Return what the log says of a submission: its ids, what became of it, and how long it took.

    The names are those of its signer, if the signature was checked; nothing else is a client's.
    """
    record: dict[str, object] = {}
    if hops.header is not None:
        record["submission"] = hops.header.payload.jti
        record["organization"] = hops.header.payload.iss
    record |= {"outcome": outcome, "status": status}
    if rule is not None:
        record["rule"] = rule
    if hops.recorded is not None:
        position, events = hops.recorded.position, hops.recorded.events
        record |= {"position": position, "last": position + events, "events": events}
    if hops.bytes is not None:
        record["bytes"] = hops.bytes
    record["seconds"] = round(hops.seconds, 6)
    if trace is not None:
        record["trace"] = trace
    return record


def _known(advance: Advance, steps: tuple[str, ...]) -> list[tuple[str, float]]:
    """Return the steps that have a name of ours: a child's line may hold any."""
    return [(step, advance.seconds[step]) for step in steps if step in advance.seconds]
