"""What the longest histories cost that a file can hold: seconds, and never minutes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.hostile_evidence import SHAPES, Shape, hostile_evidence
from testamur.verification.evidence import parse_evidence
from tests.harness.issued_log import IssuedLog

# The aim is two seconds, which `bench.hostile_files` measures; a busy machine gets more.
_SECONDS = 6.0


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_evidence_as_long_as_may_be_is_read_in_seconds(tmp_path: Path, shape: Shape) -> None:
    issued = IssuedLog(tmp_path)
    issued.publish()
    data = hostile_evidence(issued, issued.positions(issued.holders[0].id), shape)

    begun = time.process_time()
    report = issued.report(issued.holders[0], parse_evidence(data))
    took = time.process_time() - begun

    assert took < _SECONDS
    assert len(report.checks) == 11
