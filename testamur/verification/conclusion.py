"""The report: findings with their basis, the answer, flags, and what is to be noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from testamur.catalogue.submission import format_time
from testamur.errors import printable
from testamur.verification.answer import answer, why
from testamur.verification.basis import basis_of, completed
from testamur.verification.checks import CHECKS, CheckName
from testamur.verification.finding import Finding
from testamur.verification.report import REPORT, Check, EvidenceFrom, Report, ReportedFlag
from testamur.verification.tree import Tree

# A report is read by people, and its parts come from strangers.
_DETAIL: Final = 1000
_NOTES: Final = 100
_FURTHER: Final = (
    "further flags could not be checked: they follow from entries that evidence leaves out, and "
    "the register states them (--url)"
)


def conclude(
    credential: str,
    tree: Tree | None,
    findings: Mapping[CheckName, Finding],
    evidence_from: EvidenceFrom,
    *,
    issuer_only: Sequence[str],
    unexamined: Sequence[str],
    now: datetime,
    at: datetime | None,
    logged_at: int | None,
    recorded_at: int | None,
    flags: tuple[ReportedFlag, ...],
    further_flags: bool,
    notes: Sequence[str],
) -> Report:
    """Return the report on a credential; `findings` say what is proven, resting on each other.

    `at` is the time that its dates are judged as of, None if that is `now`. `logged_at` is the
    register's time of the issuance and `recorded_at` that of the last entry shown, in Unix
    milliseconds; `further_flags` says that there may be flags which nobody stated.
    """
    as_of, size = (tree.as_of, tree.checkpoint.size) if tree else (0, 0)
    witnessed_at = tree.witnessed_at(now) if tree else None
    made = completed(findings, evidence_from)
    told = [
        *notes,
        *(note for name in CHECKS for note in findings[name].notes),
        *(line for name in CHECKS for line in findings[name].declared),
        *([_FURTHER] if further_flags else []),
    ]
    return Report(
        format=REPORT,
        verdict=answer(made),
        why=_shown(why(made, findings, evidence_from, as_of, size, at)),
        evidence_from=evidence_from,
        credential=credential,
        log=tree.checkpoint.origin if tree else "",
        size=size,
        as_of=as_of,
        root=tree.checkpoint.root.hex() if tree else "",
        checked_at=format_time(int(now.timestamp() * 1000)),
        logged_at=_time(logged_at),
        recorded_at=_time(recorded_at),
        witnessed_at=_time(None if witnessed_at is None else witnessed_at * 1000),
        subject={name: text for each in CHECKS for name, text in made[each].subject.items()},
        checks=_checks(made, evidence_from),
        issuer_only=_cut(issuer_only),
        unexamined=_cut(unexamined),
        flags=flags,
        notes=_cut(list(dict.fromkeys(told))),
    )


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else format_time(milliseconds)


def _checks(made: Mapping[CheckName, Finding], evidence_from: EvidenceFrom) -> tuple[Check, ...]:
    return tuple(
        Check(name, found.verdict, basis_of(name, found, evidence_from), _shown(found.detail))
        for name in CHECKS
        if (found := made[name]).verdict is not None
    )


def _shown(text: str) -> str:
    return printable(text, _DETAIL)


def _cut(notes: Sequence[str]) -> tuple[str, ...]:
    left_off = len(notes) - _NOTES
    rest = [f"and {left_off} more"] if left_off > 0 else []
    return *map(_shown, notes[:_NOTES]), *rest
