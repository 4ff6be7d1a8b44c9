"""The report on a credential, from all the evidence that there is about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from testamur.badges.commitment import HolderFile
from testamur.cli.evidence_sources import Given
from testamur.cli.terminal import note
from testamur.tlog.policy import Policy
from testamur.verification.checks import CheckName
from testamur.verification.evidence import shown_by_both
from testamur.verification.report import Report, Verdict
from testamur.verification.verify import verify

_ENTRIES: Final[tuple[CheckName, ...]] = ("submission", "inclusion", "checkpoint")


@dataclass(frozen=True, slots=True)
class Question:
    """What a verifier believes and asks, of each credential the same."""

    policy: Policy
    anchors: Sequence[str]
    at: datetime | None
    learner: str | None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def logs(self) -> frozenset[str]:
        """The names of the logs that the policy believes."""
        return frozenset(log.key.name for log in self.policy.logs)


def answer(holder: HolderFile, given: Sequence[Given], question: Question) -> Report:
    """Return the report to show: on what is fresh, unless a file proves what that left out."""

    def judged(one: Given) -> Report:
        return verify(
            holder,
            one.evidence,
            question.policy,
            anchors=question.anchors,
            now=question.now,
            at=question.at,
            evidence_from=one.evidence_from,
            stated=one.flags,
            learner=question.learner,
        )

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


def _explained(file: Given, fresh: Given, judged: Callable[[Given], Report]) -> bool:
    """Return whether a file refutes by entries that are all shown, with more, by what is fresh."""
    shared = shown_by_both(file.evidence, fresh.evidence)
    return shared is not None and judged(file._replace(evidence=shared)).exit_code == 1
