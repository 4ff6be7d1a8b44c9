"""Every published badge is either taken or refused by the rule it breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from testamur.badges.openbadges import (
    parse_credential,
    read_badge,
)
from testamur.errors import Refusal
from tests.badges.test_openbadges import refusal
from tests.harness.shared_vectors import SHARED, load, needs_shared

# --- Published badges: all of them ---

REFUSED = {
    "1edtech-public-validator/ob30/bit-string-list/testlist": "not-an-open-badge",
    "1edtech-public-validator/ob30/endorsement-err-schema-status-refresh.json": "not-an-open-badge",
    "1edtech-public-validator/ob30/endorsement-valid.json": "not-an-open-badge",
    "1edtech-public-validator/ob30/simple-err-context.json": "ob-context",
    "1edtech-public-validator/ob30/simple-err-credential-subject-achievement-"
    "result-description-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-credential-subject-identifier-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-credential-subject-profile-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-credential-subject-result-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-credential-subject-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-evidence-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-issued.json": "ob-member",  # no achievement
    "1edtech-public-validator/ob30/simple-err-issuer-otheridentifier-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-issuer-parentorg-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-issuer-type.json": "ob-type",
    "1edtech-public-validator/ob30/simple-err-issuer.json": "ob-member",
    "1edtech-public-validator/ob30/simple-err-type.json": "not-an-open-badge",
    "1edtech-public-validator/ob30/simple-json.png": "baked-badge",
    "1edtech-public-validator/ob30/simple-json.svg": "baked-badge",
    "1edtech-public-validator/ob30/simple-jwt.svg": "baked-badge",
    "1edtech-public-validator/ob30/simple-noproof.json": "ob-member",  # no achievement
    "1edtech-public-validator/ob30/simple.jwt": "vc-jwt",
    "1edtech-public-validator/ob30/velocity.jwt": "vc-jwt",
    "v1/dataIntegrityProof/didKey/legacyRegistry-noStatus-noExpiry-oldDCCExample.json": (
        "not-an-open-badge"
    ),
    "v1/ed25519/didKey/legacy-noStatus-noExpiry.json": "json",  # an empty file
    "v2/bothSignatureTypes/didkey/legacy-noStatus-noExpiry-nonOBWithOBContext.json": (
        "not-an-open-badge"
    ),
    "v2/bothSignatureTypes/didkey/legacy-noStatus-notExpired-endorsement-withSchema.json": (
        "not-an-open-badge"
    ),
    "v2/bothSignatureTypes/didkey/legacy-noStatus-notExpired-endorsement.json": (
        "not-an-open-badge"
    ),
    "v2/dataIntegrityProof/didKey/legacyRegistry-noStatus-noExpiry-minimal.json": (
        "not-an-open-badge"
    ),
    "v2/ed25519/didKey/legacy-expiredStatus-noExpiry.json": "not-an-open-badge",
    "v2/ed25519/didKey/legacy-missingTypeStatus-noExpiry.json": "not-an-open-badge",
    "v2/ed25519/didKey/legacy-notYetValidStatus-noExpiry.json": "not-an-open-badge",
    "v2/ed25519/didKey/legacy-tamperedStatus-noExpiry.json": "not-an-open-badge",
}
"""What is refused of the published files, and by which rule; the other 102 are taken."""


def published() -> dict[str, Path]:
    dcc = SHARED / "dcc-vc-test-fixtures" / "verifiableCredentials"
    found = {str(f.relative_to(dcc)): f for f in sorted(dcc.rglob("*")) if f.is_file()}
    one = SHARED / "1edtech-public-validator" / "ob30"
    return found | {str(f.relative_to(SHARED)): f for f in sorted(one.rglob("*")) if f.is_file()}


@needs_shared
def test_every_published_badge_is_taken_or_refused_by_the_rule_it_breaks() -> None:
    rules = {}
    for name, path in published().items():
        try:
            badge = read_badge(parse_credential(path.read_bytes()))
        except Refusal as refused:
            rules[name] = refused.rule
        else:
            assert badge.achievement.name
            assert badge.suites
    assert rules == REFUSED
    assert len(published()) - len(rules) == 102


@needs_shared
@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("issuer-type", "$.issuer.type must be Profile", "InvalidProfile"),
        ("issuer-parentorg-type", "$.issuer.parentOrg.type", "InvalidProfile"),
        ("issuer-otheridentifier-type", "$.issuer.otherIdentifier[1]", "InvalidIdentifierEntry"),
        ("credential-subject-type", "$.credentialSubject.type", "InvalidAchievementSubject"),
        ("credential-subject-result-type", "$.credentialSubject.result[1]", "InvalidResult"),
        ("credential-subject-identifier-type", "identifier[0]", "InvalidIdentityObject"),
        ("credential-subject-profile-type", "$.credentialSubject.source", "InvalidProfile"),
        ("evidence-type", "$.evidence[1].type", "InvalidEvidence"),
        ("type", "$.type", "OtherCredential"),
        ("issuer", "$.issuer is missing", None),
        ("issued", "$.credentialSubject.achievement is missing", None),
    ],
)
def test_the_published_errors_are_named(name: str, path: str, value: str | None) -> None:
    found = refusal(load(f"1edtech-public-validator/ob30/simple-err-{name}.json"))
    assert path in found.detail
    assert (value or "") in (found.value or "")


@needs_shared
def test_sample_credentials_that_the_data_model_must_refuse_are_refused() -> None:
    cases = load("derived-credentials/must-fail-credentials.json")["cases"]
    found = {case["name"]: case["credential"] for case in cases}
    assert refusal(found["jcs-until-before-from"]).rule == "ob-validity"
    assert refusal(found["jcs-no-zone"]).rule == "ob-date"


@needs_shared
def test_expiry_is_not_a_reason_to_refuse() -> None:
    badge = read_badge(load("1edtech-public-validator/ob30/simple-err-expired.json"))
    assert badge.valid_until == badge.valid_from
