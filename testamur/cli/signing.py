"""From events to a submission: check them, and sign them."""

from __future__ import annotations

import codecs
import time
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import decode_events
from testamur.catalogue.submission import MAX_BYTES, every_refusal, format_time, parse, seal
from testamur.cli.files import naming, read, read_key, write
from testamur.cli.outcome import HOLDS, REFUTED, described
from testamur.cli.terminal import Json, note, show_fields, show_json, show_table
from testamur.cli.values import Log, MaybeUrl, NewFile, as_kid
from testamur.errors import Refusal
from testamur.http.check_report import CheckReport
from testamur.http.client import RegistryClient
from testamur.keys import PublicKey
from testamur.recording.names import objections
from testamur.verification.receipt import Flagged

app = typer.Typer()
_PANEL: Final = "Submissions"


@app.command(rich_help_panel=_PANEL)
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events, or a submission.")],
    url: MaybeUrl = None,
    *,
    json: Json = False,
) -> None:
    """List everything that is wrong with a file of events, or with a submission.

    Its form is looked at here. With --url, a registry tries the submission against its rules as
    they stand, and records nothing.

    Example: `testamur check cohort.submission --url https://registry.example`
    """
    data = read(file, MAX_BYTES)
    refusals = wrong_form(data)
    tried = None
    if url is not None and not refusals:
        tried = _dry_run(data, url)
        refusals = [each.refusal() for each in tried.refusals]
    if json:
        listed = [described(each) for each in refusals]
        show_json({"file": str(file), "refusals": listed, "registry": msgspec.to_builtins(tried)})
    else:
        _show(file, refusals, tried)
    raise typer.Exit(REFUTED if refusals else HOLDS)


@app.command(rich_help_panel=_PANEL)
def sign(
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="File of events, one a line.")],
    key: Annotated[Path, typer.Option(metavar="KEY", help="Key file.")],
    log: Log,
    out: NewFile,
    kid: Annotated[
        str | None,
        typer.Option(
            metavar="DID#ID",
            parser=as_kid,
            help="Name of the key; by default, that of its did:key.",
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Sign a file of events for one log.

    One signature covers them all, and a registry records all of them or none. It is good for a
    week.

    Example: `testamur sign events.ndjson --key provider.key --log log.example/testamur
    --out cohort.submission`
    """
    data = read(events, MAX_BYTES)
    with naming(events):
        if mangled := _mangled(data):
            raise mangled
    if is_submission(data):
        raise Refusal("events-file", f"{events} does not begin with an event: is it signed?")
    if wrong := wrong_form(data):
        detail = f"{wrong[0].detail}; {len(wrong)} in all: testamur check {events}"
        raise Refusal(wrong[0].rule, detail, line=wrong[0].line, value=wrong[0].value)
    secret = read_key(key)
    body = seal(
        data[:-1].split(b"\n"),
        key=secret,
        kid=_own_kid(secret.public) if kid is None else kid,
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


def _own_kid(public: PublicKey) -> str:
    return f"{public.did_key()}#{public.multikey()}"


def flag_in_words(flag: Flagged) -> str:
    """Return which flag a registry raised, how often, and where first."""
    times = "once" if flag.count == 1 else f"{flag.count:,} times"
    return f"flagged {flag.code}: {times}, first on line {flag.first_line}"


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
        return every_refusal(data) or objections(parse(data).events)
    # A file of events is a submission but for its first line.
    found = [refusal for refusal in every_refusal(b"\n" + data) if refusal.line != 1]
    found = found or objections(decode_events(data[:-1].split(b"\n")))
    return [
        refusal
        if refusal.line is None
        else Refusal(refusal.rule, refusal.detail, line=refusal.line - 1, value=refusal.value)
        for refusal in found
    ]


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


def _dry_run(data: bytes, url: str) -> CheckReport:
    if not is_submission(data):
        raise typer.BadParameter("a registry tries submissions: `testamur sign` makes them")
    with RegistryClient(url, patience=5, on_retry=lambda reason, _: note(reason)) as registry:
        return registry.check(data)


def _show(file: Path, refusals: list[Refusal], tried: CheckReport | None) -> None:
    if refusals:
        rows = [[each.line or "", each.rule, each.detail, each.value or ""] for each in refusals]
        show_table(["line", "rule", "why", "found"], rows)
    for flag in tried.flags if tried else ():
        note(flag_in_words(flag))
    by_whom = f"by the registry, at {tried.size:,} entries" if tried else "for its form"
    more = f", and {tried.left_off:,} more that it did not list" if tried and tried.left_off else ""
    verdict = f"{len(refusals):,} refused{more}" if refusals else "nothing refused"
    note(f"{file}: {verdict} {by_whom}")
