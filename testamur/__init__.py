"""Testamur: certificate transparency for credentials.

What outsiders install and trust: formats, rules, proofs, verification, client and command line.
The names below are what most programs need; README.md shows them at work. Each is imported when
it is first used, so `import testamur` itself loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # at run time `__getattr__` imports them: together they take 0.2 s
    from testamur.badges.commitment import read_holder_file
    from testamur.catalogue.submission import seal
    from testamur.errors import Refusal, Refuted, Unavailable
    from testamur.http.check_report import FlagsRefused
    from testamur.http.client import RegistryClient
    from testamur.http.source import open_source
    from testamur.http.submitting import submit
    from testamur.keys import PrivateKey
    from testamur.tlog.note import VerifierKey
    from testamur.tlog.policy import parse_policy
    from testamur.tlog.reader import LogReader
    from testamur.verification.evidence import parse_evidence
    from testamur.verification.receipt import verify_receipt
    from testamur.verification.replay import replay
    from testamur.verification.report import EvidenceFrom
    from testamur.verification.verify import verify

__version__ = "0.1.0"

_HOME: Final = {
    "EvidenceFrom": "testamur.verification.report",
    "FlagsRefused": "testamur.http.check_report",
    "LogReader": "testamur.tlog.reader",
    "PrivateKey": "testamur.keys",
    "Refusal": "testamur.errors",
    "Refuted": "testamur.errors",
    "RegistryClient": "testamur.http.client",
    "Unavailable": "testamur.errors",
    "VerifierKey": "testamur.tlog.note",
    "open_source": "testamur.http.source",
    "parse_evidence": "testamur.verification.evidence",
    "parse_policy": "testamur.tlog.policy",
    "read_holder_file": "testamur.badges.commitment",
    "replay": "testamur.verification.replay",
    "seal": "testamur.catalogue.submission",
    "submit": "testamur.http.submitting",
    "verify": "testamur.verification.verify",
    "verify_receipt": "testamur.verification.receipt",
}

__all__ = [
    "EvidenceFrom",
    "FlagsRefused",
    "LogReader",
    "PrivateKey",
    "Refusal",
    "Refuted",
    "RegistryClient",
    "Unavailable",
    "VerifierKey",
    "open_source",
    "parse_evidence",
    "parse_policy",
    "read_holder_file",
    "replay",
    "seal",
    "submit",
    "verify",
    "verify_receipt",
]


if not TYPE_CHECKING:  # else a misspelt name would pass the type checker

    def __getattr__(name: str) -> Any:
        """Import a name on its first use (PEP 562)."""
        if name not in _HOME:
            raise AttributeError(f"module 'testamur' has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_HOME[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
