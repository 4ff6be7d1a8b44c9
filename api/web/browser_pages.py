"""The pages that work in the browser: the verifier, also as one file, and the holder's page."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from api.http.asgi import CSP
from api.http.endings import check_ending
from api.http.kept import Kept
from api.http.own_address import address_of
from api.web import offline
from api.web.languages import LanguageAsked, language_asked, script_words
from api.web.modules import needed
from api.web.policy import HTML
from api.web.rendering import render
from api.web.routes import page_of
from testamur.badges.holder_link import PAGE

routes: Final = APIRouter(include_in_schema=False)


class BrowserPages:
    """Makes the pages of the register whose log has these keys, a line each."""

    def __init__(self, origin: str, keys: str) -> None:
        self._origin = origin
        self.keys = keys.strip()

    @cached_property
    def offline(self) -> Kept:
        """The verifier as one file."""
        return Kept(offline.offline_page(self.keys), f"{HTML}; charset=utf-8")

    def page(self, template: str, script: str, register: str, language: str) -> bytes:
        """Return a page that begins with a script; `register` is where its reader found it."""
        facts: dict[str, Any] = {
            **self.scripts(script, language),
            "keys": self.keys,
            "offline_digest": offline.digest(self.keys),
            "released_digest": offline.digest(""),
            "same_everywhere": offline.SAME_EVERYWHERE,
            "origin": self._origin,
            "url": register,
        }
        return render(template, facts, language)

    def scripts(self, script: str, language: str) -> dict[str, Any]:
        """Return the facts of `scripts.html` for a page that begins with a script."""
        return {
            "modules": [each for each in needed(script) if each != script],
            "script": script,
            "settings": {
                "asksRegister": True,
                "keys": self.keys,
                "language": language,
                "words": {language: dict(script_words(language))},
            },
        }


@routes.get("/verify")
async def verify(request: Request, lang: LanguageAsked = None) -> Response:
    """Answer with the page that checks what somebody was sent."""
    return _page(request, "verify.html", "page/verify.mjs", lang)


@routes.get(PAGE)
async def holder(request: Request, lang: LanguageAsked = None) -> Response:
    """Answer with the page that shows learners the credential in their link."""
    return _page(request, "holder.html", "page/holder.mjs", lang)


@routes.get("/verify.html")
async def verify_offline(request: Request) -> Response:
    """Answer with the same page as one file, to be kept."""
    pages: BrowserPages = request.app.state.browser_pages
    headers = {
        "Cache-Control": "no-cache",
        "Content-Disposition": 'attachment; filename="verify.html"',
        # Opened at its address it is under its own policy, which it carries.
        CSP: "frame-ancestors 'none'",
    }
    return pages.offline.answer(request.scope["headers"], headers)


def _page(request: Request, template: str, script: str, lang: str | None) -> Response:
    check_ending(request.scope)  # it tells of what its reader has, and nothing of the register
    pages: BrowserPages = request.app.state.browser_pages
    language = language_asked(request.scope["headers"], lang)
    body = pages.page(template, script, address_of(request), language)
    return page_of(body, request.scope["headers"])
