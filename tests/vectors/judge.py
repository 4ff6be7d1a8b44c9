"""The product's verdict on a vector of `evidence/`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec

from testamur.badges.commitment import HolderFile
from testamur.tlog.policy import parse_policy
from testamur.verification.evidence import parse_evidence
from testamur.verification.report import EvidenceFrom, Report
from testamur.verification.verify import verify


def judge(found: Any) -> Report:
    """Return the report on the credential of a vector, by its evidence and its policy.

    `evidence.json` says what holds if a register was asked.
    """
    evidence = json.dumps(
        found["evidence"], ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    return verify(
        msgspec.convert(found["holder"], HolderFile),
        parse_evidence(evidence.encode()),
        parse_policy(found["policy"]),
        anchors=frozenset(found["anchors"]),
        now=datetime.fromisoformat(found["now"]),
        at=datetime.fromisoformat(found["at"]) if "at" in found else None,
        learner=found.get("learner"),
        evidence_from=EvidenceFrom(found.get("evidenceFrom", "register")),
    )
