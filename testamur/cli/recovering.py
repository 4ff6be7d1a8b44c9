"""After a theft: declare the key compromised, list a new one, say again what fell."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Final

import msgspec
import typer

from testamur.catalogue.events import Event, KeyCompromised, KeyListed, OrganizationRegistered
from testamur.catalogue.lines import encode_event
from testamur.catalogue.submission import parse_time
from testamur.cli.asking import asked
from testamur.cli.comparing import try_out
from testamur.cli.files import refuse_existing, write
from testamur.cli.joining import LASTS, founding_key, registration
from testamur.cli.key_folder import KeyFolder, OwnKey
from testamur.cli.lost import write_request
from testamur.cli.on_the_log import OnTheLog, read_off
from testamur.cli.profile import unless
from testamur.cli.reaching import would
from testamur.cli.receipts import (
    check_listing,
    head_of,
    logs_of_receipts,
    receipts_of,
    without_receipt,
)
from testamur.cli.said_again import in_files, lines_to_say_again, said_before
from testamur.cli.signer import KeyFile, needed_for, signer_of
from testamur.cli.terminal import Json, note, show_fields, show_json, show_table
from testamur.cli.theft import Recovery, plan_recovery
from testamur.cli.trust import MaybeTrust, opened
from testamur.cli.values import MaybeUrl, as_did, as_role, cut, log_name
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.http.check_report import CheckReport
from testamur.http.listings import SubmissionLine
from testamur.keys import PublicKey
from testamur.rules.key_table import LIMIT
from testamur.rules.reach import Reach

app = typer.Typer()
_PANEL: Final = "Keys"
_LISTED: Final = 200
_RANGE: Final = re.compile(r"([0-9]{1,15})(?:-([0-9]{1,15}))?", re.ASCII)


def _positions(text: str) -> range:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{cut(text)} is neither a position nor two, such as 120-140")
    return range(int(found[1]), int(found[2] or found[1]) + 1)


@app.command(rich_help_panel=_PANEL)
def recover(
    context: typer.Context,
    keys: Annotated[Path, typer.Option("--keys", metavar="DIR", help="Folder of your keys.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for what is to be signed.")],
    url: MaybeUrl = None,
    compromised: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The stolen key: its Multikey, or such as signing-1."),
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(
            metavar="POSITION",
            min=0,
            help="From where on it was stolen; else from the first submission without a receipt.",
        ),
    ] = None,
    own: Annotated[
        list[Any] | None,
        typer.Option(
            "--own",
            metavar="POSITION|FROM-TO",
            parser=_positions,
            help="Submissions that are yours without a receipt in --keys; may be repeated.",
        ),
    ] = None,
    lost: Annotated[
        str | None,
        typer.Option(
            "--lost",
            metavar="DID",
            parser=as_did,
            help="The organization whose recovery keys are all lost; --keys has the new ones.",
        ),
    ] = None,
    sponsor: Annotated[
        str | None,
        typer.Option(metavar="DID", parser=as_did, help="With --lost: your accreditor."),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|URL|ORIGIN",
            help="Read the whole log there instead of asking; with --lost, the name of the log.",
        ),
    ] = None,
    trust: MaybeTrust = None,
    name: Annotated[str | None, typer.Option(help="With --lost: name of the organization.")] = None,
    country: Annotated[
        str | None, typer.Option(metavar="CODE", help="With --lost: such as NL.")
    ] = None,
    role: Annotated[
        list[Any] | None,
        typer.Option(
            metavar="ROLE", parser=as_role, help="With --lost: what it is; may be repeated."
        ),
    ] = None,
    key: KeyFile = None,
    *,
    same_keys: Annotated[
        bool,
        typer.Option("--same-keys", help="Declare again, with others kept; make no new key."),
    ] = False,
    json: Json = False,
) -> None:
    """Undo what a thief of your key did: write the events that declare it, and what follows.

    Your submissions are those with a receipt in --keys. They are kept; everything else that the
    key signed since stops to count, as if it had never been said. Look at the list before you
    sign, and at how much the registry says it would take back: it is asked if the key that
    declares is in --keys or named by --key. A new key of the same kind is made, and listed by the
    same submission. What you said yourself and does not count any more is written out, to be signed
    again with the new key, in as many files as there have to be submissions. A declaration reaches
    90 days back, and can be made anew for 90 days.

    A registry may leave something out of its list. With --log the log itself is read; --url then
    only asks what a declaration would take back.

    With --lost, DIR gets your registration as a new organization, and a letter that asks your
    accreditor to name it the successor of the old one.

    Examples:

    `testamur recover --keys keys --url https://registry.example --compromised signing-1
    --out recovery`

    `testamur recover --lost DID --keys new-keys --sponsor DID --log log.example/testamur
    --name "A College" --country NL --role provider --out request`
    """
    folder = KeyFolder.read(keys)
    url = unless(context, "url", url, taken=lost is not None)
    trust = unless(context, "trust", trust, taken=lost is not None or log is None)
    refuse_existing(out)
    request = {
        "--sponsor": sponsor, "--name": name, "--country": country, "--role": role or None,
    }  # fmt: skip
    theft = {"--compromised": compromised}
    if lost is not None:
        further = {"--url": url, "--since": since, "--own": own or None, "--key": key}
        _refuse_given({**theft, **further, "--policy": trust}, "does not go with --lost")
        _refuse_missing({**request, "--log": log})
        _ask_accreditor(
            folder,
            lost,
            registration(
                folder,
                founding_key(folder, None),
                country=str(country),
                name=str(name),
                origin=_origin(str(log)),
                roles=tuple(sorted(set(role or ()))),
                sponsor=str(sponsor),
                until=datetime.now(UTC).date() + LASTS,
            ),
            out,
            json=json,
        )
        return
    _refuse_given(request, "goes with --lost")
    _refuse_missing({**theft, "--url or --log": url or log})
    if log is None and trust is not None:
        raise typer.BadParameter("goes with --log", param_hint="--policy")
    stolen = folder.named(str(compromised))
    if stolen.use == "founding":
        raise Refusal(
            "founding-key",
            "no other key can declare the founding key compromised; make a new organization, and "
            "ask your accreditor to name it the successor: testamur recover --lost",
        )
    said = _asked(folder, str(url)) if log is None else read_off(folder.did, log, trust)
    found = _look(folder, stolen, said, str(log or url), since, own or [])
    events = _key_events(folder, stolen, found.plan, same_keys=same_keys)
    files = _write(out, events, found.again)
    tried = None if url is None else _tried(events, url, keys, key, found.origin)
    if json:
        show_json(_document(found.plan, files, tried))
    else:
        _show(folder, found)
        _next(files, keys, found.origin, url, needed_for(folder, events))
        _tell_of_reach(tried, files[0], keys, url)


def _origin(text: str) -> str:
    try:
        return log_name(text)
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint="--log") from None


def _refuse_given(options: Mapping[str, object], why: str) -> None:
    given = [option for option, value in options.items() if value is not None]
    if given:
        raise typer.BadParameter(why, param_hint=", ".join(given))


def _refuse_missing(given: Mapping[str, object]) -> None:
    missing = [option for option, value in given.items() if value is None]
    if missing:
        raise typer.BadParameter("is missing", param_hint=", ".join(missing))


def _ask_accreditor(
    folder: KeyFolder, old: str, event: OrganizationRegistered, out: Path, *, json: bool
) -> None:
    if old == folder.did:
        raise typer.BadParameter("--keys must hold the keys of a new organization")
    events, letter = write_request(out, old, event)
    if json:
        show_json({"organization": folder.did, "events": str(events), "letter": str(letter)})
    else:
        note(f"{letter} and {events} are for {event.sponsor}. Read the letter before you send it.")


@dataclass(frozen=True, slots=True)
class _Found:
    """What is listed, what it leads to, and the lines to be said again, file by file."""

    origin: str
    lines: Sequence[SubmissionLine]
    mine: frozenset[int]
    plan: Recovery
    again: Sequence[Sequence[bytes]]


def _asked(folder: KeyFolder, url: str) -> OnTheLog:
    """Return the submissions that a registry lists, and nothing else about the organization."""
    with asked(url) as registry:
        head = head_of(registry)
        lines = list(registry.submissions(folder.did, size=head.size))
        return OnTheLog(head.origin, head.size, submissions=lines)


def _look(
    folder: KeyFolder,
    stolen: OwnKey,
    said: OnTheLog,
    place: str,
    since: int | None,
    own: Sequence[range],
) -> _Found:
    """Return what follows from what the log at `place` says of the organization."""
    lines, receipts = said.submissions, receipts_of(folder, said.origin)
    others = logs_of_receipts(folder) - {said.origin}
    if others and not receipts:
        raise Refuted(
            f"{place} says that its log is {said.origin}, and your receipts are of "
            f"{' and '.join(sorted(others))}"
        )
    check_listing(lines, receipts, -1, said.size)
    strange = {line.position for line in without_receipt(lines, receipts)}
    mine = frozenset(
        line.position
        for line in lines
        if line.position not in strange or any(line.position in each for each in own)
    )
    plan = plan_recovery(stolen.key, lines, mine, since, proven=receipts)
    with opened(place) as source:
        fallen = list(lines_to_say_again(source, said.size, plan.fallen, receipts))
        again = list(in_files(fallen, said_before(source, said.size, lines, fallen)))
    again_at = {line.position for line in plan.fallen}
    shown = [line for line in lines if line.key == stolen.key or line.position in again_at]
    return _Found(said.origin, shown, mine, plan, again)


def _key_events(
    folder: KeyFolder, stolen: OwnKey, plan: Recovery, *, same_keys: bool
) -> list[Event]:
    """Return the declaration, and the listing of a key that is made now unless `same_keys`."""
    declared = KeyCompromised(key=plan.key, since=plan.since, kept=plan.kept or None)
    if same_keys or stolen.use == "founding":
        return [declared]
    curve = PublicKey.from_multikey(stolen.key).curve
    _, made = folder.plus(stolen.use, curve)
    return [declared, KeyListed(as_=stolen.use, key=made.key)]


def _tried(
    events: Sequence[Event], url: str, keys: Path, key: Path | None, origin: str
) -> CheckReport | None:
    """Return what the registry would make of the events, or None if it cannot be asked now."""
    lines = [encode_event(event) for event in events]
    try:
        with asked(url) as registry:
            return try_out(lines, registry, signer_of(events, keys, key), origin)
    except (Refusal, Unavailable) as error:
        # The events are written; the person who signs them can ask with the key in hand.
        note(f"the registry was not asked what this would take back: {error}", "yellow")
        return None


def _tell_of_reach(tried: CheckReport | None, file: Path, keys: Path, url: str | None) -> None:
    if tried is None:
        asking = f"testamur check {file} --keys {keys} --key FILE --url {_typed(url)}"
        note(f"What it would take back: {asking}")
        return
    for each in tried.refusals:
        note(f"the registry would refuse this: {each.refusal()}", "yellow")
    if tried.accepted:
        note(f"This {would(tried.reach or Reach())}.", "yellow")


def _write(out: Path, events: Sequence[Event], again: Sequence[Sequence[bytes]]) -> list[Path]:
    """Write the files of events into the new folder, in the order in which to submit them."""
    out.mkdir(parents=True)
    said = [[encode_event(event) for event in events], *again]
    files: list[Path] = []
    for number, lines in enumerate(said, 1):
        files.append(out / f"{number}-{'again' if files else 'keys'}.ndjson")
        write(files[-1], b"".join(line + b"\n" for line in lines))
    return files


def _document(plan: Recovery, files: Sequence[Path], tried: CheckReport | None) -> dict[str, Any]:
    return {
        "key": plan.key,
        "since": plan.since,
        "kept": msgspec.to_builtins(plan.kept),
        "strange": [line.position for line in plan.strange],
        "fallen": [line.position for line in plan.fallen],
        "spanned": plan.spanned,
        "files": [str(file) for file in files],
        "registry": msgspec.to_builtins(tried),
    }


def _show(folder: KeyFolder, found: _Found) -> None:
    plan = found.plan
    rows = [
        [
            line.position,
            line.recorded_at,
            line.events,
            "yours" if line.position in found.mine else "not yours",
            _fate(plan, line),
        ]
        for line in found.lines
    ]
    show_table(["position", "recorded at", "events", "whose", "then"], rows[-_LISTED:])
    if len(rows) > _LISTED:
        note(f"{len(rows) - _LISTED:,} earlier submissions with this key are not listed here")
    show_fields(
        {
            "organization": folder.did,
            "compromised": plan.key,
            "since": plan.since,
            "kept": ", ".join(f"{first}-{last}" for first, last in plan.kept) or "none",
            "stop to count": len(plan.strange),
            "said again": len(plan.fallen),
        }
    )
    if plan.spanned:
        note(
            f"There is not room for as many ranges as would keep yours alone: {plan.spanned:,} "
            "gaps between yours are kept too. If this registry may have left something out of its "
            "list, keep fewer: give --since later, or compare testamur keys --log first.",
            "yellow",
        )
    _tell_of_earlier(plan)
    _tell_of_limit(plan)


def _tell_of_earlier(plan: Recovery) -> None:
    """Tell of what an earlier declaration cut off, which a new one by the same key replaces."""
    earlier = [line for line in plan.fallen if line.key == plan.key and line.position < plan.since]
    if earlier:
        note(
            f"{len(earlier):,} of yours by this key, before {plan.since:,}, do not count because "
            "of what was declared before. If the same key declares now as then, its last word "
            f"holds: give --since {earlier[0].position}, which keeps them, for the registry "
            "refuses to have them said twice.",
            "yellow",
        )


def _tell_of_limit(plan: Recovery) -> None:
    reaches = int(time.time() * 1000) - LIMIT
    late = [line for line in plan.strange if parse_time(line.recorded_at) < reaches]
    if late:
        note(
            f"{len(late):,} of those that are not yours were recorded more than 90 days ago. A "
            "declaration made now does not reach them: revoke or withdraw what they said.",
            "yellow",
        )


def _fate(plan: Recovery, line: SubmissionLine) -> str:
    if line in plan.fallen:
        return "does not count: said again"
    if line.position < plan.since:
        return "counts: before since" if line.counts else "does not count"
    if any(first <= line.position <= last for first, last in plan.kept):
        return "counts: kept"
    return "stops to count"


def _typed(url: str | None) -> str:
    return "URL" if url is None else quote(url)


def _next(files: Sequence[Path], keys: Path, origin: str, url: str | None, needed: str) -> None:
    note(f"Look at {files[0]} before you sign it; {needed}.")
    for file in files:
        key = " --key FILE" if file == files[0] else ""
        # A registry names the origin, and people paste what they are shown into a shell.
        log = quote(origin)
        note(f"Next: testamur sign {file} --keys {keys}{key} --log {log} --out {file}.signed")
        note(f"      testamur submit {file}.signed --url {_typed(url)} --keys {keys}")
