"""Cases of stolen signing keys: what a thief signed counts no more, what the owner did stands."""

from __future__ import annotations

from testamur.catalogue import events as e
from tests.harness.story import Party
from tests.vectors.cases import case
from tests.vectors.scene import Scene


def suspended(scene: Scene) -> e.CredentialSuspended:
    return e.CredentialSuspended(credential=scene.holder.id, reason="administrative")


def reinstated(scene: Scene) -> e.CredentialReinstated:
    return e.CredentialReinstated(credential=scene.holder.id)


def revoked(scene: Scene) -> e.CredentialRevoked:
    return e.CredentialRevoked(credential=scene.holder.id, reason="misconduct")


def declare(
    scene: Scene, who: Party, since: int, *kept: tuple[int, int], by: Party | None = None
) -> int:
    """Declare the key that `who` signs with compromised, with its recovery key unless `by`."""
    stolen = scene.story.key_compromised(who, since=since, kept=kept or None)
    return scene.says(by or who.recovery, stolen)


def renew(scene: Scene, who: Party, name: str = "fresh") -> Party:
    """List another signing key; return the organization signing with it."""
    fresh = who.with_key(f"vectors {name}")
    scene.says(who.recovery, scene.story.key_listed(fresh))
    return fresh


# --- The issuance ---


@case("an issuance by a thief", refuted="signature")
def _(scene: Scene) -> None:
    position = len(scene.log.entries)
    scene.award()
    declare(scene, scene.story.provider, position)


@case("an issuance before the theft")
def _(scene: Scene) -> None:
    declare(scene, scene.story.provider, len(scene.log.entries))


@case("an issuance during the theft that its owner kept")
def _(scene: Scene) -> None:
    position = len(scene.log.entries)
    scene.award()
    declare(scene, scene.story.provider, 10, (10, 10), (position, position))


@case("an issuance between two that the owner kept", refuted="signature")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, scene.story.issued())
    position = len(scene.log.entries)
    scene.award()
    scene.says(scene.story.provider, scene.story.issued())
    declare(scene, scene.story.provider, 10, (10, position - 1), (position + 1, position + 2))


@case("a key that declares itself compromised, and says nothing about its past")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    scene.says(provider, scene.story.key_compromised(provider))


@case("an issuance by a key that declared itself compromised", refuted="signature")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    scene.says(provider, scene.story.key_compromised(provider))
    scene.award()


@case("an issuance by a retired key", refuted="signature")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    scene.says(provider.recovery, scene.story.key_retired(provider))
    scene.award()


@case("an issuance by a key that was retired afterwards")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    scene.says(provider.recovery, scene.story.key_retired(provider))


@case("an issuance by a key that was never listed", unchecked="signature")
def _(scene: Scene) -> None:
    scene.award(by=scene.story.provider.with_key("vectors stranger"))


@case("an issuance that a thief's key wrote first, and its owner wrote again")
def _(scene: Scene) -> None:
    provider, event, position = scene.story.provider, scene.prepared(), len(scene.log.entries)
    scene.says(provider, event)
    declare(scene, provider, position)
    scene.says(renew(scene, provider), event)


# --- 90 days ---


@case("a theft that was declared 91 days later")
def _(scene: Scene) -> None:
    position = len(scene.log.entries)
    scene.award()
    scene.wait(91)
    declare(scene, scene.story.provider, position)


@case("a theft that was declared 90 days later", refuted="signature")
def _(scene: Scene) -> None:
    position = len(scene.log.entries)
    scene.award()
    scene.wait(90)
    declare(scene, scene.story.provider, position)


@case("a declaration that was restated within 90 days")
def _(scene: Scene) -> None:
    declare(scene, scene.story.provider, 10)
    scene.wait(90)
    declare(scene, scene.story.provider, len(scene.log.entries))


@case("a declaration that was restated after 90 days, when it was final", refuted="signature")
def _(scene: Scene) -> None:
    declare(scene, scene.story.provider, 10)
    scene.wait(90, 1)
    declare(scene, scene.story.provider, len(scene.log.entries))


# --- What became of it ---


@case("a revocation by a thief")
def _(scene: Scene) -> None:
    position = scene.says(scene.story.provider, revoked(scene))
    declare(scene, scene.story.provider, position)


@case("a revocation by a thief that its owner stated again", refuted="status")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    position = scene.says(provider, revoked(scene))
    owner = renew(scene, provider)
    scene.says(owner, revoked(scene))
    declare(scene, provider, position)


@case("a reinstatement by a thief", refuted="status")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    scene.says(provider, suspended(scene))
    position = scene.says(provider, reinstated(scene))
    declare(scene, provider, position)


@case("a suspension by a thief that its owner lifted")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    position = scene.says(provider, suspended(scene))
    declare(scene, provider, position)
    scene.says(renew(scene, provider), reinstated(scene))


# --- What it rests on ---


@case("a definition by a thief", refuted="achievement", unchecked="accreditation")
def _(scene: Scene) -> None:
    _issued_after_revision(scene, 2)


@case("a definition by a thief that the issuance is not about")
def _(scene: Scene) -> None:
    _issued_after_revision(scene, 1)


def _issued_after_revision(scene: Scene, version: int) -> None:
    story, provider = scene.story, scene.story.provider
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    position = scene.says(provider, revised)
    scene.award(by=renew(scene, provider), achievement_version=version)
    declare(scene, provider, position)


@case("an accreditation by a thief", refuted="accreditation")
def _(scene: Scene) -> None:
    story, id_ = scene.story, scene.story.new_id()
    position = scene.says(story.accreditor, story.accredited(id_))
    scene.award(accreditation=id_)
    declare(scene, story.accreditor, position)


@case("an accreditation reinstated by a thief", refuted="accreditation")
def _(scene: Scene) -> None:
    story, id_ = scene.story, scene.story.accreditation
    there = e.AccreditationSuspended(accreditation=id_, reason="qualityConcern")
    scene.says(story.accreditor, there)
    position = scene.says(story.accreditor, e.AccreditationReinstated(accreditation=id_))
    scene.award()
    declare(scene, story.accreditor, position)


@case("an accreditation withdrawn by a thief")
def _(scene: Scene) -> None:
    story = scene.story
    gone = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct")
    position = scene.says(story.accreditor, gone)
    scene.award()
    declare(scene, story.accreditor, position)


@case("a recognition by a thief alone", refuted="recognition")
def _(scene: Scene) -> None:
    _recognised_by_thief(scene)


@case("a recognition by a thief beside a good one")
def _(scene: Scene) -> None:
    fresh = _recognised_by_thief(scene)
    scene.says(fresh, scene.story.recognised(scene.story.new_id()))
    scene.award()


def _recognised_by_thief(scene: Scene) -> Party:
    story, authority = scene.story, scene.story.authority
    fresh = renew(scene, authority)
    position = scene.says(authority, story.recognised(story.new_id()))
    gone = e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition)
    scene.says(fresh, gone)
    scene.award()
    declare(scene, authority, position)
    return fresh


@case("a recognition withdrawn by a thief")
def _(scene: Scene) -> None:
    story = scene.story
    gone = e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    position = scene.says(story.authority, gone)
    scene.award()
    declare(scene, story.authority, position)


# --- Whose key it is ---


@case("a declaration by the former sponsor, which has no say")
def _(scene: Scene) -> None:
    declare(scene, scene.story.provider, 0, by=scene.story.accreditor.founding)


@case("a declaration by another signing key, which has no say")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    declare(scene, provider, 0, by=renew(scene, provider))


@case("an issuer that stays though its sponsor's submission counts no more")
def _(scene: Scene) -> None:
    """The registration stands by the issuer's founding key; the accreditation was granted anew."""
    story, id_ = scene.story, scene.story.new_id()
    declare(scene, story.accreditor, 5)
    scene.says(renew(scene, story.accreditor), story.accredited(id_))
    scene.award(accreditation=id_)


@case("a registration in a submission that counts no more", refuted="accreditation")
def _(scene: Scene) -> None:
    """The accreditor's word beside it falls, the organization and its signature stand."""
    declare(scene, scene.story.accreditor, 5)


# --- The credential's own proof ---


@case("a proof by a stolen key", refuted="proof")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    scene.award(by=renew(scene, provider))
    scene.sign(provider.key)
    declare(scene, provider, 10)


@case("a proof by a key that was stolen afterwards", holds="proof")
def _(scene: Scene) -> None:
    scene.sign(scene.story.provider.key)
    declare(scene, scene.story.provider, len(scene.log.entries))


@case("a proof by a key that was listed after the issuance", refuted="proof")
def _(scene: Scene) -> None:
    scene.sign(renew(scene, scene.story.provider).key)
