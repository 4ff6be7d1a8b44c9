"""How does a key sign that never leaves its token? By PKCS#11 (version 3, CKM_EDDSA over Ed25519).

The key is named by an RFC 7512 address, which holds no secret:

    pkcs11:token=testamur;object=log-key?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/testamur/pin

The PIN is read from the file each time that a session is opened; the file must be its owner's
alone. A session that fails is closed, and the next signature opens another.
"""  # an address has no place to break it

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from api.folder import check_private
from testamur.errors import Refuted, Unavailable, shown
from testamur.tlog.note import Signature, VerifierKey, check_text

try:
    import pkcs11
    from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
except ImportError:  # the group `hsm` of pyproject.toml
    raise Unavailable(
        "a key in a token needs python-pkcs11 (the group `hsm` of pyproject.toml): pip install "
        "'python-pkcs11>=0.10'"
    ) from None

_SCHEME: Final = "pkcs11:"
_PATH: Final = ("token", "object")
_QUERY: Final = ("module-path", "pin-source")
_ED25519: Final = bytes.fromhex("06032b6570")  # DER: the object identifier 1.3.101.112
_POINT: Final = b"\x04\x20"  # DER: an octet string of 32 bytes
_KEY_SIZE: Final = 32
_MOST_PIN: Final = 256


@dataclass(frozen=True, slots=True)
class Address:
    """Where a key is: the label of the token, that of the key, the library, the file of the PIN."""

    token: str
    label: str
    module: Path
    pin: Path

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return what an RFC 7512 address spells: exactly the four parts shown above.

        Raises `Refuted`; a PIN in the address (`pin-value`) is refused, and not repeated.
        """
        if "pin-value" in text:
            raise Refuted("a PIN stands in a file, named by pin-source=file:..., not in an address")
        path, _, query = text.removeprefix(_SCHEME).partition("?")
        parts = _parts(path, ";", _PATH) | _parts(query, "&", _QUERY)
        if not text.startswith(_SCHEME) or parts.keys() != {*_PATH, *_QUERY}:
            raise Refuted(
                "an address of a key is pkcs11:token=LABEL;object=LABEL?module-path=FILE"
                f"&pin-source=file:FILE, and not {shown(text)}"
            )
        module = Path(parts["module-path"])
        pin = Path(parts["pin-source"].removeprefix("file:"))
        if not (module.is_absolute() and pin.is_absolute()):
            raise Refuted("module-path and pin-source name files by their absolute paths")
        return cls(parts["token"], parts["object"], module, pin)


class TokenSigner:
    """A `testamur.tlog.note.Signer` with the private key at an address, the public one `verifier`.

    Raises `Refuted` for an address that is none, and when the token holds another key.
    """

    def __init__(self, address: str, verifier: VerifierKey) -> None:
        self.name = verifier.name
        self.verifier = verifier
        self._address = Address.parse(address)
        self._session: Any = None
        self._key: Any = None
        found = public_key(address)
        if found != verifier.public:
            raise Refuted(f"the token holds another key than {verifier.key_id.hex()}")

    def sign(self, text: bytes) -> bytes:
        """Return the signature line for `text`.

        Raises `MalformedNote`, and `Unavailable` when the token cannot be reached.
        """
        check_text(text)
        with _failures_named(self._address), self._closed_on_failure():
            if self._session is None:
                self._session = _opened(self._address)
                self._key = _found(self._session, self._address, ObjectClass.PRIVATE_KEY)
            blob = bytes(self._key.sign(text, mechanism=Mechanism.EDDSA))
        return Signature(self.name, self.verifier.key_id, blob).render()

    def close(self) -> None:
        """End the session, if there is one."""
        session, self._session, self._key = self._session, None, None
        if session is not None:
            with suppress(pkcs11.PKCS11Error):
                session.close()

    @contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise


def public_key(address: str) -> bytes:
    """Return the 32 bytes of the public key at an address.

    Raises `Refuted` for an address that is none and a key that is not Ed25519, `Unavailable` when
    the token or the key is not there.
    """
    place = Address.parse(address)
    with _failures_named(place):
        session = _opened(place)
        try:
            key = _found(session, place, ObjectClass.PUBLIC_KEY)
            point = bytes(key[Attribute.EC_POINT])
        finally:
            session.close()
    raw = point.removeprefix(_POINT) if len(point) == _KEY_SIZE + len(_POINT) else point
    if len(raw) != _KEY_SIZE:
        raise Refuted(f"the key {place.label} in the token is not an Ed25519 key")
    return raw


def make_key(address: str) -> None:
    """Make an Ed25519 key in the token at an address, which never leaves it.

    Raises `Refuted` when there is one of that label, and as `public_key`.
    """
    place = Address.parse(address)
    with _failures_named(place):
        session = _opened(place, write=True)
        try:
            if list(session.get_objects({Attribute.LABEL: place.label})):
                raise Refuted(f"the token holds a {shown(place.label)} already")
            curve = session.create_domain_parameters(
                KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _ED25519}, local=True
            )
            curve.generate_keypair(
                mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
                store=True,
                label=place.label,
                private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )
        finally:
            session.close()


def _opened(place: Address, *, write: bool = False) -> Any:
    token = pkcs11.lib(str(place.module)).get_token(token_label=place.token)
    return token.open(user_pin=_pin(place.pin), rw=write)


def _found(session: Any, place: Address, kind: ObjectClass) -> Any:
    return session.get_key(object_class=kind, key_type=KeyType.EC_EDWARDS, label=place.label)


def _pin(path: Path) -> str:
    with path.open("rb") as file:
        check_private(path, os.fstat(file.fileno()))
        return file.read(_MOST_PIN).decode("utf-8").removesuffix("\n")


@contextmanager
def _failures_named(place: Address) -> Iterator[None]:
    try:
        yield
    except (pkcs11.PKCS11Error, RuntimeError, OSError, UnicodeDecodeError) as error:
        # Never the text of an error: a library might quote the PIN.
        raise Unavailable(
            f"the key {shown(place.label)} in the token {shown(place.token)} cannot be used: "
            f"{type(error).__name__}"
        ) from None


def _parts(text: str, separator: str, names: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(separator):
        name, _, value = part.partition("=")
        if name in names and name not in found and value:
            found[name] = unquote(value)
        else:
            found["?"] = part  # one too many, so the address is refused
    return found
