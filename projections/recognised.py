"""Whom an authority recognised, and whom those recognised who are authorities by that.

It is a tree as far as it is drawn: an organization is opened once, where it is met first, and a
bounded number of them is. Whether a recognition counts, and what became of it, is told of each.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection

from projections.accreditations import GrantAt, granted
from projections.dids import number_of
from projections.marks import party_mark
from projections.page import Page
from testamur.catalogue.table import Kind

MOST: Final = 60
"""Recognitions in one tree."""
EACH: Final = 20
"""Recognitions of one authority that a tree shows, the first ones."""
OPENED: Final = 8
"""Authorities whose recognitions a tree shows."""


class Branch(NamedTuple):
    """A recognition, so many steps below the root of the tree.

    `cut` says that its organization is an authority of whose recognitions not all are shown here.
    """

    depth: int
    found: GrantAt
    cut: bool


class Tree(NamedTuple):
    """Branches, each before those below it; `cut` says that the root recognised more."""

    branches: tuple[Branch, ...]
    cut: bool


class _Open:
    """What may still be shown."""

    def __init__(self, connection: Connection, size: int) -> None:
        self.connection = connection
        self.size = size
        self.left = MOST
        self.below: dict[str, Page[GrantAt]] = {}

    def open(self, did: str) -> list[str]:
        """Read the recognitions of an authority; return which of them make authorities."""
        number = number_of(self.connection, did, self.size)
        limit = min(EACH, self.left)
        if did in self.below or len(self.below) > OPENED or number is None or limit == 0:
            return []
        marks = [party_mark("by", number)]
        page = granted(self.connection, Kind.RECOGNITION, self.size, marks=marks, limit=limit)
        self.below[did] = page
        self.left -= len(page.items)
        return [
            each.grant.subject
            for each in page.items
            if each.grant.makes == "authority" and each.standing.status == "active"
        ]


def recognised(connection: Connection, did: str, size: int) -> Tree:
    """Return the recognitions that lead from an organization downwards, as of `size`."""
    opened = _Open(connection, size)
    level = [did]
    while level:  # level by level, so that what is near the root is shown first
        level = [each for above in level for each in opened.open(above)]
    shown: set[str] = {did}
    branches: list[Branch] = []
    root = opened.below.get(did)
    if root is not None:
        _grow(opened, root, 0, shown, branches)
    return Tree(tuple(branches), root is not None and root.next is not None)


def _grow(
    opened: _Open, page: Page[GrantAt], depth: int, shown: set[str], branches: list[Branch]
) -> None:
    for found in page.items:
        authority = found.grant.makes == "authority" and found.standing.status == "active"
        below = opened.below.get(found.grant.subject) if authority else None
        first = found.grant.subject not in shown
        cut = authority and first and (below is None or below.next is not None)
        branches.append(Branch(depth, found, cut))
        if below is not None and first:
            shown.add(found.grant.subject)
            _grow(opened, below, depth + 1, shown, branches)
