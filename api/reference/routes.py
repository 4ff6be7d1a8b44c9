"""The paths of the document and of its page, which are made once and kept."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from api.http import openapi
from api.http.asgi import CSP
from api.http.endings import check_ending, ending_of
from api.http.kept import Kept
from api.http.problems import elsewhere
from api.reference.page import page
from api.web.policy import HTML, POLICY

_HEADERS: Final = {"Cache-Control": "no-cache"}
_HTML: Final = f"{HTML}; charset=utf-8"

_encode: Final = msgspec.json.Encoder().encode
routes: Final = APIRouter(tags=["server"])


@routes.get(
    "/docs",
    summary="This reference, as a page.",
    description="Made from the OpenAPI document, without scripts.",
    response_class=Response,
    responses={200: openapi.text("text/html", "The page.", "<!doctype html>...")},
)
async def reference(request: Request) -> Response:
    if ending_of(request.scope) == ".json":
        raise elsewhere("/openapi.json")
    check_ending(request.scope)
    kept: Kept | None = getattr(request.app.state, "reference", None)
    if kept is None:
        body = page(request.app.openapi(), request.app.state.origin)
        kept = request.app.state.reference = Kept(body, _HTML)
    return kept.answer(request.scope["headers"], {**_HEADERS, CSP: POLICY})


@routes.get("/openapi.json", include_in_schema=False)
async def document(request: Request) -> Response:
    kept: Kept | None = getattr(request.app.state, "document", None)
    if kept is None:
        body = _encode(request.app.openapi())
        kept = request.app.state.document = Kept(body, "application/json")
    return kept.answer(request.scope["headers"], _HEADERS)
