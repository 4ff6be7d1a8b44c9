"""The HTTP face: which path is answered by whom, and what every answer carries.

Beneath the framework: the published log (`/log/…`) and headers. In the framework: everything
else. An answer that is not a success is a problem document (`problems.py`), whatever went wrong;
no stack trace and no path of ours ever leaves.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, cast

import msgspec
from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from api import answers, entries, health, openapi, problems, queries
from api.asgi import SAFE, Receive, Scope, Send, answer_preflight
from api.entries import Entries, LogEntry, resumed_at
from api.health import Alive, Progress, Readiness, Tally, exposition, readiness
from api.intake import HungUp, Intake
from api.problems import Problem, problem_of
from api.queries import Register
from api.submissions import CheckReport, Submissions
from api.tiles import PREFIX, Tiles
from api.wiring import Parts
from testamur import __version__
from testamur.errors import Refusal, Unavailable
from testamur.evidence import Evidence
from testamur.receipt import Receipt
from testamur.submission import MEDIA_TYPE

_log: Final = logging.getLogger(__name__)

_LOG: Final = PREFIX.decode()
_METHODS: Final = "GET, HEAD, POST, OPTIONS"


class Face:
    """The ASGI application: log paths go to the tiles, all others to the framework."""

    def __init__(
        self, tiles: Tiles, submitting: Submissions, framework: FastAPI, reading: Entries
    ) -> None:
        self._tiles = tiles
        self._submitting = submitting
        self._framework = framework
        self._reading = reading

    def end_streams(self) -> None:
        """End the streams that are open; on the event loop."""
        self._reading.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or go through the server's lifespan."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)
        elif scope["path"].startswith(_LOG):
            await self._tiles(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await answer_preflight(send, _METHODS)
        elif scope["path"] == "/submissions":
            await self._submitting(scope, receive, send)
        else:
            await self._ask_framework(scope, receive, send)

    async def _ask_framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safe(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *SAFE]
            await send(message)

        if scope["method"] == "HEAD" and scope["path"] != "/stream":
            # The server sends no body in answer to HEAD, whatever it is given.
            scope = {**scope, "method": "GET"}
        await self._framework(scope, receive, send_safe)


class About(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What this server is."""

    name: str
    version: str
    origin: str
    vkey: str
    size: int
    links: dict[str, str]


def face(parts: Parts) -> Face:
    """Return the application over opened parts; its lifespan starts and stops them."""
    tally = Tally()
    submitting = Submissions(parts.gate, parts.publisher, parts.waiting, tally)
    reading = Entries(parts.reader(), parts.waiting, lambda: parts.published)
    register = Register(parts.follower, parts.reader, lambda: parts.published)
    tiles = Tiles(parts.store, lambda: parts.published, str(parts.vkey))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        parts.start()
        try:
            yield
        finally:
            submitting.close()
            tiles.close()
            parts.stop()

    framework = FastAPI(
        title="Testamur",
        version=__version__,
        summary="An event-sourced registry of micro-credentials with a transparency log.",
        lifespan=lifespan,
        # Their pages load scripts from elsewhere; the document itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    framework.include_router(_submission_routes(submitting))
    framework.state.register = register
    framework.include_router(queries.routes)
    framework.include_router(_entry_routes(reading))
    framework.include_router(_own_routes(parts, tally, tiles, reading, submitting.intake))
    _answer_errors(framework)
    framework.openapi = lambda: _document(framework)  # type: ignore[method-assign]
    return Face(tiles, submitting, framework, reading)


_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": "The submission file; Content-Encoding gzip is taken too.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
_REFUSALS: Final = openapi.problems(
    p400="The body is not what its headers say.",
    p403="The signer is not entitled to this.",
    p408="The body did not arrive in time.",
    p409="The issuer used this jti for another submission.",
    p413="A limit on sizes is exceeded.",
    p415="Another media type or content coding.",
    p422="A rule is broken: which, on which line, by what value.",
    p503="Not now. Retry-After says when to send the same submission again.",
)


def _submit_path() -> dict[str, Any]:
    receipt = openapi.answer(Receipt, "The receipt, in the state that was asked for.")
    responses = {
        201: receipt,
        200: {**receipt, "description": "It was recorded before; this is its receipt."},
        **_REFUSALS,
    }
    wait = {
        "name": "wait",
        "in": "query",
        "description": "How far it must have come before the answer.",
        "schema": {
            "type": "string",
            "enum": ["durable", "published", "witnessed"],
            "default": "published",
        },
    }
    submit = {
        "tags": ["submissions"],
        "summary": "Submit events; the answer is a receipt.",
        "operationId": "submit",
        "parameters": [wait],
        **_BODY,
        "responses": {str(status): response for status, response in responses.items()},
    }
    return {"/submissions": {"post": submit}}


def _submission_routes(submitting: Submissions) -> APIRouter:
    routes = APIRouter(tags=["submissions"])

    @routes.post(
        "/submissions/check",
        summary="What a submission would meet with; nothing is recorded.",
        openapi_extra=_BODY,
        responses={200: openapi.answer(CheckReport, "Everything that is wrong."), **_REFUSALS},
    )
    async def check(request: Request) -> Response:
        found = await submitting.check(request.scope, request.receive)
        return Response(found, media_type="application/json")

    @routes.get(
        "/submissions/{issuer}/{jti}",
        summary="The receipt of a submission recorded before.",
        responses={
            200: openapi.answer(Receipt, "The receipt, in the furthest state that holds now."),
            **openapi.problems(p404="No such submission here.", p422="Not a DID or not a UUID."),
        },
    )
    async def receipt_of(
        issuer: Annotated[str, Path(pattern=queries.DID, max_length=240)],
        jti: Annotated[str, Path(pattern=queries.UUID)],
    ) -> Response:
        found = await submitting.find(issuer, jti)
        return Response(found, media_type="application/json", headers={"Cache-Control": "no-cache"})

    return routes


def _entry_routes(reading: Entries) -> APIRouter:
    routes = APIRouter(tags=["entries"])
    beyond = openapi.problems(p422="A parameter is wrong, or lies beyond what is published.")

    @routes.get(
        "/entries",
        summary="Published entries as NDJSON, from a position on.",
        responses={
            200: openapi.text(entries.NDJSON, "One object a line: position, and entry as text.")
            | {"headers": openapi.SIZE_HEADER},
            **beyond,
        },
    )
    async def some_entries(
        start: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=entries.MAX_LIMIT)] = entries.DEFAULT_LIMIT,
    ) -> Response:
        published = reading.latest()
        reading.check_start(start, published)
        end = min(start + limit, published.size)
        headers = {"Testamur-Size": str(published.size), "Cache-Control": "no-cache"}
        if end < published.size:
            headers["Link"] = f'</entries?start={end}&limit={limit}>; rel="next"'
        lines = await started(reading.lines(start, end, published.size))
        return StreamingResponse(lines, media_type=entries.NDJSON, headers=headers)

    @routes.get(
        "/stream",
        summary="Published entries as server-sent events, as they come.",
        responses={
            200: openapi.text(
                entries.EVENT_STREAM, "Events `entry` (id: its position) and `checkpoint`."
            ),
            **beyond,
        },
    )
    async def stream(
        start: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        first = resumed_at(start, last_event_id)
        reading.check_start(first, reading.latest())
        events = await started(reading.events(first))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type=entries.EVENT_STREAM, headers=headers)

    return routes


async def started(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the same iterator with its first part made, so that its failure can be answered."""
    try:
        first = await anext(parts)
    except StopAsyncIteration:
        first = b""

    async def all_parts() -> AsyncIterator[bytes]:
        yield first
        async for part in parts:
            yield part

    return all_parts()


def _own_routes(
    parts: Parts, tally: Tally, tiles: Tiles, reading: Entries, bodies: Intake
) -> APIRouter:
    routes = APIRouter(tags=["server"])

    def progress() -> Progress:
        return Progress(
            committed=max(parts.waiting.committed, parts.waiting.size),
            published=parts.waiting.size,
            projected=parts.follower.size,
            gate_failure=parts.gate.failure,
            publisher_failure=parts.publisher.failure,
            follower_failure=parts.follower.failure,
        )

    gauges = health.gauges(progress, parts.waiting, tiles, reading, bodies)

    @routes.get(
        "/", summary="What this server is.", responses={200: openapi.answer(About, "Itself.")}
    )
    async def about() -> Response:
        links = {
            "checkpoint": "/log/checkpoint",
            "vkey": "/log/vkey",
            "entries": "/entries",
            "stream": "/stream",
            "organizations": "/organizations",
            "openapi": "/openapi.json",
        }
        found = About(
            name="testamur",
            version=__version__,
            origin=parts.vkey.name,
            vkey=str(parts.vkey),
            size=parts.waiting.size,
            links=links,
        )
        return _json(found)

    @routes.get(
        "/healthz",
        summary="Whether the process answers.",
        responses={200: openapi.answer(Alive, "It does.")},
    )
    async def healthz() -> Response:
        return _json(Alive(status="alive"))

    @routes.get(
        "/readyz",
        summary="Whether every part works.",
        responses={
            200: openapi.answer(Readiness, "All work."),
            503: openapi.answer(Readiness, "One does not."),
        },
    )
    async def readyz() -> Response:
        found = readiness(progress())
        return _json(found, 200 if found.ready else 503)

    @routes.get(
        "/metrics",
        summary="The server in numbers, for Prometheus.",
        responses={200: openapi.text("text/plain", "Text format 0.0.4.")},
    )
    async def metrics() -> Response:
        return Response(exposition(tally, gauges), media_type=health.PROMETHEUS)

    return routes


def _json(found: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(found),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _answer_errors(framework: FastAPI) -> None:
    async def answered(_: Request, error: Exception) -> Response:
        problem = problem_of(error)
        return Response(
            problem.render(),
            problem.document.status,
            media_type=problems.MEDIA_TYPE,
            headers={"Cache-Control": "no-store", **problem.headers},
        )

    async def on_hung_up(request: Request, _: Exception) -> Response:
        # Nobody is there to read it; the framework wants an answer all the same.
        return await answered(request, Problem(400, "cut-off", "the body did not arrive whole"))

    async def on_parameter(request: Request, error: Exception) -> Response:
        first = cast("RequestValidationError", error).errors()[0]
        where = " ".join(str(part) for part in first["loc"])
        detail = f"{where}: {first['msg']}"
        return await answered(request, Problem(422, "parameter", detail, value=first.get("input")))

    async def on_http(request: Request, error: Exception) -> Response:
        found = cast("HTTPException", error)
        rule = {404: "no-such-path", 405: "method"}.get(found.status_code, "http")
        problem = Problem(found.status_code, rule, found.detail, headers=found.headers)
        return await answered(request, problem)

    for kind in (Problem, Refusal, Unavailable, Exception):
        framework.add_exception_handler(kind, answered)
    framework.add_exception_handler(HungUp, on_hung_up)
    framework.add_exception_handler(RequestValidationError, on_parameter)
    framework.add_exception_handler(HTTPException, on_http)


def _document(framework: FastAPI) -> dict[str, Any]:
    if not framework.openapi_schema:
        document = FastAPI.openapi(framework)
        document["paths"] |= {**openapi.LOG_PATHS, **_submit_path()}
        components = document.setdefault("components", {})
        components["schemas"] = openapi.schemas(
            *answers.SHAPES, About, Alive, CheckReport, Evidence, LogEntry, Readiness, Receipt
        )
        framework.openapi_schema = document
    return framework.openapi_schema
