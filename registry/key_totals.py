"""How much every key issued, granted and ended before a position: what the reach of a declaration
is worked out from (`testamur.rules.reach`).

The store keeps the running totals of its key with each submission, so a question costs one look
into an index for each position. Submissions of this very group are not in the store yet. What
the store answered once never changes, and can be handed to the next transaction.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from registry.store import Reading, SubmissionRow
from testamur.rules.reach import Counts, Sums

_NOTHING: Final[Counts] = (0, 0, 0)
_position = attrgetter("position")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a store answered: by organization and key, the totals below positions; and by time,
    the first header recorded then or later."""

    totals: dict[tuple[str, str], dict[int, Counts]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    first_recorded: dict[int, int] = field(default_factory=dict)


class KeyTotals:
    """The totals of the submissions in the store, and of those that `add` was given since.

    It is the `Totals` of the rules. `signers` are the organizations and keys that are to sign what
    is added: their totals so far are asked for at once. With
    `answered`, what was asked of the same store before is not asked again, and what is asked now
    goes into it.
    """

    def __init__(
        self,
        reading: Reading,
        signers: Iterable[tuple[str, str]] = (),
        answered: Answered | None = None,
    ) -> None:
        self._reading = reading
        self._end = reading.count()
        self._answered = answered
        asked = list(dict.fromkeys(signers))
        found = reading.latest_totals(asked)
        self._latest = dict(zip(asked, found, strict=True))
        self._added: list[SubmissionRow] = []
        self._added_by: dict[tuple[str, str], list[SubmissionRow]] = defaultdict(list)

    def after(self, signer: tuple[str, str], sums: Sums) -> Counts:
        """Return the totals of an organization's key after a submission that adds `sums`."""
        issuances, grants, endings = self._latest.get(signer, _NOTHING)
        return issuances + sums.issuances, grants + sums.grants, endings + sums.endings

    def add(self, signer: tuple[str, str], row: SubmissionRow) -> None:
        """Take note of a submission by an organization's key that comes after all others."""
        self._latest[signer] = _counts(row)
        self._added.append(row)
        self._added_by[signer].append(row)

    def totals(self, organization: str, key: str, positions: Sequence[int]) -> list[Counts]:
        """Return, for each position, the sums over the key's submissions with headers below it."""
        found = self._stored(organization, key, positions)
        added = self._added_by.get((organization, key), [])
        for place, position in enumerate(positions if added else ()):
            before = bisect_left(added, position, key=_position)
            if before:
                found[place] = _counts(added[before - 1])
        return found

    def first_recorded(self, recorded_at: int) -> int:
        """Return the position of the first header recorded at that time (Unix ms) or later."""
        answered = {} if self._answered is None else self._answered.first_recorded
        first = answered.get(recorded_at)
        if first is None:
            first = self._reading.first_recorded(recorded_at)
        if first is not None:
            answered[recorded_at] = first
            return first
        late = (row.position for row in self._added if row.recorded_at >= recorded_at)
        return next(late, self._added[-1].position + 1 if self._added else self._end)

    def _stored(self, organization: str, key: str, positions: Sequence[int]) -> list[Counts]:
        """Return the totals of the submissions in the store, for each position."""
        if self._answered is None:
            return list(self._reading.totals(organization, key, positions))
        answered = self._answered.totals[organization, key]
        with suppress(KeyError):  # under the lock, nearly all that is asked was answered before
            return [answered[position] for position in positions]
        asked = [position for position in positions if position not in answered]
        found = dict(zip(asked, self._reading.totals(organization, key, asked), strict=True))
        # What is below the end of the store stays as it is.
        answered.update(each for each in found.items() if each[0] <= self._end)
        return [found[at] if at in found else answered[at] for at in positions]


def _counts(row: SubmissionRow) -> Counts:
    return row.issuances, row.grants, row.endings
