"""Cases of stolen keys: what a thief signed is refuted, and what came before it is spared."""

from __future__ import annotations

import msgspec

from testamur.catalogue import events as e
from tests.harness.story import Party, party
from tests.vectors.cases import case
from tests.vectors.scene import Scene


def _stolen(who: Party, since: int) -> e.KeyCompromised:
    return e.KeyCompromised(key=who.key_id, organization=who.did, since=since)


def _gone(scene: Scene) -> e.RecognitionWithdrawn:
    return e.RecognitionWithdrawn(reason="administrative", recognition=scene.story.recognition)


@case("a key stolen before the issuance", refuted="signature")
def _(scene: Scene) -> None:
    scene.says(scene.story.accreditor, _stolen(scene.story.provider, 10))


@case("a key stolen after the issuance")
def _(scene: Scene) -> None:
    scene.says(scene.story.accreditor, _stolen(scene.story.provider, 11))


@case("an accreditor's key stolen before it brought the provider in", refuted="signature")
def _(scene: Scene) -> None:
    scene.says(scene.story.authority, _stolen(scene.story.accreditor, 4))


@case("a revocation by a thief", refuted="status")
def _(scene: Scene) -> None:
    provider, position = scene.story.provider, len(scene.log.entries)
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="misconduct")
    scene.says(provider, revoked, _stolen(provider, position))


@case("a reinstatement by a thief", refuted="signature")
def _(scene: Scene) -> None:
    story, id_ = scene.story, scene.holder.id
    scene.says(story.provider, e.CredentialSuspended(credential=id_, reason="misconduct"))
    position = scene.says(story.provider, e.CredentialReinstated(credential=id_))
    scene.says(story.accreditor, _stolen(story.provider, position))


@case("a suspension by a thief that the owner lifted")
def _(scene: Scene) -> None:
    story, id_ = scene.story, scene.holder.id
    suspended = e.CredentialSuspended(credential=id_, reason="misconduct")
    position = scene.says(story.provider, suspended)
    scene.says(story.accreditor, _stolen(story.provider, position))
    owner = story.provider.with_key("new")
    scene.says(story.accreditor, story.key_added(story.provider, owner, by=story.accreditor))
    scene.says(owner, e.CredentialReinstated(credential=id_))


@case("an issuance by a key that a thief added", refuted="signature")
def _(scene: Scene) -> None:
    story = scene.story
    thief = story.provider.with_key("thief")
    position = scene.says(story.provider, story.key_added(story.provider, thief))
    scene.award(by=thief)
    scene.says(story.accreditor, _stolen(story.provider, position))


@case("an issuance by a thief", refuted="signature")
def _(scene: Scene) -> None:
    story, position = scene.story, len(scene.log.entries)
    scene.award()
    scene.says(story.accreditor, _stolen(story.provider, position))


@case("a definition by a thief", refuted="signature")
def _(scene: Scene) -> None:
    _issued_after_revision(scene, 2)


@case("a definition by a thief that the issuance is not about")
def _(scene: Scene) -> None:
    _issued_after_revision(scene, 1)


def _issued_after_revision(scene: Scene, version: int) -> None:
    story, fresh = scene.story, scene.story.provider.with_key("fresh")
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    position = scene.says(story.provider, revised)
    scene.says(story.accreditor, story.key_added(story.provider, fresh, by=story.accreditor))
    scene.award(by=fresh, achievement_version=version)
    scene.says(story.accreditor, _stolen(story.provider, position))


@case("an accreditation reinstated by a thief", refuted="signature")
def _(scene: Scene) -> None:
    story = scene.story
    there = e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern")
    scene.says(story.accreditor, there)
    mended = e.AccreditationReinstated(accreditation=story.accreditation)
    position = scene.says(story.accreditor, mended)
    scene.award()
    scene.says(story.authority, _stolen(story.accreditor, position))


@case("a country that a thief stated before the issuance", refuted="signature")
def _(scene: Scene) -> None:
    story, fresh = scene.story, scene.story.provider.with_key("fresh")
    stated = e.OrganizationUpdated(
        country="BE", name="An Organization", organization=story.provider.did
    )
    position = scene.says(story.provider, stated)
    scene.says(story.accreditor, story.key_added(story.provider, fresh, by=story.accreditor))
    scene.award(by=fresh)
    scene.says(story.accreditor, _stolen(story.provider, position))


@case("a recognition by a thief alone", refuted="signature")
def _(scene: Scene) -> None:
    _recognised_by_thief(scene)


@case("a recognition by a thief beside a good one")
def _(scene: Scene) -> None:
    fresh = _recognised_by_thief(scene)
    scene.says(fresh, scene.story.recognised(scene.story.new_id()))
    scene.award()


def _recognised_by_thief(scene: Scene) -> Party:
    story, fresh = scene.story, scene.story.authority.with_key("fresh")
    scene.says(story.authority, story.key_added(story.authority, fresh))
    position = scene.says(story.authority, story.recognised(story.new_id()))
    scene.says(fresh, _gone(scene))
    scene.award()
    scene.says(fresh, _stolen(story.authority, position))
    return fresh


@case("an authority that a thief brought in", refuted="signature")
def _(scene: Scene) -> None:
    story, minor = scene.story, party("minor authority")
    fresh = story.authority.with_key("fresh")
    scene.says(story.authority, story.key_added(story.authority, fresh))
    scene.says(fresh, _gone(scene))
    position = scene.says(story.authority, story.registered(story.authority, minor, "authority"))
    scene.says(minor, story.recognised(story.new_id()))
    scene.award()
    scene.says(fresh, _stolen(story.authority, position))


@case("a theft declared with a stolen key", unchecked="signature")
def _(scene: Scene) -> None:
    story = scene.story
    position = scene.says(story.accreditor, _stolen(story.provider, 6))
    scene.says(story.authority, _stolen(story.accreditor, position))


@case("a theft declared before the declaring key was stolen", refuted="signature")
def _(scene: Scene) -> None:
    story = scene.story
    position = scene.says(story.accreditor, _stolen(story.provider, 6))
    scene.says(story.authority, _stolen(story.accreditor, position + 1))


@case("a disputed dispute", unchecked="signature")
def _(scene: Scene) -> None:
    story, fresh = scene.story, scene.story.authority.with_key("fresh")
    scene.says(story.authority, story.key_added(story.authority, fresh))
    first = scene.says(story.accreditor, _stolen(story.provider, 6))
    second = scene.says(story.authority, _stolen(story.accreditor, first))
    scene.says(fresh, _stolen(story.authority, second))


@case("an authority that nobody trusts recognises and recants")
def _(scene: Scene) -> None:
    story, rogue = scene.story, party("rogue authority")
    scene.says(story.authority, story.registered(story.authority, rogue, "authority"))
    recognised = msgspec.structs.replace(story.recognised(story.new_id()))
    position = scene.says(rogue, recognised)
    scene.award()
    scene.says(rogue, _stolen(rogue, position))


@case("a proof by a stolen key")
def _(scene: Scene) -> None:
    scene.sign(scene.story.provider.key)
    scene.says(scene.story.accreditor, _stolen(scene.story.provider, len(scene.log.entries)))
