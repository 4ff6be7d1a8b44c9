"""A row for each thing of the register, and the head row that says what they are together.

The head holds a digest: the XOR of the SHA-256 of every row, its own included. A group that changes
one thing takes one hash out and puts another in, so the cost is that of the change. The next start
finds a bit that flipped and a row that is gone. The digest is no protection against a person who
can write to the store.
"""

from __future__ import annotations

import sys
from hashlib import sha256
from typing import Any, Final, Self, assert_never

import msgspec

from registry.store import Reading, StorageDamaged
from testamur.rules import Register
from testamur.rules.accreditation import add_recognition
from testamur.rules.register import (
    MAPPINGS,
    Accreditation,
    Achievement,
    Organization,
    Recognition,
    State,
)

HEAD: Final = "head"

_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "organizations": msgspec.json.Decoder(Organization),
    "recognitions": msgspec.json.Decoder(Recognition),
    "accreditations": msgspec.json.Decoder(Accreditation),
    "achievements": msgspec.json.Decoder(Achievement),
    "revisions": msgspec.json.Decoder(str),
}

KINDS: Final = frozenset(MAPPINGS) - {"recognised"}
"""The mappings of a register that have rows; `recognised` follows from the recognitions."""

if set(_DECODERS) != KINDS:  # a state without rows would be forgotten at the next start
    raise TypeError(f"rows of the register are read as {set(_DECODERS)}, it has {set(KINDS)}")


class Head(msgspec.Struct, frozen=True):
    """What the register as a whole is: of how many entries, and the digest of its rows."""

    origin: str | None
    size: int
    recorded_at: int
    digest: str

    @classmethod
    def of(cls, register: Register, rows: int) -> Self:
        """Return the head of a register whose rows have the digest `rows`."""
        bare = cls(register.origin, register.size, register.recorded_at, "")
        return cls(bare.origin, bare.size, bare.recorded_at, f"{rows ^ bare._own_digest():064x}")

    def row(self) -> tuple[str, str, bytes]:
        """Return it as a row to save."""
        return HEAD, "", encoded(self)

    def rows_digest(self) -> int:
        """Return what the digest of the other rows must be."""
        return int(self.digest, 16) ^ self._own_digest()

    def _own_digest(self) -> int:
        return digest(HEAD, "", f"{self.origin} {self.size} {self.recorded_at}".encode())


def head(reading: Reading) -> Head | None:
    """Return the head row, or None if no register is stored; raises `StorageDamaged`."""
    data = reading.state(HEAD, "")
    if data is None:
        return None
    try:
        found = msgspec.json.decode(data, type=Head)
        found.rows_digest()
    except (msgspec.DecodeError, ValueError, UnicodeDecodeError) as error:
        raise StorageDamaged(f"the head of the register cannot be read: {error}") from None
    return found


def digest(kind: str, name: str, state: bytes) -> int:
    """Return what a row contributes to the digest."""
    return int.from_bytes(sha256(b"\n".join((kind.encode(), name.encode(), state))).digest())


def encoded(state: object) -> bytes:
    """Return a state as it is stored."""
    return msgspec.json.encode(state)


def put(register: Register, kind: str, name: str, data: bytes) -> None:
    """Put the state in a row into the register; raises `StorageDamaged`.

    Texts that many things name become one object each, as they were in the register that was saved.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise StorageDamaged(f"a row of the register is of no kind that there is: {kind!r}")
    try:
        state: State | str = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StorageDamaged(f"the row of {name} in {kind} cannot be read: {error}") from None
    match state:
        case Organization():
            register.organizations[name] = state
        case Recognition():
            shared = _shared(register, state, "authority", "accreditor")
            add_recognition(register, shared)
        case Accreditation():
            register.accreditations[name] = _shared(register, state, "accreditor", "provider")
        case Achievement():
            facets = sys.intern(state.facets)
            state = msgspec.structs.replace(state, facets=facets)
            register.achievements[name] = _shared(register, state, "provider")
        case str():
            register.revisions[name] = sys.intern(state)
        case _:
            assert_never(state)


def _shared(register: Register, state: Any, *members: str) -> Any:
    known = register.organizations
    named = {member: getattr(state, member) for member in members}
    return msgspec.structs.replace(
        state, **{m: known[did].did if did in known else did for m, did in named.items()}
    )
