"""Each file that people exchange is read as `vectors/formats` says, and refused as it says."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from testamur.badges.commitment import read_holder_file, render_holder_file
from testamur.badges.identities import check_learner, read_asked
from testamur.catalogue.events import OrganizationRegistered
from testamur.catalogue.registration import registration_statement, verify_registration
from testamur.catalogue.submission import every_refusal, parse
from testamur.cli.flags import can_be_mended
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.http.check_report import CheckReport, FlagReport
from testamur.tlog.policy import parse_policy
from testamur.verification.evidence import parse_evidence, render_evidence
from testamur.verification.finding import attempt
from testamur.verification.receipt import Flagged, parse_receipt, verify_receipt
from tests.vectors.judge import judge
from tests.vectors.make_evidence import FOLDER as EVIDENCE
from tests.vectors.make_formats import FOLDER, format_files

FOUND = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}


def cases(name: str) -> list[Any]:
    return [pytest.param(each, id=each["desc"]) for each in FOUND[name]["refused"]]


def given(case: Any) -> bytes:
    return case["text"].encode() if "text" in case else base64.b64decode(case["base64"])


def test_the_files_are_what_the_program_beside_them_makes() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert files == format_files()


# --- Receipts ---


def test_the_example_of_a_receipt_holds() -> None:
    found = FOUND["receipt"]
    receipt = parse_receipt(json.dumps(found["receipt"]).encode())

    verified = verify_receipt(receipt, found["submission"].encode(), parse_policy(found["policy"]))

    assert verified.checkpoint.size > receipt.position + receipt.events


@pytest.mark.parametrize("case", cases("receipt"))
def test_a_receipt_that_is_wrong_in_any_member_is_not_taken(case: Any) -> None:
    found = FOUND["receipt"]
    changed = {**found["receipt"], case["member"]: case["value"]}
    data, policy = json.dumps(changed).encode(), parse_policy(found["policy"])
    if case["verdict"] == "no receipt":
        with pytest.raises(Refusal) as caught:
            parse_receipt(data)
        assert caught.value.rule == "receipt"
        return
    with pytest.raises(Refuted if case["verdict"] == "refuted" else Unavailable):
        verify_receipt(parse_receipt(data), found["submission"].encode(), policy)


# --- Registrations ---


def test_the_example_of_a_registration_is_signed_by_its_founding_key() -> None:
    found = FOUND["registration"]
    event = msgspec.convert(found["event"], OrganizationRegistered)

    verify_registration(event)
    assert registration_statement(event).decode() == found["statement"]


@pytest.mark.parametrize("case", cases("registration"))
def test_a_registration_that_says_anything_else_is_not_signed(case: Any) -> None:
    members = {**FOUND["registration"]["event"], case["member"]: case["value"]}
    said = {name: value for name, value in members.items() if value is not None}

    with pytest.raises(Refusal) as caught:
        verify_registration(msgspec.convert(said, OrganizationRegistered))
    assert caught.value.rule == "registration-signature"


# --- Files ---


def test_the_example_of_an_evidence_file_is_well_formed() -> None:
    data = FOUND["evidence-file"]["good"].encode()

    assert render_evidence(parse_evidence(data)) == data


@pytest.mark.parametrize("case", cases("evidence-file"))
def test_what_is_no_evidence_file_is_refused(case: Any) -> None:
    with pytest.raises(Refusal) as caught:
        parse_evidence(given(case))
    assert caught.value.rule == "evidence"


def test_the_example_of_a_holder_file_is_well_formed() -> None:
    data = FOUND["holder-file"]["good"].encode()

    assert render_holder_file(read_holder_file(data)) == data


@pytest.mark.parametrize("case", cases("holder-file"))
def test_what_is_no_holder_file_is_refused(case: Any) -> None:
    with pytest.raises(Refusal):
        read_holder_file(given(case))


# --- Learners ---


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=each["desc"]) for each in FOUND["learner"]["cases"]]
)
def test_a_learner_who_is_asked_about_is_compared_with_whom_a_credential_names(case: Any) -> None:
    found = attempt(
        lambda: check_learner({"credentialSubject": case["subject"]}, read_asked(case["learner"]))
    )

    verdicts: dict[type, str] = {Refuted: "refuted", Unavailable: "could not check"}
    assert verdicts.get(type(found), "holds") == case["verdict"]
    # What a person asked about stays on their screen, and out of reports that are passed on.
    assert case["learner"].strip() not in str(found)


# --- Reports ---


@pytest.mark.parametrize("name", FOUND["report"]["reports"])
def test_the_examples_of_reports_are_those_of_the_evidence(name: str) -> None:
    report = judge(json.loads((EVIDENCE / f"{name}.json").read_text(encoding="utf-8")))

    assert json.loads(report.to_json()) == FOUND["report"]["reports"][name]


def test_the_example_of_a_check_report_names_every_line_that_is_wrong() -> None:
    found = FOUND["check-report"]
    report = msgspec.convert(found["report"], CheckReport)

    refusals = every_refusal(found["submission"].encode())

    assert [(r.rule, r.line) for r in report.refusals] == [(r.rule, r.line) for r in refusals]
    with pytest.raises(Refusal):
        parse(found["submission"].encode())


def test_the_example_of_a_flag_says_who_mends_it_in_the_words_of_the_rules() -> None:
    (flag,) = msgspec.convert(FOUND["check-report"]["flagged"], CheckReport).flags

    assert flag == FlagReport.of(Flagged(flag.code, flag.count, flag.first_line), flag.details)
    assert can_be_mended(flag)
