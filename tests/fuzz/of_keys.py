"""Keys, public and secret, and the folder that they lie in."""

from __future__ import annotations

from typing import Any, Final

from api.log_keys.listed import KeyList
from api.log_keys.token import Address
from testamur.cli.files import read_key
from testamur.cli.founding_page import read_page
from testamur.cli.key_folder import ORGANIZATION, KeyFolder
from testamur.keys import PrivateKey, PublicKey
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.note import SignerKey
from tests.fuzz import samples
from tests.fuzz.row import Row, as_file, as_line, as_text, folder, texts


def _key_folder(data: bytes) -> Any:
    (folder() / "keys").mkdir(exist_ok=True)
    return as_file(lambda path: KeyFolder.read(path.parent), f"keys/{ORGANIZATION}")(data)


ROWS: Final = (
    Row(
        ("testamur.keys.PublicKey.from_multikey",),
        as_text(PublicKey.from_multikey),
        texts(
            samples.SECRET.public.multikey(),
            PrivateKey("P-256", b"\x01" * 32).public.multikey(),
        ),
        render=lambda key: key.multikey().encode(),
    ),
    Row(
        ("testamur.keys.PublicKey.from_did_key",),
        as_text(PublicKey.from_did_key),
        texts(samples.SECRET.public.did_key()),
        render=lambda key: key.did_key().encode(),
    ),
    Row(
        ("testamur.keys.PrivateKey.from_multikey",),
        as_text(PrivateKey.from_multikey),
        texts(samples.SECRET.multikey(), PrivateKey("P-256", b"\x01" * 32).multikey()),
        render=lambda key: key.multikey().encode(),
        secrets=(samples.SECRET.multikey(),),
    ),
    Row(
        ("testamur.cli.files.read_key", "testamur.cli.files.read_secret_text"),
        as_file(read_key),
        lambda: [samples.SECRET.multikey().encode(), samples.page()],
        secrets=(samples.SECRET.multikey(),),
    ),
    Row(
        ("testamur.cli.founding_page.read_page",),
        as_line(read_page),
        lambda: [samples.page()],
        secrets=(samples.SECRET.multikey(), samples.page().decode().split("PRIVATE KEY-----")[1]),
    ),
    Row(
        ("testamur.tlog.note.SignerKey.parse",),
        as_text(SignerKey.parse),
        lambda: [samples.log().skey.encode()],
        secrets=(samples.log().skey.rpartition("+")[2],),
        render=lambda key: key.render().encode(),
    ),
    Row(
        ("testamur.cli.key_folder.KeyFolder.read",),
        _key_folder,
        lambda: [samples.key_folder()],
    ),
    Row(
        ("testamur.tlog.log_keys.LogKeys.parse",),
        as_text(LogKeys.parse),
        lambda: [samples.log().vkey.encode() + b"\n", b"\n".join(samples.vkeys()) + b"\n"],
    ),
    Row(
        ("api.log_keys.listed.KeyList.parse",),
        as_text(KeyList.parse),
        samples.key_lists,
        render=lambda found: found.render().encode(),
    ),
    Row(
        ("api.log_keys.token.Address.parse",),
        as_text(Address.parse),
        texts(
            "pkcs11:token=log;object=key?module-path=/usr/lib/softhsm.so&pin-source=file:/run/pin",
            "pkcs11:token=a%20b;object=%C3%A9?module-path=/m&pin-source=file:/p",
            "pkcs11:token=log;object=key?module-path=/m&pin-value=1234",
        ),
    ),
)
