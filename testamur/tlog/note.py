r"""Signed notes, as c2sp.org/signed-note defines them and Go's sumdb/note reads and writes them.

    text, ending in a newline
    <empty line>
    — <key name> base64(4-byte key id || signature)
    — ...

`open_note` guarantees that at least one of the given keys signed the text, and that none of them
is named by a signature that does not hold. A line by any other key proves nothing and is kept as
it stands. It says nothing about what the text means: `checkpoint.py` does, and cosignatures, which
sign more than the text, are verified by `cosignature.py`.

Sign a text with a key, whose public half is written on one line:

    >>> signer = SignerKey.from_seed("log.example", bytes(32))
    >>> text = b"what is signed\n"
    >>> note = text + b"\n" + signer.sign(text)
    >>> print(note.decode(), end="")  # doctest: +ELLIPSIS
    what is signed
    <BLANKLINE>
    — log.example 2F9odF3FcT9JdWXjvPD2o+zXDYf7...PIn7a2EwY=
    >>> print(signer.verifier)
    log.example+d85f6874+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop

Open it with the verifier key; a changed text, or one that other keys signed, is refused:

    >>> key = VerifierKey.parse(str(signer.verifier))
    >>> open_note(note, [key]).text
    b'what is signed\n'
    >>> open_note(note.replace(b"is", b"was"), [key])
    Traceback (most recent call last):
    testamur.tlog.note.BadSignature: log.example+d85f6874 did not sign this text
    >>> other = SignerKey.generate("log.example")
    >>> open_note(note, [other.verifier])
    Traceback (most recent call last):
    testamur.tlog.note.Unsigned: no known key has signed the note: log.example+d85f6874
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from testamur.errors import Refuted, shown

MAX_NOTE = 1 << 20  # bytes; a hundred ML-DSA-44 cosignatures take a third of it
MAX_SIGNATURES = 100  # where Go's sumdb/note stops too
KEY_ID_SIZE = 4

ED25519 = 0x01
ED25519_COSIGNATURE = 0x04
MLDSA44_COSIGNATURE = 0x06

_PUBLIC_SIZES = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}
_SEED_SIZE = 32
_DASH = "— "  # U+2014 and a space begin every signature line
_PRIVATE = "PRIVATE+KEY+"
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


class MalformedNote(Refuted):
    """The bytes are not a signed note."""


class MalformedKey(Refuted):
    """The text is not a verifier key, or not a signer key."""


class BadSignature(Refuted):
    """A signature line names a known key, and the signature does not hold."""


class Unsigned(Refuted):
    """No known key has signed the note."""


def strict_base64(text: str) -> bytes:
    """Return the bytes that `text` spells in standard, padded base64; raises `Refuted` if none."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refuted(f"not base64: {shown(text)}") from None
    # The decoder ignores stray bits under the padding, so it accepts a second spelling.
    if base64.b64encode(raw).decode("ascii") != text:
        raise Refuted(f"not canonical base64: {shown(text)}")
    return raw


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """Return the 4-byte id of a key. It tells keys of one name apart, and secures nothing."""
    text = name.encode() + b"\n" + bytes([algorithm]) + public
    return hashlib.sha256(text).digest()[:KEY_ID_SIZE]


def check_name(name: str) -> None:
    """Raises `MalformedKey` unless `name` can be a key name: no Unicode space, plus or control."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise MalformedKey(f"a key name must be valid UTF-8: {shown(name)}") from None
    if not name or any(sign == "+" or sign < " " or sign.isspace() for sign in name):
        raise MalformedKey(
            f"a key name is not empty and holds no space, plus or control: {shown(name)}"
        )


def check_text(text: bytes) -> None:
    """Raises `MalformedNote` unless `text` can be signed: UTF-8, its lines ended by newlines."""
    if not text.endswith(b"\n"):
        raise MalformedNote("the text of a note must end in a newline")
    _check_characters(text)


def _check_characters(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise MalformedNote(f"a note must be UTF-8, which byte {error.start} breaks") from None
    if control := _CONTROL.search(data):
        raise MalformedNote(
            f"a note holds no control character but newline: found {shown(control[0])}"
        )


# --- Keys ---


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key that signs notes, written `name+<8 hex digits>+<base64>`.

    `algorithm` is the signature type of c2sp.org/signed-note: 1 for Ed25519, 4 and 6 for the
    cosignatures of c2sp.org/tlog-cosignature. `key_id` is 4 bytes.
    """

    name: str
    key_id: bytes
    algorithm: int
    public: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        size = _PUBLIC_SIZES.get(self.algorithm)
        if size is None:
            raise MalformedKey(f"{self.name}: signature type 0x{self.algorithm:02x} is not known")
        if len(self.public) != size:
            raise MalformedKey(
                f"{self.name}: a key of type 0x{self.algorithm:02x} has {size} bytes, "
                f"not {len(self.public)}"
            )
        expected = key_id(self.name, self.algorithm, self.public)
        if self.key_id != expected:
            raise MalformedKey(
                f"{self.name}: the key id is {expected.hex()}, not {self.key_id.hex()}"
            )

    @classmethod
    def of(cls, name: str, algorithm: int, public: bytes) -> VerifierKey:
        """Return the key with the id that follows from its parts."""
        check_name(name)
        return cls(name, key_id(name, algorithm, public), algorithm, public)

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Return the key that `vkey` spells; raises `MalformedKey` if it spells none."""
        # Base64 uses plus signs too, so only the first two separate fields.
        fields = vkey.split("+", 2)
        if len(fields) != 3:
            raise MalformedKey(f"a verifier key is name+id+key: {shown(vkey)}")
        name, id_text, key_text = fields
        algorithm, public = _typed_key(key_text)
        key = cls(name, _id_from(id_text), algorithm, public)
        if str(key) != vkey:
            raise MalformedKey(f"not the canonical spelling of a verifier key: {shown(vkey)}")
        return key

    def __str__(self) -> str:
        key_text = base64.b64encode(bytes([self.algorithm]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{key_text}"

    def verify(self, text: bytes, sig: bytes) -> None:
        """Raises `BadSignature` unless `sig` is this key's Ed25519 signature of `text`.

        For keys of type 1 alone: a cosignature signs more than the text.
        """
        if self.algorithm != ED25519:
            raise BadSignature(f"{self.name}: a key of type 0x{self.algorithm:02x} signs no notes")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(sig, text)
        except InvalidSignature:
            raise BadSignature(f"{self.name}+{self.key_id.hex()} did not sign this text") from None


def _id_from(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MalformedKey(f"a key id is 8 hex digits: {shown(text)}") from None


def _typed_key(text: str) -> tuple[int, bytes]:
    try:
        raw = strict_base64(text)
    except Refuted as error:
        raise MalformedKey(f"the key is {error}") from None
    if not raw:
        raise MalformedKey("the key is empty")
    return raw[0], raw[1:]


class Signer(Protocol):
    """What signs notes under a name, wherever its private key is: in an HSM, a KMS, or here.

    `Signature(name, key_id, blob).render()` makes the line from the 64 bytes of a signature.
    """

    @property
    def name(self) -> str:
        """The key name, which for the key of a log is the log's origin."""
        ...

    @property
    def verifier(self) -> VerifierKey:
        """The public half, of type 1 (Ed25519) and under the same name. It MUST never change."""
        ...

    def sign(self, text: bytes) -> bytes:
        """Return the signature line for `text`, its newline included.

        It MUST raise `MalformedNote` if `text` is not the text of a note (`check_text`), and
        `Unavailable` when the key cannot be reached. The caller verifies the line.
        """
        ...


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A `Signer` that holds its Ed25519 key; only `render` shows the private half."""

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)

    @classmethod
    def generate(cls, name: str) -> SignerKey:
        """Return a new key under `name`."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> SignerKey:
        """Return the key that a 32-byte Ed25519 seed stands for."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def parse(cls, skey: str) -> SignerKey:
        """Return the key that Go's `PRIVATE+KEY+name+id+base64(type || seed)` spells.

        Raises `MalformedKey` if it spells none. No message repeats the secret.
        """
        fields = skey.removeprefix(_PRIVATE).split("+", 2)
        if not skey.startswith(_PRIVATE) or len(fields) != 3:
            raise MalformedKey("a signer key is PRIVATE+KEY+name+id+key")
        name, _, key_text = fields
        key = cls.from_seed(name, _seed(key_text))
        if key.render() != skey:
            raise MalformedKey(f"{name}: the key id is not {key.verifier.key_id.hex()}")
        return key

    def render(self) -> str:
        """Return the secret in Go's form, which `parse` reads."""
        key_text = base64.b64encode(bytes([ED25519]) + self.private.private_bytes_raw())
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{key_text.decode('ascii')}"

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey.of(self.name, ED25519, self.private.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Return the signature line for `text`, its newline included.

        Raises `MalformedNote` if `text` is not the text of a note.
        """
        check_text(text)
        return Signature(self.name, self.verifier.key_id, self.private.sign(text)).render()


def _seed(key_text: str) -> bytes:
    try:
        raw = strict_base64(key_text)
    except Refuted:
        raise MalformedKey("the key is not base64") from None
    if len(raw) != 1 + _SEED_SIZE or raw[0] != ED25519:
        raise MalformedKey(f"the key is not one byte 0x01 and {_SEED_SIZE} bytes of seed")
    return raw[1:]


# --- Notes ---


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key that it names, and the bytes that must verify under it."""

    name: str
    key_id: bytes
    blob: bytes = field(repr=False)

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Return the signature on `line` (without its newline); raises `MalformedNote` if none."""
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH):
            raise MalformedNote(
                f"a signature line begins with an em dash and a space: {shown(line)}"
            )
        try:
            check_name(name)
            raw = strict_base64(encoded)
        except Refuted as error:
            raise MalformedNote(f"signature line: {error}") from None
        if len(raw) <= KEY_ID_SIZE:
            raise MalformedNote(f"{shown(name)}: a signature of {len(raw)} bytes is too short")
        return cls(name, raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:])

    def render(self) -> bytes:
        """Return the signature line, its newline included."""
        encoded = base64.b64encode(self.key_id + self.blob).decode("ascii")
        return f"{_DASH}{self.name} {encoded}\n".encode()

    @property
    def key(self) -> tuple[str, bytes]:
        """The pair that picks the key: its name and its id."""
        return self.name, self.key_id


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signature lines; `verified` holds those that verified under a known key."""

    text: bytes
    signatures: tuple[Signature, ...]
    verified: tuple[Signature, ...] = ()

    def render(self) -> bytes:
        """Return the note's bytes, every signature line included."""
        return b"".join((self.text, b"\n", *(line.render() for line in self.signatures)))


def parse_note(data: bytes) -> Note:
    """Return the note, unverified; raises `MalformedNote` if `data` is none."""
    if len(data) > MAX_NOTE:
        raise MalformedNote(f"a note of {len(data)} bytes is above {MAX_NOTE}")
    _check_characters(data)
    # The text may hold empty lines itself: the last one in the note ends it.
    split = data.rfind(b"\n\n")
    if split < 0:
        raise MalformedNote("a note has an empty line between its text and its signatures")
    lines = data[split + 2 :].decode().split("\n")
    if lines.pop() or not lines:
        raise MalformedNote("a note ends in one or more signature lines, each with its newline")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNote(f"a note with {len(lines)} signatures is above {MAX_SIGNATURES}")
    return Note(data[: split + 1], tuple(Signature.parse(line) for line in lines))


def keyed(keys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    """Return the keys by the pair that picks them; raises `MalformedKey` if two share a pair."""
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise MalformedKey(f"two keys are both {key.name}+{key.key_id.hex()}")
    return known


def open_note(data: bytes, verifiers: Iterable[VerifierKey]) -> Note:
    """Return the note with those signatures `verified` that are by the given keys of type 1.

    A line by any other (name, key id) is ignored. Raises `MalformedNote`, `BadSignature` when a
    line names a given key that did not sign, and `Unsigned` when no given key has signed.
    """
    note = parse_note(data)
    known = keyed(verifiers)
    verified = []
    for signature in note.signatures:
        if key := known.get(signature.key):
            key.verify(note.text, signature.blob)
            verified.append(signature)
    if not verified:
        raise Unsigned(f"no known key has signed the note: {_signers(note)}")
    return Note(note.text, note.signatures, tuple(verified))


def _signers(note: Note) -> str:
    return shown(", ".join(f"{line.name}+{line.key_id.hex()}" for line in note.signatures))
