"""What became of a thing: its status, who may change it, and for whom they act.

Every right is judged anew: an event of another organization is heard only while a succession
that counts, and has taken effect, names that organization. The status before is not judged
anew: an event sets the status that its row names, but nothing leads out of a final one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tests.trust_model.events import (
    AccreditationGranted,
    Changed,
    Issued,
    Kind,
    Restated,
    Succeeded,
    Verb,
    Words,
)
from tests.trust_model.settings import Rule
from tests.trust_model.world import Said, Thing, World

Status = Literal["active", "suspended", "revoked", "superseded", "withdrawn", "retired"]
Heard: TypeAlias = Callable[[str, int], bool]
"""Whether a verifier hears the successors of a speaker, by the position at which one acts."""

AFTER: Final[dict[Verb, Status]] = {
    "suspend": "suspended",
    "reinstate": "active",
    "revoke": "revoked",
    "supersede": "superseded",
    "withdraw": "withdrawn",
    "retire": "retired",
}
FINAL: Final = frozenset[Status]({"revoked", "superseded", "withdrawn", "retired"})
FOLLOWS: Final[dict[Verb, frozenset[Status]]] = {
    "suspend": frozenset({"active"}),
    "reinstate": frozenset({"suspended"}),
    "revoke": frozenset({"active", "suspended"}),
    "supersede": frozenset({"active", "suspended"}),
    "withdraw": frozenset({"active", "suspended"}),
    "retire": frozenset({"active"}),
}
ROWS: Final[dict[Kind, frozenset[Verb]]] = {
    "credential": frozenset({"suspend", "reinstate", "revoke", "supersede"}),
    "accreditation": frozenset({"suspend", "reinstate", "withdraw"}),
    "recognition": frozenset({"withdraw"}),
    "achievement": frozenset({"retire"}),
}
"""What can happen to a thing of each kind."""

ENDINGS: Final = frozenset[Verb]({"revoke", "supersede", "withdraw"})
"""What its owner said of an id that stands even if the id comes back only later."""


def nobody(_speaker: str, _position: int) -> bool:
    """Hear no successor but the owner's own: an answer that rests on no anchors."""
    return False


def everybody(_speaker: str, _position: int) -> bool:
    """Hear the successors that any accreditor named."""
    return True


def status(
    world: World, kind: Kind, id_: str, *, before: int | None = None, heard: Heard = nobody
) -> Status | None:
    """Return the status, or None for what does not exist as of `before`."""
    thing = existing(world, kind, id_)
    if thing is None or (before is not None and thing.position >= before):
        return None
    current: Status = "active"
    for said in world.stream(kind, id_):
        if before is not None and said.position >= before:
            break
        if not isinstance(said.event, Changed) or not _applies(world, thing, said, heard):
            continue
        if current in FINAL and world.settings.has(Rule.FINAL_STATUS):
            break
        current = AFTER[said.event.verb]
    return current


@dataclass(frozen=True, slots=True)
class Act:
    """One status event that counts, and for whom its signer acted; for nobody if that is empty."""

    position: int
    verb: Verb
    actor: str
    acted_for: tuple[str, ...]


def acts(world: World, kind: Kind, id_: str) -> list[Act]:
    """Return who did what to a thing, in order, and for whom.

    An answer that rests on no anchors gives `status` by the owner and the successors it named, and
    lists beside it what the successors of others said.
    """
    thing = existing(world, kind, id_)
    if thing is None:
        return []
    found = []
    for said in world.stream(kind, id_):
        if isinstance(said.event, Changed) and said.position > thing.position:
            acted_for = speakers(world, thing, said.actor, said.position, said.recorded_at)
            found.append(Act(said.position, said.event.verb, said.actor, acted_for))
    return found


def ended_by_owner(world: World, kind: Kind, id_: str) -> bool:
    """Return whether the first writer of an id ended it, whether or not it exists now."""
    owner = world.writers.get((kind, id_))
    return world.settings.has(Rule.OWNERS_END) and any(
        isinstance(said.event, Changed) and said.event.verb in ENDINGS and said.actor == owner
        for said in world.stream(kind, id_)
    )


def words_in_force(world: World, thing: Thing, before: int) -> Words | None:
    """Return what the signer of a grant vouches for at a position."""
    event = thing.event
    words = getattr(event, "words", None)
    for said in world.stream(thing.kind, thing.id):
        restated = said.event
        if (
            isinstance(restated, Restated)
            and said.actor == thing.owner
            and thing.position < said.position < before
        ):
            words = restated.words
    return words if isinstance(words, Words) else None


def speakers(
    world: World, thing: Thing, actor: str, position: int, recorded_at: int
) -> tuple[str, ...]:
    """Return those for whom `actor` acts at a position: the owner itself, or who named it."""
    if actor == thing.owner:
        return (actor,)
    found = [
        said.actor
        for said in world.successions.get(thing.owner, ())
        if isinstance(said.event, Succeeded)
        and said.event.successor == actor
        and said.position < position
        and _may_speak(world, thing, said, position)
        and _in_effect(world, said, position, recorded_at)
    ]
    return tuple(dict.fromkeys(found))


def may_name(world: World, organization: str, speaker: str, before: int) -> bool:
    """Return whether `speaker` may name a successor of `organization` for anything at all."""
    return speaker == organization or any(
        isinstance(thing.event, AccreditationGranted)
        and thing.owner == speaker
        and thing.event.organization == organization
        and thing.position < before
        for thing in world.things.values()
    )


def existing(world: World, kind: Kind, id_: str) -> Thing | None:
    """Return the thing; an achievement exists from its first version that counts."""
    if kind != "achievement":
        return world.thing(kind, id_)
    versions = [t for t in world.things.values() if (t.kind, t.id) == (kind, id_)]
    return min(versions, key=lambda thing: thing.position, default=None)


def _applies(world: World, thing: Thing, said: Said, heard: Heard) -> bool:
    if not isinstance(said.event, Changed):
        return False
    if said.position < thing.position and not (
        said.actor == thing.owner
        and said.event.verb in ENDINGS
        and world.settings.has(Rule.OWNERS_END)
    ):
        return False
    if not world.settings.has(Rule.RIGHTS_ANEW):
        return True
    if said.event.verb == "retire":
        return said.actor == thing.owner
    return any(
        speaker == thing.owner or heard(speaker, said.position)
        for speaker in speakers(world, thing, said.actor, said.position, said.recorded_at)
    )


def _may_speak(world: World, thing: Thing, said: Said, position: int) -> bool:
    """Return whether the speaker may name a successor for this very thing."""
    if said.actor == thing.owner:
        return True
    if thing.kind != "credential" or not may_name(world, thing.owner, said.actor, said.position):
        return False
    if not world.settings.has(Rule.OWN_ACCREDITOR):
        return True
    named = thing.event.accreditation if isinstance(thing.event, Issued) else None
    granted = None if named is None else world.thing("accreditation", named)
    return (
        granted is not None
        and granted.position < position
        and granted.owner == said.actor
        and isinstance(granted.event, AccreditationGranted)
        and granted.event.organization == thing.owner
    )


def _in_effect(world: World, said: Said, position: int, recorded_at: int) -> bool:
    assert isinstance(said.event, Succeeded)
    organization = said.event.organization
    if said.actor != organization and world.settings.has(Rule.OBJECTION):
        objections = world.objections.get(organization, ())
        if any(said.position < objection.position < position for objection in objections):
            return False
    return (
        not world.settings.has(Rule.NOTICE)
        or world.closed(organization, position)
        or recorded_at - said.recorded_at >= world.settings.notice
    )
