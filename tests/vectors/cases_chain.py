"""Cases of recognition: which chains lead from an anchor to the accreditor, where it was issued."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Role, Scope
from tests.harness.story import Party, party
from tests.vectors.cases import case
from tests.vectors.scene import Scene


def _withdrawn(scene: Scene) -> e.RecognitionWithdrawn:
    return e.RecognitionWithdrawn(reason="misconduct", recognition=scene.story.recognition)


@case("a recognition withdrawn before", refuted="recognition")
def _(scene: Scene) -> None:
    scene.says(scene.story.authority, _withdrawn(scene))
    scene.award()


@case("a recognition withdrawn since")
def _(scene: Scene) -> None:
    scene.says(scene.story.authority, _withdrawn(scene))


@case("a recognition withdrawn by another authority, which has no say")
def _(scene: Scene) -> None:
    (other,) = _authorities(scene, 1)
    scene.says(other, _withdrawn(scene))
    scene.award()


@case("a recognition for something else", refuted="recognition")
def _(scene: Scene) -> None:
    _under(scene, scope=Scope(fields=("09",)))


@case("a recognition for the country that the accreditation vouches for")
def _(scene: Scene) -> None:
    _under(scene, scope=Scope(jurisdictions=("NL",)))


@case("a recognition that is over", refuted="recognition")
def _(scene: Scene) -> None:
    _under(scene, valid_until=date(2026, 11, 20))


@case("a recognition as authority, which makes no accreditor", refuted="recognition")
def _(scene: Scene) -> None:
    _under(scene, as_="authority")


@case("a recognition granted after the issuance", refuted="recognition")
def _(scene: Scene) -> None:
    story, late, id_ = scene.story, party("vectors late"), scene.story.new_id()
    scene.says(story.authority, story.registered(story.authority, late, "accreditor"))
    scene.says(late, story.accredited(id_))
    scene.award(accreditation=id_)
    scene.says(story.authority, story.recognised(story.new_id(), of=late))


@case("many recognitions that do not cover it, and one that does")
def _(scene: Scene) -> None:
    story = scene.story
    narrow = [
        msgspec.structs.replace(story.recognised(story.new_id()), scope=Scope(fields=("09",)))
        for _ in range(15)
    ]
    scene.says(story.authority, *narrow)
    scene.award()


def _under(scene: Scene, **members: Any) -> None:
    """Issue under an accreditor of its own, whose recognition says something else."""
    story, other, id_ = scene.story, party("vectors other accreditor"), scene.story.new_id()
    recognised = story.recognised(story.new_id(), of=other)
    scene.says(
        story.authority,
        story.registered(story.authority, other, "accreditor"),
        msgspec.structs.replace(recognised, **members),
    )
    scene.says(other, story.accredited(id_))
    scene.award(accreditation=id_)


# --- Anchors ---


@case("anchors that never recognised it", refuted="recognition")
def _(scene: Scene) -> None:
    scene.anchors = [party("vectors unknown authority").did]


@case("an accreditor that is itself an anchor")
def _(scene: Scene) -> None:
    scene.says(scene.story.authority, _withdrawn(scene))
    scene.award()
    scene.anchors = [scene.story.accreditor.did]


@case("an issuer that is an anchor, and accredits nobody", refuted="recognition")
def _(scene: Scene) -> None:
    scene.anchors = [scene.story.provider.did]


@case("no anchors: those of the genesis")
def _(scene: Scene) -> None:
    scene.anchors = []


@case("an unknown anchor beside the right one")
def _(scene: Scene) -> None:
    scene.anchors.append(party("vectors unknown authority").did)


# --- Hops ---


def _authorities(scene: Scene, count: int, begin: Party | None = None) -> list[Party]:
    """Register so many authorities, each recognised as one by the one before it."""
    story, found = scene.story, []
    before = begin or story.authority
    for number in range(count):
        new = party(f"vectors authority {number}")
        scene.says(
            before,
            story.registered(before, new, "authority"),
            story.recognised(story.new_id(), as_="authority", of=new),
        )
        found.append(before := new)
    return found


def _accreditor_of(scene: Scene, authority: Party) -> Party:
    """Register an accreditor that this authority recognises, and issue under it."""
    story, new, id_ = scene.story, party("vectors far accreditor"), scene.story.new_id()
    recognised = story.recognised(story.new_id(), of=new)
    scene.says(authority, story.registered(authority, new, "accreditor"), recognised)
    scene.says(new, story.accredited(id_))
    scene.award(accreditation=id_)
    return new


@case("a chain of two recognitions")
def _(scene: Scene) -> None:
    _accreditor_of(scene, _authorities(scene, 1)[-1])


@case("a chain of four recognitions")
def _(scene: Scene) -> None:
    _accreditor_of(scene, _authorities(scene, 3)[-1])


@case("a chain of five recognitions", refuted="recognition")
def _(scene: Scene) -> None:
    _accreditor_of(scene, _authorities(scene, 4)[-1])


@case("a chain of five recognitions, of which the second authority is an anchor")
def _(scene: Scene) -> None:
    authorities = _authorities(scene, 4)
    _accreditor_of(scene, authorities[-1])
    scene.anchors = [authorities[0].did]


@case("an accreditor that recognises, which makes no authority", refuted="recognition")
def _(scene: Scene) -> None:
    """The role of an authority that it was registered with makes it none."""
    story, both = scene.story, party("vectors both")
    scene.says(
        story.authority,
        story.registered(story.authority, both, "accreditor", "authority"),
        story.recognised(story.new_id(), of=both),
    )
    _accreditor_of(scene, both)


@case("an authority that the anchor registered and never recognised", refuted="recognition")
def _(scene: Scene) -> None:
    story, minor = scene.story, party("vectors minor authority")
    scene.says(story.authority, story.registered(story.authority, minor, "authority"))
    _accreditor_of(scene, minor)


@case("a chain whose first recognition was withdrawn before", refuted="recognition")
def _(scene: Scene) -> None:
    story, minor, id_ = scene.story, party("vectors minor authority"), scene.story.new_id()
    scene.says(
        story.authority,
        story.registered(story.authority, minor, "authority"),
        story.recognised(id_, as_="authority", of=minor),
        e.RecognitionWithdrawn(reason="misconduct", recognition=id_),
    )
    _accreditor_of(scene, minor)


@case("puppet authorities that recognise one another and the accreditor", refuted="recognition")
def _(scene: Scene) -> None:
    story = scene.story
    scene.says(story.authority, _withdrawn(scene))
    first = party("vectors puppet")
    scene.says(story.authority, story.registered(story.authority, first, "authority"))
    puppets = [first, *_authorities(scene, 4, begin=first)]
    for puppet in puppets:
        scene.says(puppet, story.recognised(story.new_id()))
        back = story.recognised(story.new_id(), as_="authority", of=first)
        scene.says(puppet, back)
    scene.award()


# --- Within one submission ---


def _own_all(scene: Scene) -> tuple[Party, e.Event, e.Event]:
    """Let an organization accredit itself; return it, a recognition by it, and its issuance."""
    story, every = scene.story, party("vectors authority, accreditor and provider")
    roles: tuple[Role, ...] = ("accreditor", "authority", "provider")
    scene.says(
        story.authority,
        story.registered(story.authority, every, *roles),
        story.recognised(story.new_id(), as_="authority", of=every),
    )
    accreditation, achievement = story.new_id(), story.new_id()
    accredited = story.accredited(accreditation, of=every)
    scene.says(every, accredited, story.defined(achievement))
    event = scene.prepared(
        lambda c: c["issuer"].update(id=every.did),
        achievement=achievement,
        accreditation=accreditation,
    )
    return every, story.recognised(story.new_id(), of=every), event


@case("a recognition before the issuance in one submission")
def _(scene: Scene) -> None:
    every, own, event = _own_all(scene)
    scene.says(every, own, event)


@case("a recognition after the issuance in one submission", refuted="recognition")
def _(scene: Scene) -> None:
    every, own, event = _own_all(scene)
    scene.says(every, event, own)


@case("a recognition withdrawn after the issuance in one submission")
def _(scene: Scene) -> None:
    every, own, event = _own_all(scene)
    assert isinstance(own, e.RecognitionGranted)
    scene.says(every, own)
    gone = e.RecognitionWithdrawn(recognition=own.recognition, reason="voluntary")
    scene.says(every, event, gone)
