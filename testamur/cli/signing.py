"""From events to a submission: check them, and sign them."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from testamur.catalogue import dry_run
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
from testamur.cli import reaching
from testamur.cli.asking import asked
from testamur.cli.files import naming, read, write
from testamur.cli.flags import tell_of_flags
from testamur.cli.outcome import HOLDS, REFUTED, described
from testamur.cli.profile import unless
from testamur.cli.receipts import head_of
from testamur.cli.signer import KeyFile, Keys, Signer, Whose, signer_of
from testamur.cli.terminal import Json, note, show_fields, show_json, show_table
from testamur.cli.values import Log, MaybeUrl, NewFile, log_name
from testamur.errors import Refusal, detached
from testamur.http.check_report import CheckReport
from testamur.recording.objections import MOST, objections
from testamur.rules.effective import check_effective

app = typer.Typer()
_PANEL: Final = "Submissions"
# A terminal takes half a minute to lay out as many rows as a file can have bad lines.
_LISTED: Final = 1_000


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
    json: Json = False,
) -> None:
    """List everything that is wrong with a file of events, or with a submission.

    Its form is looked at here. With --url, a registry tries the events against its rules as they
    stand, and records nothing: what it gets is signed as a dry run, which no log admits.

    Example: `testamur check events.ndjson --url https://registry.example --keys keys`
    """
    url = unless(context, "url", url, taken=key is None and keys is None)
    keys = unless(context, "keys", keys, taken=url is None or organization is not None)
    if (url is None) != (key is None and keys is None):
        raise typer.BadParameter("one needs the other", param_hint="--url, --keys or --key")
    data = read(file, MAX_BYTES)
    refusals = wrong_form(data)
    tried = None
    if url is not None and not refusals:
        lines = _event_lines(data)
        signer = signer_of(decode_events(lines), keys, key, organization)
        tried = try_out(lines, url, signer, log)
        refusals = [each.refusal() for each in tried.refusals]
        if not is_submission(data):
            tried, refusals = _without_header(tried), [_above(each) for each in refusals]
    if json:
        listed = [described(each) for each in refusals]
        show_json({"file": str(file), "refusals": listed, "registry": msgspec.to_builtins(tried)})
    else:
        _show(file, refusals, tried)
    raise typer.Exit(REFUTED if refusals else HOLDS)


@app.command(rich_help_panel=_PANEL)
def sign(
    context: typer.Context,
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="File of events, one a line.")],
    log: Log,
    out: NewFile,
    keys: Keys = None,
    key: KeyFile = None,
    organization: Whose = None,
    *,
    json: Json = False,
) -> None:
    """Sign a file of events for one log.

    One signature covers them all, and a registry records all of them or none. It is good for a
    week. With --keys the key follows from the events: your newest signing key, or for key events
    the recovery key with least power that may sign them. A key that lies elsewhere, such as on a
    USB stick, is named besides.

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
        detail = f"{wrong[0].detail}; {len(wrong)} in all: testamur check {events}"
        raise Refusal(wrong[0].rule, detail, line=wrong[0].line, value=wrong[0].value)
    lines = _event_lines(data)
    signer = signer_of(decode_events(lines), keys, key, organization)
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
    if json:
        show_json(fields)
    else:
        show_fields({**fields, "iat": format_time(payload["iat"] * 1000)})
        note(f"Next: testamur submit {out} --url URL --vkey FILE --out RECEIPT")


def is_submission(data: bytes) -> bool:
    """Return whether line 1 is no event, and so ought to be the header of a submission."""
    return not data.lstrip().startswith(b"{")


def wrong_form(data: bytes) -> list[Refusal]:
    """Return all that is wrong with the form of a submission or a file of events.

    Lines count from 1 in the file at hand, so event 1 is on line 1 where there is no header.
    """
    if mangled := _mangled(data):
        return [mangled]
    if is_submission(data):
        if wrong := every_refusal(data):
            return wrong
        events = parse(data).events
        return _objections(lambda: events)
    found = every_refusal_of_events(data)
    if not found:
        # Decoded twice: the events of the largest file take more memory than the file.
        found = _objections(lambda: map(decode_event, event_lines(data)))
    return [_above(refusal) for refusal in found]


def _objections(events: Callable[[], Iterable[Event]]) -> list[Refusal]:
    """Return what speaks against recording the events today; they begin on line 2."""
    found, today = objections(events()), datetime.now(UTC).date()
    for line, event in enumerate(events(), 2):
        try:
            check_effective(event, today)
        except Refusal as refusal:
            found.append(detached(refusal.at(line)))
            if len(found) >= MOST:
                break
    return found


def _above(refusal: Refusal) -> Refusal:
    """Return the refusal with its line in a file without a header."""
    if refusal.line is not None:
        refusal.line -= 1
    return refusal


def _without_header(tried: CheckReport) -> CheckReport:
    flags = tuple(
        msgspec.structs.replace(each, first_line=each.first_line - 1) for each in tried.flags
    )
    refusals = tuple(
        each if each.line is None else msgspec.structs.replace(each, line=each.line - 1)
        for each in tried.refusals
    )
    return msgspec.structs.replace(tried, flags=flags, refusals=refusals)


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


def _event_lines(data: bytes) -> list[bytes]:
    """Return the events of a file of events, or those of a submission."""
    # With its own line 1 the registry could submit what it is asked to try.
    return (data.partition(b"\n")[2] if is_submission(data) else data)[:-1].split(b"\n")


def try_out(lines: list[bytes], url: str, signer: Signer, log: str | None) -> CheckReport:
    """Return what a registry would make of these events, which it does not record.

    Without `log`, the registry is asked for its name. Raises `Unavailable`, and `Refusal`.
    """
    with asked(url) as registry:
        body = dry_run.seal(
            lines,
            key=signer.key,
            kid=signer.kid,
            # No more than a name: what is signed for it can never be admitted, here or elsewhere.
            aud=log or head_of(registry).origin,
            iat=int(time.time()),
        )
        return registry.check(body)


def _show(file: Path, refusals: list[Refusal], tried: CheckReport | None) -> None:
    if refusals:
        rows = [
            [each.line or "", each.rule, each.detail, each.value or ""]
            for each in refusals[:_LISTED]
        ]
        show_table(["line", "rule", "why", "found"], rows)
        if len(refusals) > _LISTED:
            note(f"... and {len(refusals) - _LISTED:,} more; --json lists them all")
    tell_of_flags(tried.flags if tried else ())
    if tried is not None and tried.reach is not None:
        note(f"This {reaching.would(tried.reach)}.")
    by_whom = f"by the registry, at {tried.size:,} entries" if tried else "for its form"
    more = f", and {tried.left_off:,} more that it did not list" if tried and tried.left_off else ""
    verdict = f"{len(refusals):,} refused{more}" if refusals else "nothing refused"
    note(f"{file}: {verdict} {by_whom}")
