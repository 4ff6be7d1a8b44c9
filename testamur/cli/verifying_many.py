"""Verifying many credentials: one reading of the log, one row for each file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import typer

from testamur.badges.commitment import HolderFile
from testamur.cli.asking import AT_ONCE, ahead
from testamur.cli.evidence_sources import (
    Fresh,
    Given,
    Source,
    evidence_given,
    read_evidence,
)
from testamur.cli.files import NoBlind
from testamur.cli.given_files import GivenFile, files_meant
from testamur.cli.judging import Question, answer
from testamur.cli.listings import Form, Listing, listing, may_show_progress
from testamur.cli.outcome import HOLDS, REFUTED, UNCHECKED, described
from testamur.cli.terminal import note, track
from testamur.errors import Refuted, Unavailable, detached
from testamur.verification.bare_blockcert import examine_alone
from testamur.verification.finding import Fault
from testamur.verification.report import Answer, Report

_COLUMNS: Final = (
    "file", "answer", "achievement", "issuer", "status", "why", "credential", "accreditor", "log",
    "size", "checkedAt", "flags",
)  # fmt: skip
_SHOWN: Final = ("file", "answer", "achievement", "issuer", "reason")
_TOLD: Final = 3
_MOST_ABOUT_ONE: Final = 16


class _Read(NamedTuple):
    """A file, and the credential in it with its evidence, or why there is none."""

    file: GivenFile
    found: tuple[HolderFile, list[Given]] | Fault


def verify_many(
    credentials: Sequence[Path],
    evidence: Sequence[Path],
    source: Source,
    question: Question,
    form: Form,
) -> int:
    """Verify all that is meant, print a row for each file, and return the exit code."""
    meant = files_meant(credentials)
    files = evidence_files([*meant.evidence, *files_meant(evidence).every()])
    if not files and not source.is_there:
        raise typer.BadParameter("give one of the three", param_hint="--evidence, --url, --log")
    ids = _ids(meant.credentials) if source.needs_ids else ()
    if not files:
        source.reach()
    found = _Found()
    with (
        source.opened(question.anchors, ids) as fresh,
        closing(
            _read_ahead(meant.credentials, fresh, files, question.logs, asks=source.asks)
        ) as outcomes,
        track("Verifying", shown=may_show_progress(form)) as tracked,
    ):
        rows = listing(form, _COLUMNS, _SHOWN)
        for read in tracked(outcomes, len(meant.credentials)):
            found.add(rows, read, question)
        rows.close()
    found.tell()
    if question.learner is None:
        note("Whose they are was not checked: verify each alone, with --learner")
    return found.exit_code


def evidence_files(given: Iterable[GivenFile]) -> dict[str, list[Path]]:
    """Return the files that are evidence, by the credential they are about; tell of others."""
    found: dict[str, list[Path]] = defaultdict(list)
    for file in given:
        try:
            file.refuse_link()
            about = found[read_evidence(file.path).credential]
        except (Refuted, Unavailable) as error:
            note(f"{file.path} is left aside: {error}", "yellow")
            continue
        if len(about) < _MOST_ABOUT_ONE:
            about.append(file.path)
        else:
            why = f"there are {_MOST_ABOUT_ONE} others about its credential"
            note(f"{file.path} is left aside: {why}", "yellow")
    return found


def _ids(files: Iterable[GivenFile]) -> list[str]:
    """Return the ids of the credentials that can be read; others are told of in their row."""
    found: dict[str, None] = {}
    for file in files:
        with suppress(Refuted, Unavailable, OSError):
            found[file.holder().id] = None
    return list(found)


def _read_ahead(
    files: Iterable[GivenFile],
    fresh: Fresh | None,
    evidence: Mapping[str, Sequence[Path]],
    logs: Collection[str],
    *,
    asks: bool,
) -> Generator[_Read]:
    """Return the files in order; a registry is asked about the next ones meanwhile."""

    def read(file: GivenFile) -> _Read:
        try:
            holder = file.holder()
            return _Read(file, (holder, evidence_given(holder, fresh, evidence, logs)))
        except (Refuted, Unavailable) as error:
            return _Read(file, detached(error))
        except OSError as error:
            return _Read(file, Unavailable(f"{file.path} cannot be read: {error.strerror}"))

    return ahead(read, files, at_once=AT_ONCE if asks else 1)


class _Found:
    """What was found of all files: how many of each answer, and why the valid ones are."""

    def __init__(self) -> None:
        self._answers: Counter[Answer] = Counter()
        self._why_valid: Counter[str] = Counter()

    def add(self, rows: Listing, read: _Read, question: Question) -> None:
        """Judge a file and add its row."""
        name = str(read.file.path)
        if isinstance(read.found, NoBlind):
            self._judged(rows, name, examine_alone(read.found.credential, now=question.now))
            return
        if isinstance(read.found, Refuted | Unavailable):
            rows.add(*_unread(name, read.found), good=False)
            self._answers[Answer.COULD_NOT_TELL] += 1
            return
        self._judged(rows, name, answer(*read.found, question))

    def _judged(self, rows: Listing, name: str, report: Report) -> None:
        self._answers[report.verdict] += 1
        valid = report.verdict is Answer.VALID
        if valid:
            self._why_valid[report.why] += 1
        document = {"file": name, "verdict": report.verdict, "report": msgspec.to_builtins(report)}
        rows.add(_row(name, report), document, good=valid)

    @property
    def exit_code(self) -> int:
        """The worst of all."""
        if self._answers[Answer.NOT_VALID]:
            return REFUTED
        valid = self._answers[Answer.VALID]
        return HOLDS if valid and valid == self._answers.total() else UNCHECKED

    def tell(self) -> None:
        """Say how many there are of each, and once what a table does not repeat."""
        answers = self._answers
        counts = (f"{answers[each]:,} {_words(each)}" for each in Answer if answers[each])
        note(f"{answers.total():,} files: {', '.join(counts) or 'none of them a credential'}")
        for why, count in self._why_valid.most_common(_TOLD):
            note(f"{count:,} valid: {why}")


def _unread(name: str, error: Fault) -> tuple[dict[str, str], dict[str, Any]]:
    """Return row and document of a file in which no credential was examined."""
    verdict = Answer.COULD_NOT_TELL
    # The file has a column of its own.
    why = str(error).removeprefix(f"{name}: ").removeprefix(f"{name} ")
    document = {"file": name, "verdict": verdict, "error": described(error)}
    return {"file": name, "answer": _words(verdict), "why": why, "reason": why}, document


def _words(verdict: Answer) -> str:
    return verdict.words.lower()


def _row(name: str, report: Report) -> dict[str, str]:
    told: dict[str, Any] = {
        **report.subject,
        "file": name,
        "answer": _words(report.verdict),
        "why": report.why,
        # Fifty credentials of one log are valid for one reason, which is told below the table.
        "reason": "" if report.verdict is Answer.VALID else report.why,
        "flags": " ".join(flag.code for flag in report.flags),
        "credential": report.credential,
        "log": report.log,
        "size": report.size,
        "checkedAt": report.checked_at,
    }
    return {name: str(value) for name, value in told.items()}
