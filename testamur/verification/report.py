"""What does a verifier get to read about a credential?

Named checks, never one boolean; `verify.py` says what each of them looks at.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import msgspec

from testamur.verification.checks import CheckName

REPORT: Final = "testamur/report/1"


class Verdict(StrEnum):
    """The outcome of one check."""

    HOLDS = "holds"
    REFUTED = "refuted"
    UNCHECKED = "could not check"


class Check(msgspec.Struct, frozen=True, gc=False):
    """One check: its verdict, its basis, and the reason in one sentence."""

    name: CheckName
    verdict: Verdict
    basis: Literal["proven", "stated"]
    detail: str


class Report(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """What was found about a credential, as of a tree size of a log.

    `size` and `root` (hex) are those of the checkpoint; `as_of` is the size up to which the
    evidence tells what happened, the same unless an earlier one was asked for; `recorded_at` is
    the register's own time of the last event shown; `witnessed_at` the latest time a witness of
    the policy vouched for.
    """

    format: Literal["testamur/report/1"]
    credential: str
    log: str
    size: int
    as_of: int
    root: str
    checked_at: str
    recorded_at: str | None
    witnessed_at: str | None
    subject: dict[str, str]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 if any check is refuted, else 2 if any could not be made, else 0."""
        verdicts = {check.verdict for check in self.checks}
        if Verdict.REFUTED in verdicts:
            return 1
        return 2 if Verdict.UNCHECKED in verdicts else 0

    def check(self, name: CheckName) -> Check:
        """Return the check of this name; raises `KeyError` if there was nothing to look at."""
        return {check.name: check for check in self.checks}[name]

    def to_json(self) -> bytes:
        """Return the report as JSON."""
        return msgspec.json.encode(self, order="sorted")
