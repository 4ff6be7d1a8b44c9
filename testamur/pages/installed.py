"""Are the libraries there that pages for learners take?

They are extras, and slow to import: each is imported on its first use.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final

from testamur.errors import Unavailable

_PAGES: Final = "pages and pictures take more: pip install 'testamur[pages]'"
_PDF: Final = (
    "certificates in PDF take more: pip install 'testamur[pdf]', and Pango, which is "
    "libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0 on Debian and Ubuntu; or leave "
    "them out: --no-pdf"
)


@cache
def library(name: str) -> Any:
    """Return a module of jinja2, resvg_py, segno or weasyprint.

    Raises `Unavailable`, with what to install, where it is missing.
    """
    try:
        return import_module(name)
    except (ImportError, OSError):  # the latter for a library of the system
        raise Unavailable(_PDF if name.startswith("weasyprint") else _PAGES) from None
