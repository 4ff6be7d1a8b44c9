"""The addresses that are for people alone: the search box, the moment of a page, static files."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from api.http.asgi import CSP, Headers
from api.http.negotiation import media_type_taken
from api.http.problems import Problem
from api.http.zipping import in_gzip
from api.questions.moment import NOW
from api.web import moments, static_files
from api.web.finding import found
from api.web.policy import HTML, PAGES_VARY, POLICY

routes: Final = APIRouter(include_in_schema=False)
_PAGE: Final = {"Cache-Control": "no-store", CSP: POLICY, "Vary": PAGES_VARY}


@routes.get("/find")
async def find(request: Request, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Lead to what was typed into the search box."""
    address = await request.app.state.answerer.ask(NOW, lambda view: found(view, q))
    return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-cache"})


@routes.get(moments.PATH)
async def moment(
    page: Annotated[str, Query(pattern=moments.PAGE, max_length=moments.MAX_ADDRESS)],
    at: Annotated[str, Query(max_length=40)] = "",
    size: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Lead to a page as of the moment that was typed."""
    address = moments.address_as_of(page, at, size)
    return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-cache"})


@routes.get(static_files.PREFIX + "/{digest}/{name:path}")
async def static(request: Request, digest: str, name: str) -> Response:
    """Return a file that pages need; under another digest there is none."""
    file = static_files.files().get(name)
    if file is None or digest != static_files.digest():
        raise Problem(404, "no-such-path", "Not Found")
    return file.answer(request.scope["headers"], {"Cache-Control": static_files.KEPT_FOR_GOOD})


def page_of(body: bytes, asked: Headers) -> Response:
    """Return a page as an answer to a request with these headers.

    It is not kept, since it says how old it is.
    """
    headers, made = {**_PAGE, "Content-Type": f"{HTML}; charset=utf-8"}, in_gzip(body, asked)
    if made is None:
        return Response(body, headers=headers)
    return Response(made(), headers={**headers, "Content-Encoding": "gzip"})


def likes_pages(headers: Headers) -> bool:
    """Return whether a client likes a page better than anything else."""
    return media_type_taken(headers, ("text/plain", HTML)) == HTML
