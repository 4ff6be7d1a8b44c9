"""The folder of an organization's keys, as `testamur keygen --out DIR` makes it.

    organization.json   the DID, and every key: what it is for, its Multikey, the name of its file
    founding-key.txt    the page of the founding key, until it is printed and deleted
    recovery-1.key      a recovery key; it belongs on a USB stick in a safe
    signing-1.key       a signing key, which stays
    receipts/           the receipts of what was submitted (`receipts.py`)
    awarded.ledger      who was awarded what, under ledger.key (`awarded_ledger.py`)

The folder knows the keys that its owner made, never which of them are in force: the log says that.
Of the private keys, those that are needed every day lie in it, and the others wherever their owner
keeps them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias

import msgspec
from msgspec import Meta

from testamur.catalogue.members import Did, Multikey
from testamur.cli.files import naming, read, read_key, refuse_existing, replace, write
from testamur.cli.founding_page import render_page
from testamur.errors import Refusal, Unavailable
from testamur.keys import Curve, PrivateKey

ORGANIZATION: Final = "organization.json"
MAX_RECOVERY: Final = 8
"""An organization has at most so many recovery keys in force besides the founding key."""

Use: TypeAlias = Literal["founding", "recovery", "signing"]
_MAX_FILE: Final = 1 << 20
_FOUNDING: Final = "founding-key.txt"


class OwnKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key of the organization: its Multikey, its use, and the file that its secret was in."""

    # No separator, and no dot in front: it names a file in this folder and nothing else.
    file: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$(?!\n)")]
    key: Multikey
    use: Use

    @property
    def name(self) -> str:
        """What people call it, such as `recovery-1`."""
        return "the founding key" if self.use == "founding" else self.file.removesuffix(".key")


class KeyFolder(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of the organization `did`, in rank order: founding, recovery, signing."""

    path: Path
    did: str
    keys: tuple[OwnKey, ...]

    @classmethod
    def make(cls, path: Path, *, recovery: int, curve: Curve) -> Self:
        """Make the folder with a founding key, `recovery` recovery keys and a signing key.

        It appears whole or not at all. Raises `Unavailable` if something is there already.
        """
        refuse_existing(path)
        files: list[tuple[str, Use]] = [
            (_FOUNDING, "founding"),
            *((f"recovery-{number + 1}.key", "recovery") for number in range(recovery)),
            ("signing-1.key", "signing"),
        ]
        secrets = [PrivateKey.generate(curve) for _ in files]
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only its owner may enter it (0700). Beside its final place, so that the rename is atomic.
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            keys = []
            for (file, use), secret in zip(files, secrets, strict=True):
                _write_secret(made / file, secret, use)
                keys.append(OwnKey(file, secret.public.multikey(), use))
            folder = cls(path=made, did=secrets[0].public.did_key(), keys=tuple(keys))
            write(made / ORGANIZATION, folder.render())
            # If we stop before this line, a hidden folder is left over and no key is in use.
            made.rename(path)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        return msgspec.structs.replace(folder, path=path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the folder at `path`; raises `Refusal` (rule `organization-file`)."""
        if not path.is_dir():
            raise Unavailable(f"{path} is no folder of keys; testamur keygen --out DIR makes one")
        file = path / ORGANIZATION
        with naming(file):
            found = _decoded(read(file, _MAX_FILE))
        return cls(path=path, did=found.did, keys=found.keys)

    def render(self) -> bytes:
        """Return the bytes of `organization.json`."""
        written = _Written(format=_FORMAT, did=self.did, keys=self.keys)
        return msgspec.json.format(msgspec.json.encode(written)) + b"\n"

    def plus(self, use: Literal["recovery", "signing"], curve: Curve) -> tuple[Self, OwnKey]:
        """Make one more key, and return the folder with it. The log does not know it yet."""
        number = 1 + sum(each.use == use for each in self.keys)
        secret = PrivateKey.generate(curve)
        made = OwnKey(f"{use}-{number}.key", secret.public.multikey(), use)
        # Its secret first: if we stop after it, the file is there and no key is in use.
        _write_secret(self.path / made.file, secret, use)
        last = max(at for at, each in enumerate(self.keys) if _rank_of(each) <= _rank_of(made))
        keys = (*self.keys[: last + 1], made, *self.keys[last + 1 :])
        grown = msgspec.structs.replace(self, keys=keys)
        replace(self.path / ORGANIZATION, grown.render())
        return grown, made

    def with_use(self, use: Use) -> tuple[OwnKey, ...]:
        """Return the keys with this use, in rank order."""
        return tuple(each for each in self.keys if each.use == use)

    def find(self, multikey: str) -> OwnKey | None:
        """Return the key with this Multikey, or None if it is not the organization's."""
        return next((each for each in self.keys if each.key == multikey), None)

    def named(self, name: str) -> OwnKey:
        """Return the key with this Multikey or name, such as `signing-1`.

        Raises `Refusal` (rule `unknown-key`).
        """
        for own in self.keys:
            if name in (own.key, own.file.removesuffix(".key")):
                return own
        names = ", ".join(own.file.removesuffix(".key") for own in self.keys)
        raise Refusal("unknown-key", f"the keys of this organization are {names}", value=name)

    def has(self, key: OwnKey) -> bool:
        """Return whether the secret of the key lies in the folder."""
        return (self.path / key.file).is_file()

    def secret(self, key: OwnKey) -> PrivateKey:
        """Return a private key that lies in the folder; raises `Refusal` (rule `key-file`)."""
        file = self.path / key.file
        found = read_key(file)
        if found.public.multikey() != key.key:
            raise Refusal(
                "key-file",
                f"{file} holds another key than {self.path / ORGANIZATION} says",
                value=found.public.multikey(),
            )
        return found


_FORMAT: Final = "testamur/organization/1"


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `organization.json` holds."""

    format: Literal["testamur/organization/1"]
    did: Did
    keys: Annotated[tuple[OwnKey, ...], Meta(min_length=1, max_length=2048)]


_ORDER: Final[Sequence[Use]] = ("founding", "recovery", "signing")


def _rank_of(key: OwnKey) -> int:
    return _ORDER.index(key.use)


def _decoded(data: bytes) -> _Written:
    try:
        found = msgspec.json.decode(data, type=_Written)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("organization-file", f"is not as keygen writes it: {error}") from None
    uses = [_rank_of(each) for each in found.keys]
    if uses.count(0) != 1 or uses != sorted(uses) or f"did:key:{found.keys[0].key}" != found.did:
        raise Refusal(
            "organization-file",
            "lists the founding key first, which the DID spells, then recovery and signing keys",
            value=found.did,
        )
    if len({each.key for each in found.keys}) < len(found.keys):
        raise Refusal("organization-file", "lists a key twice")
    return found


def _write_secret(path: Path, secret: PrivateKey, use: Use) -> None:
    text = (
        render_page(secret, datetime.now(UTC).date())
        if use == "founding"
        else f"{secret.multikey()}\n"
    )
    write(path, text.encode(), secret=True)
