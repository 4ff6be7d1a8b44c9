"""Which histories a proven verdict takes whole, and how many entries they are.

They are the keys of the issuer, of the accreditor and of every authority of the chain, the
credential, its accreditation and the recognitions of the chain; and, where a successor acted,
the organization that it acted for, what its speaker said of succession, and its own keys.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from tests.trust_model.chain import led_to
from tests.trust_model.events import (
    AccreditationGranted,
    Changed,
    Closed,
    Event,
    Issued,
    KeyEvent,
    Objected,
    RecognitionGranted,
    Registered,
    Restated,
    Succeeded,
    Updated,
)
from tests.trust_model.status import speakers
from tests.trust_model.story import as_logged
from tests.trust_model.verdict import verdict
from tests.trust_model.world import Said, Thing, World

Touched: TypeAlias = tuple[str, ...]
"""The name of one history, such as `("keys", "College")`."""


def touched(event: Event, actor: str) -> Touched | None:
    """Return the history that an event belongs to, by the event and its signer alone."""
    name: Touched | None = None
    match event:
        case Registered():
            name = "keys", event.organization
        case Changed() | Restated():
            name = event.kind, event.id
        case RecognitionGranted():
            name = "recognition", event.recognition
        case AccreditationGranted():
            name = "accreditation", event.accreditation
        case Issued():
            name = "credential", event.credential
        case Succeeded() if event.organization != actor:
            name = "succession", event.organization, actor
        case Succeeded() | Closed() | Objected() | Updated():
            name = "organization", actor
        case _ if isinstance(event, KeyEvent):
            name = "keys", actor
    return name


def histories(world: World, credential: str, anchors: Collection[str]) -> frozenset[Touched]:
    """Return what the verdict about the credential, as logged, takes whole."""
    issued = world.thing("credential", credential)
    if issued is None or not isinstance(issued.event, Issued):
        return frozenset()
    found: set[Touched] = {("keys", issued.owner), ("credential", credential)}
    accreditation = world.thing("accreditation", issued.event.accreditation or "")
    if accreditation is not None:
        found |= {("accreditation", accreditation.id), ("keys", accreditation.owner)}
    path = verdict(world, as_logged(world.log, credential), anchors).path or ()
    for id_ in path:
        recognition = world.things["recognition", id_, 1]
        found |= {("recognition", id_), ("keys", recognition.owner)}
    things = [world.thing("recognition", id_) for id_ in path]
    for thing in (issued, accreditation, *things):
        for said in () if thing is None else world.stream(thing.kind, thing.id):
            assert thing is not None
            if said.actor == thing.owner or not isinstance(said.event, Changed):
                continue
            found |= _successions(world, anchors, said, thing)
    return frozenset(found)


def _successions(world: World, anchors: Collection[str], said: Said, thing: Thing) -> set[Touched]:
    """Return what an act of another organization rests on, if it is heard."""
    heard = led_to(world, anchors)
    found: set[Touched] = set()
    for speaker in speakers(world, thing, said.actor, said.position, said.recorded_at):
        if speaker == thing.owner:
            found |= {("organization", thing.owner), ("keys", said.actor)}
        elif heard(speaker, said.position):
            succession = "succession", thing.owner, speaker
            found |= {("organization", thing.owner), succession, ("keys", said.actor)}
    return found


def length(world: World, taken: Collection[Touched]) -> int:
    """Return how many entries of the log belong to these histories."""
    return sum(
        touched(event, submission.organization) in taken
        for submission in world.log
        for event in submission.events
    )
