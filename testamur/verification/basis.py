"""On what each line of a report rests.

Inclusion proves what happened, never that nothing else did. Four checks also say that something
did *not* happen: no key was cut off, nothing ended the credential, nothing withdrew the
accreditation or the recognition. Of that an excerpt proves nothing, because entries can be left
out of it. A register that was asked, or a log that was read, states it. Of a file it is the
bearer's word, and such a check could not be checked; what rests on it stands as far as that is
proven.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from testamur.verification.checks import CheckName
from testamur.verification.finding import Finding
from testamur.verification.report import Basis, EvidenceFrom, Verdict

ABSENT: Final[dict[CheckName, str]] = {
    "signature": "no key under it was cut off before",
    "status": "nothing ended it since",
    "accreditation": "nothing suspended or withdrew it before",
    "recognition": "nothing withdrew it before",
}
"""What a check says did not happen."""


def completed(
    findings: Mapping[CheckName, Finding], evidence_from: EvidenceFrom
) -> dict[CheckName, Finding]:
    """Return the findings, where what only the bearer says could not be checked."""
    return {name: _completed(name, found, evidence_from) for name, found in findings.items()}


def _completed(name: CheckName, found: Finding, evidence_from: EvidenceFrom) -> Finding:
    absent, basis = ABSENT.get(name), evidence_from.absence
    if _only_lacks(found) and basis is Basis.BEARER:
        return _untold(f"{found.detail}; the file may leave out what would mend it", found)
    if absent is None or found.verdict is not Verdict.HOLDS:
        return found
    detail = f"{found.detail}; that {absent} is {basis}, not proven"
    if basis is Basis.REGISTER:
        return replace(found, detail=detail)
    return _untold(detail, found)


def _untold(detail: str, found: Finding) -> Finding:
    subject = dict(found.subject)
    if "status" in subject:
        # A program that reads this one word must not take the bearer's for the register's.
        subject["status"] += f" by {Basis.BEARER}"
    return replace(found, detail=detail, verdict=Verdict.UNCHECKED, subject=subject)


def _only_lacks(found: Finding) -> bool:
    """Return whether an entry that is not shown could mend what was found."""
    return found.lacking and found.verdict is Verdict.REFUTED


def basis_of(name: CheckName, found: Finding, evidence_from: EvidenceFrom) -> Basis:
    """Return on what a finding rests."""
    if found.verdict is Verdict.REFUTED and not found.lacking and name != "recognition":
        return Basis.PROVEN  # by an entry, a signature or a hash that is there to see
    if name in ABSENT or found.lacking:
        return evidence_from.absence
    return Basis.ATTESTED if found.attested else Basis.PROVEN
