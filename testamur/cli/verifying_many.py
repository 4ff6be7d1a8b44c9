"""Verifying many credentials: one reading of the log, one row for each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import typer

from testamur.badges.commitment import HolderFile
from testamur.cli.asking import ahead
from testamur.cli.evidence_sources import (
    Fresh,
    Given,
    Source,
    evidence_given,
    read_evidence,
)
from testamur.cli.given_files import GivenFile, files_meant
from testamur.cli.judging import Question, answer
from testamur.cli.listings import Form, Listing, listing, may_show_progress
from testamur.cli.outcome import HOLDS, REFUTED, UNCHECKED, described
from testamur.cli.terminal import note, track
from testamur.errors import Refuted, Unavailable, detached
from testamur.verification.finding import Fault
from testamur.verification.report import Answer, Report

_COLUMNS: Final = (
    "file", "answer", "achievement", "issuer", "status", "why", "credential", "accreditor", "log",
    "size", "checkedAt",
)  # fmt: skip
_SHOWN: Final = ("file", "answer", "achievement", "issuer", "why")


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
    rows = listing(form, _COLUMNS, _SHOWN)
    answers: Counter[Answer] = Counter()
    walk: Iterable[GivenFile] = meant.credentials
    if not files:
        source.reach()
    with source.opened(question.anchors, ids) as fresh, track("Verifying") as tracked:
        if may_show_progress(form):
            walk = tracked(walk, len(meant.credentials))
        for read in _read_ahead(walk, fresh, files, asks=source.asks):
            answers[_add(rows, read, question)] += 1
    rows.close()
    counts = (f"{answers[each]:,} {each.words.lower()}" for each in Answer if answers[each])
    note(f"{answers.total():,} files: {', '.join(counts) or 'none of them a credential'}")
    if answers[Answer.NOT_VALID]:
        return REFUTED
    return HOLDS if answers.total() == answers[Answer.VALID] > 0 else UNCHECKED


def evidence_files(given: Iterable[GivenFile]) -> dict[str, Path]:
    """Return, by the credential that it is about, each file that is evidence; tell of others."""
    found: dict[str, Path] = {}
    for file in given:
        try:
            found.setdefault(read_evidence(file.path).credential, file.path)
        except (Refuted, Unavailable) as error:
            note(f"{file.path} is left aside: {error}", "yellow")
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
    evidence: Mapping[str, Path],
    *,
    asks: bool,
) -> Iterator[_Read]:
    """Return the files in order; a registry is asked about the next ones meanwhile."""

    def read(file: GivenFile) -> _Read:
        try:
            holder = file.holder()
            return _Read(file, (holder, evidence_given(holder.id, fresh, evidence)))
        except (Refuted, Unavailable) as error:
            return _Read(file, detached(error))
        except OSError as error:
            return _Read(file, Unavailable(f"{file.path} cannot be read: {error.strerror}"))

    return ahead(read, files) if asks else map(read, files)


def _add(rows: Listing, read: _Read, question: Question) -> Answer:
    name = str(read.file.path)
    if isinstance(read.found, Refuted | Unavailable):
        # No credential was examined, whatever is wrong with the file.
        error = described(read.found)
        # The file has a column of its own.
        why = str(read.found).removeprefix(f"{name}: ").removeprefix(f"{name} ")
        row = {"file": name, "answer": Answer.COULD_NOT_TELL.words.lower(), "why": why}
        document = {"file": name, "verdict": Answer.COULD_NOT_TELL, "error": error}
        rows.add(row, document, good=False)
        return Answer.COULD_NOT_TELL
    report = answer(*read.found, question)
    document = {"file": name, "verdict": report.verdict, "report": msgspec.to_builtins(report)}
    rows.add(_row(name, report), document, good=report.verdict is Answer.VALID)
    return report.verdict


def _row(name: str, report: Report) -> dict[str, str]:
    told: dict[str, Any] = {
        **report.subject,
        "file": name,
        "answer": report.verdict.words.lower(),
        "why": report.why,
        "credential": report.credential,
        "log": report.log,
        "size": report.size,
        "checkedAt": report.checked_at,
    }
    return {column: str(told.get(column, "")) for column in _COLUMNS}
