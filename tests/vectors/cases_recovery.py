"""Cases of stolen recovery and founding keys: who has the last word about a key."""

from __future__ import annotations

from tests.harness.story import Party
from tests.vectors.cases import case
from tests.vectors.cases_theft import declare, renew
from tests.vectors.scene import Scene


def _second_recovery(scene: Scene) -> Party:
    """List a second recovery key of the provider, behind the first; return it signing with it."""
    provider = scene.story.provider
    second = provider.with_key("vectors second recovery")
    scene.says(provider.founding, scene.story.key_listed(second, "recovery"))
    return second


def _stolen(scene: Scene, key: Party, since: int, by: Party) -> None:
    scene.says(by, scene.story.key_compromised(key, since=since))


@case("an issuance by a key that the thief of a recovery key listed", refuted="signature")
def _(scene: Scene) -> None:
    provider, position = scene.story.provider, len(scene.log.entries)
    scene.award(by=renew(scene, provider, "thief"))
    _stolen(scene, provider.recovery, position, provider.founding)


@case("an issuance by a key that its owner listed during the theft and kept")
def _(scene: Scene) -> None:
    provider, position = scene.story.provider, len(scene.log.entries)
    renew(scene, provider, "thief")
    own = len(scene.log.entries)
    scene.award(by=renew(scene, provider, "own"))
    stolen = scene.story.key_compromised(provider.recovery, since=position, kept=((own, own),))
    scene.says(provider.founding, stolen)


@case("a declaration by the thief of a recovery key that the founding key answered")
def _(scene: Scene) -> None:
    provider = scene.story.provider
    position = declare(scene, provider, 0)
    _stolen(scene, provider.recovery, position, provider.founding)


@case("a declaration by the thief of the second recovery key that the first answered")
def _(scene: Scene) -> None:
    provider, second = scene.story.provider, _second_recovery(scene)
    position = declare(scene, provider, 0, by=second)
    _stolen(scene, second, position, provider.recovery)


@case("the second recovery key declares the first, and is not heard")
def _(scene: Scene) -> None:
    provider, second = scene.story.provider, _second_recovery(scene)
    position = len(scene.log.entries)
    scene.award(by=renew(scene, provider))
    _stolen(scene, provider.recovery, position, second)


@case("the first recovery key silences the second until the founding key speaks")
def _(scene: Scene) -> None:
    provider, second = scene.story.provider, _second_recovery(scene)
    own, listed = provider.with_key("vectors own"), len(scene.log.entries)
    scene.says(second, scene.story.key_listed(own))
    scene.award(by=own)
    theft = len(scene.log.entries)
    _stolen(scene, second, listed, provider.recovery)
    _stolen(scene, provider.recovery, theft, provider.founding)


@case("an issuance by a key whose listing a recovery key silenced", refuted="signature")
def _(scene: Scene) -> None:
    provider, second = scene.story.provider, _second_recovery(scene)
    own, listed = provider.with_key("vectors own"), len(scene.log.entries)
    scene.says(second, scene.story.key_listed(own))
    scene.award(by=own)
    _stolen(scene, second, listed, provider.recovery)


@case("a founding key that was stolen voids 90 days", refuted="signature")
def _(scene: Scene) -> None:
    scene.wait(90)
    declare(scene, scene.story.provider, 0, by=scene.story.provider.founding)


@case("a founding key that was stolen voids no more than 90 days")
def _(scene: Scene) -> None:
    scene.wait(90, 1)
    declare(scene, scene.story.provider, 0, by=scene.story.provider.founding)


@case("every key declares itself compromised, and all it signed stands")
def _(scene: Scene) -> None:
    for who in (scene.story.authority, scene.story.accreditor, scene.story.provider):
        for key in (who, who.recovery, who.founding):
            scene.says(key, scene.story.key_compromised(key))


@case("an anchor whose founding key declares all its keys back to the start", refuted="recognition")
def _(scene: Scene) -> None:
    """It un-recognises 90 days back: that is flagged, counted and said."""
    declare(scene, scene.story.authority, 0, by=scene.story.authority.founding)


@case("an anchor that declares its keys back to the start after 91 days")
def _(scene: Scene) -> None:
    scene.wait(91)
    declare(scene, scene.story.authority, 0, by=scene.story.authority.founding)
