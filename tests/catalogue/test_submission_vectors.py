"""Every case of `vectors/submission` is refused, by the rule that its file names."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from testamur.catalogue.submission import every_refusal, parse, parse_submission_entry, parse_time
from testamur.errors import Refusal
from tests.vectors.make_submission import FOLDER, submission_files

FOUND = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}


def cases(name: str) -> list[Any]:
    return [pytest.param(each, id=each["desc"]) for each in FOUND[name]["refused"]]


def given(case: Any, name: str = "submission") -> bytes:
    if name in case:
        return str(case[name]).encode()
    return base64.b64decode(case[f"{name}Base64"])


def test_the_files_are_what_the_program_beside_them_makes() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert files == submission_files()


@pytest.mark.parametrize("case", [*cases("file"), *cases("header")])
def test_what_is_no_submission_is_refused_where_it_goes_wrong(case: Any) -> None:
    body = given(case)

    with pytest.raises(Refusal) as caught:
        parse(body)

    assert (caught.value.rule, caught.value.line) == (case["rule"], case["line"])
    assert every_refusal(body), "a dry run must find fault where the gate does"


@pytest.mark.parametrize("case", cases("signature"))
def test_a_submission_that_its_signer_did_not_sign_is_refused(case: Any) -> None:
    header = parse(given(case)).header

    with pytest.raises(Refusal) as caught:
        header.verify_signature(header.key())

    assert (caught.value.rule, caught.value.line) == (case["rule"], case["line"])


@pytest.mark.parametrize("case", cases("entry"))
def test_an_entry_has_one_spelling(case: Any) -> None:
    with pytest.raises(Refusal) as caught:
        parse_submission_entry(given(case, "entry"))

    assert (caught.value.rule, caught.value.line) == (case["rule"], case["line"])


@pytest.mark.parametrize("case", [p for p in cases("entry") if "recorded at" in str(p.id)])
def test_a_time_has_one_spelling(case: Any) -> None:
    with pytest.raises(Refusal):
        parse_time(json.loads(case["entry"])["recordedAt"])
