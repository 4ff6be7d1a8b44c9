"""Every credential and evidence of `vectors/evidence` gets the verdict that its file states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from testamur.verification.checks import CheckName
from tests.harness.judged import verdicts
from tests.vectors.judge import judge
from tests.vectors.make_evidence import FOLDER, evidence_files

FILES = sorted(FOLDER.glob("*.json"))
NAMES = get_args(CheckName)
# Nobody looks up what is on a blockchain, so it can only be left open.
REFUTABLE = sorted(set(NAMES) - {"blockchain"})


def load(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_files_are_what_the_program_beside_them_makes() -> None:
    assert {file.name: file.read_text(encoding="utf-8") for file in FILES} == evidence_files()


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_check_comes_to_the_verdict_that_is_due(file: Path) -> None:
    found = load(file)

    report = judge(found)
    assert verdicts(report) == found["expected"]
    due = set(found["expected"].values())
    answer = "not-valid" if "refuted" in due else "could-not-tell"
    assert report.verdict == (answer if due != {"holds"} else "valid")
    assert report.exit_code == ["valid", "not-valid", "could-not-tell"].index(report.verdict)
    first = next((check for check in report.checks if check.verdict == "refuted"), None)
    assert first is None or first.detail in report.why.split("; refuted too")[0]


@pytest.mark.parametrize("name", REFUTABLE)
def test_every_check_is_refuted_somewhere(name: str) -> None:
    assert any(load(file)["expected"].get(name) == "refuted" for file in FILES)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"submission", "proof"}))
def test_every_check_that_can_be_left_open_is_left_open_somewhere(name: str) -> None:
    """The lines shown are always there to be looked at, and so is a proof."""
    assert any(load(file)["expected"].get(name) == "could not check" for file in FILES)


@pytest.mark.parametrize("name", REFUTABLE)
def test_every_check_is_refuted_alone_somewhere(name: str) -> None:
    """One thing that is wrong refutes one check, where the others do not rest on it."""
    found = [load(file)["expected"] for file in FILES]
    alone = [{n for n, verdict in each.items() if verdict == "refuted"} for each in found]

    assert {name} in alone


def test_most_of_the_cases_are_damage() -> None:
    refused = [file for file in FILES if set(load(file)["expected"].values()) != {"holds"}]

    assert len(refused) > len(FILES) * 2 / 3
