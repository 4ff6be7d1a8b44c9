"""A badge is read in every form in use, or refused with path and value; none is half read."""

from __future__ import annotations

import contextlib
import copy
import json
import tracemalloc
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges.elements import Learner
from testamur.badges.openbadges import (
    OB_3,
    VC_1,
    VC_2,
    Badge,
    parse_credential,
    read_badge,
)
from testamur.errors import Refusal
from tests.catalogue.test_canonical import VALUES

BADGE: dict[str, Any] = {
    "@context": [VC_2, OB_3],
    "id": "urn:uuid:0b0d3f1a-51c2-4f0e-9d1e-3f8f0a6b7c11",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "name": "Teamwork",
    "issuer": {
        "id": "did:web:provider.example",
        "type": ["Profile"],
        "name": "Example Polytechnic",
        "address": {"type": ["Address"], "addressCountryCode": "NL"},
    },
    "validFrom": "2026-03-01T00:00:00Z",
    "validUntil": "2031-03-01T00:00:00Z",
    "awardedDate": "2026-02-27T00:00:00Z",
    "credentialSubject": {
        "id": "did:example:learner",
        "type": ["AchievementSubject"],
        "achievement": {
            "id": "https://provider.example/teamwork",
            "type": ["Achievement"],
            "name": "Teamwork",
            "description": "Works with others.",
            "criteria": {"narrative": "Worked with others."},
            "alignment": [
                {
                    "type": ["Alignment"],
                    "targetName": "EQF level 6",
                    "targetUrl": "http://data.europa.eu/snb/eqf/6",
                }
            ],
        },
    },
    "proof": [{"type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022"}],
}
ABSENT = object()
SUBJECT, ACHIEVEMENT = "credentialSubject", "credentialSubject.achievement"


def changed(**members: Any) -> dict[str, Any]:
    """Return BADGE with members, named by dotted path, set or taken away."""
    found = copy.deepcopy(BADGE)
    for path, value in members.items():
        *folders, name = path.split(".")
        at = found
        for folder in folders:
            at = at[folder]
        if value is ABSENT:
            del at[name]
        else:
            at[name] = value
    return found


def refusal(credential: dict[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_badge(credential)
    return caught.value


# --- Reading ---


def test_a_badge_is_read() -> None:
    badge = read_badge(BADGE)
    assert badge.id == BADGE["id"]
    assert badge.data_model == "2.0"
    assert (badge.issuer.id, badge.issuer.country) == ("did:web:provider.example", "NL")
    assert badge.achievement.id == "https://provider.example/teamwork"
    assert badge.valid_from == datetime(2026, 3, 1, tzinfo=UTC)
    assert badge.valid_until == datetime(2031, 3, 1, tzinfo=UTC)
    assert badge.suites == ("eddsa-rdfc-2022",)
    assert badge.elements.issued == date(2026, 2, 27)
    assert badge.elements.learner == "id"


def test_one_object_may_stand_for_an_array_of_one_and_the_other_way_round() -> None:
    plain = read_badge(BADGE)
    alignment = BADGE[SUBJECT]["achievement"]["alignment"][0]
    for members in (
        {SUBJECT: [BADGE[SUBJECT]]},
        {"issuer": [BADGE["issuer"]]},
        {ACHIEVEMENT: [BADGE[SUBJECT]["achievement"]]},
        {f"{ACHIEVEMENT}.alignment": alignment},
        {f"{ACHIEVEMENT}.criteria": [BADGE[SUBJECT]["achievement"]["criteria"]]},
        {f"{ACHIEVEMENT}.type": "Achievement"},
        {f"{SUBJECT}.type": "AchievementSubject"},
        {"issuer.type": "Profile"},
        {"issuer.type": ["Profile", "ext:School"]},
        {"issuer.address": [BADGE["issuer"]["address"]]},
        {"proof": BADGE["proof"][0]},
        {"type": ["OpenBadgeCredential", "VerifiableCredential", "More"]},
        {"type": ["VerifiableCredential", "AchievementCredential"]},
        {"image": None, "evidence": None},
    ):
        assert read_badge(changed(**members)) == plain


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Teamwork", [("Teamwork", None)]),
        ({"@value": "Teamwork"}, [("Teamwork", None)]),
        ({"@value": "Teamwork", "@language": "en-GB"}, [("Teamwork", "en-gb")]),
        ({"@value": "עבודת צוות", "@language": "he", "@direction": "rtl"}, [("עבודת צוות", "he")]),
        (
            [
                {"@value": "Teamwork", "@language": "en"},
                {"@value": "Teamarbeit", "@language": "de"},
            ],
            [("Teamwork", "en"), ("Teamarbeit", "de")],
        ),
        (["Teamwork", "Teamwork"], [("Teamwork", None)]),
    ],
)
def test_a_name_may_be_in_several_languages(name: Any, found: list[tuple[str, str | None]]) -> None:
    for path in ("name", "issuer.name", f"{ACHIEVEMENT}.name"):
        badge = read_badge(changed(**{path: name}))
        names = (badge.names, badge.issuer.names, badge.achievement.names)
        assert [tuple(each) for each in found] in [[tuple(n) for n in each] for each in names]


@pytest.mark.parametrize("path", ["", "issuer.", f"{SUBJECT}.", f"{ACHIEVEMENT}."])
def test_an_extension_may_use_the_names_of_the_standard_for_other_things(path: str) -> None:
    """Only what the standard defines, where it defines it, is of its types."""
    foreign = {"type": ["Exam"], "source": {"type": ["Book"]}, "result": [{"type": ["Mark"]}]}
    for name in ("extensions:exam", "hasClaim"):
        assert read_badge(changed(**{f"{path}{name}": foreign})) == read_badge(BADGE)


def test_the_names_of_the_older_data_model_are_read() -> None:
    badge = read_badge(
        changed(
            **{"@context": [VC_1, "https://purl.imsglobal.org/spec/ob/v3p0/context.json"]},
            validFrom=ABSENT,
            validUntil=ABSENT,
            issuanceDate="2026-03-01T00:00:00Z",
            expirationDate="2031-03-01T00:00:00Z",
        )
    )
    assert badge.data_model == "1.1"
    assert badge.valid_from == datetime(2026, 3, 1, tzinfo=UTC)
    assert badge.valid_until == datetime(2031, 3, 1, tzinfo=UTC)


def test_each_data_model_goes_by_its_own_names() -> None:
    both: dict[str, Any] = {"issuanceDate": "2020-01-01T00:00:00Z"}
    assert read_badge(changed(**both)).valid_from.year == 2026
    both["@context"] = [VC_1, OB_3]
    assert read_badge(changed(**both)).valid_from.year == 2020


def test_an_issuer_may_be_named_by_its_id_alone() -> None:
    badge = read_badge(changed(issuer="did:web:provider.example"))
    assert badge.issuer.id == "did:web:provider.example"
    assert {"awardingBody", "countryOrRegionOfIssuer"} <= set(badge.elements.missing())


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01T00:00:00Z", date(2026, 3, 1)),
        ("2026-03-01T00:30:00+01:00", date(2026, 3, 1)),
        ("2026-02-28T23:30:00-08:00", date(2026, 2, 28)),
        ("2026-03-01T00:00:00+14:00", date(2026, 3, 1)),
        ("2026-03-01T12:00:00.123456789Z", date(2026, 3, 1)),
    ],
)
def test_a_day_is_the_one_that_is_written_in_the_zone_of_the_issuer(text: str, day: date) -> None:
    assert read_badge(changed(validFrom=text)).valid_from.date() == day


@pytest.mark.parametrize(
    ("subject", "learner"),
    [
        ({"id": "did:example:ada"}, "id"),
        ({"identifier": {"type": "IdentityObject", "identityHash": "x"}}, "identifier"),
        ({"identifier": [{"identityHash": "x"}]}, "identifier"),
        ({"identifier": []}, None),
        ({}, None),
    ],
)
def test_whether_a_learner_is_identified_is_read_and_nothing_of_them(
    subject: dict[str, Any], learner: Learner | None
) -> None:
    bare = {k: v for k, v in BADGE[SUBJECT].items() if k != "id"}
    badge = read_badge(changed(credentialSubject={**bare, **subject}))
    assert badge.elements.learner == learner
    assert ("learnerIdentification" in badge.elements.missing()) == (learner is None)
    assert "did:example:ada" not in repr(badge)


# --- Refusing ---


@pytest.mark.parametrize(
    ("members", "rule", "path"),
    [
        ({"@context": ABSENT}, "ob-member", "$.@context is missing"),
        ({"@context": []}, "ob-context", "$.@context"),
        ({"@context": [OB_3, VC_2]}, "ob-context", "$.@context"),
        ({"@context": [VC_2]}, "ob-context", "$.@context"),
        ({"@context": [VC_2, OB_3 + "x"]}, "ob-context", "$.@context"),
        ({"@context": [VC_2, {"@vocab": OB_3}]}, "ob-context", "$.@context"),
        ({"@context": {"a": 1}}, "ob-context", "$.@context"),
        ({"type": ABSENT}, "ob-member", "$.type is missing"),
        ({"type": []}, "not-an-open-badge", "$.type"),
        ({"type": ["OpenBadgeCredential"]}, "not-an-open-badge", "$.type"),
        ({"type": ["VerifiableCredential"]}, "not-an-open-badge", "$.type"),
        ({"type": ["VerifiableCredential", 7]}, "ob-member", "$.type[1]"),
        ({"id": ABSENT}, "ob-member", "$.id is missing"),
        ({"id": "no scheme"}, "ob-member", "$.id must be a URI"),
        ({"id": 7}, "ob-member", "$.id"),
        ({"name": {"en": "Teamwork"}}, "ob-member", "$.name"),
        ({"issuer": ABSENT}, "ob-member", "$.issuer is missing"),
        ({"issuer": None}, "ob-member", "$.issuer is missing"),
        ({"issuer": []}, "ob-member", "$.issuer must be one"),
        ({"issuer": 7}, "ob-member", "$.issuer"),
        ({"issuer.id": ABSENT}, "ob-member", "$.issuer.id is missing"),
        ({"issuer.id": "Example Polytechnic"}, "ob-member", "$.issuer.id must be a URI"),
        ({"issuer.name": 7}, "ob-member", "$.issuer.name"),
        ({"issuer.type": "Person"}, "ob-type", "$.issuer.type must be Profile"),
        ({"issuer.address": "Utrecht"}, "ob-member", "$.issuer.address"),
        ({"issuer.address.addressCountryCode": "NLD"}, "ob-member", "addressCountryCode"),
        ({"issuer.parentOrg": {"type": "Person"}}, "ob-type", "$.issuer.parentOrg.type"),
        ({"validFrom": ABSENT}, "ob-member", "$.validFrom is missing"),
        ({"validFrom": 1772323200}, "ob-member", "$.validFrom"),
        ({"validFrom": ""}, "ob-member", "$.validFrom"),
        ({"validFrom": "2026-03-01"}, "ob-date", "$.validFrom"),
        ({"validFrom": "2026-03-01T00:00:00"}, "ob-date", "$.validFrom"),
        ({"validFrom": "2026-03-01 00:00:00Z"}, "ob-date", "$.validFrom"),
        ({"validFrom": "20260301T000000Z"}, "ob-date", "$.validFrom"),
        ({"validFrom": "2026-02-30T00:00:00Z"}, "ob-date", "$.validFrom"),
        ({"validFrom": "2026-03-01T24:00:00Z"}, "ob-date", "$.validFrom"),
        ({"validFrom": "2026-03-01T00:00:00Z\n"}, "ob-date", "$.validFrom"),
        ({"validFrom": "2026-03-01T00:00:00+14:01"}, "ob-date", "$.validFrom"),
        ({"validFrom": {"@value": "2026-03-01T00:00:00Z"}}, "ob-member", "$.validFrom"),
        ({"id": {"@value": "urn:a"}}, "ob-member", "$.id"),
        ({"name": []}, "ob-member", "$.name must be 1 to 50 texts"),
        ({"name": ["x"] * 51}, "ob-member", "$.name must be 1 to 50 texts"),
        ({"name": {"@value": "x", "@language": ["en"]}}, "ob-member", "$.name"),
        ({"name": {"@value": " "}}, "ob-member", "$.name"),
        ({"name": {"@value": "x", "@id": "y"}}, "ob-member", "$.name"),
        ({"validFrom": "２０２６-03-01T00:00:00Z"}, "ob-date", "$.validFrom"),  # noqa: RUF001
        ({"validFrom": "0001-01-01T00:00:00+14:00"}, "ob-date", "$.validFrom"),
        ({"validUntil": "9999-12-31T23:59:59-14:00"}, "ob-date", "$.validUntil"),
        ({"validUntil": "2026-02-28T23:59:59Z"}, "ob-validity", "$.validUntil"),
        ({"validUntil": "2026-03-01T00:30:00+01:00"}, "ob-validity", "$.validUntil"),
        ({"awardedDate": "2026"}, "ob-date", "$.awardedDate"),
        ({SUBJECT: ABSENT}, "ob-member", "$.credentialSubject is missing"),
        ({SUBJECT: "did:example:ada"}, "ob-member", "$.credentialSubject"),
        ({SUBJECT: []}, "ob-member", "$.credentialSubject must be one, found 0"),
        ({SUBJECT: [BADGE[SUBJECT]] * 2}, "ob-member", "must be one, found 2"),
        ({f"{SUBJECT}.type": "Person"}, "ob-type", "$.credentialSubject.type"),
        ({f"{SUBJECT}.id": 7}, "ob-member", "$.credentialSubject.id"),
        ({f"{SUBJECT}.identifier": {"type": "Email"}}, "ob-type", "identifier.type"),
        ({f"{SUBJECT}.result": [{"type": "Mark"}]}, "ob-type", "result[0].type"),
        ({f"{SUBJECT}.creditsEarned": "three"}, "ob-member", "creditsEarned must be a number"),
        ({f"{SUBJECT}.creditsEarned": True}, "ob-member", "creditsEarned must be a number"),
        ({f"{SUBJECT}.creditsEarned": -1}, "ob-member", "creditsEarned must not be negative"),
        ({ACHIEVEMENT: ABSENT}, "ob-member", "achievement is missing"),
        ({ACHIEVEMENT: "https://provider.example/teamwork"}, "ob-member", "achievement"),
        ({ACHIEVEMENT: []}, "ob-member", "achievement must be one, found 0"),
        ({f"{ACHIEVEMENT}.id": ABSENT}, "ob-member", "achievement.id is missing"),
        ({f"{ACHIEVEMENT}.name": ""}, "ob-member", "achievement.name"),
        ({f"{ACHIEVEMENT}.name": " "}, "ob-member", "achievement.name"),
        ({f"{ACHIEVEMENT}.type": ["Course"]}, "ob-type", "achievement.type"),
        ({f"{ACHIEVEMENT}.criteria": "pass"}, "ob-member", "achievement.criteria"),
        ({f"{ACHIEVEMENT}.criteria.narrative": 7}, "ob-member", "criteria.narrative"),
        ({f"{ACHIEVEMENT}.creditsAvailable": [3]}, "ob-member", "creditsAvailable"),
        ({f"{ACHIEVEMENT}.alignment": ["ESCO"]}, "ob-member", "alignment[0]"),
        ({f"{ACHIEVEMENT}.alignment": [{"targetName": "x"}]}, "ob-member", "targetUrl is missing"),
        ({f"{ACHIEVEMENT}.alignment": [{"type": "Skill"}]}, "ob-type", "alignment[0].type"),
        ({"evidence": [{"type": "Photo"}]}, "ob-type", "$.evidence[0].type"),
        ({"proof": "z1"}, "ob-member", "$.proof must be an object"),
        ({"proof": [{"type": "DataIntegrityProof"}]}, "proof-form", "cryptosuite"),
        ({"proof": [{"type": "X"}] * 17}, "ob-member", "$.proof holds more than 16"),
    ],
)
def test_what_is_wrong_is_refused_by_its_path(
    members: dict[str, Any], rule: str, path: str
) -> None:
    found = refusal(changed(**members))
    assert found.rule == rule
    assert path in found.detail


def test_a_refusal_shows_the_value() -> None:
    assert refusal(changed(validFrom="2026-03-01")).value == "2026-03-01"
    assert refusal(changed(**{"issuer.type": "Person"})).value == "Person"


def test_an_endorsement_is_refused_as_one() -> None:
    found = refusal(changed(type=["VerifiableCredential", "EndorsementCredential"]))
    assert "endorsement" in found.detail


def test_endorsements_inside_a_badge_are_not_taken_for_it() -> None:
    endorsement = {"credentialSubject": {"type": "EndorsementSubject"}, "issuer": {"type": "X"}}
    read_badge(changed(endorsement=[endorsement], **{"issuer.endorsement": [endorsement]}))


@given(st.data())
def test_whatever_stands_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    badge = copy.deepcopy(BADGE)
    at: Any = badge
    while isinstance(at, dict | list) and at:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if data.draw(st.booleans()):
            at[key] = data.draw(VALUES | st.sampled_from([[], {}, [[]], "", [None]]))
            break
        at = at[key]
    with contextlib.suppress(Refusal):
        assert isinstance(read_badge(badge), Badge)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\x89PNG\r\n\x1a\n....", "picture"),
        (b"\x89PNG\r\n\x1a\n....iTXtopenbadgecredential\0\0\0{}", "baked-badge"),
        (b'<?xml version="1.0"?><svg/>', "picture"),
        (b"<svg><openbadges:credential verify='eyJ'/></svg>", "baked-badge"),
        (b"eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2ln", "vc-jwt"),
        (b"eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2ln~WyJzYWx0Il0~", "vc-jwt"),
        (b"[]", "not-an-open-badge"),
        (b'{"type":"VerifiablePresentation"}', "presentation"),
        (b'{"type":["EnvelopedVerifiableCredential"]}', "vc-jwt"),
        (b'{"type":"Assertion"}', "open-badge-2"),
        (b'"eyJ"', "not-an-open-badge"),
        (b"<<<<<<< HEAD\n{}", "json"),
        (b"eyJ", "json"),
        (b"", "json"),
        (b'{"a":1,"a":2}', "json-duplicate-key"),
    ],
)
def test_what_is_no_json_credential_is_refused_for_what_it_is(data: bytes, rule: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_credential(data)
    assert caught.value.rule == rule


def test_a_document_is_bounded() -> None:
    with pytest.raises(Refusal, match="json-size"):
        parse_credential(json.dumps(BADGE).encode(), max_bytes=100)


def test_a_place_is_put_in_words_only_where_something_is_wrong() -> None:
    """A long name over many values is a small file, and was gigabytes of paths."""
    credential = json.loads(json.dumps(BADGE))
    credential["n" * 100_000] = [0] * 100_000
    tracemalloc.start()
    read_badge(credential)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10 * 1024 * 1024
