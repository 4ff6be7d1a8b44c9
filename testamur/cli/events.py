"""Writing events by hand: those of accreditors and authorities, and the status of credentials."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec import inspect

from testamur.catalogue.events import EVENTS, Event
from testamur.catalogue.lines import encode_event
from testamur.catalogue.meanings import MEANINGS
from testamur.catalogue.members import Reason
from testamur.catalogue.table import kind_of, subject_of
from testamur.cli.files import append
from testamur.cli.given_files import credentials_meant
from testamur.cli.members import build, event_type, form
from testamur.cli.replacing import replacements
from testamur.cli.terminal import Json, note, say, show_json, show_table
from testamur.cli.values import credential_id
from testamur.recording.days import check_year
from testamur.rules.effective import check_effective

app = typer.Typer()
_PANEL: Final = "Events"
_TOLD: Final = 5

EventsFile = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Add to this file of events, else print."),
]
Credentials = Annotated[
    list[str], typer.Argument(metavar="CREDENTIAL|DIR", help="Ids, holder files, or folders.")
]
Coded = Annotated[Reason, typer.Option("--reason", help="Why; the log has no room for words.")]
Effective = Annotated[
    str | None,
    typer.Option(
        "--effective",
        metavar="DATE",
        help="From which day on, if another than that of the record; at most tomorrow (UTC). It is "
        "shown; the status changes where it is recorded.",
    ),
]


@app.command(rich_help_panel=_PANEL)
def events(
    name: Annotated[str | None, typer.Argument(metavar="[EVENT]", help="One event.")] = None,
    *,
    json: Json = False,
) -> None:
    """List the events there are, or the members of one.

    Example: `testamur events accreditation.granted`
    """
    if name is None:
        rows = [[tag, (kind.__doc__ or "").strip()] for tag, kind in EVENTS.items()]
        columns = ["event", "meaning"]
    else:
        fields = msgspec.structs.fields(event_type(name))
        rows = [
            [
                each.encode_name,
                "yes" if each.required else "",
                MEANINGS.get(each.encode_name, ""),
                form(inspect.type_info(each.type)),
            ]
            for each in fields
        ]
        columns = ["member", "needed", "meaning", "form"]
    if json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        show_table(columns, rows)


@app.command(rich_help_panel=_PANEL)
def event(
    name: Annotated[str, typer.Argument(metavar="EVENT", help="As `testamur events` lists it.")],
    members: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=TEXT | NAME:=JSON | NAME:=@FILE]...", help="Its members."),
    ] = None,
    to: EventsFile = None,
    *,
    json: Json = False,
) -> None:
    """Write one event line, ready to be signed.

    A dot reaches into an object (`definition.name=Soils`), commas part the items of a list, and
    `new` is a fresh id. Days are days in UTC. Events about your own organization or keys do not
    name it: the signature does. A registration is made by `testamur join`, since the newcomer's
    founding key signs it.

    Examples:

    `testamur event accreditation.granted accreditation=new provider=DID name="A College" country=NL
    decision=positive kind=institutional validFrom=2026-09-01 scope.fields=08,05 --to events.ndjson`

    `testamur event recognition.granted recognition=new organization=DID as=accreditor
    name="Quality Agency" country=NL validFrom=2026-09-01 --to events.ndjson`

    `testamur event key.retired key=z6Mk... --to keys.ndjson`
    """
    _put([build(name, members or [])], to, json=json)


@app.command(rich_help_panel=_PANEL)
def revoke(
    credentials: Credentials,
    reason: Coded,
    effective: Effective = None,
    to: EventsFile = None,
    *,
    json: Json = False,
) -> None:
    """Write the events that revoke credentials, for good.

    Example: `testamur revoke holders/0199.json --reason issuedInError --to events.ndjson`
    """
    _change("credential.revoked", credentials, to, json=json, reason=reason, effectiveAt=effective)


@app.command(rich_help_panel=_PANEL)
def suspend(
    credentials: Credentials,
    reason: Coded,
    effective: Effective = None,
    to: EventsFile = None,
    *,
    json: Json = False,
) -> None:
    """Write the events that suspend credentials until they are reinstated.

    Example: `testamur suspend holders/0199.json --reason misconduct --to events.ndjson`
    """
    _change(
        "credential.suspended", credentials, to, json=json, reason=reason, effectiveAt=effective
    )


@app.command(rich_help_panel=_PANEL)
def reinstate(
    credentials: Credentials,
    effective: Effective = None,
    to: EventsFile = None,
    *,
    json: Json = False,
) -> None:
    """Write the events that lift the suspension of credentials.

    Example: `testamur reinstate holders/0199.json --to events.ndjson`
    """
    _change("credential.reinstated", credentials, to, json=json, effectiveAt=effective)


@app.command(rich_help_panel=_PANEL)
def replace(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="Id or holder file; or a folder of prepare.")
    ],
    by: Annotated[
        str, typer.Option(metavar="NEW", help="What takes its place, in the same form as OLD.")
    ],
    to: EventsFile = None,
    *,
    json: Json = False,
) -> None:
    """Write the events by which credentials take the place of others, for good.

    A credential cannot be corrected: the right one is issued, and supersedes the wrong one. Of two
    folders that `prepare` wrote, the credentials of each learner for the same achievement make a
    pair. Add the events to those that issue NEW, so that one signature covers both.

    Examples:

    `testamur prepare corrected.csv --award-again --achievement soils.json --provider college.json
    --out corrected`

    `testamur replace spring --by corrected --to corrected/events.ndjson`

    `testamur replace spring/holders/0199.json --by corrected/holders/019b.json`
    """
    folders = [Path(each).is_dir() for each in (old, by)]
    if any(folders) and not all(folders):
        raise typer.BadParameter("give two credentials or two folders", param_hint="OLD, --by")
    if all(folders):
        pairs, added = replacements(Path(old), Path(by))
        if added:
            note(f"{added:,} of {by} take nobody's place: {old} has no such award")
    else:
        pairs = [(credential_id(old), credential_id(by))]
    if any(one == other for one, other in pairs):
        raise typer.BadParameter("nothing takes its own place", param_hint="OLD, --by")
    name = "credential.superseded"
    members = [{"credential": before, "successor": after} for before, after in pairs]
    _put([build(name, [], each) for each in members], to, json=json)


def _change(
    name: str, credentials: list[str], to: Path | None, *, json: bool, **members: str | None
) -> None:
    given = {member: value for member, value in members.items() if value is not None}
    ids = [each.credential() for each in credentials_meant(credentials)]
    _put([build(name, [], {"credential": each, **given}) for each in ids], to, json=json)


def _put(made: list[Event], to: Path | None, *, json: bool) -> None:
    today = datetime.now(UTC).date()
    for each in made:
        check_effective(each, today)
        check_year(each)
    lines = [encode_event(each) for each in made]
    if to is not None:
        append(to, lines)
    if json:
        show_json([msgspec.json.decode(line) for line in lines])
    elif to is None:
        for line in lines:
            say(line.decode())
    else:
        note(f"{to}: {len(lines)} added: {_cut(list(map(_about, made)))}")


def _cut(things: list[str]) -> str:
    rest = [f"and {len(things) - _TOLD:,} more"] if len(things) > _TOLD else []
    return ", ".join(things[:_TOLD] + rest)


def _about(made: Event) -> str:
    """Return the thing that the event is about, which may have an id made just now."""
    return f"{kind_of(made).stream} {subject_of(made, 'of its signer')}"
