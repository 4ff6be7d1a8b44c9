"""Verifying a credential, check by check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
import typer

from testamur.badges.identities import read_asked
from testamur.cli.anchors import Anchor, anchors_in
from testamur.cli.files import read, read_holder, unread
from testamur.cli.inquiry import fetch_evidence, fetch_flags, find_evidence
from testamur.cli.profile import unless
from testamur.cli.terminal import Json, note, say, show_fields, show_json, show_table
from testamur.cli.trust import Trust, policy_from
from testamur.cli.values import moment, own_address
from testamur.errors import Refusal
from testamur.http.source import is_url
from testamur.rules import Flags
from testamur.verification.checks import CheckName
from testamur.verification.evidence import (
    FILE_ENDING,
    MAX_EVIDENCE,
    Evidence,
    parse_evidence,
    shown_by_both,
)
from testamur.verification.report import EvidenceFrom, Report, Verdict
from testamur.verification.verify import verify as judge

app = typer.Typer()
_PANEL: Final = "Verification"
_ENTRIES: Final[tuple[CheckName, ...]] = ("submission", "inclusion", "checkpoint")


def _learner(text: str) -> str:
    try:
        read_asked(text)
    except Refusal as refusal:
        raise typer.BadParameter(str(refusal)) from None
    return text


@app.command(rich_help_panel=_PANEL)
def verify(
    context: typer.Context,
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
    anchor: Anchor = None,
    at: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", parser=moment, help="Judge its dates as of then, not now."),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            metavar="WHO",
            parser=_learner,
            help="E-mail address, number or DID of the learner whose it should be.",
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Verify a credential, check by check.

    With --evidence alone it is done offline: what the file leaves out, such as a revocation, could
    not be checked. With --url the registry is asked for fresh evidence, and states that it is all;
    it learns the credential's id, and nothing of its content. With --log the whole log is read.
    Without --learner nobody has checked whose it is. What is given there is sent nowhere.

    Examples:

    `testamur verify credential.json --evidence credential.testamur.json --policy policy.txt
    --anchor did:key:z6Mk...`

    `testamur verify credential.json --url https://registry.example --vkey log.vkey
    --learner ada@example.org`
    """
    url = unless(context, "url", url, taken=log is not None)
    policy = policy_from(trust)
    anchors = anchors_in(anchor or [])
    holder = read_holder(credential)
    now = datetime.now(UTC)

    def judged(given: _Given) -> Report:
        return judge(
            holder,
            given.evidence,
            policy,
            anchors=anchors,
            now=now,
            at=at,
            evidence_from=given.evidence_from,
            stated=given.flags,
            learner=learner,
        )

    report = _told(_evidence(holder.id, evidence, url, log, trust, anchors), judged)
    if json:
        show_json(msgspec.to_builtins(report))
    else:
        _show(report)
    raise typer.Exit(report.exit_code)


class _Given(NamedTuple):
    """Evidence, where it is from, and the flags that the register stated: None if unasked."""

    evidence_from: EvidenceFrom
    evidence: Evidence
    flags: Flags | None


def _told(given: Sequence[_Given], judged: Callable[[_Given], Report]) -> Report:
    """Return the report to show: on what is fresh, unless a file proves what that left out."""
    fresh, *files = given
    report = judged(fresh)
    if report.exit_code == 1:
        return report
    for file in files:
        shown = judged(file)
        if shown.exit_code != 1:
            continue
        if any(shown.check(name).verdict is not Verdict.HOLDS for name in _ENTRIES):
            note(f"The file does not hold, and is left aside: {shown.why}", "yellow")
        elif shown.as_of > report.as_of or not _explained(file, fresh, judged):
            return shown
    return report


def _explained(file: _Given, fresh: _Given, judged: Callable[[_Given], Report]) -> bool:
    """Return whether a file refutes by entries that are all shown, with more, by what is fresh."""
    shared = shown_by_both(file.evidence, fresh.evidence)
    return shared is not None and judged(file._replace(evidence=shared)).exit_code == 1


def _evidence(
    credential: str,
    path: Path | None,
    url: str | None,
    log: str | None,
    trust: str,
    anchors: Sequence[str],
) -> list[_Given]:
    """Return the evidence to judge by; what was fetched comes first."""
    if path is None and url is None and log is None:
        raise typer.BadParameter("give one of the three", param_hint="--evidence, --url, --log")
    if url is not None and log is not None:
        raise typer.BadParameter("give one of the two", param_hint="--url, --log")
    found = []
    if url is not None:
        fresh = fetch_evidence(credential, url, anchors=anchors)
        found.append(_Given(EvidenceFrom.REGISTER, fresh, fetch_flags(credential, url)))
    if log is not None:
        place = own_address(log) if is_url(log) else log
        found.append(_Given(EvidenceFrom.REPLAY, *find_evidence(credential, place, trust, anchors)))
    if path is not None:
        with unread(path):
            shown = parse_evidence(read(path, MAX_EVIDENCE))
        found.append(_Given(EvidenceFrom.FILE, shown, None))
    return found


def _show(report: Report) -> None:
    styles = {0: "green", 1: "bold red", 2: "yellow"}
    say(report.first_line, styles[report.exit_code])
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
