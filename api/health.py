"""The state of the server: alive, ready, and in numbers.

`/healthz` says that the process answers; `/readyz` names every part and whether it works or lags
beyond its bound; `/metrics` counts, in the Prometheus text format. None of it proves anything about
the log: a monitor that replays does.
"""

from __future__ import annotations

import resource
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, cast

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.entries import Entries
from api.http import openapi
from api.http.answers import Answers
from api.http.intake import Intake
from api.tiles import Tiles
from api.wiring import Parts
from testamur import __version__

MAX_LAG: Final = 100_000
"""How many entries publication, or the projections, may lag while the server is ready."""
HUNG_SECONDS: Final = 10.0
"""How long a part may have work and make no progress while the server is ready."""
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


class PartState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One part of the server; `detail` says what is wrong, or how far it is."""

    part: str
    state: Literal["works", "lags", "failed"]
    detail: str


class Readiness(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Whether requests should be sent here, part by part."""

    ready: bool
    parts: tuple[PartState, ...]


class Alive(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The process answers."""

    status: Literal["alive"]


class About(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What this server is."""

    name: str
    version: str
    origin: str
    vkey: str
    size: int
    links: dict[str, str]


SHAPES: Final = (About, Alive, Readiness)
"""What is described in the OpenAPI document."""

_LINKS: Final = {
    "checkpoint": "/log/checkpoint",
    "vkey": "/log/vkey",
    "entries": "/entries",
    "stream": "/stream",
    "organizations": "/organizations",
    "openapi": "/openapi.json",
    "docs": "/docs",
}


class Tally:
    """Counts since the server started; for the event loop alone."""

    def __init__(self) -> None:
        self.started = time.time()
        self.submissions = 0
        self.events = 0
        self.refusals: Counter[str] = Counter()
        self.seconds = 0.0
        self._buckets = [0] * (len(_BUCKETS) + 1)

    def accepted(self, events: int, seconds: float) -> None:
        """Count a submission that got its receipt, `seconds` after it began to arrive."""
        self.submissions += 1
        self.events += events
        self.seconds += seconds
        self._buckets[bisect_left(_BUCKETS, seconds)] += 1

    def refused(self, rule: str) -> None:
        """Count a submission that got a problem."""
        self.refusals[rule] += 1

    def latency(self) -> Iterable[tuple[str, int]]:
        """Yield (upper bound in seconds, submissions within it), as Prometheus accumulates."""
        total = 0
        for bound, held in zip((*_BUCKETS, "+Inf"), self._buckets, strict=True):
            total += held
            yield str(bound), total


class Progress(NamedTuple):
    """The size that each part has reached, and what stopped or delays it, if anything."""

    committed: int
    published: int
    projected: int
    gate_failure: BaseException | None
    publisher_failure: BaseException | None
    follower_failure: BaseException | None
    follower_obstacle: BaseException | None = None
    publisher_obstacle: BaseException | None = None


class Gauge(NamedTuple):
    """A number to report, read when it is asked for."""

    name: str
    meaning: str
    read: Callable[[], float]

    @property
    def kind(self) -> Literal["gauge", "counter"]:
        """Its type: counters, and only they, have names that end in `_total`."""
        return "counter" if self.name.endswith("_total") else "gauge"


def readiness(progress: Progress) -> Readiness:
    """Return the state of every part."""
    parts = (
        _part("gate", progress.committed, progress.committed, progress.gate_failure),
        _part(
            "log",
            progress.published,
            progress.committed,
            progress.publisher_failure,
            progress.publisher_obstacle,
        ),
        _part(
            "projections",
            progress.projected,
            progress.published,
            progress.follower_failure,
            progress.follower_obstacle,
        ),
    )
    return Readiness(ready=all(part.state == "works" for part in parts), parts=parts)


def _part(
    name: str,
    size: int,
    of: int,
    failure: BaseException | None,
    obstacle: BaseException | None = None,
) -> PartState:
    if failure is not None:
        # The kind alone: a message may hold a path of ours.
        detail = f"stopped at {size} of {of} entries: {type(failure).__name__}"
        return PartState(part=name, state="failed", detail=detail)
    # With an obstacle it would lag for an unknown time, however few entries arrive.
    lags = of - size > (MAX_LAG if obstacle is None else 0)
    state: Literal["works", "lags"] = "lags" if lags else "works"
    return PartState(part=name, state=state, detail=f"at {size} of {of} entries")


def _hung(seconds: float) -> TimeoutError | None:
    """Return the obstacle of a part that had work for so long and made no progress."""
    return TimeoutError(f"nothing for {seconds:.0f} s") if seconds > HUNG_SECONDS else None


class Health:
    """Reads the state of the parts of a running server."""

    def __init__(
        self,
        parts: Parts,
        tally: Tally,
        tiles: Tiles,
        reading: Entries,
        bodies: Intake,
        answers: Answers,
    ) -> None:
        self.tally = tally
        self._parts = parts
        self.gauges = (
            Gauge(
                "testamur_committed_entries",
                "Entries known to be durable",
                lambda: self.progress().committed,
            ),
            Gauge(
                "testamur_published_entries",
                "Entries under the latest checkpoint",
                lambda: self.progress().published,
            ),
            Gauge(
                "testamur_projected_entries",
                "Entries that answers reach",
                lambda: self.progress().projected,
            ),
            Gauge(
                "testamur_ready",
                "1 while every part works",
                lambda: readiness(self.progress()).ready,
            ),
            Gauge(
                "testamur_waiting_for_checkpoint",
                "Requests that wait for a checkpoint",
                lambda: parts.wakeups.waiting,
            ),
            Gauge("testamur_body_bytes", "Bytes of submissions under way", lambda: bodies.held),
            Gauge(
                "testamur_answer_bytes",
                "Bytes of answers that clients have not read",
                lambda: answers.held,
            ),
            Gauge(
                "testamur_given_up_total",
                "Connections ended because their clients read nothing and memory was short",
                lambda: answers.given_up,
            ),
            Gauge("testamur_streams", "Open event streams", lambda: reading.streams),
            Gauge("testamur_tile_hits_total", "Files from memory", lambda: tiles.hits),
            Gauge("testamur_tile_misses_total", "Files sought", lambda: tiles.misses),
        )

    def progress(self) -> Progress:
        """Return the size that each part has reached."""
        parts = self._parts
        return Progress(
            committed=max(parts.wakeups.committed, parts.wakeups.size),
            published=parts.wakeups.size,
            projected=parts.following.size,
            gate_failure=parts.gate.failure,
            publisher_failure=parts.publishing.failure,
            follower_failure=parts.following.failure,
            follower_obstacle=parts.following.obstacle or _hung(parts.following.stuck),
            publisher_obstacle=_hung(parts.wakeups.stuck),
        )

    def about(self) -> About:
        """Return what the server is."""
        vkey = self._parts.vkey
        return About(
            name="testamur",
            version=__version__,
            origin=vkey.name,
            vkey=str(vkey),
            size=self._parts.wakeups.size,
            links=_LINKS,
        )


def exposition(tally: Tally, gauges: Iterable[Gauge]) -> str:
    """Return all numbers in the Prometheus text format, version 0.0.4."""
    lines: list[str] = []
    for gauge in (*gauges, *_own_gauges(tally)):
        lines += _headed(gauge.name, gauge.kind, gauge.meaning)
        lines.append(f"{gauge.name} {_number(gauge.read())}")
    lines += _headed("testamur_problems_total", "counter", "Submissions answered by a problem")
    lines += [
        f'testamur_problems_total{{rule="{rule}"}} {count}'
        for rule, count in sorted(tally.refusals.items())
    ]
    name = "testamur_submission_seconds"
    lines += _headed(name, "histogram", "From the arrival of a submission to its receipt")
    lines += [f'{name}_bucket{{le="{bound}"}} {count}' for bound, count in tally.latency()]
    lines += [f"{name}_sum {tally.seconds:.6f}", f"{name}_count {tally.submissions}"]
    return "\n".join(lines) + "\n"


def _own_gauges(tally: Tally) -> tuple[Gauge, ...]:
    return (
        Gauge(
            "testamur_submissions_total",
            "Submissions that got a receipt",
            lambda: tally.submissions,
        ),
        Gauge("testamur_events_total", "Events in them", lambda: tally.events),
        Gauge("process_start_time_seconds", "Unix time", lambda: tally.started),
        Gauge("process_cpu_seconds_total", "User and system", time.process_time),
        Gauge("process_resident_memory_bytes", "Memory in use", _resident_memory),
        Gauge("process_open_fds", "File descriptors", _descriptors),
    )


def _resident_memory() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:  # no procfs: the highest it has been
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()


def _descriptors() -> float:
    try:
        return sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError:
        return -1


def _headed(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP {name} {meaning}.", f"# TYPE {name} {kind}"]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6f}"


def _json(found: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(found),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _health(request: Request) -> Health:
    return cast("Health", request.app.state.health)


_METRICS: Final = (
    "# HELP testamur_published_entries Entries under the latest checkpoint.\n"
    "# TYPE testamur_published_entries gauge\n"
    "testamur_published_entries 8192\n"
)
Observed = Annotated[Health, Depends(_health)]
routes: Final = APIRouter(tags=["server"])


@routes.get(
    "/",
    summary="What this server is.",
    description="The log that it serves, how far it is, and where everything else is.",
    responses={200: openapi.answer(About, "Itself.")},
)
async def about(observed: Observed) -> Response:
    return _json(observed.about())


@routes.get(
    "/healthz",
    summary="Whether the process answers.",
    description="For a supervisor: anything but a 200 means that the process should be restarted.",
    responses={200: openapi.answer(Alive, "It does.")},
)
async def healthz() -> Response:
    return _json(Alive(status="alive"))


@routes.get(
    "/readyz",
    summary="Whether every part works.",
    description="For a load balancer: 503 while a part has failed, or lags behind by more than "
    "its bound.",
    responses={
        200: openapi.answer(Readiness, "All work."),
        503: openapi.answer(Readiness, "One does not."),
    },
)
async def readyz(observed: Observed) -> Response:
    found = readiness(observed.progress())
    return _json(found, 200 if found.ready else 503)


@routes.get(
    "/metrics",
    summary="The server in numbers, for Prometheus.",
    description="Counters begin at the start of the process.",
    response_class=Response,
    responses={200: openapi.text("text/plain", "Text format 0.0.4.", _METRICS)},
)
async def metrics(observed: Observed) -> Response:
    return Response(
        exposition(observed.tally, observed.gauges),
        media_type=PROMETHEUS,
        headers={"Cache-Control": "no-store"},
    )
