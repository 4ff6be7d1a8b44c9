"""Verifying a credential, check by check."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from testamur.cli.files import STDIN, naming, read, read_holder
from testamur.cli.inquiry import fetch_evidence, find_evidence
from testamur.cli.terminal import Json, note, say, show_fields, show_json, show_table
from testamur.cli.trust import Trust, policy_from
from testamur.cli.values import cut, moment, own_address
from testamur.errors import Refusal
from testamur.http.source import is_url
from testamur.verification.evidence import FILE_ENDING, MAX_EVIDENCE, Evidence, parse_evidence
from testamur.verification.report import EvidenceFrom, Report
from testamur.verification.trust.anchors import parse_anchor
from testamur.verification.verify import verify as judge

app = typer.Typer()
_PANEL: Final = "Verification"

_MAX_ANCHORS: Final = 1 << 20


@app.command(rich_help_panel=_PANEL)
def verify(
    credential: Annotated[
        Path, typer.Argument(metavar="CREDENTIAL", help="Holder file: credential and blind.")
    ],
    trust: Trust,
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Evidence, a {FILE_ENDING} file.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            parser=own_address,
            help="Address of the registry, which is asked for fresh evidence.",
        ),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="DIR|URL", help="Read the whole log there instead of asking."),
    ] = None,
    anchor: Annotated[
        list[str] | None,
        typer.Option(
            "--anchor",
            "--anchors",
            metavar="DID|DID#KEY|FILE",
            help="An authority you trust, with a key of its own (a Multikey) if you know one, or "
            "a file with one a line. May be repeated.",
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", parser=moment, help="Judge its dates as of then, not now."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Verify a credential, check by check.

    With --evidence alone it is done offline: what the file leaves out, such as a revocation, could
    not be checked. With --url the registry is asked for fresh evidence, and states that it is all;
    it learns the credential's id, and nothing of its content. With --log the whole log is read.

    Examples:

    `testamur verify credential.json --evidence credential.testamur.json --policy policy.txt
    --anchor did:web:authority.example`

    `testamur verify credential.json --url https://registry.example --vkey log.vkey`
    """
    policy = policy_from(trust)
    anchors = frozenset(did for each in anchor or [] for did in _anchors(each))
    holder = read_holder(credential)
    now = datetime.now(UTC)
    reports = [
        judge(holder, found, policy, anchors=anchors, now=now, at=at, evidence_from=evidence_from)
        for evidence_from, found in _evidence(holder.id, evidence, url, log, trust)
    ]
    # Of what is fresh and what a file shows, the one that refutes is told.
    report = next((each for each in reports if each.exit_code == 1), reports[0])
    if json:
        show_json(msgspec.to_builtins(report))
    else:
        _show(report)
    raise typer.Exit(report.exit_code)


def _anchors(given: str) -> list[str]:
    if given.startswith("did:"):
        return [_anchor(given, "")]
    path = Path(given)
    if path != STDIN and not path.exists():
        raise typer.BadParameter(f"{cut(given)} is neither a DID nor a file", param_hint="--anchor")
    lines = read(path, _MAX_ANCHORS).decode("utf-8", "replace").splitlines()
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    return [
        _anchor(line, f"{path} line {number}: ")
        for number, line in numbered
        if line and line[0] != "#"
    ]


def _anchor(text: str, where: str) -> str:
    try:
        parse_anchor(text)
    except Refusal as refusal:
        raise typer.BadParameter(f"{where}{refusal}", param_hint="--anchor") from None
    return text


def _evidence(
    credential: str, path: Path | None, url: str | None, log: str | None, trust: str
) -> list[tuple[EvidenceFrom, Evidence]]:
    """Return the evidence to judge by, and where it is from; what was fetched comes first."""
    if path is None and url is None and log is None:
        raise typer.BadParameter("give one of the three", param_hint="--evidence, --url, --log")
    if url is not None and log is not None:
        raise typer.BadParameter("give one of the two", param_hint="--url, --log")
    found = []
    if url is not None:
        found.append((EvidenceFrom.REGISTER, fetch_evidence(credential, url)))
    if log is not None:
        place = own_address(log) if is_url(log) else log
        found.append((EvidenceFrom.REPLAY, find_evidence(credential, place, trust)))
    if path is not None:
        with naming(path):
            found.append((EvidenceFrom.FILE, parse_evidence(read(path, MAX_EVIDENCE))))
    return found


def _show(report: Report) -> None:
    styles = {0: "green", 1: "bold red", 2: "yellow"}
    say(report.verdict, styles[report.exit_code])
    show_fields(
        {
            "credential": report.credential,
            **report.subject,
            "log": report.log,
            "tree size": report.size,
            "recorded at": report.recorded_at,
            "witnessed at": report.witnessed_at,
            "checked at": report.checked_at,
        }
    )
    rows = [[check.name, check.verdict, check.basis, check.detail] for check in report.checks]
    show_table(["check", "verdict", "basis", "detail"], rows)
    for what, paths in (
        ("said by the issuer alone", report.issuer_only),
        ("not examined", report.unexamined),
    ):
        if paths:
            note(f"{what}: {', '.join(paths)}")
    for flag in report.flags:
        note(f"flagged {flag.code}: {flag.meaning} ({flag.basis})")
    for each in report.notes:
        note(each)
    counts = Counter(str(check.verdict) for check in report.checks)
    say(", ".join(f"{verdict}: {count}" for verdict, count in counts.items()))
