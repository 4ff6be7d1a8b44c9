"""The front page: what this is, how far the register is, and where to look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.published import Published
from api.questions.answerer import View
from api.web.browser_pages import BrowserPages
from api.web.pages import shared
from api.web.rendering import render
from projections import dids


class Front:
    """Makes the front page of the log with this verifier key; `latest` is its checkpoint.

    `browser` is what makes pages that work in the browser: the front page checks files, too.
    """

    def __init__(self, vkey: str, latest: Callable[[], Published], browser: BrowserPages) -> None:
        self._vkey = vkey
        self._latest = latest
        self._browser = browser

    def page(self, view: View, address: str, language: str) -> bytes:
        """Return the page at an address, as of a view of the register, in a language."""
        facts: dict[str, Any] = {
            **shared(self._vkey.partition("+")[0], address, view),
            **self._browser.scripts("page/front.mjs", language),
            "checkpoint": self._latest().note.decode("utf-8", "replace"),
            "vkey": self._vkey,
            "organizations": dids.count(view.connection, view.size),
        }
        return render("front.html", facts, language)
