"""What is prepared of finished badges opens and verifies; what is not is refused by its file."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges import prepare
from testamur.badges.cohort_csv import MAX_REFUSED, read_cohort
from testamur.badges.commitment import read_holder_file, render_holder_file
from testamur.badges.data_integrity import sign, verify_proofs
from testamur.badges.openbadges import MAX_BADGE_VALUES
from testamur.badges.prepare import (
    prepare_badges,
    prepare_cohort,
)
from testamur.canonical import MAX_DEPTH, MAX_DOCUMENT
from testamur.catalogue.members import Definition
from testamur.catalogue.submission import MAX_EVENTS
from testamur.errors import Refusal
from testamur.keys import PrivateKey
from tests.badges.test_cohort import DRAWING, PROVIDER
from tests.badges.test_openbadges import BADGE, changed
from tests.badges.test_prepare import (
    KEY,
    LOG,
    MAPPING,
    NOW,
    OTHER,
    TEAMWORK,
    badges,
    check,
    files,
    refusal,
)
from tests.badges.test_published_badges import REFUSED, published
from tests.harness.shared_vectors import load, needs_shared


def test_a_badge_becomes_an_event() -> None:
    prepared = badges(BADGE, log=LOG)
    check(prepared)
    (event,), (holder,) = prepared.events, prepared.holders
    assert (event.achievement, event.achievement_version) == (TEAMWORK.achievement, 3)
    assert (event.valid_from, event.valid_until) == (date(2026, 3, 1), date(2031, 3, 1))
    assert event.suite == "eddsa-rdfc-2022"
    assert holder.credential == BADGE
    ((source, note),) = prepared.notes
    assert source == "1.json"
    assert "eddsa-rdfc-2022" in note


def test_all_badges_may_award_one_achievement() -> None:
    prepared = badges(BADGE, changed(id="urn:x:2"), registered=TEAMWORK)
    check(prepared)
    assert {event.achievement for event in prepared.events} == {TEAMWORK.achievement}


def test_an_achievement_that_nobody_mapped_is_refused_by_its_id() -> None:
    found = refusal(BADGE, registered={"https://provider.example/other": TEAMWORK})
    assert (found.rule, found.value) == ("achievement-unknown", "https://provider.example/teamwork")


@pytest.mark.parametrize(
    ("proof", "suite"),
    [
        ([], "none"),
        ([{"type": "Ed25519Signature2020"}], "Ed25519Signature2020"),
        ([{"type": "SomeProof"}], None),
        ([{"type": "SomeProof"}, {"type": "Ed25519Signature2020"}], "Ed25519Signature2020"),
    ],
)
def test_the_suite_is_stated_where_it_has_a_name(proof: list[Any], suite: str | None) -> None:
    (event,) = badges(changed(proof=proof)).events
    assert event.suite == suite


def test_what_the_badge_says_of_itself_is_stated_only_if_it_says_one_thing() -> None:
    url = "http://data.europa.eu/snb/assessment/"
    portfolio = {"targetName": "portfolio", "targetUrl": url + "4f03b91c0e"}
    quiz = {"targetName": "quiz", "targetUrl": url + "b1b68f6735"}
    path = "credentialSubject.achievement.alignment"
    (one,) = badges(changed(**{path: [portfolio]})).events
    (two,) = badges(changed(**{path: [portfolio, quiz]})).events
    assert (one.assessment, two.assessment) == ("portfolio", None)


def signed_badge(key: PrivateKey = KEY, issuer: str | None = None) -> dict[str, Any]:
    mine = changed(**{"issuer.id": issuer or key.public.did_key()}, proof=[])
    return sign(mine, key, created=NOW)


def test_a_badge_signed_by_the_key_of_its_issuers_did_is_prepared_with_a_note() -> None:
    """That is the founding key, which signs none, unless it is listed as a signing key."""
    prepared = badges(signed_badge(), issuer=KEY.public.did_key())
    check(prepared)
    ((_, note),) = prepared.notes
    assert KEY.public.did_key() in note
    assert "only if the issuer lists that key as a signing key" in note
    assert prepared.events[0].suite == "eddsa-jcs-2022"


def test_a_badge_changed_after_signing_is_refused() -> None:
    badge = signed_badge()
    badge["name"] = "Leadership"
    found = refusal(badge)
    assert found.rule == "proof"
    assert "signature" in found.detail


def test_a_badge_signed_by_another_key_than_its_issuers_did_is_prepared() -> None:
    """It may be a signing key of the issuer: the register knows, and a verifier asks it."""
    prepared = badges(signed_badge(OTHER, KEY.public.did_key()))
    check(prepared)
    assert prepared.notes == []


def test_a_badge_of_another_issuer_is_refused_when_one_is_named() -> None:
    found = refusal(BADGE, issuer=KEY.public.did_key())
    assert (found.rule, found.value) == ("issuer", "did:web:provider.example")


def test_a_proof_of_the_issuer_can_be_added_to_others() -> None:
    badge = changed(**{"issuer.id": KEY.public.did_key()})
    prepared = badges(badge, key=KEY)
    check(prepared)
    (holder,) = prepared.holders
    assert holder.credential["proof"][0] == badge["proof"][0]
    assert len(verify_proofs(holder.credential).proven) == 1
    assert prepared.events[0].suite == "eddsa-jcs-2022"


def test_a_badge_with_no_room_for_a_proof_more_is_refused_and_stops_nobody() -> None:
    full = changed(**{"issuer.id": KEY.public.did_key()}, proof=[{"type": "SomeProof"}] * 16)
    other = changed(**{"issuer.id": KEY.public.did_key()}, id="urn:x:2")
    prepared = badges(full, other, key=KEY)
    check(prepared)
    assert ([source for source, _ in prepared.refused], prepared.sources) == (
        ["1.json"],
        ["2.json"],
    )


def test_two_versions_of_one_achievement_are_told_apart() -> None:
    newer = msgspec.structs.replace(
        DRAWING, version=2, definition=Definition(name="Drawing II", achievement_type="Course")
    )
    text = b"learner,awarded,achievement\n7,2026-11-21,Drawing\n8,2026-11-21,Drawing II\n"
    awards, _ = read_cohort(text, (DRAWING, newer))
    prepared = prepare_cohort(awards, PROVIDER, now=NOW)
    check(prepared)
    said = {
        (event.achievement_version, holder.credential["credentialSubject"]["achievement"]["name"])
        for event, holder in zip(prepared.events, prepared.holders, strict=True)
    }
    assert said == {(1, "Drawing"), (2, "Drawing II")}


@pytest.mark.parametrize("spelling", [BADGE["id"], BADGE["id"].replace("-", "%2D")])
def test_one_credential_is_not_issued_twice(spelling: str) -> None:
    prepared = badges(BADGE, changed(id=spelling, name="again"))
    check(prepared)
    ((source, found),) = prepared.refused
    assert (source, found.rule) == ("2.json", "duplicate-credential")
    assert "1.json" in found.detail


def test_a_refused_badge_does_not_stand_in_the_way_of_its_mended_copy() -> None:
    broken = signed_badge() | {"name": "Leadership"}
    prepared = badges(broken, signed_badge())
    check(prepared)
    assert prepared.sources == ["2.json"]


def test_what_could_not_be_read_is_refused_beside_what_could() -> None:
    prepared = badges(("a.json", Refusal("file", "cannot be read")), ("b.png", b"\x89PNG"), BADGE)
    check(prepared)
    assert [source for source, _ in prepared.refused] == ["a.json", "b.png"]
    assert prepared.sources == ["3.json"]


def test_a_wrong_folder_is_not_refused_file_by_file_for_ever() -> None:
    prepared = prepare_badges(((f"{i}", b"") for i in range(5_000)), MAPPING, now=NOW)
    assert len(prepared.refused) == MAX_REFUSED + 1
    assert "were not read" in prepared.refused[-1][1].detail


def test_no_more_is_prepared_than_a_submission_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_EVENTS == 100_000
    monkeypatch.setattr(prepare, "MAX_EVENTS", 3)
    assert len(prepare_badges(files(3), MAPPING, now=NOW).events) == 3
    with pytest.raises(Refusal, match="events-count"):
        prepare_badges(files(4), MAPPING, now=NOW)


@given(st.binary(max_size=60))
def test_whatever_the_bytes_a_source_is_prepared_or_refused(data: bytes) -> None:
    prepared = badges(("x", data))
    assert len(prepared.events) + len(prepared.refused) == 1


@needs_shared
def test_every_published_badge_is_prepared_or_refused_for_what_is_wrong_with_it() -> None:
    refused: dict[str, str] = {}
    for name, path in published().items():
        prepared = prepare_badges([(name, path.read_bytes())], TEAMWORK, now=NOW)
        check(prepared)
        assert len(prepared.events) + len(prepared.refused) == 1
        refused |= {source: found.rule for source, found in prepared.refused}
        # None of them is signed in the suite that we can examine, and each says so.
        assert len(prepared.notes) == len(prepared.events)
    assert refused == REFUSED


@needs_shared
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("jcs-changed-value", "proof"),
        ("jcs-context-not-prefix", "ob-context"),
        ("jcs-wrong-purpose", "proof"),
        ("jcs-wrong-multibase", "proof"),
        ("jcs-until-before-from", "ob-validity"),
        ("jcs-no-zone", "ob-date"),
    ],
)
def test_sample_credentials_that_must_fail_are_not_prepared(name: str, rule: str) -> None:
    cases = load("derived-credentials/must-fail-credentials.json")["cases"]
    credential = next(case["credential"] for case in cases if case["name"] == name)
    assert refusal(credential, registered=TEAMWORK).rule == rule


@needs_shared
def test_sample_credentials_that_are_good_are_prepared() -> None:
    cases = load("derived-credentials/signed-credentials.json")["cases"]
    for case in cases:
        if case["name"].startswith("microcredential"):
            prepared = badges(case["credential"], registered=TEAMWORK)
            check(prepared)
            assert prepared.events[0].suite == case["cryptosuite"]
            said = " ".join(note for _, note in prepared.notes)
            examined = case["cryptosuite"] == "eddsa-jcs-2022"
            # Their issuers sign with the key that their DID spells.
            assert ("counts only if the issuer lists that key" in said) == examined


@pytest.mark.slow
def test_the_largest_and_deepest_badge_still_makes_a_holder_file_that_is_read_back() -> None:
    deep: Any = []
    for _ in range(MAX_DEPTH - 4):
        deep = [deep]
    badge = changed(**{"issuer.id": KEY.public.did_key()}, proof=[])
    # In the @context, which a proof repeats.
    badge["@context"].append({"deep": deep, "many": "NUMBERS", "text": "TEXT"})
    data = json.dumps(badge).encode()
    punctuation = sum(map(data.count, (b",", b"[", b"{")))
    data = data.replace(
        b'"NUMBERS"', b"[%s]" % b",".join([b"1e15"] * (MAX_BADGE_VALUES - punctuation))
    )
    data = data.replace(b"TEXT", b"x" * (MAX_DOCUMENT - len(data) + 4))
    assert len(data) == MAX_DOCUMENT
    prepared = badges(("largest.json", data), key=KEY)
    assert not prepared.refused
    (holder,) = prepared.holders
    assert read_holder_file(render_holder_file(holder)) == holder


def test_preparing_leaves_the_badge_as_it_was() -> None:
    before = copy.deepcopy(BADGE)
    badges(BADGE)
    assert before == BADGE
