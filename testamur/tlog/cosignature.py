"""Cosignatures: what witnesses state about a checkpoint, as c2sp.org/tlog-cosignature defines it.

`verify_cosignature` guarantees that the holder of one key stated, at the time it returns, that the
checkpoint is consistent with every earlier one it saw of that log. It does not say how many such
statements, and whose, a reader needs: `policy.py` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.note import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    BadSignature,
    Signature,
    VerifierKey,
    check_name,
)

if TYPE_CHECKING:  # releases of `cryptography` that we support lack the module
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

MAX_TIMESTAMP = 2**63 - 1
_SIGNATURE_SIZES = {ED25519_COSIGNATURE: 64, MLDSA44_COSIGNATURE: 2420}
_TIMESTAMP_SIZE = 8
_SUBTREE_LABEL = b"subtree/v1\n\x00"


class MalformedCosignature(Refuted):
    """The bytes are not a timestamped signature."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A signature with the POSIX time, in seconds, at which it was made.

    Time 0 in an ML-DSA-44 cosignature makes no statement about time.
    """

    timestamp: int
    signature: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.timestamp <= MAX_TIMESTAMP:
            raise MalformedCosignature(f"time {self.timestamp} is not from 0 to 2^63 - 1")

    @classmethod
    def parse(cls, blob: bytes, algorithm: int) -> Cosignature:
        """Return what a signature line of this type (4 or 6) holds after its key id."""
        size = _SIGNATURE_SIZES.get(algorithm)
        if size is None:
            raise MalformedCosignature(f"signature type 0x{algorithm:02x} is no cosignature")
        if len(blob) != _TIMESTAMP_SIZE + size:
            raise MalformedCosignature(
                f"a cosignature of type 0x{algorithm:02x} has {_TIMESTAMP_SIZE + size} bytes, "
                f"not {len(blob)}"
            )
        return cls(int.from_bytes(blob[:_TIMESTAMP_SIZE], "big"), blob[_TIMESTAMP_SIZE:])

    def render(self) -> bytes:
        """Return what follows the key id on the signature line."""
        return self.timestamp.to_bytes(_TIMESTAMP_SIZE, "big") + self.signature


def checkpoint_message(text: bytes, timestamp: int) -> bytes:
    """Return what an Ed25519 cosignature of the note text signs, extension lines included."""
    return b"cosignature/v1\ntime %d\n" % timestamp + text


def subtree_message(
    *, cosigner: str, timestamp: int, origin: str, start: int, end: int, root: bytes
) -> bytes:
    """Return what an ML-DSA-44 cosignature of the leaves [start, end) of a log signs.

    A checkpoint is the subtree from 0 to its size. Raises `MalformedCosignature` when a name is
    not 1 to 255 bytes long, or a subtree that does not begin at 0 comes with a time.
    """
    if start and timestamp:
        raise MalformedCosignature(f"a subtree that begins at {start} must have time 0")
    return b"".join(
        (
            _SUBTREE_LABEL,
            _counted(cosigner),
            timestamp.to_bytes(8, "big"),
            _counted(origin),
            start.to_bytes(8, "big"),
            end.to_bytes(8, "big"),
            root,
        )
    )


def _counted(name: str) -> bytes:
    raw = name.encode()
    if not 1 <= len(raw) <= 255:
        raise MalformedCosignature(f"a cosigned name has 1 to 255 bytes, not {len(raw)}")
    return bytes([len(raw)]) + raw


def verify_cosignature(key: VerifierKey, text: bytes, blob: bytes) -> int:
    """Return the POSIX time at which `key` (type 4 or 6) cosigned the checkpoint `text`.

    `text` is the text of a note, `blob` what follows the key id on a signature line. Extension
    lines are covered by type 4 and not by type 6. Raises `MalformedCosignature`,
    `MalformedCheckpoint` or `BadSignature`; `Unavailable` where ML-DSA-44 cannot be computed.
    """
    cosignature = Cosignature.parse(blob, key.algorithm)
    checkpoint = Checkpoint.parse(text)
    try:
        if key.algorithm == ED25519_COSIGNATURE:
            message = checkpoint_message(text, cosignature.timestamp)
            Ed25519PublicKey.from_public_bytes(key.public).verify(cosignature.signature, message)
        else:
            message = subtree_message(
                cosigner=key.name,
                timestamp=cosignature.timestamp,
                origin=checkpoint.origin,
                start=0,
                end=checkpoint.size,
                root=checkpoint.root,
            )
            _mldsa44(key.public).verify(cosignature.signature, message)
    except InvalidSignature:
        raise BadSignature(
            f"{key.name}+{key.key_id.hex()} did not cosign this checkpoint "
            f"at time {cosignature.timestamp}"
        ) from None
    return cosignature.timestamp


def _mldsa44(public: bytes) -> MLDSA44PublicKey:
    try:
        # Imported here: see above.
        from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415

        return mldsa.MLDSA44PublicKey.from_public_bytes(public)
    except (ImportError, UnsupportedAlgorithm):
        raise Unavailable("this installation cannot verify ML-DSA-44 signatures") from None


@dataclass(frozen=True, slots=True)
class Cosigner:
    """An Ed25519 key that cosigns checkpoints under a name (type 4).

    The signed message does not hold the name, so a key must serve one cosigner only.
    """

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)

    @classmethod
    def generate(cls, name: str) -> Cosigner:
        """Return a new key under `name`."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Cosigner:
        """Return the key that a 32-byte Ed25519 seed stands for."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = self.private.public_key().public_bytes_raw()
        return VerifierKey.of(self.name, ED25519_COSIGNATURE, public)

    def cosign(self, text: bytes, timestamp: int) -> bytes:
        """Return the signature line, its newline included, for the checkpoint `text`.

        The caller vouches that it extends every checkpoint of that origin cosigned before, and
        has stored so. Raises `MalformedCheckpoint` when `text` is no checkpoint.
        """
        Checkpoint.parse(text)
        signature = self.private.sign(checkpoint_message(text, timestamp))
        cosignature = Cosignature(timestamp, signature)
        return Signature(self.name, self.verifier.key_id, cosignature.render()).render()
