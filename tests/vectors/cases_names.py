"""Cases of names and addresses: the issuer is called what its accreditor vouches for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from testamur.catalogue import events as e
from tests.harness.story import party
from tests.vectors.cases import case
from tests.vectors.cases_theft import declare
from tests.vectors.scene import Change, Scene

_ADDRESS = "https://college.example"
_DID = "did:web:college.example"


def _issuer(**members: object) -> Callable[[dict[str, Any]], None]:
    return lambda c: c["issuer"].update(members)


def _vouched(scene: Scene, change: Change | None, **words: Any) -> str:
    """Issue under an accreditation with these words about the issuer; return its id."""
    story, id_ = scene.story, scene.story.new_id()
    scene.says(story.accreditor, msgspec.structs.replace(story.accredited(id_), **words))
    scene.award(change, accreditation=id_)
    return id_


# --- Ids ---


@case("an address that the accreditor vouches for")
def _(scene: Scene) -> None:
    _vouched(scene, _issuer(id=_ADDRESS), url=_ADDRESS)


@case("a DID of the web that the accreditor vouches for")
def _(scene: Scene) -> None:
    _vouched(scene, _issuer(id=_DID), other_ids=(_DID, "https://college.example/about"))


@case("an issuer named by an id for which nobody vouches", unchecked="issuer")
def _(scene: Scene) -> None:
    scene.award(_issuer(id="did:web:famous.example"))


@case("the DID of another organization for which the accreditor vouches", unchecked="issuer")
def _(scene: Scene) -> None:
    """Nobody but the holder of its key could say that it is the issuer's."""
    did = scene.story.authority.did
    _vouched(scene, _issuer(id=did), other_ids=(did,))


@case("the signing key of the issuer for which the accreditor vouches as a DID")
def _(scene: Scene) -> None:
    did = f"did:key:{scene.story.provider.key_id}"
    _vouched(scene, _issuer(id=did), other_ids=(did,))


@case("an address that begins like the one that is vouched for", unchecked="issuer")
def _(scene: Scene) -> None:
    _vouched(scene, _issuer(id=f"{_ADDRESS}.evil.example"), url=_ADDRESS)


@case("an address that only the issuer itself claims", unchecked="issuer")
def _(scene: Scene) -> None:
    claimed = msgspec.structs.replace(scene.story.updated("An Organization"), url=_ADDRESS)
    scene.says(scene.story.provider, claimed)
    scene.award(_issuer(id=_ADDRESS))


@case("an address that another accreditor vouches for", unchecked="issuer")
def _(scene: Scene) -> None:
    _another_vouches(scene, url=_ADDRESS)
    scene.award(_issuer(id=_ADDRESS))


def _another_vouches(scene: Scene, **words: Any) -> None:
    """Have the issuer accredited by a second accreditor too, which the authority recognises."""
    story, other = scene.story, party("vectors other accreditor")
    scene.says(
        story.authority,
        story.registered(story.authority, other, "accreditor"),
        story.recognised(story.new_id(), of=other),
    )
    scene.says(other, msgspec.structs.replace(story.accredited(story.new_id()), **words))


# --- Names ---


@case("a name for which nobody vouches", refuted="issuer")
def _(scene: Scene) -> None:
    scene.award(_issuer(name="A Famous University"))


@case("a name in other letters and with other spaces")
def _(scene: Scene) -> None:
    scene.award(_issuer(name=" AN  \uff4frganization"))


@case("no name at all")
def _(scene: Scene) -> None:
    scene.award(lambda c: c["issuer"].pop("name"))


@case("another name that the accreditor vouches for")
def _(scene: Scene) -> None:
    _vouched(scene, _issuer(name="The College"), other_names=("Het College", "The College"))


@case("a name that the issuer gives itself", refuted="issuer")
def _(scene: Scene) -> None:
    scene.says(scene.story.provider, scene.story.updated("A Famous University"))
    scene.award(_issuer(name="A Famous University"))


@case("a name that another accreditor vouches for", refuted="issuer")
def _(scene: Scene) -> None:
    _another_vouches(scene, name="A Famous University")
    scene.award(_issuer(name="A Famous University"))


@case("a name that the accreditor restated before the issuance")
def _(scene: Scene) -> None:
    scene.says(scene.story.accreditor, scene.story.accreditation_restated("The College"))
    scene.award(_issuer(name="The College"))


@case("a name that was given up before the issuance", refuted="issuer")
def _(scene: Scene) -> None:
    scene.says(scene.story.accreditor, scene.story.accreditation_restated("The College"))
    scene.award()


@case("a name that the accreditor restated after the issuance")
def _(scene: Scene) -> None:
    scene.says(scene.story.accreditor, scene.story.accreditation_restated("The College"))


@case("a name that another accreditor restated, which has no say")
def _(scene: Scene) -> None:
    story, other = scene.story, party("vectors other accreditor")
    scene.says(story.authority, story.registered(story.authority, other, "accreditor"))
    scene.says(other, story.accreditation_restated("The College"))
    scene.award()


@case("a name that a thief of the accreditor's key restated", refuted="issuer")
def _(scene: Scene) -> None:
    _restated_by_thief(scene, "A Famous University")


@case("the good name under which a thief restated another")
def _(scene: Scene) -> None:
    _restated_by_thief(scene, "An Organization")


def _restated_by_thief(scene: Scene, name: str) -> None:
    story = scene.story
    position = scene.says(story.accreditor, story.accreditation_restated("A Famous University"))
    scene.award(_issuer(name=name))
    declare(scene, story.accreditor, position)


@case("a famous name that a sponsor without an anchor registered", refuted="recognition")
def _(scene: Scene) -> None:
    """The sponsor, an authority that nobody recognised, also accredits it under that name."""
    story, rogue, id_ = scene.story, party("vectors rogue"), scene.story.new_id()
    scene.says(story.authority, story.registered(story.authority, rogue, "accreditor"))
    famous = msgspec.structs.replace(story.accredited(id_), name="A Famous University")
    scene.says(rogue, famous)
    scene.award(_issuer(name="A Famous University"), accreditation=id_)


@case("a restatement that takes the place of all words before it", unchecked="issuer")
def _(scene: Scene) -> None:
    story, id_ = scene.story, scene.story.new_id()
    scene.says(story.accreditor, msgspec.structs.replace(story.accredited(id_), url=_ADDRESS))
    again = e.AccreditationRestated(accreditation=id_, country="NL", name="An Organization")
    scene.says(story.accreditor, again)
    scene.award(_issuer(id=_ADDRESS), accreditation=id_)
