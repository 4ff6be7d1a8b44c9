"""The credential that a row of a class list asks for states all that a micro-credential must."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from testamur.badges.award_days import dates
from testamur.badges.cohort_csv import (
    Offering,
    Provider,
    credential,
    offered_achievement,
    profile,
)
from testamur.badges.openbadges import read_badge
from testamur.catalogue.ids import new_id
from testamur.catalogue.members import Definition
from tests.badges.test_cohort import DRAWING, ETHICS, GOOD, PROVIDER, read
from tests.harness.shared_vectors import load, needs_shared
from tests.harness.story import party

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def made(text: str = GOOD, offering: Offering = ETHICS) -> dict[str, Any]:
    (award,) = read(text, offering)
    when = dates(award.awarded, award.valid_until, offset=PROVIDER.offset, now=NOW)
    return credential(award, new_id(), profile(PROVIDER), offered_achievement(offering), when)


FULL = (
    "learner,learnerId,name,awarded,validUntil,evidence\n"
    "ada@example.org,did:example:ada,Ada Lovelace,2026-11-21,2031-11-20,https://a.example/1\n"
)


def test_a_credential_states_all_that_a_micro_credential_must() -> None:
    for text in (GOOD, FULL):
        badge = read_badge(made(text))
        assert badge.elements.missing() == ()
        assert badge.elements.awarding_body == "Example Polytechnic"
        assert badge.valid_from.date() == date(2026, 11, 21)
        assert badge.suites == ()


def test_a_credential_is_valid_through_its_last_day() -> None:
    badge = read_badge(made(FULL))
    assert badge.valid_until is not None
    assert badge.valid_until.isoformat() == "2031-11-20T23:59:59+00:00"


def test_a_learner_goes_into_the_credential_hashed_with_a_salt_of_its_own() -> None:
    first, second = made(), made()
    (identity,) = first["credentialSubject"]["identifier"]
    expected = hashlib.sha256(b"ada@example.org" + identity["salt"].encode()).hexdigest()
    assert identity["identityHash"] == f"sha256${expected}"
    assert identity["identityType"] == "emailAddress"
    assert identity["salt"] != second["credentialSubject"]["identifier"][0]["salt"]
    assert "ada@" not in json.dumps(first)  # without @, one hash in seventy spells it


def test_a_number_that_is_no_address_is_an_identifier() -> None:
    found = made(GOOD.replace("ada@example.org", "s1234567"))
    assert found["credentialSubject"]["identifier"][0]["identityType"] == "identifier"


def test_a_did_is_the_subject() -> None:
    found = made("learnerId,awarded\ndid:example:ada,2026-11-21\n")
    assert found["credentialSubject"]["id"] == "did:example:ada"
    assert "identifier" not in found["credentialSubject"]


def test_a_region_is_stated_beside_its_country() -> None:
    flanders = Provider(country="BE-VLG", did=party("hogeschool").did, name="Hogeschool")
    assert profile(flanders)["address"] == {
        "type": ["Address"],
        "addressCountryCode": "BE",
        "addressRegion": "BE-VLG",
    }


@needs_shared
def test_the_identity_hash_is_the_one_of_open_badges() -> None:
    for case in load("derived-credentials/identity-hash.json")["cases"]:
        algorithm, _, digest = case["identityHash"].partition("$")
        text = case["identity"] + (case["salt"] or "")
        assert hashlib.new(algorithm, text.encode()).hexdigest() == digest


def every_credential() -> list[dict[str, Any]]:
    bare = Offering(
        achievement=DRAWING.achievement,
        criteria="Draw.",
        definition=Definition(
            name="Drawing", achievement_type="Course", url="https://p.example/drawing"
        ),
        description="Drawing.",
    )
    return [made(), made(FULL), made(offering=DRAWING), made(FULL, offering=bare)]


@needs_shared
def test_credentials_pass_the_strict_schema_of_1edtech() -> None:
    jsonschema = pytest.importorskip("jsonschema_rs")
    schema = load("1edtech-openbadges-spec/ob_v3p0_achievementcredential_schema.json")
    validator = jsonschema.validator_for(schema)
    published = load("1edtech-public-validator/ob30/simple.json")
    assert validator.is_valid(published)
    assert not validator.is_valid(published | {"proof": published["proof"][0]})
    for found in every_credential():
        assert [error.message for error in validator.iter_errors(found)] == []


@needs_shared
def test_credentials_use_no_term_that_the_contexts_do_not_define() -> None:
    # JSON-LD drops an undefined term silently, and with it what a signature should cover.
    defined: set[str] = {"@context", "id", "type"}
    for path in (
        "w3c-vc-data-model/contexts/credentials/v2",
        "1edtech-openbadges-spec/context-3.0.3.json",
    ):
        defined |= names(load(path))
    for found in every_credential():
        assert names(found) <= defined
        types = {kind for kind in kinds(found) if not kind.startswith("ext:")}
        assert types <= defined


def names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(names(item) for item in value.values()))
    return set().union(*(names(item) for item in value)) if isinstance(value, list) else set()


def kinds(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = value.get("type", [])
        found = set(own if isinstance(own, list) else [own])
        return found.union(*(kinds(item) for item in value.values()))
    return set().union(*(kinds(item) for item in value)) if isinstance(value, list) else set()
