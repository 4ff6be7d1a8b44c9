"""Who signed line 1: examined before any event line is looked at.

Anybody can send 64 MiB. So the form of the first line, its signer, the key, the time of signing and
the signature decide whether the rest is read. A submission that passes may still be refused later,
by the same rules, at the position that it would get.
"""

from __future__ import annotations

from typing import NamedTuple

from testamur.catalogue.submission import SignedHeader
from testamur.errors import Refusal, detached
from testamur.keys import PublicKey
from testamur.rules import Register, admit_header


class Signed(NamedTuple):
    """Line 1, and the key that verified it.

    `refusal` is why it could not be recorded now. A submission that is on the log already was
    recorded before that reason arose, and its sender gets the receipt again.
    """

    header: SignedHeader
    verified_by: PublicKey
    refusal: Refusal | None = None


def signed_by(
    header: SignedHeader, register: Register, *, recorded_at: int, log_key: PublicKey
) -> Signed:
    """Return `header` as signed by a key that `register` lists, were it recorded now.

    Raises `Refusal`: a rule of `admit_header` when no such key is listed, `signature` or
    `key-algorithm` when the key did not sign it.
    """
    refusal = None
    try:
        key = admit_header(register, header, recorded_at)
    except Refusal as reason:
        listed = _listed(header, register, log_key)
        if listed is None:
            raise
        key, refusal = listed, detached(reason)
    header.verify_signature(key)
    return Signed(header, key, refusal)


def _listed(header: SignedHeader, register: Register, log_key: PublicKey) -> PublicKey | None:
    """Return the key that a header names, active or not; the log's for the genesis."""
    organization = register.organizations.get(header.payload.iss)
    if organization is None:
        return log_key if header.payload.iss == log_key.did_key() else None
    listed = organization.key(header.key_id)
    return listed.public() if listed else None
