"""The registration of an organization: what its founding key signs, and whether it did.

The signature covers "testamur/registration/1", LF, and the canonical JSON (RFC 8785) of the event
without its member `signature`. So it names the log, the sponsor and every first key, and serves
for nothing else. Whether a log admits the registration is decided in `rules/`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from testamur.catalogue.events import OrganizationRegistered
from testamur.catalogue.members import encoder
from testamur.errors import Refusal
from testamur.keys import BadSignature, PrivateKey, PublicKey

UNSIGNED: Final = bytes(64)
"""Stands for the signature in a registration that has yet to be signed."""

_CONTEXT: Final = b"testamur/registration/1\n"


def registration_statement(event: OrganizationRegistered) -> bytes:
    """Return the bytes that the founding key signs."""
    members = msgspec.to_builtins(event)
    del members["signature"]
    return _CONTEXT + encoder.encode(members)


def verify_registration(event: OrganizationRegistered) -> None:
    """Raise `Refusal` unless the founding key, which the DID spells, signed the registration.

    Rules `registration-signature`, and `key-form` if the DID spells no key.
    """
    founding = PublicKey.from_did_key(event.organization)
    try:
        founding.verify(event.signature, registration_statement(event))
    except BadSignature:
        raise Refusal(
            "registration-signature",
            "the founding key did not sign this registration; sign it anew with that key, for "
            f"log {event.origin} and sponsor {event.sponsor}",
            value=event.organization,
        ) from None


def sign_registration(
    event: OrganizationRegistered, founding: PrivateKey
) -> OrganizationRegistered:
    """Return the registration with the signature of the founding key.

    The signature that `event` has, such as `UNSIGNED`, is replaced. Raises `Refusal` (rule
    `founding-key`) if its DID spells another key.
    """
    if founding.public.did_key() != event.organization:
        raise Refusal(
            "founding-key",
            f"the founding key of this organization is the one that its DID spells, not "
            f"{founding.public.multikey()}",
            value=event.organization,
        )
    return msgspec.structs.replace(event, signature=founding.sign(registration_statement(event)))
