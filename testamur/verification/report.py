"""What does a verifier get to read about a credential?

An answer with its reason, and the named checks that it follows from; `verify.py` says what each of
them looks at.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import msgspec

from testamur.verification.checks import CheckName

REPORT: Final = "testamur/report/1"


class Answer(StrEnum):
    """What a verifier asks: is the credential valid?"""

    VALID = "valid"
    """Every check holds."""
    NOT_VALID = "not-valid"
    """A check is refuted."""
    COULD_NOT_TELL = "could-not-tell"
    """No check is refuted, and one at least could not be made."""

    @property
    def words(self) -> str:
        """The answer as a sentence begins with it."""
        return self.value.replace("-", " ").capitalize()

    @property
    def exit_code(self) -> int:
        """How a program ends: 0 if it is valid, 1 if it is not, 2 if it could not tell."""
        return {Answer.VALID: 0, Answer.NOT_VALID: 1, Answer.COULD_NOT_TELL: 2}[self]


class Verdict(StrEnum):
    """The outcome of one check."""

    HOLDS = "holds"
    REFUTED = "refuted"
    UNCHECKED = "could not check"


class Basis(StrEnum):
    """On what a line of a report rests."""

    PROVEN = "proven"
    """Signatures and hashes of the entries shown."""
    ATTESTED = "attested"
    """The signature of those whom the line names."""
    REGISTER = "stated by the register"
    """What the register says it leaves out nothing of; the verifier asked it, or read it all."""
    BEARER = "the bearer's word"
    """The person who handed over the file could have left something out: never enough to hold."""


class EvidenceFrom(StrEnum):
    """Where a verifier has its evidence from."""

    FILE = "file"
    """Handed over, by somebody who could have left out entries."""
    REGISTER = "register"
    """Fetched by the verifier itself, over TLS or loopback, from an address of its own choice."""
    REPLAY = "replay"
    """Found by the verifier itself in the whole log, under the log key of its policy."""

    @property
    def absence(self) -> Basis:
        """The basis on which something is said not to have happened."""
        return Basis.BEARER if self is EvidenceFrom.FILE else Basis.REGISTER


class Check(msgspec.Struct, frozen=True, gc=False):
    """One check: its verdict, its basis, and the reason in one sentence."""

    name: CheckName
    verdict: Verdict
    basis: Basis
    detail: str


class ReportedFlag(msgspec.Struct, frozen=True, gc=False):
    """A flag of the issuance, on what it is known, and what it means."""

    code: str
    basis: Basis
    meaning: str


class Report(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """What was found about a credential, as of a tree size of a log.

    `verdict` is the answer, and `why` its reason in one sentence. `size` and `root` (hex) are those
    of the checkpoint; `as_of` is the size up to which the evidence tells what happened, the same
    unless an earlier one was asked for. `logged_at` is the register's own time of the issuance,
    None unless its signature was proven, and `recorded_at` that of the last event shown;
    `witnessed_at` the latest time a witness of the policy vouched for. `issuer_only` names what the
    credential says beyond the log, and `unexamined` what it carries that nobody looked at.
    """

    format: Literal["testamur/report/1"]
    verdict: Answer
    why: str
    evidence_from: EvidenceFrom
    credential: str
    log: str
    size: int
    as_of: int
    root: str
    checked_at: str
    logged_at: str | None
    recorded_at: str | None
    witnessed_at: str | None
    subject: dict[str, str]
    checks: tuple[Check, ...]
    flags: tuple[ReportedFlag, ...]
    issuer_only: tuple[str, ...]
    unexamined: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def first_line(self) -> str:
        """The answer and its reason, the first that a reader is shown."""
        return f"{self.verdict.words}: {self.why}"

    @property
    def exit_code(self) -> int:
        """1 if any check is refuted, else 2 if any could not be made, else 0."""
        return self.verdict.exit_code

    def check(self, name: CheckName) -> Check:
        """Return the check of this name; raises `KeyError` if there was nothing to look at."""
        return {check.name: check for check in self.checks}[name]

    def to_json(self) -> bytes:
        """Return the report as JSON."""
        return msgspec.json.encode(self, order="sorted")
