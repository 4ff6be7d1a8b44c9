"""The paths of the document and of its page, which are made once and kept."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from api.http import conditional, openapi
from api.http.asgi import CSP
from api.reference.page import page, style

POLICY: Final = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The content security policy of the page."""
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
    CSP: POLICY,
}
HTML: Final = "text/html; charset=utf-8"
_CSS: Final = "text/css; charset=utf-8"

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
    kept: bytes | None = getattr(request.app.state, "reference", None)
    if kept is None:
        kept = request.app.state.reference = page(request.app.openapi()).encode()
    return conditional.answer(kept, HTML, _HEADERS, conditional.held(request.scope["headers"]))


@routes.get("/openapi.json", include_in_schema=False)
async def document(request: Request) -> Response:
    kept: bytes | None = getattr(request.app.state, "document", None)
    if kept is None:
        kept = request.app.state.document = _encode(request.app.openapi())
    headers = {name: value for name, value in _HEADERS.items() if name != CSP}
    held = conditional.held(request.scope["headers"])
    return conditional.answer(kept, "application/json", headers, held)


@routes.get("/docs/style.css", include_in_schema=False)
async def style_sheet(request: Request) -> Response:
    return conditional.answer(style(), _CSS, _HEADERS, conditional.held(request.scope["headers"]))
