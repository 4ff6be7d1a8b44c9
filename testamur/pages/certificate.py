"""A certificate in PDF/A-3 with the credential and its evidence attached, so that it proves itself.

The same credential and evidence make the same bytes, with the same fonts and libraries. Archives
and screen readers take it: it conforms to PDF/A-3 level A (ISO 19005-3), so it is tagged, and each
font is in it. A letter that no font on this machine has is told of, since it would be a box.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from functools import cache
from typing import Any, Final, NamedTuple

from testamur.errors import Unavailable
from testamur.pages.addresses import Addresses
from testamur.pages.facts import Facts
from testamur.pages.installed import library
from testamur.pages.page import inline, style_sheet
from testamur.pages.templates import template
from testamur.verification.evidence import FILE_ENDING

_VARIANT: Final = "pdf/a-3a"
_MISSING: Final = ".notdef"


class Names(NamedTuple):
    """What the attached files are called."""

    holder: str = "credential.json"
    evidence: str = f"credential{FILE_ENDING}"


NAMES: Final = Names()


def certificate_pdf(
    facts: Facts,
    *,
    picture: bytes,
    code: bytes,
    addresses: Addresses,
    holder: bytes,
    evidence: bytes,
) -> bytes:
    """Return the certificate; `picture` is in SVG, `code` the QR code of the shared address in
    PNG, and the two files are attached as they are given.

    Raises `Unavailable` without WeasyPrint, and for text that no font of this machine can show.
    """
    weasyprint = library("weasyprint")
    # A PDF says when it was made; this one says when the credential was awarded.
    when = datetime.combine(max(facts.awarded, _EARLIEST), time(), UTC)
    attached = [
        weasyprint.Attachment(
            string=data, name=name, description=what, created=when, modified=when, relationship=how
        )
        for data, name, what, how in (
            (holder, NAMES.holder, "The credential, with its blind", "Source"),
            (evidence, NAMES.evidence, "The evidence of it on the log", "Supplement"),
        )
    ]
    html = template("certificate.html").render(
        facts=facts,
        when=when.isoformat().replace("+00:00", "Z"),
        picture=inline("svg+xml", picture),
        code=inline("png", code),
        addresses=addresses,
        names=NAMES,
    )
    with _told() as told:
        document = weasyprint.HTML(string=html, url_fetcher=_fetcher()).write_pdf(
            stylesheets=[_style()],
            font_config=_fonts(),
            attachments=attached,
            pdf_variant=_VARIANT,
            pdf_identifier=hashlib.sha256(holder + evidence).digest()[:16],
        )
    if any(_MISSING in each for each in told):
        raise Unavailable(
            "no font on this machine has each letter of this certificate; install one that has, on "
            "Debian and Ubuntu: apt-get install fonts-noto-core fonts-noto-cjk fonts-noto-color-"
            "emoji; or leave certificates out: --no-pdf"
        )
    return bytes(document)


_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC).date()


@cache
def _fonts() -> Any:
    return library("weasyprint.text.fonts").FontConfiguration()


@cache
def _style() -> Any:
    return library("weasyprint").CSS(
        string=style_sheet("certificate.css"), font_config=_fonts(), url_fetcher=_fetcher()
    )


@cache
def _fetcher() -> Any:
    # The pictures stand in the page itself; nothing is ever loaded.
    return library("weasyprint").URLFetcher(allowed_protocols=("data",))


@contextmanager
def _told() -> Iterator[list[str]]:
    """Collect what WeasyPrint would print."""
    told: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    logger, collector = logging.getLogger("weasyprint"), Collector()
    before, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield told
    finally:
        logger.removeHandler(collector)
        logger.propagate = before
