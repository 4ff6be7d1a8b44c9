"""Verifying a credential, check by check."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec
import typer

from testamur.badges.commitment import HolderFile
from testamur.badges.unexamined import meaning
from testamur.cli.anchors import Anchor, anchors_in
from testamur.cli.evidence_sources import Source, evidence_given
from testamur.cli.files import NoBlind, read_holder
from testamur.cli.given_files import is_many
from testamur.cli.judging import Question, answer
from testamur.cli.listings import Listed
from testamur.cli.outcome import UNCHECKED, described
from testamur.cli.profile import unless
from testamur.cli.terminal import Json, note, say, show_fields, show_json, show_table
from testamur.cli.trust import policy_from
from testamur.cli.values import as_learner, moment, own_address
from testamur.cli.verifying_many import verify_many
from testamur.errors import Refuted, Unavailable
from testamur.verification.bare_blockcert import examine_alone
from testamur.verification.evidence import FILE_ENDING
from testamur.verification.finding import Fault, attempt, need
from testamur.verification.report import Answer, Report

app = typer.Typer()
_PANEL: Final = "Verification"

MaybeTrust = Annotated[
    str | None,
    typer.Option(
        "--policy",
        "--vkey",
        metavar="FILE|VKEY",
        help="Policy, or the log's verifier key: the file, or the key itself. A Blockcert alone, "
        "without holder file, takes none.",
    ),
]


@app.command(rich_help_panel=_PANEL)
def verify(
    context: typer.Context,
    credentials: Annotated[
        list[Path],
        typer.Argument(
            metavar="CREDENTIAL|DIR",
            help="Holder files, each with credential and blind, or folders of them.",
        ),
    ],
    trust: MaybeTrust = None,
    evidence: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|DIR", help=f"Evidence, a {FILE_ENDING} file, or a folder of them."
        ),
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
        typer.Option(
            metavar="TIME",
            parser=moment,
            help="Judge its dates as of then, not now; a day is its first moment in UTC.",
        ),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            metavar="WHO",
            parser=as_learner,
            help="E-mail address, name, number or DID of the learner whose it should be.",
        ),
    ] = None,
    form: Listed = None,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nobody, whatever the profile says.")
    ] = False,
    json: Json = False,
) -> None:
    """Verify credentials: one check by check, or many, one a row.

    With --evidence alone it is done offline: what the file leaves out, such as a revocation, could
    not be checked. With --url the registry is asked for fresh evidence, and states that it is all;
    it learns the credential's id, and nothing of its content. With --log the whole log is read.
    Without --learner nobody has checked whose it is. What is given there is sent nowhere. A name
    holds for everybody who has it.

    Of a Blockcert that its bearer has without a holder file, its own receipt is checked, offline:
    never enough to be valid. The blockchain that it names is not asked.

    Of several files, or a folder, each gets a row, whatever it is, and none stops the others. Files
    that end in `.testamur.json` are evidence for the rest. Exit code: 1 if any is not valid, else 2
    if there is any of which it could not be told, else 0.

    Examples:

    `testamur verify credential.json --evidence credential.testamur.json --policy policy.txt
    --anchor DID`

    `testamur verify credential.json --url https://registry.example --vkey log.vkey
    --learner ada@example.org`

    `testamur verify blockcert.json`

    `testamur verify applications/ --url https://registry.example --vkey log.vkey --format csv`
    """
    url = unless(context, "url", url, taken=log is not None or offline)
    if url is not None and log is not None:
        raise typer.BadParameter("give one of the two", param_hint="--url, --log")
    if offline and (url is not None or log is not None):
        raise typer.BadParameter("goes with --evidence alone", param_hint="--offline")
    alone = form is None and not is_many(credentials) and not is_many(evidence or [Path("-")])
    read = attempt(lambda: read_holder(credentials[0])) if alone else None
    if isinstance(read, NoBlind):
        _end(examine_alone(read.credential, now=datetime.now(UTC)), json=json)
    if trust is None:
        raise typer.BadParameter("is missing", param_hint="--policy / --vkey")
    question = Question(policy_from(trust), anchors_in(anchor or []), at, learner)
    source = Source(url, log, trust)
    if read is not None:
        try:
            report = _one(read, evidence[0] if evidence else None, source, question)
        except (Refuted, Unavailable) as error:
            _show_unread(error, json=json)
            raise typer.Exit(UNCHECKED) from None
        _end(report, json=json)
    wanted = form or ("jsonl" if json else "table")
    raise typer.Exit(verify_many(credentials, evidence or [], source, question, wanted))


def _one(
    read: HolderFile | Fault, evidence: Path | None, source: Source, question: Question
) -> Report:
    if evidence is None and not source.is_there:
        raise typer.BadParameter("give one of the three", param_hint="--evidence, --url, --log")
    holder = need(read)
    files = {} if evidence is None else {holder.id: [evidence]}
    with source.opened(question.anchors, [holder.id]) as fresh:
        return answer(holder, evidence_given(holder, fresh, files, question.logs), question)


def _end(report: Report, *, json: bool) -> NoReturn:
    if json:
        show_json(msgspec.to_builtins(report))
    else:
        _show(report)
    raise typer.Exit(report.exit_code)


def _show_unread(error: Refuted | Unavailable, *, json: bool) -> None:
    """Show that no credential was examined: whatever was refuted is no credential."""
    verdict = Answer.COULD_NOT_TELL
    if json:
        show_json({"verdict": verdict, **described(error)})
    else:
        note(f"{verdict.words}: {error}", "yellow")


def _show(report: Report) -> None:
    styles = {0: "green", 1: "bold red", 2: "yellow"}
    say(report.first_line, styles[report.exit_code])
    show_fields(
        {
            "credential": report.credential,
            **report.subject,
            "on the log since": report.logged_at,
            "log": report.log or None,
            "tree size": report.size if report.log else None,
            "last entry shown": report.recorded_at,
            "witnessed at": report.witnessed_at,
            "checked at": report.checked_at,
        }
    )
    rows = [[check.name, check.verdict, check.basis, check.detail] for check in report.checks]
    show_table(["check", "verdict", "basis", "detail"], rows)
    if report.issuer_only:
        note(f"said by the issuer alone: {', '.join(report.issuer_only)}")
    for path in report.unexamined:
        held = meaning(path)
        note(f"not examined: {path}{'' if held is None else f', {held}'}")
    for flag in report.flags:
        note(f"flagged {flag.code}: {flag.meaning} ({flag.basis})")
    for each in report.notes:
        note(each)
    counts = Counter(str(check.verdict) for check in report.checks)
    say(", ".join(f"{verdict}: {count}" for verdict, count in counts.items()))
