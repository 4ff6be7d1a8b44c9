"""How far a declaration reaches back: what no longer counts with it, and what counts again.

A submission of key events changes what counts of the same organization before it. The answer is
three sums, worked out from running totals kept per key: no submission is read, and no status is
folded. A declaration that voids endings or grants to others is flagged `reaches-back`. The sums
are never stored on the log: a replay works them out again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeAlias

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Position
from testamur.rules.key_table import LIMIT, KeyTable, ListedKey
from testamur.rules.spans import Spans, below_or_within, changed, clipped, common
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
    totals: Totals, organization: str, before: KeyTable, after: KeyTable, position: int
) -> Reach:
    """Return what the submission with its header at `position` changes about earlier ones.

    `before` and `after` are the key tables of its organization without it and with it.
    """
    fallen = returned = Sums()
    for key, listed in before.keys.items():
        now = after.keys[key]
        if now == listed:
            continue
        lost, gained = changed(
            counting(totals.first_recorded, listed, position),
            counting(totals.first_recorded, now, position),
        )
        fallen += _over(totals, organization, key, lost)
        returned += _over(totals, organization, key, gained)
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
    if not listed.listing_counts:
        return []
    last = end if listed.retired is None else min(end, listed.retired)
    if not listed.compromised:
        return [listed.listed + 1, last] if listed.listed + 1 < last else []
    left = []
    for declaration in listed.compromised.values():
        # Recorded times never decrease, so the limit in time is one in position.
        since = max(declaration.since, first_recorded(declaration.first - LIMIT))
        left.append(below_or_within(since, declaration.kept.bounds))
    return clipped(common(left), listed.listed + 1, last)


def _over(totals: Totals, organization: str, key: str, spans: Spans) -> Sums:
    """Return the sums over the key's submissions with headers in these spans."""
    if not spans:
        return Sums()
    below = totals.totals(organization, key, spans)
    columns = zip(*below, strict=True)
    return Sums(*(sum(column[1::2]) - sum(column[::2]) for column in columns))
