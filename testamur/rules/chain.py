"""From an anchor to an accreditor: at most four recognitions, each in force where it is needed.

All recognitions but the last make their subject an authority, the last makes the accreditor an
accreditor. A recognition that does not count, is not in force or does not cover the issuance is
no link, so no number of bad ones hides a good one. The search goes from the anchors along what
authorities granted themselves, so that no stranger can lengthen it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Final, NamedTuple

from testamur.catalogue.members import Definition
from testamur.catalogue.table import Kind
from testamur.rules.facets import Facets
from testamur.rules.register import Grant, Register
from testamur.rules.scope import uncovered
from testamur.rules.status import FIRST, existing, status

LONGEST: Final = 4
"""How many recognitions a chain has at most."""


class Covered(NamedTuple):
    """What a scope is asked about: an achievement, its definition, and the country vouched for."""

    achievement: str
    definition: Definition | Facets
    country: str


class Moment(NamedTuple):
    """Where a grant must hold, and for what; `covered` is None where no scope is asked."""

    position: int
    day: date
    covered: Covered | None = None


def in_force(register: Register, kind: Kind, grant: Grant | None, moment: Moment) -> bool:
    """Return whether a recognition or an accreditation holds and covers at a moment."""
    if grant is None:
        return False
    event = grant.event
    if moment.day < event.valid_from:
        return False
    if event.valid_until is not None and event.valid_until < moment.day:
        return False
    if status(register, kind, grant, before=moment.position) is not FIRST[kind]:
        return False
    return moment.covered is None or not uncovered(event.scope, *moment.covered)


def chain(
    register: Register, accreditor: str, moment: Moment, anchors: Collection[str]
) -> tuple[str, ...] | None:
    """Return the ids of one shortest chain of recognitions, anchor first; None if there is none.

    It is empty if the accreditor is itself an anchor. Of chains of one length it is the one whose
    recognitions came into being first.
    """
    if accreditor in anchors:
        return ()
    reached: dict[str, tuple[str, ...]] = dict.fromkeys(sorted(anchors), ())
    seen = set(reached)
    for further in reversed(range(LONGEST)):
        # The accreditor's come first: authorities may be thousands, and are gone through only
        # where no shorter chain is.
        links = _begun(register, moment, _accrediting(register, reached, accreditor))
        for id_, authority in links:
            if in_force(register, Kind.RECOGNITION, register.recognitions[id_], moment):
                return (*reached[authority], id_)
        if further:
            reached = _authorities(register, reached, seen, moment)
    return None


def _authorities(
    register: Register, reached: Mapping[str, tuple[str, ...]], seen: set[str], moment: Moment
) -> dict[str, tuple[str, ...]]:
    """Return the authorities one recognition further, each with its chain; `seen` grows by them."""
    found: dict[str, tuple[str, ...]] = {}
    granted = ((id_, each) for each in reached for id_ in register.authorised_by(each))
    for id_, authority in _begun(register, moment, granted):
        grant = register.recognitions[id_]
        if grant.subject not in seen and in_force(register, Kind.RECOGNITION, grant, moment):
            found[grant.subject] = (*reached[authority], id_)
            seen.add(grant.subject)
    return found


def _accrediting(
    register: Register, authorities: Iterable[str], accreditor: str
) -> Iterator[tuple[str, str]]:
    """Yield the recognitions by authorities that make this accreditor one, each with its owner."""
    for authority in authorities:
        for id_ in register.grants_of.get(f"{accreditor} {authority}", ()):
            grant = register.recognitions.get(id_)
            if grant is not None and grant.makes == "accreditor":
                yield id_, authority


def _begun(
    register: Register, moment: Moment, links: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return those that came into being before the moment, the oldest first."""
    begun = []
    for id_, authority in links:
        began = existing(register, register.recognitions[id_], moment.position)
        if began is not None:
            begun.append((began[0], id_, authority))
    return [(id_, authority) for _, id_, authority in sorted(begun)]
