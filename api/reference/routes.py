"""The paths of the document and of its page, which are made once and kept."""

from __future__ import annotations

import gzip
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from api.http import conditional, openapi
from api.http.asgi import CSP
from api.http.endings import check_ending, ending_of
from api.http.negotiation import coding_taken
from api.http.problems import elsewhere
from api.reference.page import page
from api.web.policy import HTML, POLICY

_HEADERS: Final = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
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
    asked = request.scope["headers"]
    if ending_of(request.scope) == ".json":
        raise elsewhere("/openapi.json")
    check_ending(request.scope)
    kept: tuple[bytes, bytes] | None = getattr(request.app.state, "reference", None)
    if kept is None:
        plain = page(request.app.openapi(), request.app.state.origin)
        kept = request.app.state.reference = plain, gzip.compress(plain, mtime=0)
    plain, compressed = kept
    headers = {**_HEADERS, CSP: POLICY}
    if not coding_taken(asked).gzip:
        return conditional.answer(plain, _HTML, headers, conditional.held(asked))
    # A quarter of a megabyte that never changes: compressed once, it costs nobody anything.
    headers["Content-Encoding"] = "gzip"
    return conditional.answer(compressed, _HTML, headers, conditional.held(asked))


@routes.get("/openapi.json", include_in_schema=False)
async def document(request: Request) -> Response:
    kept: bytes | None = getattr(request.app.state, "document", None)
    if kept is None:
        kept = request.app.state.document = _encode(request.app.openapi())
    held = conditional.held(request.scope["headers"])
    return conditional.answer(kept, "application/json", _HEADERS, held)
