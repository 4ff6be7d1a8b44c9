"""How far a declaration reaches back: what no longer counts with it, and what counts again.

A submission of key events changes what counts of the same organization before it. The answer is
three sums, worked out from running totals kept per key: no submission is read, and no status is
folded. A declaration that voids endings or grants to others is flagged `reaches-back`. The sums
are never stored on the log: a replay works them out again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Position
from testamur.rules.kept import Kept
from testamur.rules.key_table import LIMIT, KeyTable, ListedKey
from testamur.rules.spans import ABOVE_ALL, Spans, below_or_within, changed, clipped, common
from testamur.rules.status import ENDINGS

Counts: TypeAlias = tuple[int, int, int]
"""Issuances, grants and endings, as in `Sums`: a question may ask for thousands of them."""

_GRANTS: Final = frozenset({e.RecognitionGranted, e.AccreditationGranted})


class Sums(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """How many events of three kinds some submissions hold.

    `grants` are recognitions and accreditations of others than the signer; `endings` revoke,
    supersede or withdraw.
    """

    issuances: Position = 0
    grants: Position = 0
    endings: Position = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.issuances + other.issuances,
            self.grants + other.grants,
            self.endings + other.endings,
        )

    @property
    def counts(self) -> Counts:
        """The three in their order."""
        return self.issuances, self.grants, self.endings


class Totals(Protocol):
    """The running totals of every key, over all its submissions, counting or not."""

    def totals(self, organization: str, key: str, positions: Sequence[int]) -> Sequence[Counts]:
        """Return, for each position, the sums over the key's submissions with headers below it.

        It must return as many as there are positions, which ascend.
        """
        ...

    def first_recorded(self, recorded_at: int) -> int:
        """Return the position of the first header recorded at that time (Unix ms) or later.

        It must return one above all headers if there is none yet.
        """
        ...


Change: TypeAlias = tuple[Spans, Spans]
"""Where what a key signed counts no longer, and where it counts again."""

Concluded: TypeAlias = Callable[[Hashable, Callable[[], Change]], Change]
"""Finds a change by its name, or draws it now (`Register.concluded`)."""


def _drawn_now(_name: Hashable, draw: Callable[[], Change]) -> Change:
    return draw()


class Reach(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What one submission of key events changes about the counting of those before it.

    `fallen` sums up those that counted and count no more, `returned` those that count again.
    """

    fallen: Sums = Sums()
    returned: Sums = Sums()

    @property
    def flagged(self) -> bool:
        """Whether it brings back what was ended, or voids grants to others."""
        return bool(self.fallen.endings or self.fallen.grants)

    def __bool__(self) -> bool:
        """Return whether one of the sums is not 0."""
        return self != Reach()


def reach(
    totals: Totals,
    organization: str,
    before: KeyTable,
    after: KeyTable,
    position: int,
    concluded: Concluded = _drawn_now,
) -> Reach:
    """Return what the submission with its header at `position` changes about earlier ones.

    `before` and `after` are the key tables of its organization without it and with it. Where a key
    counts no longer, and where again, is `concluded`, perhaps as it was before.
    """
    fallen = returned = Sums()
    for key, listed in before.keys.items():
        now = after.keys[key]
        if now == listed:
            continue
        limits = [_limits(totals.first_recorded, each, position) for each in (listed, now)]
        lost, gained = concluded(("counting", *limits), partial(_change, *limits))
        fallen += _over(totals, organization, key, clipped(lost, 0, position))
        returned += _over(totals, organization, key, clipped(gained, 0, position))
    return Reach(fallen, returned)


def sums_of(signer: str, events: Sequence[e.Event]) -> Sums:
    """Return the sums of one submission, by which the running totals of its key grow."""
    kinds = [*map(type, events)]
    issued = kinds.count(e.CredentialIssued)
    if issued == len(kinds):  # as of nearly every submission
        return Sums(issuances=issued)
    counted = Counter(kinds)
    return Sums(
        issuances=issued,
        grants=sum(map(partial(_grants, signer), events)) if counted.keys() & _GRANTS else 0,
        endings=sum(counted[kind] for kind in ENDINGS),
    )


def _grants(signer: str, event: e.Event) -> bool:
    """Return whether the event recognises or accredits another than its signer."""
    if isinstance(event, e.RecognitionGranted):
        return event.organization != signer
    return isinstance(event, e.AccreditationGranted) and event.provider != signer


def counting(first_recorded: Callable[[int], int], listed: ListedKey, end: int) -> Spans:
    """Return where headers below `end` count if the key signed them.

    `first_recorded` is that of `Totals`.
    """
    return clipped(_counting(_limits(first_recorded, listed, end)), 0, end)


class _Limits(NamedTuple):
    """What says where headers count that a key signed: above `first`, before `last`, not cut off.

    `cuts` has of each declaration since where, and the ranges kept. Nothing in it tells how long
    the log is, so what is worked out from it before the lock serves wherever the header comes to
    stand.
    """

    first: int
    last: int
    cuts: tuple[tuple[int, Kept], ...]


_NOWHERE: Final = _Limits(0, 0, ())


def _limits(first_recorded: Callable[[int], int], listed: ListedKey, end: int) -> _Limits:
    """Return the limits of a key as far as they are below `end`."""
    if not listed.listing_counts:
        return _NOWHERE
    retired = listed.retired
    cuts = []
    for declaration in listed.compromised.values():
        # Recorded times never decrease, so the limit in time is one in position.
        since = max(declaration.since, first_recorded(declaration.first - LIMIT))
        cuts.append((since if since < end else ABOVE_ALL, declaration.kept))
    last = ABOVE_ALL if retired is None or retired >= end else retired
    return _Limits(listed.listed + 1, last, tuple(cuts))


def _counting(limits: _Limits) -> Spans:
    """Return where headers count within these limits."""
    if limits.first >= limits.last:
        return []
    if not limits.cuts:
        return [limits.first, limits.last]
    left = common([below_or_within(since, kept.bounds) for since, kept in limits.cuts])
    return clipped(left, limits.first, limits.last)


def _change(before: _Limits, after: _Limits) -> Change:
    return changed(_counting(before), _counting(after))


def _over(totals: Totals, organization: str, key: str, spans: Spans) -> Sums:
    """Return the sums over the key's submissions with headers in these spans."""
    if not spans:
        return Sums()
    below = totals.totals(organization, key, spans)
    columns = zip(*below, strict=True)
    return Sums(*(sum(column[1::2]) - sum(column[::2]) for column in columns))
