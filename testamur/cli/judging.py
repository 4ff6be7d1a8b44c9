"""The report on a credential, from all the evidence that there is about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from testamur.badges.commitment import HolderFile
from testamur.cli.evidence_sources import Given
from testamur.cli.terminal import note
from testamur.tlog.policy import Policy
from testamur.verification.checks import CheckName
from testamur.verification.evidence import Evidence
from testamur.verification.report import EvidenceFrom, Report, Verdict
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


class _Judged(NamedTuple):
    """Evidence, and the report on it alone."""

    given: Given
    report: Report

    @property
    def refutes(self) -> bool:
        return self.report.exit_code == 1

    @property
    def is_sound(self) -> bool:
        """Whether the entries shown are on the log, whatever they say."""
        return all(self.report.check(name).verdict is Verdict.HOLDS for name in _ENTRIES)


def answer(holder: HolderFile, given: Sequence[Given], question: Question) -> Report:
    """Return the report to show: on what is fresh, unless a file proves what that left out.

    Of files alone it is on one that refutes, unless another shows what takes that back.
    """
    judge = _Judge(holder, question)
    first = judge.alone(given[0])
    is_fresh = first.given.evidence_from is not EvidenceFrom.FILE
    if len(given) == 1 or (is_fresh and first.refutes):
        return first.report
    others = [judge.alone(each) for each in given[1:]]
    files = others if is_fresh else [first, *others]
    sound = [each for each in files if each.is_sound]
    known = [first] if is_fresh else [each for each in sound if not each.refutes]
    if not known and not sound:
        return first.report
    for each in files:
        if each.refutes and not each.is_sound:
            note(f"The file does not hold, and is left aside: {each.report.why}", "yellow")
    for each in sound:
        if each.refutes and not any(judge.takes_back(other, each) for other in known):
            return each.report
    return known[0].report


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges one credential by what it is given."""

    holder: HolderFile
    question: Question

    def alone(self, given: Given) -> _Judged:
        """Return evidence with the report on it alone."""
        return _Judged(given, self._report(given.evidence, given))

    def takes_back(self, other: _Judged, refuting: _Judged) -> bool:
        """Return whether all that refutes is made up for by what other evidence shows besides.

        Then the two together, taken for complete, say what the other one says alone.
        """
        given, report = other.given, other.report
        if given.evidence_from is EvidenceFrom.FILE:
            given = given._replace(evidence_from=EvidenceFrom.REGISTER)
            report = self._report(given.evidence, given)
        earlier, later = sorted((other, refuting), key=lambda each: each.report.as_of)
        both = self._report(later.given.evidence, given, beside=earlier.given.evidence)
        # What could not be read takes nothing back.
        return (
            report.check("signature").verdict is Verdict.HOLDS
            and [each.verdict for each in both.checks] == [each.verdict for each in report.checks]
            and both.exit_code != 1
        )

    def _report(self, evidence: Evidence, given: Given, beside: Evidence | None = None) -> Report:
        asked = self.question
        return verify(
            self.holder,
            evidence,
            asked.policy,
            anchors=asked.anchors,
            now=asked.now,
            at=asked.at,
            evidence_from=given.evidence_from,
            stated=given.flags,
            learner=asked.learner,
            beside=beside,
        )
