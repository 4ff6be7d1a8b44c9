"""All that one learner gets of one credential: addresses to share, and a few files.

The same holder file and evidence make the same bytes on one machine: PNG and PDF show its fonts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from testamur.badges.baked import bake
from testamur.badges.commitment import HolderFile, render_holder_file
from testamur.pages.addresses import Addresses, qr_png
from testamur.pages.certificate import certificate_pdf
from testamur.pages.facts import Facts
from testamur.pages.installed import library
from testamur.pages.page import page_html
from testamur.pages.picture import badge_svg, check_fonts, png_of

PAGE: Final = "page.html"
PDF: Final = "certificate.pdf"
PNG: Final = "badge.png"
SVG: Final = "badge.svg"
QR: Final = "qr.png"


def file_names(*, pdf: bool) -> Sequence[str]:
    """Return what the files are called."""
    return (PAGE, PDF, PNG, SVG, QR) if pdf else (PAGE, PNG, SVG, QR)


def check_installed(*, pdf: bool) -> None:
    """Raise `Unavailable`, with what to install, if a library or any font is missing."""
    for name in ("jinja2", "segno", "resvg_py", *(["weasyprint"] if pdf else [])):
        library(name)
    check_fonts()


def files_of(
    facts: Facts, holder: HolderFile, evidence: bytes, addresses: Addresses, *, pdf: bool
) -> dict[str, bytes]:
    """Return the files by name; raises `Unavailable` as `certificate_pdf` and `png_of` do."""
    svg, code = badge_svg(facts), qr_png(addresses.shared)
    picture, holder_file = svg.encode(), render_holder_file(holder)
    found = {
        PAGE: page_html(
            facts,
            picture=picture,
            code=code,
            addresses=addresses,
            certificate=PDF if pdf else None,
        ),
        PNG: bake(png_of(svg), holder_file),
        SVG: bake(picture, holder_file),
        QR: code,
    }
    if pdf:
        found[PDF] = certificate_pdf(
            facts,
            picture=picture,
            code=code,
            addresses=addresses,
            holder=holder_file,
            evidence=evidence,
        )
    return found
