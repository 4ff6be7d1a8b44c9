"""A page of one credential in one file: its facts, and the way to the page that checks it.

It works from a disk or a mail, loads nothing and runs nothing: its own content policy forbids it.
It proves nothing; the holder's page of the register does.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from testamur.pages.addresses import Addresses
from testamur.pages.facts import Facts
from testamur.pages.templates import template

_STYLE: Final = "page.css"


def page_html(
    facts: Facts,
    *,
    picture: bytes,
    code: bytes,
    addresses: Addresses,
    certificate: str | None = None,
) -> bytes:
    """Return the page; `picture` is in SVG, `code` the QR code of the shared address in PNG.

    `certificate` is the name of the PDF that lies beside the page, if there is one.
    """
    style = style_sheet(_STYLE)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rendered = template("page.html").render(
        facts=facts,
        picture=inline("svg+xml", picture),
        code=inline("png", code),
        addresses=addresses,
        certificate=certificate,
        style=_Trusted(style),
        style_hash=f"sha256-{digest}",
    )
    return str(rendered).encode()


class _Trusted(str):
    """Text of our own, which stands in a page as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


@cache
def style_sheet(name: str) -> str:
    """Return a style sheet of the templates."""
    return (Path(__file__).parent / "templates" / name).read_text("utf-8")


def inline(kind: str, picture: bytes) -> str:
    """Return a picture as an address that holds it (RFC 2397); `kind` is that of `image/`."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
