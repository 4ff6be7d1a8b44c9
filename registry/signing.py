"""Who signed line 1: examined before any event line is looked at.

Anybody can send 64 MiB. So the form of the first line, the signature, the signer, its key and the
time of signing decide whether the rest is read. A key is named by its own spelling, so the
signature is verified first and takes no register. A submission that passes may still be refused
later, by the same rules, at the position that it would get.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from testamur.catalogue.submission import SignedHeader
from testamur.errors import Refusal, detached
from testamur.keys import PublicKey
from testamur.rules import Register, admit_header

UNKNOWN: Final = frozenset({"unknown-organization", "unknown-key"})
"""The rules that a signer breaks who is not in the register."""


class Examined(NamedTuple):
    """Line 1, signed by the key that it names.

    `refusal` is why it could not be recorded now. A submission that is on the log already was
    recorded before that reason arose, and its sender gets the receipt again.
    """

    header: SignedHeader
    refusal: Refusal | None = None


def examined(
    header: SignedHeader, register: Register, *, recorded_at: int, log_key: PublicKey
) -> Examined:
    """Return what `register` says to a header that is signed, were it recorded now.

    Raises `Refusal` (rules `unknown-organization`, `unknown-key`) when its signer is not in the
    register, and is not the log itself.
    """
    try:
        admit_header(register, header, recorded_at)
    except Refusal as refusal:
        if refusal.rule in UNKNOWN and header.payload.iss != log_key.did_key():
            raise
        return Examined(header, detached(refusal))
    return Examined(header)
