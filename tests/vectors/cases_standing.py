"""Cases of status, accreditation and recognition: who stood where when it was issued, and since."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Role, Scope
from tests.harness.story import Party, party, private_key
from tests.vectors.cases import case
from tests.vectors.scene import Scene

_WEB = Party("did:web:agency.example", private_key("agency of the web"), "key-1")


# --- Status ---


@case("a suspension", refuted="status")
def _(scene: Scene) -> None:
    suspended = e.CredentialSuspended(credential=scene.holder.id, reason="administrative")
    scene.says(scene.story.provider, suspended)


@case("a suspension that was lifted")
def _(scene: Scene) -> None:
    provider, id_ = scene.story.provider, scene.holder.id
    scene.says(provider, e.CredentialSuspended(credential=id_, reason="administrative"))
    scene.says(provider, e.CredentialReinstated(credential=id_))


@case("a revocation", refuted="status")
def _(scene: Scene) -> None:
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="misconduct")
    scene.says(scene.story.provider, revoked)


@case("a revocation after a suspension", refuted="status")
def _(scene: Scene) -> None:
    provider, id_ = scene.story.provider, scene.holder.id
    scene.says(provider, e.CredentialSuspended(credential=id_, reason="administrative"))
    scene.says(provider, e.CredentialRevoked(credential=id_, reason="misconduct"))


@case("a successor", refuted="status")
def _(scene: Scene) -> None:
    new = scene.holders[2].id
    scene.says(
        scene.story.provider, e.CredentialSuperseded(credential=scene.holder.id, successor=new)
    )
    scene.evidence(new)


@case("a revocation after the size that was asked for")
def _(scene: Scene) -> None:
    positions, size = scene.positions(), len(scene.log.entries)
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="misconduct")
    scene.says(scene.story.provider, revoked)
    scene.show(positions)
    scene.bend(lambda f: f.update(size=size))


# --- Accreditation ---


@case("no accreditation claimed", refuted="accreditation", unchecked="recognition")
def _(scene: Scene) -> None:
    scene.award(accreditation=None)


@case("an accreditation withdrawn before", refuted="accreditation")
def _(scene: Scene) -> None:
    story = scene.story
    withdrawn = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct")
    scene.says(story.accreditor, withdrawn)
    scene.award()


@case("an accreditation withdrawn since")
def _(scene: Scene) -> None:
    story = scene.story
    withdrawn = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="voluntary")
    scene.says(story.accreditor, withdrawn)


@case("an accreditation that is over", refuted="accreditation")
def _(scene: Scene) -> None:
    _under(scene, valid_until=date(2026, 11, 20))


@case("an accreditation for something else", refuted="accreditation")
def _(scene: Scene) -> None:
    _under(scene, scope=Scope(fields=("09",)))


@case("a conditional accreditation")
def _(scene: Scene) -> None:
    _under(scene, decision="conditional")


def _under(scene: Scene, **members: Any) -> None:
    """Issue under an accreditation of the story's accreditor that says something else."""
    story = scene.story
    granted = msgspec.structs.replace(story.accredited(id_ := story.new_id()), **members)
    scene.says(story.accreditor, granted)
    scene.award(accreditation=id_)


# --- Recognition ---


@case("a recognition withdrawn before", refuted="recognition")
def _(scene: Scene) -> None:
    story = scene.story
    withdrawn = e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    scene.says(story.authority, withdrawn)
    scene.award()


@case("a recognition for something else", refuted="recognition")
def _(scene: Scene) -> None:
    story, narrow = scene.story, party("narrow")
    id_ = story.new_id()
    recognised = msgspec.structs.replace(
        story.recognised(story.new_id()), accreditor=narrow.did, scope=Scope(fields=("09",))
    )
    entered = story.registered(story.authority, narrow, "accreditor")
    scene.says(story.authority, entered, recognised)
    scene.says(narrow, story.accredited(id_))
    scene.award(accreditation=id_)


@case("anchors that never recognised it", refuted="recognition")
def _(scene: Scene) -> None:
    scene.anchors = [party("another authority").did]


@case("an accreditor is no anchor of its own", refuted="recognition")
def _(scene: Scene) -> None:
    scene.anchors = [scene.story.accreditor.did, scene.story.provider.did]


@case("no anchors", unchecked="recognition")
def _(scene: Scene) -> None:
    scene.anchors = []


def _own_all(scene: Scene, *, scope: Scope | None = None) -> tuple[Party, e.Event, e.Event]:
    """Let an organization accredit itself; return it, its recognition and its issuance."""
    story, every = scene.story, party("authority, accreditor and provider")
    roles: tuple[Role, ...] = ("accreditor", "authority", "provider")
    scene.says(story.authority, story.registered(story.authority, every, *roles))
    accreditation, achievement, recognition = (story.new_id() for _ in range(3))
    own = msgspec.structs.replace(story.recognised(recognition), accreditor=every.did, scope=scope)
    accredited = msgspec.structs.replace(story.accredited(accreditation), provider=every.did)
    scene.says(every, accredited, story.defined(achievement))
    event = scene.prepared(
        lambda c: c["issuer"].update(id=every.did),
        achievement=achievement,
        accreditation=accreditation,
    )
    return every, own, event


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


@case("a country changed after the issuance in one submission", refuted="recognition")
def _(scene: Scene) -> None:
    every, own, event = _own_all(scene, scope=Scope(jurisdictions=("BE",)))
    scene.says(every, own)
    moved = e.OrganizationUpdated(country="BE", name="An Organization", organization=every.did)
    scene.says(every, event, moved)


@case("an authority that the anchor brought in")
def _(scene: Scene) -> None:
    _minor_authority(scene)


@case("an anchor beside the one that brought the authority in", refuted="recognition")
def _(scene: Scene) -> None:
    scene.anchors = [_minor_authority(scene).did]


def _minor_authority(scene: Scene) -> Party:
    """Issue under an accreditor of a minor authority; return the accreditor."""
    story = scene.story
    minor, accreditor = party("minor authority"), party("its accreditor")
    accreditation = story.new_id()
    scene.says(story.authority, story.registered(story.authority, minor, "authority"))
    scene.says(
        minor,
        story.registered(minor, accreditor, "accreditor"),
        msgspec.structs.replace(story.recognised(story.new_id()), accreditor=accreditor.did),
    )
    scene.says(accreditor, story.accredited(accreditation))
    scene.award(accreditation=accreditation)
    return accreditor


# --- The keys behind a recognition ---


@case("a recognition by a key that a sponsor added for the anchor", refuted="recognition")
def _(scene: Scene) -> None:
    minor = party("agency")
    _recognised_with_lent_key(scene, minor)
    scene.anchors = [minor.did]


@case("a recognition by a key that the anchor added for another")
def _(scene: Scene) -> None:
    _recognised_with_lent_key(scene, party("agency"))


def _recognised_with_lent_key(scene: Scene, minor: Party) -> None:
    story, lent = scene.story, minor.with_key("lent")
    scene.says(story.authority, story.registered(story.authority, minor, "authority"))
    scene.says(story.authority, story.key_added(minor, lent, by=story.authority))
    gone = e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition)
    scene.says(story.authority, gone)
    scene.says(lent, story.recognised(story.new_id()))
    scene.award()


@case("a pinned key that recognised nobody", refuted="recognition")
def _(scene: Scene) -> None:
    story = scene.story
    scene.says(story.authority, story.registered(story.authority, _WEB, "authority"))
    gone = e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition)
    scene.says(story.authority, gone)
    scene.says(_WEB, story.recognised(story.new_id()))
    scene.award()
    scene.anchors = [f"{_WEB.did}#{party('agency').key.public.multikey()}"]
