"""A question that costs too much to answer."""

from __future__ import annotations

from testamur.errors import Unavailable


class TooLong(Unavailable):
    """The answer would take more reading than one question may cost."""
