"""Signing keys: Ed25519 and P-256, as Multikey text, did:key and JWS algorithm.

A signature that passes `PublicKey.verify` was made by the holder of that key over those
bytes. It says nothing about whose key it is or whether it was active: `rules/` does.

OpenSSL's verdict on an Ed25519 signature is the one that counts everywhere (gate, replay, offline
verification), so that no edge case is valid for one and invalid for another; the C2SP CCTV vectors
pin that choice. Where libsodium is installed, it verifies first, in half the time: OpenSSL accepts
all that libsodium accepts, because both compare R as bytes and multiply nothing by the cofactor,
and libsodium refuses more keys. OpenSSL then judges what libsodium refuses. Keys of small order are
refused. For P-256 both signs of S are valid, as in RFC 7518: a signature vouches for its message
and does not identify it. Sources: RFC 8032, RFC 7518 section 3.4, W3C Controlled
Identifiers (Multikey), the did:key method.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from testamur.errors import Refusal, Refuted

try:
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import BadSignatureError
except ImportError:  # only servers have it
    _LIBSODIUM = False
else:
    _LIBSODIUM = True

Curve: TypeAlias = Literal["Ed25519", "P-256"]
# RFC 9864 names the curve, RFC 8037 did not; both names are in use for Ed25519.
ALGORITHMS: Final[dict[str, Curve]] = {"Ed25519": "Ed25519", "EdDSA": "Ed25519", "ES256": "P-256"}

# Multicodec prefixes (unsigned varints) of a public and of a secret key.
_PUBLIC_PREFIX: Final[dict[Curve, bytes]] = {"Ed25519": b"\xed\x01", "P-256": b"\x80\x24"}
_SECRET_PREFIX: Final[dict[Curve, bytes]] = {"Ed25519": b"\x80\x26", "P-256": b"\x86\x26"}
_PUBLIC_SIZE: Final[dict[Curve, int]] = {"Ed25519": 32, "P-256": 33}
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# The points of order 1, 2, 4 and 8, in all their spellings but for the sign bit. Under such a
# key anybody can make signatures that hold, so its owner could disown whatever it signed.
_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUE: Final = {char: value for value, char in enumerate(_BASE58)}


class BadSignature(Refuted):
    """The signature was not made by this key over these bytes."""


DID_KEY: Final = "did:key:"
"""How a DID begins that spells a key, which is its own document."""


class PublicKey:
    """An Ed25519 or P-256 verification key; equal to another with the same bytes."""

    __slots__ = ("_key", "_raw", "curve")

    def __init__(self, curve: Curve, raw: bytes) -> None:
        """Take the raw key: 32 bytes for Ed25519, a 33-byte compressed point for P-256."""
        if len(raw) != _PUBLIC_SIZE[curve]:
            raise Refusal(
                "key-form",
                f"a raw {curve} public key has {_PUBLIC_SIZE[curve]} bytes",
                value=f"{len(raw)} bytes",
            )
        self.curve: Curve = curve
        self._raw = raw
        self._key = _load(curve, raw)

    @classmethod
    def from_multikey(cls, text: str) -> PublicKey:
        """Return the key that Multikey `text` spells; raises `Refusal` (`key-form`, `base58`)."""
        return _from_multikey(text)

    @classmethod
    def from_did_key(cls, did: str) -> PublicKey:
        """Return the one key of a did:key DID."""
        if not did.startswith(DID_KEY):
            raise Refusal("key-form", "not a did:key DID", value=did)
        return _from_multikey(did.removeprefix(DID_KEY))

    def raw(self) -> bytes:
        """Return the raw key bytes."""
        return self._raw

    def multikey(self) -> str:
        """Return the Multikey text, `z` and base58btc."""
        return "z" + base58_encode(_PUBLIC_PREFIX[self.curve] + self._raw)

    def did_key(self) -> str:
        """Return the did:key DID of this key."""
        return f"{DID_KEY}{self.multikey()}"

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise `BadSignature` unless `signature` (64 bytes: RFC 8032, or R and S) is good."""
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                if not _libsodium_accepts(self._raw, signature, message):
                    self._key.verify(signature, message)
            else:
                self._key.verify(_der(signature), message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise BadSignature(
                f"the signature is not by {self.curve} key {self.multikey()}"
            ) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and (self.curve, self._raw) == (
            other.curve,
            other._raw,
        )

    def __hash__(self) -> int:
        return hash((self.curve, self._raw))

    def __repr__(self) -> str:
        return f"PublicKey({self.multikey()})"


def _libsodium_accepts(key: bytes, signature: bytes, message: bytes) -> bool:
    if not _LIBSODIUM or len(signature) != 64:
        return False
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        return False
    return True


class PrivateKey:
    """A signing key. Its text form is Multikey (W3C), secret prefix: keep it like a password."""

    __slots__ = ("_key", "_raw", "curve", "public")

    def __init__(self, curve: Curve, raw: bytes) -> None:
        """Take the raw secret: the 32-byte seed (Ed25519) or scalar (P-256)."""
        if len(raw) != 32:
            raise Refusal("key-form", "a raw secret key has 32 bytes", value=f"{len(raw)} bytes")
        self.curve: Curve = curve
        self._raw = raw
        self._key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
        if curve == "Ed25519":
            self._key = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
            public = self._key.public_key().public_bytes_raw()
        else:
            scalar = int.from_bytes(raw, "big")
            if not 0 < scalar < _P256_ORDER:
                raise Refusal("key-form", "a P-256 secret must lie between 0 and the order")
            self._key = ec.derive_private_key(scalar, ec.SECP256R1())
            public = self._key.public_key().public_bytes(
                Encoding.X962, PublicFormat.CompressedPoint
            )
        self.public = PublicKey(curve, public)

    @classmethod
    def generate(cls, curve: Curve = "Ed25519") -> PrivateKey:
        """Return a fresh key from the operating system's randomness."""
        if curve == "Ed25519":
            return cls(curve, ed25519.Ed25519PrivateKey.generate().private_bytes_raw())
        scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        return cls(curve, scalar.to_bytes(32, "big"))

    @classmethod
    def from_multikey(cls, text: str) -> PrivateKey:
        """Return the key that secret Multikey `text` spells."""
        for curve, prefix in _SECRET_PREFIX.items():
            decoded = base58_decode(text[1:]) if text.startswith("z") else b""
            if decoded.startswith(prefix):
                return cls(curve, decoded[len(prefix) :])
        # The value is a secret: it is not shown.
        raise Refusal("key-form", "not a secret Multikey of Ed25519 (z3u2) or P-256 (z42t)")

    def multikey(self) -> str:
        """Return the secret Multikey text."""
        return "z" + base58_encode(_SECRET_PREFIX[self.curve] + self._raw)

    def raw(self) -> bytes:
        """Return the 32 secret bytes."""
        return self._raw

    @property
    def algorithm(self) -> Literal["ES256", "Ed25519"]:
        """The JWS algorithm this key signs with."""
        return "Ed25519" if self.curve == "Ed25519" else "ES256"

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature: RFC 8032, or R and S as RFC 7518 section 3.4 joins them."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def __repr__(self) -> str:
        return f"PrivateKey(of {self.public.multikey()})"


def base58_encode(data: bytes) -> str:
    """Return `data` in the Bitcoin base58 alphabet."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_decode(text: str, *, most: int = 200) -> bytes:
    """Return the bytes that `text`, of at most `most` characters, spells.

    Raises `Refusal` (rule `base58`). The time grows with the square of the length.
    """
    if len(text) > most:
        raise Refusal("base58", f"longer than {most} characters", value=f"{len(text)} characters")
    number = 0
    for char in text:
        if char not in _BASE58_VALUE:
            raise Refusal("base58", "a character outside the base58 alphabet", value=char)
        number = number * 58 + _BASE58_VALUE[char]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _load(curve: Curve, raw: bytes) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
    if curve == "Ed25519" and raw[:31] + bytes([raw[31] & 0x7F]) in _SMALL_ORDER:
        raise Refusal("key-form", "a key of small order, which signs anything", value=raw.hex())
    try:
        if curve == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(raw)
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError as error:
        raise Refusal("key-form", f"not a point of {curve}: {error}", value=raw.hex()) from None


# Parsing one takes 24 us, and every header names one; the bound keeps a stream of made-up keys
# from filling memory.
@lru_cache(maxsize=4096)
def _from_multikey(text: str) -> PublicKey:
    decoded = base58_decode(text[1:]) if text.startswith("z") else b""
    for curve, prefix in _PUBLIC_PREFIX.items():
        if decoded.startswith(prefix):
            return PublicKey(curve, decoded[len(prefix) :])
    raise Refusal(
        "key-form", "not the Multikey of an Ed25519 (z6Mk) or P-256 (zDn) key", value=text
    )


def _der(signature: bytes) -> bytes:
    if len(signature) != 64:
        raise BadSignature(f"an ES256 signature has 64 bytes, found {len(signature)}")
    return encode_dss_signature(
        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    )
