"""The answer to what a verifier asks, is it valid, and why, in one sentence.

It is valid if every check holds, and not valid if one of them is refuted; else nobody could tell.
The reason is the first check in the order of the report that makes it so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from testamur.verification.checks import CHECKS, RESTS_ON, CheckName
from testamur.verification.finding import Finding
from testamur.verification.report import Answer, EvidenceFrom, Verdict

_OFFLINE: Final = (
    "everything in the file holds; whether it was revoked since could not be told offline: add "
    "--url"
)


# What hashes and signatures that do not fit mean to a reader.
_FALSE: Final[dict[CheckName, str]] = {
    "commitment": "this is not the credential that was logged, or not its blind",
    "submission": "an entry shown is not what its provider signed",
    "inclusion": "an entry shown is not in the log at its place",
    "checkpoint": "the policy does not believe the checkpoint",
    "proof": "the credential's own proof does not hold",
    "blockcert": "the receipt in the Blockcert does not hold",
}


def answer(made: Mapping[CheckName, Finding]) -> Answer:
    """Return whether a credential is valid by findings that are `completed`."""
    verdicts = {found.verdict for found in made.values()}
    if Verdict.REFUTED in verdicts:
        return Answer.NOT_VALID
    return Answer.COULD_NOT_TELL if Verdict.UNCHECKED in verdicts else Answer.VALID


def why(
    made: Mapping[CheckName, Finding],
    proven: Mapping[CheckName, Finding],
    evidence_from: EvidenceFrom,
    as_of: int,
    size: int,
    at: datetime | None,
) -> str:
    """Return the reason of the answer; `proven` are the findings before they were `completed`.

    `as_of` is the size that the evidence tells of, `size` that of the tree under it, and `at` the
    time that the dates of the credential were judged as of, if not now: a reader must not take an
    answer as of another time for one of today.
    """
    said = _reason(made, proven, evidence_from, as_of, size)
    dated = () if at is None else (f"its dates are judged as of {at.isoformat()}, not of now",)
    declared = (line for name in CHECKS for line in proven[name].declared)
    return "; ".join(dict.fromkeys((said, *dated, *declared)))


def _reason(
    made: Mapping[CheckName, Finding],
    proven: Mapping[CheckName, Finding],
    evidence_from: EvidenceFrom,
    as_of: int,
    size: int,
) -> str:
    refuted = [name for name in CHECKS if made[name].verdict is Verdict.REFUTED]
    if refuted:
        lead = _FALSE.get(refuted[0])
        said = _first(refuted, made, "refuted too")
        return said if lead is None else f"{lead}: {said}"
    unchecked = [name for name in CHECKS if _is_unchecked(name, made, proven)]
    if unchecked:
        return _first(unchecked, made, "not checked either")
    if evidence_from is EvidenceFrom.FILE:
        return _OFFLINE
    later = (
        "" if as_of == size else f"; the evidence leaves out the {size - as_of} entries after it"
    )
    return (
        f"every check holds as of size {as_of}{later}; that nothing was left out is "
        f"{evidence_from.absence}"
    )


def _is_unchecked(
    name: CheckName, made: Mapping[CheckName, Finding], proven: Mapping[CheckName, Finding]
) -> bool:
    """Return whether a check could not be made, for more than that a file may leave things out.

    What rests on another one that could not be made is no reason of its own.
    """
    return (
        made[name].verdict is Verdict.UNCHECKED
        and proven[name].verdict is not Verdict.HOLDS
        and all(proven[premise].verdict is Verdict.HOLDS for premise in RESTS_ON[name])
    )


def _first(names: Collection[CheckName], made: Mapping[CheckName, Finding], others: str) -> str:
    first, *more = names
    also = f"; {others}: {', '.join(more)}" if more else ""
    return f"{made[first].detail}{also}"
