"""The HTTP face: which path is answered by whom, and what every answer carries.

Beneath the framework: the published log (`/log/…`) and headers. In the framework: everything
else. An answer that is not a success is a problem document (`problems.py`), whatever went wrong;
no stack trace and no path of ours ever leaves.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from api import answers, entries, health, openapi, problems
from api.entries import Entries, LogEntry, resumed_at
from api.health import Alive, Progress, Readiness, Tally, exposition, readiness
from api.intake import HungUp
from api.problems import Problem, ProblemDocument
from api.queries import Register, router
from api.submissions import CheckReport, Submissions
from api.tiles import PREFIX, Receive, Scope, Send, Tiles
from api.wiring import Parts
from testamur import __version__
from testamur.errors import Refusal, Unavailable
from testamur.evidence import Evidence
from testamur.receipt import Receipt
from testamur.submission import MEDIA_TYPE

_log: Final = logging.getLogger(__name__)

_HEADERS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"testamur-size, retry-after, content-disposition"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, HEAD, POST"),
    (b"access-control-allow-headers", b"content-type, content-encoding, last-event-id"),
    (b"access-control-max-age", b"86400"),
)


class Face:
    """The ASGI application: log paths go to the tiles, all others to the framework."""

    def __init__(self, tiles: Tiles, framework: FastAPI) -> None:
        self._tiles = tiles
        self._framework = framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or go through the server's lifespan."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)
            return
        if scope["path"].startswith(PREFIX.decode()):
            await self._tiles(scope, receive, send)
            return

        async def headed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        if scope["method"] == "OPTIONS":
            await _preflight(headed)
            return
        if scope["method"] == "HEAD" and scope["path"] != "/stream":
            # The server sends no body in answer to HEAD, whatever it is given.
            scope = {**scope, "method": "GET"}
        await self._framework(scope, receive, headed)


async def _preflight(send: Send) -> None:
    headers = [*_PREFLIGHT, (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


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
    reading = Entries(parts.reader, parts.waiting, lambda: parts.published)
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
    framework.state.entries = reading
    framework.include_router(_submission_routes(submitting))
    framework.include_router(router(register))
    framework.include_router(_entry_routes(reading))
    framework.include_router(_own_routes(parts, tally, tiles, reading))
    _answer_errors(framework, tally)
    framework.openapi = lambda: _document(framework)  # type: ignore[method-assign]
    return Face(tiles, framework)
