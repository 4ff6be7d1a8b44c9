"""Cases in which evidence leaves something out: that could not be checked, and refutes nobody."""

from __future__ import annotations

from testamur.catalogue import events as e
from tests.vectors.cases import AFTER_SIGNATURE, case
from tests.vectors.scene import Scene

_NO_CHAIN = f"signature {AFTER_SIGNATURE}"


@case("the genesis left out", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.leave_out(0)


@case("the registration of the accreditor left out", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.leave_out(2, 1)


@case("the recognition left out", unchecked="recognition")
def _(scene: Scene) -> None:
    scene.leave_out(2, 2)


@case("the registration of the issuer left out", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.leave_out(5, 1)


@case("the accreditation left out", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.leave_out(5, 2)


@case("the definition left out", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.leave_out(8)


@case("the issuance left out", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.leave_out(10)


@case("the key that signed left out", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    story, fresh = scene.story, scene.story.provider.with_key("k2")
    position = scene.says(story.provider, story.key_added(story.provider, fresh))
    scene.award(by=fresh)
    scene.leave_out(position)


@case("the suspension behind a reinstatement left out", unchecked="signature status")
def _(scene: Scene) -> None:
    provider, id_ = scene.story.provider, scene.holder.id
    position = scene.says(provider, e.CredentialSuspended(credential=id_, reason="misconduct"))
    scene.says(provider, e.CredentialReinstated(credential=id_))
    scene.leave_out(position)


@case("a good credential from a file", file=True)
def _(scene: Scene) -> None:
    """Its bearer could have left something out."""


@case("a revocation that a file shows", refuted="status", file=True)
def _(scene: Scene) -> None:
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="misconduct")
    scene.says(scene.story.provider, revoked)


@case("a declaration left out of a file", file=True)
def _(scene: Scene) -> None:
    provider = scene.story.provider
    stolen = e.KeyCompromised(key=provider.key_id, organization=provider.did, since=10)
    position = scene.says(scene.story.accreditor, stolen)
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


@case("a revocation that the register leaves out")
def _(scene: Scene) -> None:
    """Nothing in an excerpt shows that: the status is stated by the register, and not proven."""
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="misconduct")
    position = scene.says(scene.story.provider, revoked)
    scene.leave_out(position)


@case("a revocation left out of a file", file=True)
def _(scene: Scene) -> None:
    """Nothing in an excerpt shows that, so a file is not taken at its word."""
    revoked = e.CredentialRevoked(credential=scene.holder.id, reason="misconduct")
    position = scene.says(scene.story.provider, revoked)
    scene.leave_out(position)


@case("the successor left out", unchecked="signature status")
def _(scene: Scene) -> None:
    new = scene.holders[2].id
    superseded = e.CredentialSuperseded(credential=scene.holder.id, successor=new)
    scene.says(scene.story.provider, superseded)
    scene.evidence(new)
    scene.leave_out(10, 3)


@case("evidence of another credential", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    mine, scene.holder = scene.holder, scene.holders[1]
    scene.evidence()
    scene.holder = mine


@case("evidence of another credential under this one's label", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    mine, scene.holder = scene.holder, scene.holders[1]
    scene.bend(lambda f: f.update(credential=mine.id))
    scene.holder = mine


@case("evidence of this credential under another label", unchecked=_NO_CHAIN)
def _(scene: Scene) -> None:
    scene.bend(lambda f: f.update(credential=scene.holders[1].id))
