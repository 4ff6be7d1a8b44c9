"""A dry run has one form, and neither it nor a submission passes for the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from testamur.catalogue import dry_run, submission
from testamur.errors import Refusal
from tests.harness.story import Story, party

VECTORS: Final[dict[str, Any]] = json.loads(
    Path("tests/vectors/formats/dry-run.json").read_text("utf-8")
)
GOLDEN: Final = json.loads(Path("tests/vectors/submission.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", VECTORS["dryRuns"], ids=["two events", "one event"])
def test_a_dry_run_is_read_and_never_as_a_submission(case: str) -> None:
    body = case.encode()
    parsed = dry_run.parse(body)
    parsed.header.verify_signature(parsed.header.key())
    with pytest.raises(Refusal, match="header-schema"):
        submission.parse(body)
    with pytest.raises(Refusal, match="header-schema"):
        submission.parse_submission_entry(submission.submission_entry(parsed.header.jws, 0))


def test_a_dry_run_may_be_signed_with_p256() -> None:
    story, signer = Story(), party("a provider with P-256", "P-256")
    header = dry_run.parse(story.dry_run(signer, story.issued())).header
    assert header.protected.alg == "ES256"
    header.verify_signature(signer.key.public)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_a_submission_is_no_dry_run(case: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="header-schema"):
        dry_run.parse(case["submission"].encode())


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["desc"])
def test_what_is_none_is_refused_by_its_rule(case: dict[str, str]) -> None:
    def read() -> None:
        header = dry_run.parse(case["dryRun"].encode()).header
        header.verify_signature(header.key())

    with pytest.raises(Refusal) as refused:
        read()
    assert refused.value.rule == case["rule"]
