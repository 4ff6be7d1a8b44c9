"""What is prepared opens, verifies and names nobody; what is not is refused with its place."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges import prepare
from testamur.badges.cohort_csv import MAX_REFUSED, Award, Registered, read_cohort
from testamur.badges.commitment import read_holder_file, render_holder_file, verify_commitment
from testamur.badges.data_integrity import sign, verify_proofs
from testamur.badges.openbadges import MAX_BADGE_VALUES
from testamur.badges.prepare import (
    Prepared,
    Source,
    prepare_badges,
    prepare_cohort,
)
from testamur.canonical import MAX_DEPTH, MAX_DOCUMENT
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.members import Definition
from testamur.catalogue.submission import MAX_EVENTS
from testamur.errors import Refusal
from testamur.keys import PrivateKey
from tests.badges.test_cohort import DRAWING, ETHICS, PROVIDER
from tests.badges.test_openbadges import BADGE, changed
from tests.badges.test_published_badges import REFUSED, published
from tests.harness.shared_vectors import load, needs_shared

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
LOG = "register.example/testamur"
KEY = PrivateKey("Ed25519", b"k" * 32)
OTHER = PrivateKey("Ed25519", b"o" * 32)
TEAMWORK = Registered(achievement=new_id(), version=3)
MAPPING = {"https://provider.example/teamwork": TEAMWORK}


def cohort(rows: int = 3, **options: Any) -> Prepared:
    text = "learner,awarded\n" + "".join(f"a{i}@example.org,2026-11-21\n" for i in range(rows))
    return prepared_from(text, **options)


def prepared_from(text: str, **options: Any) -> Prepared:
    awards, refused = read_cohort(text.encode(), (ETHICS, DRAWING)[: options.pop("offered", 1)])
    return prepare_cohort(awards, PROVIDER, now=NOW, refused=refused, **options)


def badges(*credentials: dict[str, Any] | Source, **options: Any) -> Prepared:
    sources = [
        found if isinstance(found, tuple) else (f"{number}.json", json.dumps(found).encode())
        for number, found in enumerate(credentials, start=1)
    ]
    registered = options.pop("registered", MAPPING)
    return prepare_badges(sources, registered, now=NOW, **options)


def refusal(*credentials: dict[str, Any] | Source, **options: Any) -> Refusal:
    ((_, found),) = badges(*credentials, **options).refused
    return found


def check(prepared: Prepared) -> None:
    """Assert what holds of everything that was ever prepared."""
    assert len(prepared.events) == len(prepared.holders) == len(prepared.sources)
    for event, holder in zip(prepared.events, prepared.holders, strict=True):
        assert event.credential == holder.id
        verify_commitment(holder.credential, holder.blind, event.commitment)
        assert decode_event(encode_event(event)) == event
    ids = [event.credential for event in prepared.events]
    assert ids == sorted(set(ids))
    assert len({holder.blind for holder in prepared.holders}) == len(ids)


# --- Cohorts ---


def test_a_cohort_becomes_events_that_the_holders_can_open() -> None:
    prepared = cohort(20, log=LOG)
    check(prepared)
    assert len(prepared.events) == 20
    assert not prepared.refused
    assert not prepared.notes
    assert {holder.log for holder in prepared.holders} == {LOG}


def test_an_event_says_what_the_register_needs_and_nothing_else() -> None:
    (event,) = prepared_from(
        "learner,awarded,validUntil\nada@example.org,2026-11-21,2031-11-20\n"
    ).events
    assert event == CredentialIssued(
        achievement=ETHICS.achievement,
        achievement_version=2,
        accreditation=ETHICS.accreditation,
        assessment="portfolio",
        commitment=event.commitment,
        credential=event.credential,
        format="OpenBadgeCredential/3.0",
        participation="blended",
        suite="none",
        supervision="supervisedOnline",
        valid_from=date(2026, 11, 21),
        valid_until=date(2031, 11, 20),
    )


def test_the_credential_and_the_log_share_one_id() -> None:
    for holder in cohort().holders:
        assert holder.credential["id"] == f"urn:uuid:{holder.id}"


WORDS = st.text("bdfhjkmpqrtvwxyzäçéñøß", min_size=5, max_size=20)


@given(
    st.lists(
        st.tuples(WORDS, WORDS, WORDS, st.dates(date(2000, 1, 1), date(2030, 1, 1))),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[0],
    )
)
def test_no_word_about_a_learner_is_in_the_events(
    rows: list[tuple[str, str, str, date]],
) -> None:
    text = "learner,learnerId,name,awarded,evidence\n" + "".join(
        f"{learner}@{name}.example,did:example:{did.encode().hex()},{name} {did},{day},"
        f"https://{name.encode().hex()}.example/{did.encode().hex()}\n"
        for learner, did, name, day in rows
    )
    prepared = prepared_from(text)
    assert len(prepared.events) == len(rows)
    lines = b"\n".join(map(encode_event, prepared.events)).decode()
    for learner, did, name, _ in rows:
        for word in (learner, did, name, did.encode().hex(), name.encode().hex()):
            assert word not in lines
    for holder in prepared.holders:
        for identity in holder.credential["credentialSubject"]["identifier"]:
            assert identity["identityHash"] not in lines
            assert identity.get("salt", "salt?") not in lines


def test_an_event_holds_only_words_that_were_known_before_the_cohort() -> None:
    known = {
        ETHICS.achievement,
        ETHICS.accreditation,
        "credential.issued/1",
        "OpenBadgeCredential/3.0",
        "portfolio",
        "blended",
        "supervisedOnline",
        "none",
        "2026-11-21",
        2,
    }
    for event in cohort().events:
        said = json.loads(encode_event(event))
        fresh = {said.pop("commitment"), said.pop("credential")}
        assert set(said.values()) == known
        assert len(fresh) == 2


def test_the_order_of_the_list_is_not_the_order_of_the_events() -> None:
    # An alphabetical class list would otherwise tell whose event is whose.
    assert sorted(cohort(60).sources) != cohort(60).sources
    rows = [int(source.split()[-1]) for source in cohort(60).sources]
    assert sorted(rows) == list(range(2, 62))
    assert rows != sorted(rows)
    named = prepare_badges(files(60), MAPPING, now=NOW)
    assert named.sources != sorted(named.sources)


def files(count: int) -> list[Source]:
    return [
        (f"{i:04}.json", json.dumps(changed(id=f"urn:uuid:{new_id()}")).encode())
        for i in range(count)
    ]


def test_with_a_key_every_credential_is_signed_by_the_issuer() -> None:
    provider = type(PROVIDER)(country="NL", did=KEY.public.did_key(), name="Example Polytechnic")
    awards, _ = read_cohort(b"learner,awarded\n1,2026-11-21\n2,2026-11-21\n", (ETHICS,))
    prepared = prepare_cohort(awards, provider, now=NOW, key=KEY)
    check(prepared)
    for event, holder in zip(prepared.events, prepared.holders, strict=True):
        assert event.suite == "eddsa-jcs-2022"
        (proven,) = verify_proofs(holder.credential).proven
        assert (proven.signer, proven.created) == (provider.did, NOW)


def test_a_key_that_is_not_the_issuers_signs_nothing() -> None:
    with pytest.raises(Refusal, match="signing-key"):
        cohort(key=KEY)
    assert refusal(BADGE, key=KEY).rule == "signing-key"


def test_refused_rows_come_with_their_file_and_row() -> None:
    prepared = prepared_from("learner,awarded\n1,tomorrow\n2,2026-11-21\n", source="autumn.csv")
    check(prepared)
    ((source, found),) = prepared.refused
    assert source == "autumn.csv row 2"
    assert "column awarded" in found.detail
    assert prepared.sources == ["autumn.csv row 3"]


def test_a_cohort_may_award_several_achievements() -> None:
    text = "learner,awarded,achievement\n7,2026-11-21,Drawing\n8,2026-11-21,Applied Data Ethics\n"
    prepared = prepared_from(text, offered=2)
    check(prepared)
    assert {(event.achievement, event.assessment) for event in prepared.events} == {
        (DRAWING.achievement, None),
        (ETHICS.achievement, "portfolio"),
    }


@pytest.mark.parametrize("log", ["", "two words", "with+plus", "x" * 256])
def test_a_log_origin_that_no_log_could_have_is_refused(log: str) -> None:
    with pytest.raises(Refusal, match="log-origin"):
        cohort(log=log)
    with pytest.raises(Refusal, match="log-origin"):
        badges(BADGE, log=log)


def test_progress_can_be_shown() -> None:
    shown: list[int] = []

    def track(items: Iterable[Any]) -> Iterable[Any]:
        found = list(items)
        shown.append(len(found))
        return found

    cohort(4, track=track)
    badges(BADGE, track=track)
    assert shown == [4, 1]


@pytest.mark.slow
def test_five_thousand_learners_take_less_than_five_seconds() -> None:
    text = "learner;name;awarded;validUntil\n" + "".join(
        f"learner{i}@example.org;Ada Lovelace {i};2026-11-21;2031-11-21\n" for i in range(5_000)
    )
    provider = type(PROVIDER)(country="NL", did=KEY.public.did_key(), name="Example Polytechnic")
    started = time.process_time()
    awards, refused = read_cohort(text.encode(), (ETHICS,))
    prepared = prepare_cohort(awards, provider, now=NOW, key=KEY)
    assert time.process_time() - started < 5
    assert (len(prepared.events), refused) == (5_000, [])


# --- Open Badges ---


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


def test_a_badge_that_its_issuer_signed_is_prepared_without_a_note() -> None:
    prepared = badges(signed_badge(), issuer=KEY.public.did_key())
    check(prepared)
    assert prepared.notes == []
    assert prepared.events[0].suite == "eddsa-jcs-2022"


def test_a_badge_changed_after_signing_is_refused() -> None:
    badge = signed_badge()
    badge["name"] = "Leadership"
    found = refusal(badge)
    assert found.rule == "proof"
    assert "signature" in found.detail


def test_a_badge_signed_by_somebody_else_is_refused_and_the_signer_named() -> None:
    found = refusal(signed_badge(OTHER, KEY.public.did_key()))
    assert (found.rule, found.value) == ("proof-issuer", OTHER.public.did_key())


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
        ("jcs-key-not-of-issuer", "proof-issuer"),
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
            assert bool(prepared.notes) == (case["cryptosuite"] != "eddsa-jcs-2022")


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


def test_an_award_is_prepared_without_its_file() -> None:
    award = Award(row=2, awarded=date(2026, 11, 21), offering=DRAWING, learner="7")
    check(prepare_cohort([award], PROVIDER, now=NOW))
