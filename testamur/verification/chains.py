"""Which chains evidence shows: one shortest for each anchor, found without reading what leads
elsewhere.

An authority may recognise without end, and so may a thief of its key. So only recognitions that
could be links of a chain to the very accreditor are read, and of longer chains only once no
shorter one holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from testamur.rules.chain import LONGEST, Moment, chain
from testamur.rules.register import Register
from testamur.verification.histories import Histories

MAX_CHAINS: Final = 8
"""How many chains evidence shows: one for each anchor."""


class Chains:
    """Finds chains to `targets`, the DIDs of anchors, in the order in which they are wanted.

    `register` was drawn from `histories`.
    """

    def __init__(self, histories: Histories, register: Register, targets: Sequence[str]) -> None:
        self._register = register
        self._targets = targets
        self._links = cache(histories.links)

    def to(self, accreditor: str, moment: Moment) -> list[tuple[str, ...]]:
        """Return the ids along one shortest chain for each anchor, at most `MAX_CHAINS` of them."""
        found: list[tuple[str, ...]] = []
        for anchor in self._targets:
            path = self._shortest(anchor, accreditor, moment)
            if path is not None:
                found.append(path)
            if len(found) == MAX_CHAINS:
                break
        return found

    def _shortest(self, anchor: str, accreditor: str, moment: Moment) -> tuple[str, ...] | None:
        for length in range(1, LONGEST + 1):
            links: Mapping[str, Sequence[str]] = self._links(anchor, accreditor, length)
            if length > 1 and not links:
                continue
            narrowed = replace(
                self._register,
                authorised={
                    f"{granter} {number}": id_
                    for granter, ids in links.items()
                    for number, id_ in enumerate(ids)
                },
                authorities={granter: len(ids) for granter, ids in links.items()},
            )
            path = chain(narrowed, accreditor, moment, (anchor,))
            if path is not None:
                return path
        return None
