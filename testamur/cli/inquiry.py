"""Asking about a credential: what a registry states, and the evidence to verify it with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from testamur.cli.files import refuse_existing, write
from testamur.cli.terminal import Json, note, progress, show_fields, show_json
from testamur.cli.trust import MaybeTrust, opened, trusted_log
from testamur.cli.values import Credential, MaybeUrl, Url, credential_id, moment
from testamur.errors import Refusal, Refuted, Unavailable, shown
from testamur.http.client import AsOf, RegistryClient
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
At = Annotated[
    datetime | None, typer.Option(metavar="TIME", parser=moment, help="As of this time.")
]
Size = Annotated[int | None, typer.Option(metavar="N", min=0, help="As of this tree size.")]


@app.command(rich_help_panel=_PANEL)
def evidence(
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
    *,
    json: Json = False,
) -> None:
    """Get the evidence with which a credential can be verified offline.

    With --url a registry is asked for it, and may be asked how things stood at an earlier time
    or size; the evidence then says that it leaves out what followed. With --log it is put
    together from the log itself, after a replay, so nobody learns which credential it is about.

    Example: `testamur evidence credential.json --url https://registry.example
    --out credential.testamur.json`
    """
    name = credential_id(credential)
    path = out or Path(f"{name}{FILE_ENDING}")
    refuse_existing(path)
    if (url is None) == (log is None):
        raise typer.BadParameter("give one of the two", param_hint="--url, --log")
    as_of = _as_of(at, size)
    if as_of and url is None:
        raise typer.BadParameter("goes with --url", param_hint="--at, --size")
    found = (
        fetch_evidence(name, url, as_of)
        if url is not None
        else find_evidence(name, str(log), trust)
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
    with _registry(url) as registry:
        answer = registry.credential(name, _as_of(at, size))
    if answer.get("id") != name:
        raise Refuted(f"asked about {name}, the registry answered about {shown(answer.get('id'))}")
    if json:
        show_json(answer)
    else:
        show_fields(_flat(answer))


def fetch_evidence(credential: str, url: str, as_of: AsOf | None = None) -> Evidence:
    """Return the evidence that the registry at `url` gives, unverified."""
    with _registry(url) as registry:
        found = parse_evidence(registry.evidence(credential, as_of))
    if found.credential != credential:
        raise Refuted(f"asked about {credential}, the registry answered about {found.credential}")
    return found


def _as_of(at: datetime | None, size: int | None) -> dict[str, str | int]:
    if at is not None and size is not None:
        raise typer.BadParameter("give one of the two", param_hint="--at, --size")
    if at is not None:
        return {"at": at.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    return {} if size is None else {"size": size}


def find_evidence(credential: str, place: str, trust: str | None) -> Evidence:
    """Return the evidence that a replay of the log at `place` finds."""
    with opened(place) as source:
        log = trusted_log(source, trust)
        wanted = {credential}
        while True:
            bearing = Bearing(wanted)
            with progress("Reading the log") as on_progress:
                replay(
                    source,
                    log.key,
                    checkpoint=log.checkpoint,
                    progress=on_progress,
                    on_submission=bearing.read,
                )
            # Its successor was issued earlier in the log, before this replay knew the id.
            if not bearing.missing or len(wanted) > 1:
                break
            wanted |= bearing.missing
        positions = bearing.positions(credential)
        if not positions:
            raise Unavailable(f"{credential} is not among the first {log.checkpoint.size} entries")
        found = build_evidence(LogReader(source, log.key), log.note, credential, positions)
    try:
        return parse_evidence(render_evidence(found))
    except Refusal as refusal:
        raise Unavailable(
            f"a verifier does not read this much evidence; replay the log instead: {refusal}"
        ) from None


def _registry(url: str) -> RegistryClient:
    return RegistryClient(url, patience=10, on_retry=lambda reason, _: note(reason))


def _flat(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the members of members under dotted names, as a person reads them best."""
    found: dict[str, Any] = {}
    for name, value in answer.items():
        inner = value if isinstance(value, dict) else {"": value}
        found |= {f"{name}.{each}".rstrip("."): inner[each] for each in inner}
    return found
