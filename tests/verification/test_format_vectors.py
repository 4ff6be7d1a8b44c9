"""Each file that people exchange is read as `vectors/formats` says, and refused as it says."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from testamur.badges.commitment import read_holder_file, render_holder_file
from testamur.catalogue.members import Key
from testamur.catalogue.submission import every_refusal, parse
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.http.check_report import CheckReport
from testamur.keys import PublicKey
from testamur.rules.organizations import possession_statement
from testamur.tlog.policy import parse_policy
from testamur.verification.evidence import parse_evidence, render_evidence
from testamur.verification.receipt import parse_receipt, verify_receipt
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


# --- Possession ---


def holds(**other: str) -> bool:
    found = FOUND["possession"]
    file = found["file"]
    key = Key(
        id=other.get("keyId", file["key"]["id"]),
        public_key_multibase=file["key"]["publicKeyMultibase"],
    )
    statement = possession_statement(
        other.get("log", found["log"]),
        other.get("sponsor", found["sponsor"]),
        other.get("organization", file["organization"]),
        key,
    )
    if not other:
        assert statement.decode() == found["statement"]
    try:
        public = PublicKey.from_multikey(key.public_key_multibase)
        public.verify(base64.b64decode(file["possession"]), statement)
    except ValueError:
        return False
    return True


def test_the_example_of_a_possession_holds() -> None:
    assert holds()


@pytest.mark.parametrize("case", cases("possession"))
def test_a_possession_is_of_no_use_elsewhere(case: Any) -> None:
    assert not holds(**{name: value for name, value in case.items() if name != "desc"})


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
