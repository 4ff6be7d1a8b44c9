"""The HTTP application: which part answers which path, and what every answer carries.

Beneath the framework: the published log (`/log/…`), `POST /submissions`, and the headers that all
answers carry. In the framework: everything else. Every answer that is not a success is a problem
document (`problems.py`); no stack trace and no file path of the server is ever in one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Final, cast
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from api import entries, health, questions
from api.entries import Entries, LogEntry
from api.health import Health
from api.http import openapi, problems
from api.http.address_limits import AddressLimits
from api.http.answers import Answers
from api.http.asgi import Receive, Scope, Send, answer_preflight, answer_problem, with_safe
from api.http.description import DESCRIPTION, TAGS
from api.http.endings import asked_by_ending
from api.http.intake import HungUp
from api.http.methods import methods_of
from api.http.negotiation import coding_taken, media_type_taken
from api.http.parameters import OnlyKnown, without_blanks
from api.http.problems import Problem, moved, no_such_method, not_acceptable, problem_of
from api.leaving import Leaving
from api.limits import RateLimits
from api.operations import series
from api.operations.observer import Observer
from api.operations.port import shown
from api.operations.readings import read_child, read_http, read_parts
from api.parts import Parts
from api.questions.answerer import Answerer
from api.questions.from_log import FromLog
from api.questions.moment import FORMS
from api.questions.spelling import address_meant
from api.questions.whole_log import SignedLog
from api.reference import routes as reference
from api.submissions import routes as submissions
from api.submissions.endpoint import Submissions
from api.tiles import ENTRANCE, PREFIX, Tiles, is_led_on
from api.web import browser_pages, problem_pages
from api.web import routes as web
from api.web.front import Front
from api.web.log_pages import LogPages
from api.web.pages import pages
from api.web.policy import HTML
from log.proofs import Proofs
from log.proven_files import ProvenFiles
from log.store import FileDamage
from testamur import __version__
from testamur.errors import Refusal, Unavailable, detached
from testamur.verification.evidence import Evidence

_LOG: Final = PREFIX.decode()
_PROBLEM_FORMS: Final = (problems.MEDIA_TYPE, "application/json", HTML)
_ANSWERS: Final = (submissions.routes, questions.routes, entries.routes)
_OTHERS: Final = (
    health.routes,
    reference.routes,
    problem_pages.routes,
    web.routes,
    browser_pages.routes,
)
ROUTES: Final = (*_ANSWERS, *_OTHERS)
"""All that the framework answers."""
_LEVEL: Final = 1  # of gzip, for the few that ask for nothing else


class App:
    """The ASGI application: log paths go to the tiles, all others to the framework."""

    def __init__(
        self,
        tiles: Tiles,
        submitting: Submissions,
        framework: FastAPI,
        reading: Entries,
        observer: Observer,
        state: Health,
        limits: AddressLimits | None,
        end_waiting: Callable[[], None],
    ) -> None:
        self._tiles = tiles
        self._submitting = submitting
        self._framework = framework
        self._reading = reading
        self._observer = observer
        self._limits = limits
        self.numbers = observer.numbers
        self.shown = shown(observer.numbers, state.ready)
        """What the port for operators answers."""
        self.end_waiting = end_waiting
        self._zipping = GZipMiddleware(
            framework, minimum_size=1, compresslevel=_LEVEL, exclude_content_types=()
        )

    def end_streams(self) -> None:
        """End the streams that are open; on the event loop."""
        self._reading.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or go through the server's lifespan."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)
        elif scope["path"].startswith(_LOG) or (
            scope["path"] == ENTRANCE and is_led_on(scope["query_string"], scope["headers"])
        ):
            if self._limits is not None and await self._limited(scope, send, tile=True):
                return
            await self._tiles(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _limited(self, scope: Scope, send: Send, *, tile: bool) -> bool:
        """Answer a request of which there are too many; return whether it was one."""
        problem = self._limits.refusal(scope, tile=tile) if self._limits is not None else None
        if problem is None:
            return False
        self._observer.limited("tiles" if tile else "requests")
        await answer_problem(send, problem)
        return True

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and count it by its route, never by its path."""
        began, status = perf_counter(), 0

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        route = "other"
        try:
            route = await self._routed(scope, receive, noting)
        finally:
            # Without a status its client was gone before the answer.
            took = perf_counter() - began
            self._observer.request(scope, route, scope["method"], status, took)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> str:
        """Answer one request, and return its route template."""
        if self._limits is not None and await self._limited(scope, send, tile=False):
            return "other"
        if scope["method"] == "OPTIONS":
            await self._answer_options(scope["path"], send)
            return "other"
        if scope["path"] == "/submissions" and scope["method"] not in ("GET", "HEAD"):
            await self._submitting(scope, receive, send)
            return "/submissions"
        return await self._ask_framework(scope, receive, send)

    async def _ask_framework(self, scope: Scope, receive: Receive, send: Send) -> str:
        async def send_safe(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_safe(message.get("headers", ()))
            await send(message)

        scope = asked_by_ending(scope)
        if scope["method"] == "HEAD" and scope["path"] != "/stream":
            # The server beneath sends no body in answer to HEAD.
            scope = {**scope, "method": "GET"}
        coding = coding_taken(scope["headers"])
        asked = scope
        if coding.liked == "gzip":
            asked = _asking_for_gzip(scope)
            await self._zipping(asked, receive, send_safe)
        elif coding.plain:
            # A proxy compresses better than this process, which has one core for everything. What
            # is worth it is in gzip already (`http/kept.py`, `http/zipping.py`).
            await self._framework(scope, receive, send_safe)
        else:
            await answer_problem(send, not_acceptable("this is sent as it is, or in gzip"))
        # The router notes there which route it took.
        return getattr(asked.get("route"), "path", "other")

    async def _answer_options(self, path: str, send: Send) -> None:
        methods = methods_of(self._framework, path)
        if methods is None:
            await answer_problem(send, Problem(404, "no-such-path", "Not Found"))
        else:
            await answer_preflight(send, methods)


def _asking_for_gzip(scope: Scope) -> Scope:
    """Return the request with the one spelling of its wish that the middleware knows."""
    others = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
    return {**scope, "headers": [*others, (b"accept-encoding", b"gzip")]}


def make_app(
    parts: Parts,
    answers: Answers,
    observer: Observer,
    leaving: Leaving,
    limits: RateLimits | None = None,
) -> App:
    """Return the application over opened parts, whose connections share the budget `answers`.

    Its lifespan starts and stops the parts, in the time that `leaving` gives. What it does is
    reported to `observer`.
    """
    numbers = observer.numbers
    limits = limits or RateLimits()
    limits.read(numbers)
    submitting = Submissions(
        parts.gate,
        parts.publishing,
        Proofs(parts.store),
        parts.wakeups,
        observer,
        limits.quota(lambda: observer.limited("organization")),
        remote=parts.store.at_once > 1,
    )
    at_least = parts.publishing.at_least
    files = ProvenFiles(parts.store, lambda: parts.latest().checkpoint)
    reading = Entries(files, parts.wakeups, parts.latest, at_least, answers.make_room)
    from_log = FromLog(parts.reader)
    answerer = Answerer(parts.following, from_log, parts.latest, at_least)
    stated = SignedLog(parts.keys, parts.latest)
    log_pages = LogPages(stated, from_log, parts.latest)
    requests = numbers.counts(series.REQUESTS)
    tiles = Tiles(
        files,
        parts.latest,
        at_least,
        parts.keys.keys.render(),
        requests=requests,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        parts.start()
        try:
            yield
        finally:
            submitting.close()
            answerer.close()
            reading.close()
            tiles.close()
            parts.stop(leaving.left)

    framework = FastAPI(
        title="Testamur",
        version=__version__,
        summary="An event-sourced registry of micro-credentials with a transparency log.",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        # Our own (`operations/`) name no path and no host, and this costs each request a little.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        # These pages load scripts from other origins; `/docs` is one that needs none.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    framework.state.submissions = submitting
    framework.state.answerer = answerer
    framework.state.origin = parts.keys.keys.name
    framework.state.pages = pages(parts.keys.keys.name) | log_pages.makers()
    framework.state.log_pages = log_pages
    framework.state.signed_log = stated
    in_browser = browser_pages.BrowserPages(parts.keys.keys.name, parts.keys.keys.render())
    framework.state.browser_pages = in_browser
    framework.state.front = Front(str(parts.keys.keys.first), parts.latest, in_browser)
    framework.state.reading = reading
    framework.state.health = health_of_parts = Health(parts, leaving)
    read_parts(numbers, parts, health_of_parts)
    for name, child in parts.children.items():
        read_child(numbers, child, name)
    read_http(
        numbers,
        tiles=tiles,
        reading=reading,
        answerer=answerer,
        bodies=submitting.intake,
        answers=answers,
    )
    for routes in _ANSWERS:
        framework.include_router(routes, dependencies=[OnlyKnown])
    for routes in _OTHERS:
        framework.include_router(routes)
    _answer_errors(framework)
    framework.openapi = lambda: _document(framework)  # type: ignore[method-assign]
    return App(
        tiles,
        submitting,
        framework,
        reading,
        observer,
        health_of_parts,
        limits.of_addresses(),
        parts.wakeups.end_waiting,
    )


def _is_browser(request: Request) -> bool:
    """Return whether a request likes pages best."""
    return media_type_taken(request.scope["headers"], _PROBLEM_FORMS) == HTML


def _answer_errors(framework: FastAPI) -> None:
    async def answered(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        detached(error)
        if _is_browser(request):
            return await problem_pages.problem_page(request, problem)
        return Response(
            problem.render(),
            problem.document.status,
            media_type=problems.MEDIA_TYPE,
            headers={"Cache-Control": "no-store", **problem.headers},
        )

    async def on_hung_up(request: Request, _: Exception) -> Response:
        # The client is gone; the framework needs an answer all the same.
        return await answered(request, Problem(400, "cut-off", "the body did not arrive whole"))

    async def on_parameter(request: Request, error: Exception) -> Response:
        faults = cast("RequestValidationError", error).errors()
        whole = without_blanks(request.url.query)
        if whole is not None and _is_browser(request):
            # A form sends its fields that are left empty, too.
            path = quote(request.scope["path"], safe="/:")
            return RedirectResponse(f"{path}?{whole}" if whole else path, status_code=303)
        address = address_meant(request.scope["path"], request.url.query, faults)
        if address is not None:
            return await answered(request, moved(address))
        first = faults[0]
        where = " ".join(str(part) for part in first["loc"])
        pattern = first.get("ctx", {}).get("pattern")
        message = first["msg"].removeprefix("Value error, ")
        detail = f"{where} {FORMS[pattern]}" if pattern in FORMS else f"{where}: {message}"
        return await answered(request, Problem(422, "parameter", detail, value=first.get("input")))

    async def on_http(request: Request, error: Exception) -> Response:
        found = cast("HTTPException", error)
        if found.status_code == 405:
            return await answered(request, no_such_method(methods_of(framework, request.url.path)))
        rule = {404: "no-such-path"}.get(found.status_code, "http")
        problem = Problem(found.status_code, rule, found.detail, headers=found.headers)
        return await answered(request, problem)

    # One for `Exception` alone would have the server end the connection, with a stack trace.
    for kind in (Problem, Refusal, Unavailable, FileDamage, Exception):
        framework.add_exception_handler(kind, answered)
    framework.add_exception_handler(HungUp, on_hung_up)
    framework.add_exception_handler(RequestValidationError, on_parameter)
    framework.add_exception_handler(HTTPException, on_http)


def _document(framework: FastAPI) -> dict[str, Any]:
    if not framework.openapi_schema:
        document = FastAPI.openapi(framework)
        document["paths"] |= openapi.LOG_PATHS
        for path, operations in submissions.SUBMIT_PATH.items():
            # The framework answers the GET of the same path.
            document["paths"][path] = {**document["paths"].get(path, {}), **operations}
        components = document.setdefault("components", {})
        components["schemas"] = openapi.schemas(
            *questions.SHAPES,
            *health.SHAPES,
            *submissions.SHAPES,
            *problem_pages.SHAPES,
            Evidence,
            LogEntry,
        )
        openapi.with_samples(document)
        framework.openapi_schema = document
    return framework.openapi_schema
