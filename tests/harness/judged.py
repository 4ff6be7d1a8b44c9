"""What a verifier is handed, to be bent in one part, and what its report says in short.

    judged = Judged(issued, issued.holders[0])
    judged.bend(lambda file: file["submissions"][-1].update(position=9))
    refuted(judged.report()) == {"inclusion"}

The evidence is bent as it lies in its file, so what cannot be written down cannot be tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from testamur.badges.commitment import HolderFile, commit, new_blind
from testamur.badges.data_integrity import sign
from testamur.badges.prepare import Made, Prepared
from testamur.catalogue.events import CredentialIssued
from testamur.keys import PrivateKey
from testamur.verification.checks import CHECKS, RESTS_ON
from testamur.verification.evidence import Evidence, parse_evidence, render_evidence
from testamur.verification.report import Report, Verdict
from tests.harness.issued_log import IssuedLog
from tests.harness.story import NOW, Party

NAMES = tuple(name for name in CHECKS if name not in ("learner", "blockcert", "blockchain"))
"""The checks of a credential that is no Blockcert, although nobody asks about a learner."""
TODAY = date(2026, 11, 21)


def verdicts(report: Report) -> dict[str, str]:
    """Return the verdict of each check that was made, in words."""
    return {check.name: str(check.verdict) for check in report.checks}


def refuted(report: Report) -> set[str]:
    """Return the checks that found something false."""
    return {check.name for check in report.checks if check.verdict is Verdict.REFUTED}


def unchecked(report: Report) -> set[str]:
    """Return the checks that could not be made although all that they rest on holds."""
    holding = {check.name for check in report.checks if check.verdict is Verdict.HOLDS}
    return {
        check.name
        for check in report.checks
        if check.verdict is Verdict.UNCHECKED and holding.issuperset(RESTS_ON[check.name])
    }


def altered(prepared: Prepared, change: Callable[[dict[str, Any]], None]) -> Prepared:
    """Return one award whose credential was made otherwise from the start, commitment and all."""
    credential = json.loads(json.dumps(prepared.holders[0].credential))
    change(credential)
    blind = new_blind()
    holder = msgspec.structs.replace(prepared.holders[0], credential=credential, blind=blind)
    event = msgspec.structs.replace(prepared.events[0], commitment=commit(credential, blind))
    return Prepared(made=[Made(event=event, holder=holder, source="-")], refused=[])


def logged_as(prepared: Prepared, event: CredentialIssued) -> Prepared:
    """Return the one credential with another event than was made of it."""
    return Prepared(made=[msgspec.structs.replace(prepared.made[0], event=event)], refused=[])


def on_terms(prepared: Prepared, **terms: Any) -> Prepared:
    """Return one award on other terms, such as another version, which its credential states too."""
    before = prepared.events[0]
    event = msgspec.structs.replace(before, **terms)
    made = msgspec.structs.replace(prepared.made[0], event=event)

    def restate(credential: dict[str, Any]) -> None:
        text = json.dumps(credential)
        text = text.replace(before.achievement, event.achievement)
        text = text.replace(str(before.accreditation), str(event.accreditation))
        credential.update(json.loads(text))
        credential["credentialSubject"]["achievement"]["version"] = str(event.achievement_version)

    return altered(msgspec.structs.replace(prepared, made=[made]), restate)


def issued_by(prepared: Prepared, who: Party, **members: Any) -> Prepared:
    """Return one award that names another organization, or names its issuer otherwise."""
    return altered(prepared, lambda c: c["issuer"].update({"id": who.did, **members}))


def signed(holder: HolderFile, *keys: PrivateKey, **members: Any) -> HolderFile:
    """Return the credential with a proof by each of these keys, or other members besides."""
    credential = dict(holder.credential)
    for key in keys:
        credential = sign(credential, key, created=datetime.fromtimestamp(NOW, UTC))
    return msgspec.structs.replace(holder, credential={**credential, **members})


@dataclass
class Judged:
    """What a verifier is handed, for tests that bend one part of it."""

    issued: IssuedLog
    holder: HolderFile
    evidence: Evidence | None = None
    terms: dict[str, Any] = field(default_factory=dict)

    def report(self) -> Report:
        evidence = self.evidence or self.issued.evidence(self.holder)
        return self.issued.report(self.holder, evidence, **self.terms)

    def bend(self, change: Callable[[Any], None]) -> None:
        """Change the evidence as it lies in its file."""
        found = json.loads(render_evidence(self.evidence or self.issued.evidence(self.holder)))
        change(found)
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        self.evidence = parse_evidence(text.encode())
