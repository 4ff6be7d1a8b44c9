"""Joining a register: the registration that the newcomer's founding key signs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from testamur.catalogue.events import OrganizationRegistered
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import Identifier, Role
from testamur.catalogue.registration import UNSIGNED, sign_registration
from testamur.cli.files import read_key, write
from testamur.cli.key_folder import KeyFolder
from testamur.cli.members import checked
from testamur.cli.terminal import Json, note, show_json
from testamur.cli.values import Log, NewFile, as_day, as_role, as_sponsor, cut
from testamur.errors import Refusal, Unavailable
from testamur.keys import PrivateKey
from testamur.recording.objections import objections

app = typer.Typer()
_PANEL: Final = "Keys"

LASTS: Final = timedelta(days=30)
"""A register takes a registration until its last day, and at most so long before that day."""


def _identifier(text: str) -> Identifier:
    scheme, equals, value = text.partition("=")
    try:
        return msgspec.convert({"scheme": scheme, "value": value if equals else ""}, Identifier)
    except msgspec.ValidationError:
        raise typer.BadParameter(
            f"{cut(text)} is not such as ROR=https://ror.org/04dkp9463; schemes are CTID, DAPIP, "
            "DEQARINST, ETER, PIC, ROR"
        ) from None


Name = Annotated[str, typer.Option("--name", help="Name of the organization, in its own word.")]
Country = Annotated[str, typer.Option("--country", metavar="CODE", help="Such as NL (ISO 3166).")]
Roles = Annotated[
    list[Any],
    typer.Option("--role", metavar="ROLE", parser=as_role, help="What it is; may be repeated."),
]
Until = Annotated[
    Any,
    typer.Option(
        "--until", metavar="DATE", parser=as_day, help="Last day (UTC) to submit it; in 30 days."
    ),
]
Identifiers = Annotated[
    list[Any] | None,
    typer.Option(
        "--identifier",
        metavar="SCHEME=VALUE",
        parser=_identifier,
        help="Its name in another register, such as ROR=https://ror.org/04dkp9463; "
        "may be repeated.",
    ),
]
Address = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Address of its web pages.")
]
Founding = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help="The founding key, if it lies elsewhere than in --keys."
    ),
]


@app.command(rich_help_panel=_PANEL)
def join(
    keys: Annotated[Path, typer.Option("--keys", metavar="DIR", help="Folder of your keys.")],
    name: Name,
    country: Country,
    role: Roles,
    sponsor: Annotated[
        str,
        typer.Option(
            metavar="DID|ORIGIN",
            parser=as_sponsor,
            help="Who will submit it; for a root authority of a new log, the log's ORIGIN.",
        ),
    ],
    log: Log,
    out: NewFile,
    until: Until = None,
    identifier: Identifiers = None,
    url: Address = None,
    key: Founding = None,
    *,
    json: Json = False,
) -> None:
    """Write your registration, signed by your founding key, for your sponsor to submit.

    It holds for this log and this sponsor alone, and until its last day. FILE is a file of events
    with one line: your sponsor adds what else it says of you, such as an accreditation, signs and
    submits it. The organization then stands by its own signature, whatever becomes of the sponsor.

    Example: `testamur join --keys keys --name "A College" --country NL --role provider
    --sponsor DID --log log.example/testamur --out registration.ndjson`
    """
    folder = KeyFolder.read(keys)
    event = registration(
        folder,
        founding_key(folder, key),
        country=country,
        name=name,
        origin=log,
        roles=tuple(sorted(set(role))),
        sponsor=sponsor,
        until=until or datetime.now(UTC).date() + LASTS,
        identifiers=identifier,
        url=url,
    )
    line = encode_event(event)
    write(out, line + b"\n")
    if json:
        show_json(msgspec.json.decode(line))
        return
    if sponsor == log:
        note(f"{out} is for who opens {log}: python -m api init --authority {out} ...")
    else:
        note(f"{out} is for {sponsor}, to submit to {log} until {event.until}.")


def registration(
    folder: KeyFolder,
    founding: PrivateKey,
    *,
    country: str,
    name: str,
    origin: str,
    roles: tuple[Role, ...],
    sponsor: str,
    until: date,
    identifiers: list[Identifier] | None = None,
    url: str | None = None,
) -> OrganizationRegistered:
    """Return the signed registration of the organization whose keys lie in the folder.

    Raises `Refusal`: those of an event line, of a name that imitates another, and `founding-key`.
    """
    event = OrganizationRegistered(
        country=country,
        identifiers=tuple(sorted(identifiers, key=msgspec.json.encode)) if identifiers else None,
        name=name,
        organization=folder.did,
        origin=origin,
        recovery_keys=tuple(own.key for own in folder.with_use("recovery")),
        roles=roles,
        signature=UNSIGNED,
        signing_keys=tuple(sorted(own.key for own in folder.with_use("signing"))),
        sponsor=sponsor,
        until=until,
        url=url,
    )
    event = sign_registration(checked(event), founding)
    for refusal in objections([event]):
        raise Refusal(refusal.rule, refusal.detail, value=name)
    return event


def founding_key(folder: KeyFolder, file: Path | None) -> PrivateKey:
    """Return the founding key, from its page in the folder or from a file that was named."""
    (own,) = folder.with_use("founding")
    if file is not None:
        found = read_key(file)
        if found.public.multikey() != own.key:
            raise Refusal(
                "founding-key",
                f"{file} is not the founding key of {folder.did}",
                value=found.public.multikey(),
            )
        return found
    if not folder.has(own):
        raise Unavailable(
            f"this needs the founding key, and {folder.path / own.file} is not there; type the "
            "lines of the printed page into a file and name it: --key FILE"
        )
    return folder.secret(own)
