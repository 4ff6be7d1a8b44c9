"""A new signing key in the place of the old one, in one step."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from testamur.catalogue.events import Event, KeyListed, KeyRetired
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import seal
from testamur.cli.files import refuse_existing_file, write
from testamur.cli.key_folder import KeyFolder, OwnKey
from testamur.cli.profile import to_type
from testamur.cli.signer import KeyFile, Signer, signer_of
from testamur.cli.terminal import Json, note, show_fields, show_json
from testamur.cli.values import Log, NewFile
from testamur.errors import Refusal
from testamur.keys import PublicKey

app = typer.Typer()
_PANEL: Final = "Keys"


@app.command("rotate-key", rich_help_panel=_PANEL)
def rotate_key(
    keys: Annotated[Path, typer.Option("--keys", metavar="DIR", help="Folder of your keys.")],
    log: Log,
    out: NewFile,
    key: KeyFile = None,
    retire: Annotated[
        str | None,
        typer.Option(
            "--retire", metavar="KEY", help="The old key, such as signing-1; else the newest."
        ),
    ] = None,
    new: Annotated[
        str | None,
        typer.Option(
            "--new", metavar="KEY", help="A key that keygen made in DIR; else one is made now."
        ),
    ] = None,
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="List the new key alone: the old one signs on.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a new signing key, and sign the events that list it and retire the old one.

    A recovery key signs them: it is looked for in DIR, or named by --key. What the old key signed
    still counts. Submit FILE before you sign anything else, since from here on the new key signs.
    A stolen key is not rotated: `testamur recover` declares it.

    Example: `testamur rotate-key --keys keys --key /media/stick/recovery-1.key
    --log log.example/testamur --out rotate.submission`
    """
    refuse_existing_file(out)
    folder = KeyFolder.read(keys)
    before = _old(folder, retire, new)
    # The key that signs is looked for first: a new key that nobody can list is of no use.
    signer = signer_of(_events(before, before, keep=keep), keys, key)
    if new is None:
        folder, made = folder.plus("signing", PublicKey.from_multikey(before.key).curve)
    else:
        made = _new(folder, new, before)
    write(out, _sealed(signer, log, _events(made, before, keep=keep)))
    fields = {
        "file": str(out),
        "new key": made.name,
        "public key": made.key,
        "retires": None if keep else before.name,
        "signed by": _name(folder, signer),
    }
    if json:
        show_json(fields)
        return
    show_fields(fields)
    note(f"Next: testamur submit {out}{to_type('url', 'trust', 'keys')}")
    note("If you publish a DID document, publish it anew then: testamur did-document")


def _old(folder: KeyFolder, name: str | None, new: str | None) -> OwnKey:
    """Return the key to be retired: the one that was named, or the newest but the new one."""
    if name is None:
        signing = [each for each in folder.with_use("signing") if new not in (each.name, each.key)]
        if not signing:
            raise Refusal("unknown-key", "this folder has no other signing key; name one: --retire")
        return signing[-1]
    return _signing(folder, name)


def _new(folder: KeyFolder, name: str, old: OwnKey) -> OwnKey:
    found = _signing(folder, name)
    if found == old:
        raise Refusal("key-use", "the new key is the old one", value=name)
    folder.secret(found)  # one that cannot sign must not be listed
    return found


def _signing(folder: KeyFolder, name: str) -> OwnKey:
    found = folder.named(name)
    if found.use != "signing":
        raise Refusal("key-use", "this command is about signing keys", value=name)
    return found


def _events(new: OwnKey, old: OwnKey, *, keep: bool) -> list[Event]:
    listed = KeyListed(as_="signing", key=new.key)
    return [listed] if keep else [listed, KeyRetired(key=old.key)]


def _sealed(signer: Signer, log: str, events: list[Event]) -> bytes:
    return seal(
        [encode_event(each) for each in events],
        key=signer.key,
        kid=signer.kid,
        aud=log,
        iat=int(time.time()),
        jti=new_id(),
    )


def _name(folder: KeyFolder, signer: Signer) -> str:
    own = folder.find(signer.key.public.multikey())
    return signer.kid if own is None else own.name
