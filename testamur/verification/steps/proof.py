"""Step 12: the credential's own proof, embedded in the credential, if it can be examined."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from testamur.badges.data_integrity import Examined, proofs_of, verify_proofs
from testamur.badges.openbadges import Badge
from testamur.catalogue.lifecycle import KeyStatus
from testamur.errors import Refuted, Unavailable
from testamur.rules import MAX_AHEAD
from testamur.rules.register import KeyState
from testamur.verification.finding import Fault, Finding, need


def proof(
    credential: dict[str, Any],
    badge: Badge | Fault,
    keys: Iterable[KeyState],
    *,
    at: datetime,
    now: datetime,
) -> Finding:
    """(12) The credential's own proof is good, and by the issuer it names.

    `badge` is what the credential says, if it can be read; `keys` are those of the organization
    that issued it on the log.
    """
    if not proofs_of(credential):
        return _nothing()
    try:
        examined = verify_proofs(credential)
    except Unavailable as error:
        # Our own chain of proof does not lean on it, so it is told, not counted.
        return _nothing(f"the credential's own proof was not examined: {error}")
    _check_times(examined, at, now)
    signers = {proven.signer for proven in examined.proven}
    issuer = need(badge).issuer.id
    if issuer.startswith("did:key:") and issuer not in signers and not examined.unexamined:
        raise Refuted(f"the credential names issuer {issuer} but is signed by {sorted(signers)}")
    good, cut_off = _did_keys(keys)
    if not signers & ({issuer, *good} - cut_off):
        why = (
            "a key that was compromised, and when it was made nobody can tell"
            if signers & cut_off
            else f"which nothing here links to its issuer {issuer}"
        )
        return _nothing(f"the credential's own proof is by {', '.join(sorted(signers))}, {why}")
    return Finding(f"signed by {', '.join(sorted(signers))}")


def _nothing(*notes: str) -> Finding:
    return Finding("", None, notes=notes)


def _check_times(examined: Examined, at: datetime, now: datetime) -> None:
    for proven in examined.proven:
        expires, created = proven.expires, proven.created
        if expires is not None and expires < at:
            raise Refuted(f"the proof by {proven.signer} expired at {expires.isoformat()}")
        if created is not None and created.timestamp() > now.timestamp() + MAX_AHEAD:
            raise Refuted(
                f"the proof by {proven.signer} says {created.isoformat()}, later than now"
            )


def _did_keys(keys: Iterable[KeyState]) -> tuple[set[str], set[str]]:
    """Return the issuer's keys as did:key DIDs: the good ones, and the compromised ones."""
    good: set[str] = set()
    cut_off: set[str] = set()
    for key in keys:
        (cut_off if key.status is KeyStatus.COMPROMISED else good).add(f"did:key:{key.multikey}")
    return good, cut_off
