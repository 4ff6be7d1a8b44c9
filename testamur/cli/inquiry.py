"""Asking about a credential: what a registry states, and the evidence to verify it with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from testamur.cli.anchors import Anchor, anchors_in
from testamur.cli.asking import asked
from testamur.cli.files import refuse_existing_file, write
from testamur.cli.profile import unless
from testamur.cli.terminal import Json, note, progress, show_fields, show_json
from testamur.cli.trust import MaybeTrust, opened, trusted_log
from testamur.cli.values import Credential, MaybeUrl, Url, credential_id, moment
from testamur.errors import Refusal, Refuted, Unavailable, shown
from testamur.http.client import AsOf
from testamur.rules import Flag, Flags
from testamur.tlog.reader import LogReader
from testamur.verification.bearing import Bearing
from testamur.verification.evidence import (
    FILE_ENDING,
    Evidence,
    build_evidence,
    parse_evidence,
    render_evidence,
)
from testamur.verification.replay import replay

app = typer.Typer()
_PANEL: Final = "Verification"
_FLAGS: Final = {flag.value: flag for flag in Flag}
At = Annotated[
    datetime | None, typer.Option(metavar="TIME", parser=moment, help="As of this time.")
]
Size = Annotated[int | None, typer.Option(metavar="N", min=0, help="As of this tree size.")]


@app.command(rich_help_panel=_PANEL)
def evidence(
    context: typer.Context,
    credential: Credential,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="New file; by default, the id's name.")
    ] = None,
    url: MaybeUrl = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="DIR|URL", help="Read the whole log there instead of asking."),
    ] = None,
    trust: MaybeTrust = None,
    at: At = None,
    size: Size = None,
    anchor: Anchor = None,
    *,
    json: Json = False,
) -> None:
    """Get the evidence with which a credential can be verified offline.

    With --url a registry is asked for it, and may be asked how things stood at an earlier time
    or size; the evidence then says that it leaves out what followed. With --log it is put
    together from the log itself, after a replay, so nobody learns which credential it is about. It
    leads to the root authorities of the log, and with --anchor to others.

    Example: `testamur evidence credential.json --url https://registry.example
    --out credential.testamur.json`
    """
    name = credential_id(credential)
    path = out or Path(f"{name}{FILE_ENDING}")
    refuse_existing_file(path)
    url = unless(context, "url", url, taken=log is not None)
    if (url is None) == (log is None):
        raise typer.BadParameter("give one of the two", param_hint="--url, --log")
    as_of = _as_of(at, size)
    if as_of and url is None:
        raise typer.BadParameter("goes with --url", param_hint="--at, --size")
    anchors = anchors_in(anchor or [])
    found = (
        fetch_evidence(name, url, as_of, anchors)
        if url is not None
        else find_evidence(name, str(log), trust, anchors).evidence
    )
    write(path, render_evidence(found))
    fields = {"credential": name, "file": str(path), "submissions": len(found.submissions)}
    if json:
        show_json(fields)
    else:
        show_fields(fields)
        note(f"Next: testamur verify CREDENTIAL --evidence {path} --policy FILE --anchor DID")


@app.command(rich_help_panel=_PANEL)
def status(
    credential: Credential,
    url: Url,
    at: At = None,
    size: Size = None,
    *,
    json: Json = False,
) -> None:
    """Ask a registry for the status of a credential. Its answer is stated, not proven.

    Example: `testamur status credential.json --url https://registry.example --at 2026-11-21`
    """
    name = credential_id(credential)
    with asked(url) as registry:
        answer = registry.credential(name, _as_of(at, size))
    if answer.get("id") != name:
        raise Unavailable(f"{url} answered about {shown(answer.get('id'))}, not about {name}")
    if json:
        show_json(answer)
    else:
        show_fields(_flat({**answer, "status": _since(answer)}))


class Found(NamedTuple):
    """Evidence, and the flags of the issuance as the register or a replay states them."""

    evidence: Evidence
    flags: Flags


def fetch_evidence(
    credential: str, url: str, as_of: AsOf | None = None, anchors: Sequence[str] = ()
) -> Evidence:
    """Return the evidence that the registry at `url` gives, unverified; raises `Unavailable`."""
    with asked(url) as registry:
        answer = registry.evidence(credential, as_of, anchors)
    # An answer of another kind says nothing about the credential.
    try:
        found = parse_evidence(answer)
    except Refusal as refusal:
        raise Unavailable(f"{url} answered with no evidence: {refusal}") from None
    if found.credential != credential:
        raise Unavailable(f"{url} answered about {found.credential}, not about {credential}")
    return found


def fetch_flags(credential: str, url: str) -> Flags | None:
    """Return the flags that the registry states of the issuance; None if it states none.

    No flag changes a verdict, so a registry that does not answer is told about and no more.
    """
    try:
        with asked(url) as registry:
            stated = registry.credential(credential).get("flags")
    except Unavailable as error:
        note(f"The registry does not state how the issuance was flagged: {error}", "yellow")
        return None
    if not isinstance(stated, list) or not all(isinstance(code, str) for code in stated):
        note(f"The registry states flags in an unknown form: {shown(stated)}", "yellow")
        return None
    for code in stated:
        if code not in _FLAGS:
            note(f"The registry states a flag that this version does not know: {shown(code)}")
    return tuple(_FLAGS[code] for code in stated if code in _FLAGS)


def _as_of(at: datetime | None, size: int | None) -> dict[str, str | int]:
    if at is not None and size is not None:
        raise typer.BadParameter("give one of the two", param_hint="--at, --size")
    if at is not None:
        return {"at": at.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    return {} if size is None else {"size": size}


def find_evidence(
    credential: str, place: str, trust: str | None, anchors: Sequence[str] = ()
) -> Found:
    """Return the evidence that a replay of the log at `place` finds."""
    bearing = Bearing([credential])
    with opened(place) as source:
        try:
            log = trusted_log(source, trust)
            with progress("Reading the log") as on_progress:
                replay(
                    source,
                    log.key,
                    checkpoint=log.checkpoint,
                    now=datetime.now(UTC),
                    progress=on_progress,
                    on_submission=bearing.read,
                )
        except Refuted as error:
            # That refutes the log, or the copy of it, and nobody's credential.
            raise Unavailable(f"the log at {place} is not sound: {error}") from None
        positions = bearing.positions(credential, anchors)
        if not positions:
            raise Unavailable(f"{credential} is not among the first {log.checkpoint.size} entries")
        found = build_evidence(LogReader(source, log.key), log.note, credential, positions)
    try:
        evidence = parse_evidence(render_evidence(found))
    except Refusal as refusal:
        raise Unavailable(
            f"a verifier does not read this much evidence; replay the log instead: {refusal}"
        ) from None
    return Found(evidence, bearing.flags(credential))


def _since(answer: dict[str, Any]) -> Any:
    """Return the status that a registry states, with the day from which it says that it holds."""
    status, last = answer.get("status"), answer.get("lastEvent")
    effective = last.get("effectiveAt") if isinstance(last, dict) else None
    if effective is None or not isinstance(last, dict):
        return status
    recorded = str(last.get("recordedAt")).partition("T")[0]
    return f"{status} with effect from {effective}, recorded {recorded}"


def _flat(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the members of members under dotted names, as a person reads them best."""
    found: dict[str, Any] = {}
    for name, value in answer.items():
        inner = value if isinstance(value, dict) else {"": _listed(value)}
        found |= {f"{name}.{each}".rstrip("."): _listed(inner[each]) for each in inner}
    return found


def _listed(value: Any) -> Any:
    """Return a list of objects as a list of texts, each with the names of its members."""
    if not isinstance(value, list):
        return value
    return [
        "; ".join(f"{name} {each[name]}" for name in each) if isinstance(each, dict) else each
        for each in value
    ]
