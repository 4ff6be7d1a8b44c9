"""The state of the server: alive, and ready.

`/healthz` says that the process answers; `/readyz` names every part and whether it works or lags
beyond its bound. Neither proves anything about the log: a monitor that replays does. Numbers are
served apart (`operations/`).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.http import openapi
from api.http.endings import check_ending
from api.http.negotiation import media_type_taken
from api.http.problems import Problem
from api.leaving import Leaving
from api.parts import Parts
from api.questions.answerer import Answerer, View
from api.questions.moment import NOW, Moment, When
from api.questions.whole_log import LogKeyLine, log_key_line
from api.readiness import Alive, Progress, Readiness, hung, readiness
from api.web.languages import LanguageAsked, language_asked
from api.web.policy import HTML
from api.web.routes import page_of
from projections import dids
from testamur import __version__
from testamur.errors import Refuted, Unavailable


class RegisterNow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The register as of the moment asked about: its size, and how many organizations it has."""

    size: int
    recorded_at: str | None = msgspec.field(name="recordedAt")
    organizations: int


class About(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What this server is. `size` is that of the newest checkpoint.

    `register` is null while the tables cannot be asked.
    """

    name: str
    version: str
    origin: str
    vkey: str
    keys: tuple[LogKeyLine, ...]
    size: int
    links: dict[str, str]
    register: RegisterNow | None


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


class Health:
    """Reads the state of the parts of a running server."""

    def __init__(self, parts: Parts, leaving: Leaving) -> None:
        self._parts = parts
        self._leaving = leaving

    def progress(self) -> Progress:
        """Return the size that each part has reached."""
        parts = self._parts
        return Progress(
            committed=max(parts.wakeups.committed, parts.wakeups.size),
            published=parts.wakeups.size,
            projected=parts.following.size,
            gate_failure=parts.gate.failure or parts.out_of_reach(),
            publisher_failure=parts.publishing.failure,
            follower_failure=parts.following.failure,
            follower_obstacle=parts.following.obstacle or hung(parts.following.stuck),
            publisher_obstacle=hung(parts.wakeups.stuck),
        )

    def readiness(self) -> Readiness:
        """Return the state of every part."""
        return readiness(self.progress(), leaving=self._leaving.begun)

    def ready(self) -> tuple[bool, bytes]:
        """Return whether every part works, and the state of each as JSON."""
        found = self.readiness()
        return found.ready, msgspec.json.encode(found)

    def about(self, register: RegisterNow | None) -> About:
        """Return what the server is, and how far the register."""
        listed = self._parts.keys
        vkey = listed.keys.first
        return About(
            name="testamur",
            version=__version__,
            origin=vkey.name,
            vkey=str(vkey),
            keys=tuple(map(log_key_line, listed.lines)),
            size=self._parts.wakeups.size,
            links=_LINKS,
            register=register,
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
    responses={
        200: openapi.answer(About, "Itself."),
        **openapi.problems(
            p422="A parameter is wrong, or asks about the future.",
            p503="The projections have not reached that size yet, or the server is busy.",
        ),
    },
)
async def about(
    request: Request, observed: Observed, when: When, lang: LanguageAsked = None
) -> Response:
    check_ending(request.scope, ".json")
    state, query = request.app.state, request.url.query
    headers = request.scope["headers"]
    if media_type_taken(headers, _ABOUT_FORMS) != HTML:
        return _json(observed.about(await _register(state.answerer, when)))
    language = language_asked(headers, lang)
    address = f"/?{query}" if query else "/"

    def page(view: View) -> Response:
        return page_of(state.front.page(view, address, language), headers)

    return cast("Response", await state.answerer.ask(when, page))


async def _register(answerer: Answerer, when: Moment) -> RegisterNow | None:
    def find(view: View) -> RegisterNow:
        return RegisterNow(
            size=view.size,
            recorded_at=view.recorded_at,
            organizations=dids.count(view.connection, view.size),
        )

    try:
        return await answerer.ask(when, find)
    except (Problem, Refuted, Unavailable):
        if when != NOW:
            raise
        return None  # what the log is has to be told when no table can be asked, too


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
    "its bound, and as soon as the server is about to end.",
    responses={
        200: openapi.answer(Readiness, "All work."),
        503: openapi.answer(Readiness, "One does not."),
    },
)
async def readyz(observed: Observed) -> Response:
    found = observed.readiness()
    return _json(found, 200 if found.ready else 503)
