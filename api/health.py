"""The state of the server: alive, and ready.

`/healthz` says that the process answers; `/readyz` names every part and whether it works or lags
beyond its bound. Neither proves anything about the log: a monitor that replays does. Numbers are
served apart (`operations/`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal, NamedTuple, cast

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.http import openapi
from api.http.negotiation import media_type_taken
from api.log_keys.listed import ListedKey
from api.questions.moment import NOW
from api.web.policy import HTML
from api.web.routes import page_of
from api.wiring import Parts
from testamur import __version__

MAX_LAG: Final = 100_000
"""How many entries publication, or the projections, may lag while the server is ready."""
HUNG_SECONDS: Final = 10.0
"""How long a part may have work and make no progress while the server is ready."""


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


class LogKeyLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A key of the log, and the days (UTC, included) on which it signs; null: no such bound."""

    vkey: str
    first_day: date | None = msgspec.field(name="firstDay")
    last_day: date | None = msgspec.field(name="lastDay")


class About(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What this server is."""

    name: str
    version: str
    origin: str
    vkey: str
    keys: tuple[LogKeyLine, ...]
    size: int
    links: dict[str, str]


SHAPES: Final = (About, Alive, LogKeyLine, Readiness)
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

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

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

    def ready(self) -> tuple[bool, bytes]:
        """Return whether every part works, and the state of each as JSON."""
        found = readiness(self.progress())
        return found.ready, msgspec.json.encode(found)

    def about(self) -> About:
        """Return what the server is."""
        listed = self._parts.keys
        vkey = listed.keys.first
        return About(
            name="testamur",
            version=__version__,
            origin=vkey.name,
            vkey=str(vkey),
            keys=tuple(map(_log_key_line, listed.lines)),
            size=self._parts.wakeups.size,
            links=_LINKS,
        )


_ABOUT_FORMS: Final = ("application/json", HTML)


def _json(found: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(found),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _health(request: Request) -> Health:
    return cast("Health", request.app.state.health)


Observed = Annotated[Health, Depends(_health)]
routes: Final = APIRouter(tags=["server"])


@routes.get(
    "/",
    summary="What this server is.",
    description="The log that it serves, how far it is, and where everything else is.",
    responses={200: openapi.answer(About, "Itself.")},
)
async def about(request: Request, observed: Observed) -> Response:
    if media_type_taken(request.scope["headers"], _ABOUT_FORMS) != HTML:
        return _json(observed.about())
    state = request.app.state
    return page_of(await state.answerer.ask(NOW, state.front.page))


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


def _log_key_line(line: ListedKey) -> LogKeyLine:
    opened = None if line.first_day == date.min else line.first_day
    return LogKeyLine(vkey=str(line.key), first_day=opened, last_day=line.last_day)
