"""Cases of succession: who may act for an issuer that closed, or after 30 days, and who may not."""

from __future__ import annotations

from testamur.catalogue import events as e
from tests.harness.story import Party, party
from tests.vectors.cases import case
from tests.vectors.cases_theft import declare, reinstated, renew, revoked
from tests.vectors.scene import Scene


def _heir(scene: Scene) -> Party:
    """Register the organization that is to act for the issuer."""
    story, heir = scene.story, party("vectors heir")
    scene.says(story.accreditor, story.registered(story.accreditor, heir, "provider"))
    return heir


def _names(scene: Scene, speaker: Party, heir: Party) -> int:
    return scene.says(speaker, scene.story.succeeded(of=scene.story.provider, by=heir))


def _closes(scene: Scene) -> None:
    scene.says(scene.story.provider, scene.story.closed())


@case("a revocation by a stranger, which has no say")
def _(scene: Scene) -> None:
    scene.says(_heir(scene), revoked(scene))


@case("a revocation by the accreditor, which has no say")
def _(scene: Scene) -> None:
    scene.says(scene.story.accreditor, revoked(scene))


@case("a revocation by the successor that the closed issuer named", refuted="status")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.provider, heir)
    _closes(scene)
    scene.says(heir, revoked(scene))


@case("a revocation by a successor within 30 days, while the issuer is open")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.provider, heir)
    scene.wait(30, -1)
    scene.says(heir, revoked(scene))


@case("a revocation by a successor after 30 days", refuted="status")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.provider, heir)
    scene.wait(30)
    scene.says(heir, revoked(scene))


@case("a revocation by a successor before it was named")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _closes(scene)
    scene.says(heir, revoked(scene))
    _names(scene, scene.story.accreditor, heir)


@case("a revocation by the successor that the accreditor named", refuted="status")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.accreditor, heir)
    _closes(scene)
    scene.says(heir, revoked(scene))


@case("a successor named by an accreditor that leads to no anchor", refuted="recognition")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.accreditor, heir)
    _closes(scene)
    scene.says(heir, revoked(scene))
    scene.anchors = [party("vectors unknown authority").did]


@case("a revocation by the successor that another accreditor named")
def _(scene: Scene) -> None:
    """It accredited the issuer too, but the credential names the accreditation of another."""
    story, other, heir = scene.story, party("vectors other accreditor"), _heir(scene)
    recognised = story.recognised(story.new_id(), of=other)
    registered = story.registered(story.authority, other, "accreditor")
    scene.says(story.authority, registered, recognised)
    scene.says(other, story.accredited(story.new_id()))
    _names(scene, other, heir)
    _closes(scene)
    scene.says(heir, revoked(scene))


@case("a successor that an accreditor named and the issuer objected to")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.accreditor, heir)
    scene.says(scene.story.provider, scene.story.objected())
    scene.wait(31)
    scene.says(heir, revoked(scene))
    _closes(scene)


@case("a successor that an accreditor named after the objection", refuted="status")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    scene.says(scene.story.provider, scene.story.objected())
    _names(scene, scene.story.accreditor, heir)
    scene.wait(30)
    scene.says(heir, revoked(scene))


@case("a successor that the issuer named itself, before it objected to others", refuted="status")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.provider, heir)
    scene.says(scene.story.provider, scene.story.objected())
    scene.wait(30)
    scene.says(heir, revoked(scene))


@case("an act of a successor that stood before the issuer objected", refuted="status")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.accreditor, heir)
    scene.wait(30)
    scene.says(heir, revoked(scene))
    scene.says(scene.story.provider, scene.story.objected())


@case("72 acts of nine successors that an accreditor named which leads to no anchor any more")
def _(scene: Scene) -> None:
    story, heirs = scene.story, [party(f"vectors heir {number}") for number in range(9)]
    entries = [story.registered(story.accreditor, heir, "provider") for heir in heirs]
    scene.says(story.accreditor, *entries)
    gone = e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    scene.says(story.authority, gone)
    for heir in heirs:
        _names(scene, story.accreditor, heir)
    scene.wait(31)
    suspended = e.CredentialSuspended(credential=scene.holder.id, reason="administrative")
    for heir in heirs:
        scene.says(heir, *[suspended] * 8)


@case("a puppet successor that a thief named")
def _(scene: Scene) -> None:
    provider, heir = scene.story.provider, _heir(scene)
    position = _names(scene, provider, heir)
    scene.wait(30)
    scene.says(heir, revoked(scene))
    declare(scene, provider, position)


@case("a suspension by a successor that the issuer lifted")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.provider, heir)
    scene.wait(30)
    suspended = e.CredentialSuspended(credential=scene.holder.id, reason="administrative")
    scene.says(heir, suspended)
    scene.says(scene.story.provider, reinstated(scene))


@case("a revocation by a thief of the successor's key")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.provider, heir)
    _closes(scene)
    position = scene.says(heir, revoked(scene))
    declare(scene, heir, position)


@case("a revocation by a fresh key of the successor", refuted="status")
def _(scene: Scene) -> None:
    heir = _heir(scene)
    _names(scene, scene.story.provider, heir)
    _closes(scene)
    position = scene.says(heir, revoked(scene))
    declare(scene, heir, position)
    scene.says(renew(scene, heir), revoked(scene))
