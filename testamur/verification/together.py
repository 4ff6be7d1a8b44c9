"""What two excerpts of one log show together, each proven under a checkpoint of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from testamur.errors import Refuted
from testamur.verification.excerpt import Shown


def together(one: Sequence[Shown], other: Sequence[Shown]) -> tuple[Shown, ...]:
    """Return the submissions that either shows, in log order, each with the events of both.

    Raises `Refuted` where the two show different entries at one position.
    """
    found = {each.position: each for each in one}
    for each in other:
        known = found.get(each.position)
        found[each.position] = each if known is None else _joined(known, each)
    return tuple(found[position] for position in sorted(found))


def _joined(one: Shown, other: Shown) -> Shown:
    events = {each.number: each for each in one.events}
    forked = one.entry != other.entry or any(
        events.setdefault(each.number, each).line != each.line for each in other.events
    )
    if forked:
        raise Refuted(f"the log showed two different submissions at position {one.position}")
    return replace(one, events=tuple(events[number] for number in sorted(events)))
