"""Keys: make one, print its DID, prove that you hold it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from testamur.catalogue.members import Key
from testamur.cli.files import read_key, write
from testamur.cli.terminal import Json, note, say, show_fields, show_json
from testamur.cli.values import Log, as_did, as_key_id
from testamur.keys import Curve, PrivateKey, PublicKey
from testamur.rules.organizations import possession_statement

app = typer.Typer()
_PANEL: Final = "Keys"

KeyFile = Annotated[
    Path, typer.Argument(metavar="KEY", help="Key file, as `testamur keygen` makes it.")
]


@app.command(rich_help_panel=_PANEL)
def keygen(
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="New file for the key, readable by you alone.")
    ],
    curve: Annotated[Curve, typer.Option(help="Kind of key.")] = "Ed25519",
    *,
    json: Json = False,
) -> None:
    """Make a signing key and print the DID that it spells.

    The file is the secret itself: its bearer can sign in your name.

    Example: `testamur keygen --out provider.key`
    """
    key = PrivateKey.generate(curve)
    write(out, f"{key.multikey()}\n".encode(), secret=True)
    fields = {**_fields(key.public), "file": str(out)}
    if json:
        show_json(fields)
        return
    show_fields(fields)
    note(f"Keep {out} secret, and keep a copy: it cannot be made again.")
    note(f"Next: testamur possession {out} --log ORIGIN --sponsor DID --out FILE")


@app.command(rich_help_panel=_PANEL)
def did(key: KeyFile, *, json: Json = False) -> None:
    """Print the DID that a key spells.

    Example: `testamur did provider.key`
    """
    public = read_key(key).public
    if json:
        show_json(_fields(public))
    else:
        say(public.did_key())


@app.command(rich_help_panel=_PANEL)
def possession(
    key: KeyFile,
    log: Log,
    sponsor: Annotated[
        str,
        typer.Option(
            metavar="DID",
            parser=as_did,
            help="The organization that will submit the event; your own, for a further key.",
        ),
    ],
    organization: Annotated[
        str | None,
        typer.Option(
            metavar="DID", parser=as_did, help="Whose key it is; by default, the key's own DID."
        ),
    ] = None,
    key_id: Annotated[
        str | None,
        typer.Option(metavar="ID", parser=as_key_id, help="Name of the key in `did#id`."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="New file to write.")] = None,
    *,
    json: Json = False,
) -> None:
    """Sign that you hold a key and want it in the register, for your sponsor to send in.

    The signature holds for this log, this sponsor and this organization only. The command prints
    the JSON that your sponsor gives to `testamur event ... --from`.

    Example: `testamur possession provider.key --log log.example/testamur
    --sponsor did:web:accreditor.example --out possession.json`
    """
    secret = read_key(key)
    listed = Key(
        id=key_id or secret.public.multikey(), public_key_multibase=secret.public.multikey()
    )
    owner = organization or secret.public.did_key()
    signature = secret.sign(possession_statement(log, sponsor, owner, listed))
    members = {
        "key": msgspec.to_builtins(listed),
        "organization": owner,
        "possession": base64.b64encode(signature).decode(),
    }
    if out is not None:
        write(out, msgspec.json.format(msgspec.json.encode(members)) + b"\n")
        note(f"{out} is for {sponsor}, to bring this key of {owner} into {log}.")
    if out is None or json:
        show_json(members)


def _fields(public: PublicKey) -> dict[str, str]:
    multikey, spelled = public.multikey(), public.did_key()
    return {
        "did": spelled,
        "kid": f"{spelled}#{multikey}",
        "publicKeyMultibase": multikey,
        "curve": public.curve,
    }
