"""What one step found, before the report is written, and how its errors become a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from testamur.errors import Refuted, Unavailable, detached
from testamur.verification.checks import CHECKS, RESTS_ON, CheckName
from testamur.verification.report import Verdict

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of a step and its reason in one sentence.

    `notes` and `subject` go into the report beside it, and `declared` into its first lines: what
    stopped counting because a key was declared compromised. `attested` says that it rests on the
    word of somebody whom it names, `lacking` that it is refuted by what is not there, such as the
    end of a suspension. A step without a verdict had nothing to look at, and the report leaves it
    out.
    """

    detail: str
    verdict: Verdict | None = Verdict.HOLDS
    attested: bool = False
    lacking: bool = False
    declared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    subject: Mapping[str, str] = field(default_factory=dict)


Fault: TypeAlias = Refuted | Unavailable
"""Why something could not be read or judged, kept for every step that needs it."""


def attempt(read: Callable[[], _T]) -> _T | Fault:
    """Return what `read` returns, or the fault that it raises."""
    try:
        return read()
    except (Refuted, Unavailable) as error:
        return detached(error)


def need(found: _T | Fault, why: str | None = None) -> _T:
    """Return what was found.

    Else raises its fault, or `Unavailable` with `why` where another step tells of the fault.
    """
    if not isinstance(found, Refuted | Unavailable):
        return found
    raise found if why is None else Unavailable(why)


def judge(step: Callable[[], Finding]) -> Finding:
    """Return what a step finds; an error that it raises is its verdict."""
    found = attempt(step)
    if isinstance(found, Refuted):
        return Finding(str(found), Verdict.REFUTED)
    if isinstance(found, Unavailable):
        return Finding(str(found), Verdict.UNCHECKED)
    return found


def rested(findings: Mapping[CheckName, Finding]) -> dict[CheckName, Finding]:
    """Return the findings, where no conclusion is stronger than its premises (`RESTS_ON`)."""
    judged: dict[CheckName, Finding] = {}

    def standing(name: CheckName) -> Finding:
        if name not in judged:
            judged[name] = findings[name]
            for premise in RESTS_ON[name]:
                under = standing(premise)
                if judged[name].verdict is not None and under.verdict is not Verdict.HOLDS:
                    judged[name] = _without(premise, under.verdict)
        return judged[name]

    return {name: standing(name) for name in CHECKS}


def _without(premise: CheckName, verdict: Verdict | None) -> Finding:
    is_so = "is refuted" if verdict is Verdict.REFUTED else "could not be checked"
    return Finding(f"it rests on {premise}, which {is_so}", Verdict.UNCHECKED)
