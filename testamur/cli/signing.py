"""From events to a submission: check them, and sign them."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from testamur.catalogue.events import Event
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import decode_event, decode_events
from testamur.catalogue.submission import (
    MAX_BYTES,
    event_lines,
    every_refusal,
    every_refusal_of_events,
    format_time,
    parse,
    seal,
)
from testamur.cli.asking import reached
from testamur.cli.checked import above, against_the_log, is_submission, lines_of, of_form, tell
from testamur.cli.files import naming, read, write
from testamur.cli.flags import tell_of_registry
from testamur.cli.outcome import HOLDS, REFUTED
from testamur.cli.profile import to_type, unless
from testamur.cli.signer import KeyFile, Keys, Whose, folder_at_hand, signer_of
from testamur.cli.terminal import Json, note, show_fields, show_json
from testamur.cli.values import Log, MaybeUrl, NewFile, log_name
from testamur.errors import Refusal, Refusals
from testamur.recording.days import check_year
from testamur.recording.objections import each_objection
from testamur.rules.effective import check_effective

app = typer.Typer()
AcceptFlags = Annotated[
    bool, typer.Option("--accept-flags", help="Pass events with flags that you could mend.")
]
_PANEL: Final = "Submissions"


@app.command(rich_help_panel=_PANEL)
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events, or a submission.")],
    url: MaybeUrl = None,
    keys: Keys = None,
    key: KeyFile = None,
    organization: Whose = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="ORIGIN", parser=log_name, help="Name of the log; else it is asked."),
    ] = None,
    *,
    accept_flags: AcceptFlags = False,
    json: Json = False,
) -> None:
    """List everything that is wrong with a file of events, or with a submission.

    Its form is looked at here. With --url, a registry tries the events against its rules as they
    stand, and records nothing: what it gets is signed as a dry run, which no log admits. Flags are
    named with what to do, and those that you can mend end with 1, as in `testamur submit`. The
    holder files in the folder `holders` beside FILE are compared with the definition on the log,
    and the learners with those awarded before, if the key lies in a folder of keys.

    Example: `testamur check events.ndjson --url https://registry.example --keys keys`
    """
    url = unless(context, "url", url, taken=key is None and keys is None)
    keys = unless(context, "keys", keys, taken=url is None or organization is not None)
    if (url is None) != (key is None and keys is None):
        raise typer.BadParameter("one needs the other", param_hint="--url, --keys or --key")
    url = reached(context, url, "it is not compared with the log")
    data = read(file, MAX_BYTES)
    checked = of_form(wrong_form(data))
    if url is not None and not checked.refusals:
        events = decode_events(lines_of(data))
        signer = signer_of(events, keys, key, organization)
        folder = folder_at_hand(keys, key)
        checked = against_the_log(file, data, events, url, signer, folder, log)
    holds = checked.holds(accept_flags=accept_flags)
    tell(file, checked, json=json)
    raise typer.Exit(HOLDS if holds else REFUTED)


@app.command(rich_help_panel=_PANEL)
def sign(
    context: typer.Context,
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="File of events, one a line.")],
    log: Log,
    out: NewFile,
    keys: Keys = None,
    key: KeyFile = None,
    organization: Whose = None,
    url: MaybeUrl = None,
    *,
    accept_flags: AcceptFlags = False,
    json: Json = False,
) -> None:
    """Sign a file of events for one log.

    One signature covers them all, and a registry records all of them or none. It is good for a
    week. With --keys the key follows from the events: your newest signing key, or for key events
    the recovery key with least power that may sign them. A key that lies elsewhere, such as on a
    USB stick, is named besides. With --url nothing is signed that `testamur check` would not pass.

    Examples:

    `testamur sign events.ndjson --keys keys --log log.example/testamur --out cohort.submission`

    `testamur sign listing.ndjson --keys keys --key /media/stick/recovery-1.key
    --log log.example/testamur --out listing.submission`
    """
    keys = unless(context, "keys", keys, taken=organization is not None)
    data = read(events, MAX_BYTES)
    with naming(events):
        if mangled := _mangled(data):
            raise mangled
    if is_submission(data):
        raise Refusal("events-file", f"{events} does not begin with an event: is it signed?")
    if wrong := wrong_form(data):
        detail = f"{wrong[0].detail}; {wrong.total:,} in all: testamur check {events}"
        raise Refusal(wrong[0].rule, detail, line=wrong[0].line, value=wrong[0].value)
    lines = lines_of(data)
    decoded = decode_events(lines)
    signer = signer_of(decoded, keys, key, organization)
    url = reached(context, url, "it is signed without being compared with the log")
    checked = None
    if url is not None:
        folder = folder_at_hand(keys, key)
        checked = against_the_log(events, data, decoded, url, signer, folder, log)
        if not checked.holds(accept_flags=accept_flags):
            tell(events, checked, json=json)
            if not json:
                note("Nothing was signed.", "yellow")
            raise typer.Exit(REFUTED)
    body = seal(
        lines,
        key=signer.key,
        kid=signer.kid,
        aud=log,
        iat=int(time.time()),
        jti=new_id(),
    )
    write(out, body)
    header = parse(body).header
    payload = msgspec.to_builtins(header.payload)
    fields = {"file": str(out), "kid": header.protected.kid, **payload}
    tried = None if checked is None else checked.tried
    if json:
        show_json(fields if tried is None else {**fields, "registry": msgspec.to_builtins(tried)})
    else:
        tell_of_registry(tried, checked.place if checked else None)
        show_fields({**fields, "iat": format_time(payload["iat"] * 1000)})
        note(f"Next: testamur submit {out}{to_type('url', 'trust', 'keys')}")


def wrong_form(data: bytes) -> Refusals:
    """Return what is wrong with the form of a submission or a file of events.

    Lines count from 1 in the file at hand, so event 1 is on line 1 where there is no header.
    """
    if mangled := _mangled(data):
        return Refusals([mangled])
    if is_submission(data):
        if wrong := every_refusal(data):
            return wrong
        return _objections(lambda: map(decode_event, islice(event_lines(data), 1, None)))
    found = every_refusal_of_events(data)
    if not found:
        found = _objections(lambda: map(decode_event, event_lines(data)))
    for refusal in found:
        above(refusal)
    return found


def _objections(events: Callable[[], Iterable[Event]]) -> Refusals:
    """Return what speaks against recording the events today; they begin on line 2.

    They are asked for twice: all events of the largest file take more memory than the file.
    """
    found, today = Refusals(each_objection(events())), datetime.now(UTC).date()
    for line, event in enumerate(events(), 2):
        try:
            check_effective(event, today)
            check_year(event)
        except Refusal as refusal:
            found.add(refusal.at(line))
    return found


def _mangled(data: bytes) -> Refusal | None:
    """Return damage that an editor does to a whole file, to be named once and not for each line."""
    if not data.strip():
        return Refusal("file-form", "is empty")
    if data.startswith(codecs.BOM_UTF8):
        return Refusal(
            "file-form", "begins with a byte order mark; save it as UTF-8 without", line=1
        )
    at = data.find(b"\r\n")
    if at < 0:
        return None
    line = data.count(b"\n", 0, at) + 1
    return Refusal("file-form", "ends in CR LF, as lines do on Windows; save it with LF", line=line)
