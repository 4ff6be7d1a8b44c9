"""Step 12: the credential's own proof, embedded in the credential, if it can be examined."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from testamur.badges.data_integrity import Proven, Unresolved, verify_proofs
from testamur.errors import Refuted, Unavailable
from testamur.keys import DID_KEY, PublicKey
from testamur.rules.key_table import SIGNING
from testamur.verification.clock import check_not_ahead
from testamur.verification.finding import Finding
from testamur.verification.issuance import Issuance
from testamur.verification.report import Verdict
from testamur.verification.trust.speakers import Speakers


def proof(
    credential: dict[str, Any],
    issued: Issuance,
    speakers: Speakers,
    *,
    at: datetime,
    now: datetime,
) -> Finding:
    """(12) The credential's own proof, of which there is one at least, is by a key of its issuer.

    That is one which signed for the issuer where it issued the credential.
    """
    keys = _signing_keys(issued)
    vouched = _vouched(issued, speakers)
    try:
        examined = verify_proofs(credential, partial(_resolve, keys, vouched))
    except Unresolved as error:
        if _of_vouched(error.methods, vouched):
            raise Unavailable(
                f"whether the proof is by a key of the issuer says a document that was not read: "
                f"{error}"
            ) from None
        return _untold(str(error))
    except Unavailable as error:
        return _untold(str(error))
    signers = {proven.signer.removeprefix(DID_KEY) for proven in examined.proven}
    if signers & keys:
        own = (each for each in examined.proven if each.signer.removeprefix(DID_KEY) in keys)
        _check_times(own, at, now)
        return Finding(
            f"signed by {', '.join(f'{DID_KEY}{each}' for each in sorted(signers & keys))}"
        )
    by = f"the proof is by {', '.join(f'{DID_KEY}{each}' for each in sorted(signers))}"
    if examined.unexamined:
        # The issuer may have made the other one, and anybody can add a proof.
        return _untold(f"{by}, no signing key of the issuer at the issuance")
    return Finding(
        f"{by}, which was no signing key of the issuer at the issuance",
        Verdict.REFUTED,
        lacking=True,
    )


def _untold(why: str) -> Finding:
    # Our own chain of proof does not lean on it, so it is told, not counted.
    return Finding("", None, notes=(f"the credential's own proof was not examined: {why}",))


def _signing_keys(issued: Issuance) -> frozenset[str]:
    """Return the Multikeys that could sign for the issuer where it issued the credential."""
    organization = issued.register.organizations.get(issued.issuer)
    if organization is None:
        return frozenset()
    position, recorded_at = issued.signed.position, issued.signed.recorded_at
    return frozenset(
        key.key
        for key in organization.keys.keys.values()
        if key.rank == SIGNING and key.counts(position, recorded_at)
    )


def _vouched(issued: Issuance, speakers: Speakers) -> frozenset[str]:
    """Return the DIDs that the accreditor vouches for as the issuer's, and that have a document."""
    word = speakers.words.get(issued.issuer)
    dids = (each for each in (word.ids if word else ()) if each.startswith("did:"))
    return frozenset(each for each in dids if not each.startswith(DID_KEY))


def _resolve(keys: Collection[str], vouched: Collection[str], method: str) -> PublicKey | None:
    """Return the key that a method of a vouched DID spells, if the issuer could sign with it."""
    did, _, multikey = method.partition("#")
    return PublicKey.from_multikey(multikey) if did in vouched and multikey in keys else None


def _of_vouched(methods: Collection[str], vouched: Collection[str]) -> bool:
    return any(method.partition("#")[0] in vouched for method in methods)


def _check_times(own: Iterable[Proven], at: datetime, now: datetime) -> None:
    for proven in own:
        expires, created = proven.expires, proven.created
        if expires is not None and expires < at:
            raise Refuted(f"the proof by {proven.signer} expired at {expires.isoformat()}")
        if created is not None:
            by = f"the proof by {proven.signer} was made"
            check_not_ahead(by, int(created.timestamp() * 1000), now)
