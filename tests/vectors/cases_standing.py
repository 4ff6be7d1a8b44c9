"""Cases of status and accreditation: what stood where when the credential was issued, and since."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from tests.harness.story import party
from tests.vectors.cases import case
from tests.vectors.cases_theft import reinstated, revoked, suspended
from tests.vectors.scene import Scene

# --- Status ---


@case("a suspension", refuted="status")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, suspended(scene))


@case("a suspension that was lifted")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, suspended(scene))
    scene.says(scene.story.provider, reinstated(scene))


@case("a revocation", refuted="status")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, revoked(scene))


@case("a revocation after a suspension", refuted="status")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, suspended(scene))
    scene.says(scene.story.provider, revoked(scene))


@case("a revocation that was stated twice", refuted="status")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, revoked(scene), revoked(scene))


@case("a revoked credential that was reinstated against the rules", refuted="status")
def _(scene: Scene) -> None:
    """Nothing leads out of a final status, whatever an operator admits."""
    scene.says(scene.story.provider, revoked(scene), reinstated(scene))


@case("a replacement by another credential", refuted="status")
def _(scene: Scene) -> None:
    new = scene.holders[2].id
    superseded = e.CredentialSuperseded(credential=scene.holder.id, successor=new)
    scene.says(scene.story.provider, superseded)


@case("a revocation after the size that was asked for")
def _(scene: Scene) -> None:
    positions, size = scene.positions(), len(scene.log.entries)
    scene.says(scene.story.provider, revoked(scene))
    scene.show(positions)
    scene.bend(lambda f: f.update(size=size))


@case("a revocation before the issuance that its owner wrote again", refuted="status")
def _(scene: Scene) -> None:
    """The owner of an id ends it for good, also while nothing under it counts."""
    provider, event, position = scene.story.provider, scene.prepared(), len(scene.log.entries)
    fresh = provider.with_key("vectors fresh")
    scene.says(provider, event)
    listed = scene.story.key_listed(fresh)
    scene.says(provider.recovery, scene.story.key_compromised(provider, since=position), listed)
    scene.says(fresh, revoked(scene))
    scene.says(fresh, event)


@case("an achievement retired before the issuance")
def _(scene: Scene) -> None:
    """That is flagged, and refutes nothing."""
    scene.says(scene.story.provider, e.AchievementRetired(achievement=scene.story.achievement))
    scene.award()


# --- Accreditation ---


@case("no accreditation claimed", refuted="accreditation")
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


@case("an accreditation suspended before", refuted="accreditation")
def _(scene: Scene) -> None:
    story = scene.story
    there = e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern")
    scene.says(story.accreditor, there)
    scene.award()


@case("an accreditation withdrawn by another accreditor, which has no say")
def _(scene: Scene) -> None:
    story, other = scene.story, party("vectors other accreditor")
    scene.says(story.authority, story.registered(story.authority, other, "accreditor"))
    withdrawn = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct")
    scene.says(other, withdrawn)
    scene.award()


@case("an accreditation that is over", refuted="accreditation")
def _(scene: Scene) -> None:
    _under(scene, valid_until=date(2026, 11, 20))


@case("an accreditation on its last day")
def _(scene: Scene) -> None:
    _under(scene, valid_until=date(2026, 11, 21))


@case("an accreditation that begins tomorrow", refuted="accreditation")
def _(scene: Scene) -> None:
    _under(scene, valid_from=date(2026, 11, 22))


@case("an accreditation for something else", refuted="accreditation")
def _(scene: Scene) -> None:
    _under(scene, scope=Scope(fields=("09",)))


@case("an accreditation of another", refuted="accreditation")
def _(scene: Scene) -> None:
    other = party("vectors other provider")
    story = scene.story
    scene.says(story.accreditor, story.registered(story.accreditor, other, "provider"))
    _under(scene, provider=other.did)


@case("a conditional accreditation")
def _(scene: Scene) -> None:
    _under(scene, decision="conditional")


@case("an accreditation granted after the issuance", refuted="accreditation")
def _(scene: Scene) -> None:
    story, id_ = scene.story, scene.story.new_id()
    scene.award(accreditation=id_)
    scene.says(story.accreditor, story.accredited(id_))


# --- The country that the accreditor vouches for ---


@case("an accreditation for the country that it vouches for")
def _(scene: Scene) -> None:
    _under(scene, country="BE", scope=Scope(jurisdictions=("BE",)))


@case("an accreditation for another country than it vouches for", refuted="accreditation")
def _(scene: Scene) -> None:
    _under(scene, scope=Scope(jurisdictions=("BE",)))


@case("a country that the issuer states of itself, which widens nothing", refuted="accreditation")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, scene.story.updated("An Organization", "BE"))
    _under(scene, scope=Scope(jurisdictions=("BE",)))


@case("a country that was restated before the issuance", refuted="accreditation")
def _(scene: Scene) -> None:
    _restated(scene, before=True)


@case("a country that was restated after the issuance")
def _(scene: Scene) -> None:
    _restated(scene, before=False)


def _restated(scene: Scene, *, before: bool) -> None:
    story, id_ = scene.story, scene.story.new_id()
    scope = Scope(jurisdictions=("NL",))
    scene.says(story.accreditor, msgspec.structs.replace(story.accredited(id_), scope=scope))
    moved = e.AccreditationRestated(accreditation=id_, country="BE", name="An Organization")
    if before:
        scene.says(story.accreditor, moved)
    scene.award(accreditation=id_)
    if not before:
        scene.says(story.accreditor, moved)


def _under(scene: Scene, **members: Any) -> None:
    """Issue under an accreditation of the story's accreditor that says something else."""
    story = scene.story
    granted = msgspec.structs.replace(story.accredited(id_ := story.new_id()), **members)
    scene.says(story.accreditor, granted)
    scene.award(accreditation=id_)
