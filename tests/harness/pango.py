"""Whether certificates can be made here: they take Pango, a library of the system."""

from __future__ import annotations

from testamur.errors import Unavailable
from testamur.pages.installed import library


def certificates_are_made() -> bool:
    """Return whether the library is there."""
    try:
        library("weasyprint")
    except Unavailable:
        return False
    return True
