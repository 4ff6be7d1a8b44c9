"""Cases of the credential itself: its content, its blind, its dates, its own proof."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import msgspec

from testamur.badges.data_integrity import sign
from testamur.canonical import jcs
from testamur.keys import PrivateKey, base58_encode
from tests.harness.story import NOW, private_key
from tests.vectors.cases import case
from tests.vectors.scene import Scene

_TODAY = date(2026, 11, 21)


@case("a good credential")
def _(scene: Scene) -> None:
    del scene


# --- The commitment ---


@case("the blind of another credential", refuted="commitment")
def _(scene: Scene) -> None:
    scene.holder = msgspec.structs.replace(scene.holder, blind=scene.holders[1].blind)


@case("a blind of zeros", refuted="commitment")
def _(scene: Scene) -> None:
    scene.holder = msgspec.structs.replace(scene.holder, blind=bytes(32))


@case("the content of another credential", refuted="commitment")
def _(scene: Scene) -> None:
    scene.holder = msgspec.structs.replace(scene.holder, credential=scene.holders[1].credential)


@case("a better looking subject", refuted="commitment")
def _(scene: Scene) -> None:
    scene.alter(lambda c: c["credentialSubject"]["achievement"].update(creditsAvailable=500))


@case("a member more", refuted="commitment")
def _(scene: Scene) -> None:
    scene.alter(lambda c: c.update(description="with distinction"))


# --- What the credential says of itself ---


@case("a credential about something else", refuted="achievement")
def _(scene: Scene) -> None:
    scene.award(lambda c: c["credentialSubject"]["achievement"].update(name="Brain Surgery"))


def _achievement(**members: object) -> Callable[[dict[str, Any]], None]:
    return lambda c: c["credentialSubject"]["achievement"].update(members)


def _level(level: str) -> dict[str, Any]:
    return {
        "type": ["Alignment"],
        "targetName": f"EQF level {level}",
        "targetUrl": f"http://data.europa.eu/snb/eqf/{level}",
        "targetCode": level,
        "targetType": "ext:EQF",
    }


@case("the elements of what was logged")
def _(scene: Scene) -> None:
    scene.award(
        _achievement(
            achievementType="MicroCredential",
            alignment=[_level("6")],
            creditsAvailable=5,
            inLanguage="en",
            version="1",
        )
    )


@case("a doctoral degree under a micro-credential", refuted="achievement")
def _(scene: Scene) -> None:
    scene.award(
        _achievement(
            achievementType="DoctoralDegree", alignment=[_level("8")], creditsAvailable=360
        )
    )


@case("another level beside the one that was logged", refuted="achievement")
def _(scene: Scene) -> None:
    scene.award(_achievement(alignment=[_level("6"), _level("8")]))


@case("more credits than were logged", refuted="achievement")
def _(scene: Scene) -> None:
    scene.award(_achievement(creditsAvailable="360"))


@case("another version than was logged", refuted="achievement")
def _(scene: Scene) -> None:
    scene.award(_achievement(version="2"))


@case("the id of another achievement", refuted="achievement")
def _(scene: Scene) -> None:
    scene.award(_achievement(id=f"urn:uuid:{scene.holders[1].id}"))


@case("another language than was logged", refuted="achievement")
def _(scene: Scene) -> None:
    scene.award(_achievement(inLanguage="fr"))


@case("a credential in another form", unchecked="achievement issuer validity")
def _(scene: Scene) -> None:
    scene.award(lambda c: c.update(type=["VerifiableCredential"]))


@case("a credential asked for too early", refuted="validity")
def _(scene: Scene) -> None:
    scene.at = datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC)


@case("a credential that expired", refuted="validity")
def _(scene: Scene) -> None:
    scene.award(lambda c: c.update(validUntil="2026-11-21T09:59:59Z"), valid_until=_TODAY)


@case("a credential in its last second")
def _(scene: Scene) -> None:
    scene.award(lambda c: c.update(validUntil="2026-11-21T10:00:00Z"), valid_until=_TODAY)


@case("a credential backdated against what was logged", refuted="validity")
def _(scene: Scene) -> None:
    scene.award(lambda c: c.update(validFrom="2020-01-01T00:00:00Z"))


@case("a credential that outlives what was logged", refuted="validity")
def _(scene: Scene) -> None:
    scene.award(lambda c: c.update(validUntil="2099-01-01T00:00:00Z"))


@case("evidence of another log than the holder file names", unchecked="checkpoint")
def _(scene: Scene) -> None:
    scene.evidence()
    scene.holder = msgspec.structs.replace(scene.holder, log="elsewhere.example")


@case("a holder file that names no log")
def _(scene: Scene) -> None:
    scene.evidence()
    scene.holder = msgspec.structs.replace(scene.holder, log=None)


# --- Its own proof ---


@case("a proof by the issuer", holds="proof")
def _(scene: Scene) -> None:
    scene.sign(scene.story.provider.key)


@case("a proof by the issuer and by somebody else", holds="proof")
def _(scene: Scene) -> None:
    scene.sign(private_key("rector"), scene.story.provider.key)


@case("a proof over something else", refuted="proof")
def _(scene: Scene) -> None:
    created = datetime.fromtimestamp(NOW, UTC)
    other = {**scene.holder.credential, "name": "Other"}
    proof = sign(other, scene.story.provider.key, created=created)["proof"]
    scene.alter(lambda c: c.update(proof=proof))


@case("a proof by somebody else", refuted="proof")
def _(scene: Scene) -> None:
    scene.sign(private_key("forger"))


@case("a proof by the founding key, which signs no credentials", refuted="proof")
def _(scene: Scene) -> None:
    scene.sign(scene.story.provider.keys.founding)


@case("a proof by a recovery key, which signs no credentials", refuted="proof")
def _(scene: Scene) -> None:
    scene.sign(scene.story.provider.keys.recovery)


@case("a proof by the accreditor's signing key", refuted="proof")
def _(scene: Scene) -> None:
    scene.sign(scene.story.accreditor.key)


@case("a proof that is no object", refuted="proof", unchecked="achievement issuer validity")
def _(scene: Scene) -> None:
    scene.alter(lambda c: c.update(proof=["trust me"]))


@case("a proof that expired", refuted="proof")
def _(scene: Scene) -> None:
    _sign_until(scene, scene.story.provider.key, "2026-11-21T09:59:59Z")


@case("a proof in its last second", holds="proof")
def _(scene: Scene) -> None:
    _sign_until(scene, scene.story.provider.key, "2026-11-21T10:00:00Z")


@case("a proof of a suite that is not examined")
def _(scene: Scene) -> None:
    scene.alter(
        lambda c: c.update(
            proof={"type": "DataIntegrityProof", "cryptosuite": "ecdsa-sd-2023", "proofValue": "u"}
        )
    )


def _sign_until(scene: Scene, key: PrivateKey, expires: str) -> None:
    """Sign as the suite says (EdDSA Cryptosuites section 3.3), with an `expires` of its own."""
    credential = scene.holder.credential
    options: dict[str, Any] = {
        "@context": credential["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2026-11-20T00:00:00Z",
        "expires": expires,
        "verificationMethod": f"{key.public.did_key()}#{key.public.multikey()}",
        "proofPurpose": "assertionMethod",
    }
    hashed = sha256(jcs(options)).digest() + sha256(jcs(credential)).digest()
    value = "z" + base58_encode(key.sign(hashed))
    scene.alter(lambda c: c.update(proof={**options, "proofValue": value}))
