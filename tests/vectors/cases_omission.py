"""Cases in which evidence leaves something out: nothing that is not shown refutes anybody."""

from __future__ import annotations

from testamur.catalogue import events as e
from tests.vectors.cases import UNREAD, case
from tests.vectors.cases_theft import declare, reinstated, renew, revoked, suspended
from tests.vectors.scene import Scene

# --- What must be there ---


@case("the genesis left out", unchecked=UNREAD)
def _(scene: Scene) -> None:
    scene.leave_out(0)


@case("the registration of the accreditor left out", unchecked="accreditation")
def _(scene: Scene) -> None:
    scene.leave_out(2, 1)


@case("the recognition left out", refuted="recognition")
def _(scene: Scene) -> None:
    """The register states that there is none."""
    scene.leave_out(2, 2)


@case("the registration of the issuer left out", unchecked="signature")
def _(scene: Scene) -> None:
    scene.leave_out(5, 1)


@case("the accreditation left out", unchecked="accreditation")
def _(scene: Scene) -> None:
    scene.leave_out(5, 2)


@case("the definition left out", unchecked="achievement accreditation")
def _(scene: Scene) -> None:
    scene.leave_out(8)


@case("the issuance left out", unchecked=UNREAD)
def _(scene: Scene) -> None:
    scene.leave_out(10)


@case("the listing of the key that signed left out", unchecked="signature")
def _(scene: Scene) -> None:
    listing = len(scene.log.entries)
    scene.award(by=renew(scene, scene.story.provider))
    scene.leave_out(listing)


@case("a key event left out of its submission", unchecked=UNREAD)
def _(scene: Scene) -> None:
    """A submission of key events counts whole, so it is shown whole."""
    story, provider = scene.story, scene.story.provider
    stolen = story.key_compromised(provider, since=10)
    listed = story.key_listed(provider.with_key("vectors fresh"))
    position = scene.says(provider.recovery, listed, stolen)
    scene.leave_out(position, 2)


@case("the suspension behind a reinstatement left out")
def _(scene: Scene) -> None:
    position = scene.says(scene.story.provider, suspended(scene))
    scene.says(scene.story.provider, reinstated(scene))
    scene.leave_out(position)


# --- A file ---


@case("a good credential from a file", file=True)
def _(scene: Scene) -> None:
    """Its bearer could have left something out."""


@case("a revocation that a file shows", refuted="status", file=True)
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, revoked(scene))


@case("a revocation left out of a file", file=True)
def _(scene: Scene) -> None:
    position = scene.says(scene.story.provider, revoked(scene))
    scene.leave_out(position)


@case("a suspension that a file shows", file=True)
def _(scene: Scene) -> None:
    """A reinstatement may have been left out."""
    scene.says(scene.story.provider, suspended(scene))


@case("a suspension left out of a file", file=True)
def _(scene: Scene) -> None:
    position = scene.says(scene.story.provider, suspended(scene))
    scene.leave_out(position)


@case("a reinstatement left out of a file", file=True)
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, suspended(scene))
    position = scene.says(scene.story.provider, reinstated(scene))
    scene.leave_out(position)


@case("a theft that a file shows", refuted="signature", file=True)
def _(scene: Scene) -> None:
    declare(scene, scene.story.provider, 10)


@case("a declaration left out of a file", file=True)
def _(scene: Scene) -> None:
    position = declare(scene, scene.story.provider, 10)
    scene.leave_out(position)


@case("a declaration of the accreditor's key left out of a file", file=True)
def _(scene: Scene) -> None:
    position = declare(scene, scene.story.accreditor, 5)
    scene.leave_out(position)


@case("a declaration of the authority's key left out of a file", file=True)
def _(scene: Scene) -> None:
    position = declare(scene, scene.story.authority, 2)
    scene.leave_out(position)


@case("a declaration of the recovery key left out of a file", file=True)
def _(scene: Scene) -> None:
    provider, listing = scene.story.provider, len(scene.log.entries)
    scene.award(by=renew(scene, provider, "thief"))
    stolen = scene.story.key_compromised(provider.recovery, since=listing)
    position = scene.says(provider.founding, stolen)
    scene.leave_out(position)


@case("a withdrawal of the accreditation left out of a file", file=True)
def _(scene: Scene) -> None:
    gone = e.AccreditationWithdrawn(accreditation=scene.story.accreditation, reason="misconduct")
    position = scene.says(scene.story.accreditor, gone)
    scene.award()
    scene.leave_out(position)


@case("a withdrawal of the recognition left out of a file", file=True)
def _(scene: Scene) -> None:
    gone = e.RecognitionWithdrawn(reason="misconduct", recognition=scene.story.recognition)
    position = scene.says(scene.story.authority, gone)
    scene.award()
    scene.leave_out(position)


@case("a restated name left out of a file", file=True)
def _(scene: Scene) -> None:
    restated = scene.story.accreditation_restated("Another Name")
    position = scene.says(scene.story.accreditor, restated)
    scene.award()
    scene.leave_out(position)


@case("a statement of a successor left out of a file", file=True)
def _(scene: Scene) -> None:
    story = scene.story
    position = scene.says(story.provider, story.succeeded(of=story.provider, by=story.accreditor))
    scene.wait(30)
    scene.says(story.accreditor, revoked(scene))
    scene.leave_out(position)


@case("a revocation that the register leaves out")
def _(scene: Scene) -> None:
    """Nothing in an excerpt shows that: the status is stated by the register, and not proven."""
    position = scene.says(scene.story.provider, revoked(scene))
    scene.leave_out(position)


# --- Evidence of something else ---


@case("evidence of another credential", unchecked=UNREAD)
def _(scene: Scene) -> None:
    mine, scene.holder = scene.holder, scene.holders[1]
    scene.evidence()
    scene.holder = mine


@case("evidence of another credential under this one's label", unchecked=UNREAD)
def _(scene: Scene) -> None:
    mine, scene.holder = scene.holder, scene.holders[1]
    scene.bend(lambda f: f.update(credential=mine.id))
    scene.holder = mine


@case("evidence of this credential under another label", unchecked=UNREAD)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f.update(credential=scene.holders[1].id))
