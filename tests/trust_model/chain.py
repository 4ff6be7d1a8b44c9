"""From an anchor to an accreditor: at most four recognitions, each in force where it is needed.

All recognitions but the last make their subject an authority, the last makes the accreditor an
accreditor. A recognition that does not count, is not in force or does not cover the issuance is
no link, so no number of bad ones can hide a good one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tests.trust_model.events import Definition, RecognitionGranted
from tests.trust_model.settings import Rule
from tests.trust_model.status import Heard, everybody, status
from tests.trust_model.world import Thing, World


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a chain must hold, and for what; `covered` is None where no scope is asked."""

    position: int
    day: int
    covered: tuple[str, Definition, str] | None = None
    """The achievement, its definition, and the country that the accreditation names."""


def chain(
    world: World, accreditor: str, moment: Moment, anchors: Collection[str]
) -> tuple[str, ...] | None:
    """Return the recognitions of one shortest chain, oldest first; None if there is none."""
    if accreditor in anchors:
        return ()
    return shortest(world, accreditor, links(world, moment), anchors)


def links(world: World, moment: Moment) -> list[Thing]:
    """Return the recognitions that hold at a moment, oldest first."""
    return [r for r in world.of_kind("recognition") if in_force(world, r, moment)]


def shortest(
    world: World, accreditor: str, recognitions: Sequence[Thing], anchors: Collection[str]
) -> tuple[str, ...] | None:
    """Return a chain of these recognitions as `chain` does."""
    if accreditor in anchors:
        return ()
    reached: dict[str, tuple[str, ...]] = {a: () for a in anchors if a in world.registrations}
    seen = set(reached)
    longest = world.settings.chain if world.settings.has(Rule.CHAIN_LENGTH) else len(recognitions)
    for _ in range(longest):
        further: dict[str, tuple[str, ...]] = {}
        for recognition in recognitions:
            if recognition.owner not in reached:
                continue
            granted = recognition.event
            assert isinstance(granted, RecognitionGranted)
            path = (*reached[recognition.owner], recognition.id)
            if granted.organization == accreditor and _makes(world, granted, "accreditor"):
                return path
            if granted.organization not in seen and _makes(world, granted, "authority"):
                further[granted.organization] = path
                seen.add(granted.organization)
        reached = further
    return None


def in_force(world: World, grant: Thing, moment: Moment) -> bool:
    """Return whether a recognition or an accreditation holds and covers at a moment."""
    before = moment.position if world.settings.has(Rule.AT_ISSUANCE) else None
    if status(world, grant.kind, grant.id, before=before) != "active":
        return False
    event = grant.event
    term, scope = getattr(event, "term", None), getattr(event, "scope", None)
    if term is None or scope is None or not term.covers(moment.day):
        return False
    return moment.covered is None or scope.covers(*moment.covered)


def led_to(world: World, anchors: Collection[str]) -> Heard:
    """Return which speakers a verifier with these anchors hears: accreditors that lead to one."""
    if not world.settings.has(Rule.ANCHORED_SPEAKER):
        return everybody

    def heard(speaker: str, position: int) -> bool:
        day = next(s.day for s in world.log if s.position < position < s.end)
        return chain(world, speaker, Moment(position, day), anchors) is not None

    return heard


def _makes(world: World, granted: RecognitionGranted, role: str) -> bool:
    return granted.recognised_as == role or not world.settings.has(Rule.RECOGNISED_AS)
