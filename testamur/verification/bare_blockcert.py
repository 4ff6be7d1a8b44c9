"""What can be told of a Blockcert alone, without the blind that links it to a log?

That its receipt holds for it, or does not. Who may award it, whether anybody did, and whether it
was revoked, stands on a log, and the root of its receipt on a blockchain: neither is asked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from testamur.verification.checks import CHECKS, CheckName
from testamur.verification.conclusion import conclude
from testamur.verification.finding import Finding, attempt, judge, rested
from testamur.verification.report import EvidenceFrom, Report, Verdict
from testamur.verification.steps.blockcert import blockcert, blockchain, receipts

_ALONE: Final = (
    "a Blockcert alone, without the holder file that its provider made: whether a log holds it, "
    "and what was said of it since, could not be told"
)


def examine_alone(credential: Mapping[str, Any], *, now: datetime) -> Report:
    """Return the report on a Blockcert; it is never *valid*, since what matters was not asked.

    `now` is the time of asking. The report names the credential by its own `id`.
    """
    held = attempt(lambda: receipts(credential, None))
    findings: dict[CheckName, Finding] = dict.fromkeys(CHECKS, Finding("", None))
    findings["blockcert"] = judge(lambda: blockcert(held))
    findings["blockchain"] = judge(lambda: blockchain(held))
    findings = rested(findings) | {"commitment": Finding(_ALONE, Verdict.UNCHECKED)}
    own = credential.get("id")
    return conclude(
        own if isinstance(own, str) else "",
        None,
        findings,
        EvidenceFrom.FILE,
        issuer_only=(),
        unexamined=(),
        now=now,
        at=None,
        logged_at=None,
        recorded_at=None,
        flags=(),
        further_flags=False,
        notes=(),
    )
