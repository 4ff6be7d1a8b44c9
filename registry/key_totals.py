"""How much every key issued, granted and ended before a position: what the reach of a declaration
is worked out from (`testamur.rules.reach`).

The store keeps the running totals of its key with each submission, so a question costs one look
into an index for each position. Submissions of this very group are not in the store yet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter

from registry.store import Reading, SubmissionRow
from testamur.rules.reach import Sums

_position = attrgetter("position")


class KeyTotals:
    """The totals of the submissions in the store, and of those that `add` was given since.

    It is the `Totals` of the rules. `signers` are the organizations and keys that are to sign what
    is added: their totals so far are asked for at once.
    """

    def __init__(self, reading: Reading, signers: Iterable[tuple[str, str]] = ()) -> None:
        self._reading = reading
        self._end = reading.count()
        asked = list(dict.fromkeys(signers))
        found = reading.latest_totals(asked)
        self._latest = {signer: Sums(*each) for signer, each in zip(asked, found, strict=True)}
        self._added: list[SubmissionRow] = []
        self._added_by: dict[tuple[str, str], list[SubmissionRow]] = {}

    def after(self, issuer: str, key: str, sums: Sums) -> Sums:
        """Return the totals of a key after a submission that adds `sums`."""
        return self._latest.get((issuer, key), Sums()) + sums

    def add(self, row: SubmissionRow) -> None:
        """Take note of a submission that comes after all others."""
        signer = row.issuer, row.key
        self._latest[signer] = _sums(row)
        self._added.append(row)
        self._added_by.setdefault(signer, []).append(row)

    def totals(self, organization: str, key: str, positions: Sequence[int]) -> list[Sums]:
        """Return, for each position, the sums over the key's submissions with headers below it."""
        added = self._added_by.get((organization, key), [])
        stored = self._reading.totals(organization, key, positions)
        found = [Sums(*each) for each in stored]
        for place, position in enumerate(positions if added else ()):
            before = bisect_left(added, position, key=_position)
            if before:
                found[place] = _sums(added[before - 1])
        return found

    def first_recorded(self, recorded_at: int) -> int:
        """Return the position of the first header recorded at that time (Unix ms) or later."""
        first = self._reading.first_recorded(recorded_at)
        if first is not None:
            return first
        late = (row.position for row in self._added if row.recorded_at >= recorded_at)
        return next(late, self._added[-1].position + 1 if self._added else self._end)


def _sums(row: SubmissionRow) -> Sums:
    return Sums(row.issuances, row.grants, row.endings)
