"""Keys: make those of an organization, read a printed one back, publish the signing keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from testamur.catalogue.events import KeyListed
from testamur.catalogue.lines import encode_event
from testamur.cli.files import append, read_key, read_secret_text
from testamur.cli.founding_page import did_on_page, read_page
from testamur.cli.key_folder import MAX_RECOVERY, ORGANIZATION, KeyFolder
from testamur.cli.terminal import Json, note, say, show_fields, show_json, show_table
from testamur.cli.values import as_any_did
from testamur.errors import Refusal
from testamur.keys import Curve, PublicKey

app = typer.Typer()
_PANEL: Final = "Keys"

_PLACES: Final = {
    "founding": "print it, read it back, delete it; the sheets into two safes",
    "recovery": "move it to a USB stick; the stick into a safe",
    "signing": "stays here, where you sign",
}


@app.command(rich_help_panel=_PANEL)
def keygen(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="New folder for the keys.")
    ] = None,
    recovery: Annotated[
        int, typer.Option(min=0, max=MAX_RECOVERY, help="How many recovery keys; two are advised.")
    ] = 1,
    curve: Annotated[Curve, typer.Option(help="Kind of key.")] = "Ed25519",
    more: Annotated[
        Literal["recovery", "signing"] | None,
        typer.Option("--more", help="Make one more key in DIR, which keygen made before."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="With --more: add its key.listed event here."),
    ] = None,
    read_back: Annotated[
        Path | None,
        typer.Option(
            "--read-back",
            metavar="FILE",
            help="Check a founding key that was typed from paper; with --out, against DIR too.",
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Make the keys of an organization: founding, recovery and signing key.

    The founding key is the organization: its DID spells it. Keep it on paper. It and the recovery
    keys decide which keys sign, and sign nothing else. Only the signing key is needed every day.
    Nothing is overwritten, and no secret is printed on the terminal.

    Examples:

    `testamur keygen --out keys`

    `testamur keygen --read-back typed.txt --out keys`

    `testamur keygen --out keys --more signing --to listing.ndjson`
    """
    if to is not None and more is None:
        raise typer.BadParameter("goes with --more", param_hint="--to")
    if read_back is not None:
        _read_back(read_back, out, json=json)
    elif out is None:
        raise typer.BadParameter("is missing", param_hint="--out")
    elif more is not None:
        _make_more(KeyFolder.read(out), more, curve, to, json=json)
    else:
        _make(out, recovery, curve, json=json)


@app.command(rich_help_panel=_PANEL)
def did(
    key: Annotated[Path, typer.Argument(metavar="KEY", help="A key file, or a page as typed.")],
    *,
    json: Json = False,
) -> None:
    """Print the DID that a key spells. That of a founding key is the DID of its organization.

    Example: `testamur did keys/signing-1.key`
    """
    public = read_key(key).public
    if json:
        show_json(_spelt(public))
    else:
        say(public.did_key())


@app.command("did-document", rich_help_panel=_PANEL)
def did_document(
    name: Annotated[
        str,
        typer.Argument(metavar="DID", parser=as_any_did, help="A did:web whose domain you own."),
    ],
    keys: Annotated[Path, typer.Option("--keys", metavar="DIR", help="Folder of your keys.")],
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="A stolen key, such as signing-1; may be repeated."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Print the DID document that lists your signing keys, to be published at your own domain.

    With it, verifiers that know nothing of this log can check the proofs in your badges. Your
    accreditor has to name the DID in `otherIds`; then `prepare --key` may sign under it.

    Example: `testamur did-document did:web:college.example --keys keys`
    """
    _ = json  # the document is JSON either way
    folder = KeyFolder.read(keys)
    left_out = {folder.named(each).key for each in without or ()}
    listed = [own.key for own in folder.with_use("signing") if own.key not in left_out]
    show_json(document_of(name, folder.did, listed))


def document_of(name: str, organization: str, keys: Sequence[str]) -> dict[str, Any]:
    """Return the DID document of `name` (DID Core 1.0) with these keys, which are Multikeys.

    Raises `Refusal` (rule `did-method`) for a DID whose document cannot be written.
    """
    if not name.startswith("did:web:"):
        raise Refusal("did-method", "only a did:web has a document to publish", value=name)
    methods = [
        {
            "id": f"{name}#{key}",
            "type": "Multikey",
            "controller": name,
            "publicKeyMultibase": key,
        }
        for key in keys
    ]
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": name,
        "alsoKnownAs": [organization],
        "verificationMethod": methods,
        "assertionMethod": [each["id"] for each in methods],
    }


def _make(out: Path, recovery: int, curve: Curve, *, json: bool) -> None:
    folder = KeyFolder.make(out, recovery=recovery, curve=curve)
    if json:
        show_json(_described(folder))
        return
    say(folder.did)
    rows = [[str(out / own.file), own.name, _PLACES[own.use]] for own in folder.keys]
    show_table(["file", "key", "where it belongs"], rows)
    page = out / folder.keys[0].file
    note(f"Next: testamur join --keys {out} --log ORIGIN --sponsor DID --name NAME ... --out FILE")
    note(f"Then print {page}, read it back from paper (testamur keygen --read-back), delete it.")


def _make_more(
    folder: KeyFolder,
    use: Literal["recovery", "signing"],
    curve: Curve,
    to: Path | None,
    *,
    json: bool,
) -> None:
    if to is not None:
        append(to, [])  # what cannot be written there is told before there is a key
    folder, made = folder.plus(use, curve)
    if to is not None:
        append(to, [encode_event(KeyListed(as_=use, key=made.key))])
    if json:
        show_json(_described(folder))
        return
    show_fields({"file": str(folder.path / made.file), "key": made.key})
    note(f"It counts once it is listed: testamur event key.listed as={use} key={made.key}")


def _read_back(file: Path, out: Path | None, *, json: bool) -> None:
    text = read_secret_text(file)
    found = read_page(text).public
    spelt = found.did_key()
    for where, expected in (
        ("the page", did_on_page(text)),
        (str((out or Path()) / ORGANIZATION), None if out is None else KeyFolder.read(out).did),
    ):
        if expected not in (None, spelt):
            raise Refusal(
                "founding-page",
                f"these lines spell the founding key of {spelt}, and {where} is about another",
                value=expected,
            )
    if json:
        show_json({"did": spelt, "file": str(file)})
        return
    say(f"read back: it is the founding key of {spelt}", "green")
    note(f"Now delete {file} and the file that you printed.")


def _described(folder: KeyFolder) -> dict[str, Any]:
    keys = [
        {"file": str(folder.path / own.file), "key": own.key, "use": own.use} for own in folder.keys
    ]
    return {"did": folder.did, "keys": keys}


def _spelt(public: PublicKey) -> dict[str, str]:
    return {"did": public.did_key(), "key": public.multikey(), "curve": public.curve}
