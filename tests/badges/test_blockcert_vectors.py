"""Every Blockcert of `vectors/blockcerts.json` gets the verdict that stands beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from testamur.errors import Refuted, Unavailable
from testamur.verification.finding import attempt
from testamur.verification.steps.blockcert import receipts
from tests.vectors.make_blockcerts import FILE, text

CASES = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_the_program_beside_it_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["desc"])
def test_a_receipt_comes_to_the_verdict_that_is_due(case: Any) -> None:
    found = attempt(lambda: receipts(case["credential"], None))

    if case["verdict"] == "refuted":
        assert isinstance(found, Refuted)
    elif case["verdict"] == "could not check":
        assert isinstance(found, Unavailable)
        assert case["why"] in str(found)
    else:
        assert isinstance(found, tuple), found
        assert found


def test_most_of_the_cases_are_damage() -> None:
    assert sum(case["verdict"] != "holds" for case in CASES) > len(CASES) * 4 / 5
