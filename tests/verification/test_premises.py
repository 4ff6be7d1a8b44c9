"""A conclusion is no stronger than its premises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testamur.verification.checks import CHECKS, RESTS_ON, CheckName
from testamur.verification.finding import Finding, rested
from testamur.verification.report import Verdict
from tests.harness.judged import verdicts
from tests.vectors.judge import judge
from tests.vectors.make_evidence import FOLDER

# Written out, so that a line taken from the table in the product is missed here.
BELOW: dict[str, set[str]] = {
    "commitment": {"submission", "inclusion", "checkpoint"},
    "submission": set(),
    "signature": {"submission", "inclusion", "checkpoint"},
    "inclusion": {"checkpoint"},
    "checkpoint": set(),
    "status": {"submission", "signature", "inclusion", "checkpoint"},
    "accreditation": {"submission", "signature", "inclusion", "checkpoint"},
    "recognition": {"submission", "signature", "inclusion", "checkpoint", "accreditation"},
    "achievement": {"commitment", "submission", "signature", "inclusion", "checkpoint"},
    "issuer": {"commitment", "submission", "signature", "inclusion", "checkpoint"},
    "validity": {"commitment", "submission", "signature", "inclusion", "checkpoint"},
    "proof": {"submission", "signature", "inclusion", "checkpoint"},
    "learner": {"commitment", "submission", "signature", "inclusion", "checkpoint"},
    "blockcert": set(),
    "blockchain": {"blockcert"},
}
GOOD = Finding("it is so")


def fallen(name: CheckName, verdict: Verdict) -> set[str]:
    """Return which checks do not hold when this one comes to `verdict` and the others hold."""
    findings = dict.fromkeys(CHECKS, GOOD) | {name: Finding("it is not", verdict)}
    return {each for each, found in rested(findings).items() if found.verdict != "holds"}


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("verdict", [Verdict.REFUTED, Verdict.UNCHECKED])
def test_what_rests_on_a_check_that_does_not_hold_could_not_be_checked(
    name: CheckName, verdict: Verdict
) -> None:
    above = {each for each, below in BELOW.items() if name in below}

    assert fallen(name, verdict) == {name, *above}


@pytest.mark.parametrize("name", CHECKS)
def test_nothing_is_refuted_on_a_premise_that_does_not_hold(name: CheckName) -> None:
    """What a forged tree shows of a revocation refutes as little as it proves."""
    findings = dict.fromkeys(CHECKS, Finding("it is not", Verdict.REFUTED))
    judged = rested(findings)

    assert (judged[name].verdict is Verdict.REFUTED) == (not RESTS_ON[name])


def test_a_check_says_which_premise_it_lacks() -> None:
    findings = dict.fromkeys(CHECKS, GOOD) | {"signature": Finding("forged", Verdict.REFUTED)}

    assert rested(findings)["status"].detail == "it rests on signature, which is refuted"


def test_a_credential_without_a_proof_of_its_own_lacks_none() -> None:
    findings = dict.fromkeys(CHECKS, GOOD) | {
        "proof": Finding("", None),
        "signature": Finding("forged", Verdict.REFUTED),
    }

    assert rested(findings)["proof"].verdict is None


def test_no_vector_expects_more_than_its_premises_bear() -> None:
    for file in Path(FOLDER).glob("*.json"):
        found = json.loads(file.read_text(encoding="utf-8"))
        expected = found["expected"]
        if found["evidenceFrom"] == "file":
            continue  # there the premises hold as far as they are proven
        for name, verdict in expected.items():
            if verdict != "could not check":
                assert {expected[each] for each in BELOW[name]} <= {"holds"}, file.stem


def test_a_stolen_key_leaves_nothing_of_what_it_signed() -> None:
    """Once, a report said beside the theft who issued it, and that it was active and accredited."""
    found = json.loads((FOLDER / "an-issuance-by-a-thief.json").read_text(encoding="utf-8"))
    report = judge(found)

    assert {name for name, verdict in verdicts(report).items() if verdict == "holds"} == {
        "commitment",
        "submission",
        "inclusion",
        "checkpoint",
    }
    assert report.subject == {}
