"""What a page tells of one rule."""

from __future__ import annotations

from typing import NamedTuple


class Told(NamedTuple):
    """A rule in a sentence, and what the client that broke it can do."""

    says: str
    remedy: str
