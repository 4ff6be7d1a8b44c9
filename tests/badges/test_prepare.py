"""What is prepared opens, verifies and names nobody; what is not is refused with its place."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges.cohort_csv import Award, Registered, read_cohort
from testamur.badges.commitment import verify_commitment
from testamur.badges.data_integrity import verify_proofs
from testamur.badges.prepare import Prepared, prepare_badges, prepare_cohort
from testamur.badges.sources import Source
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import decode_event, encode_event
from testamur.errors import Refusal
from testamur.keys import PrivateKey
from tests.badges.test_cohort import DRAWING, ETHICS, PROVIDER
from tests.badges.test_openbadges import BADGE, changed
from tests.harness.story import party

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


@pytest.mark.slow
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


def test_with_a_signing_key_every_credential_is_signed() -> None:
    provider = msgspec.structs.replace(PROVIDER, id=None)
    awards, _ = read_cohort(b"learner,awarded\n1,2026-11-21\n2,2026-11-21\n", (ETHICS,))
    prepared = prepare_cohort(awards, provider, now=NOW, key=KEY)
    check(prepared)
    for event, holder in zip(prepared.events, prepared.holders, strict=True):
        assert event.suite == "eddsa-jcs-2022"
        (proven,) = verify_proofs(holder.credential).proven
        assert (proven.signer, proven.created) == (KEY.public.did_key(), NOW)


@pytest.mark.parametrize(
    ("id_", "method"),
    [
        (None, f"{KEY.public.did_key()}#{KEY.public.multikey()}"),
        ("https://provider.example", f"{KEY.public.did_key()}#{KEY.public.multikey()}"),
        ("did:web:provider.example", f"did:web:provider.example#{KEY.public.multikey()}"),
    ],
)
def test_a_proof_is_found_where_other_verifiers_look_for_its_key(
    id_: str | None, method: str
) -> None:
    provider = msgspec.structs.replace(PROVIDER, id=id_)
    awards, _ = read_cohort(b"learner,awarded\n1,2026-11-21\n", (ETHICS,))
    (holder,) = prepare_cohort(awards, provider, now=NOW, key=KEY).holders
    (proof,) = holder.credential["proof"]
    assert proof["verificationMethod"] == method


def test_a_founding_key_signs_no_credential() -> None:
    with pytest.raises(Refusal, match="signing-key"):
        cohort(key=party("polytechnic").keys.founding)


@pytest.mark.parametrize("id_", [None, "did:web:provider.example", "https://provider.example"])
def test_credentials_name_their_issuer_as_its_accreditor_vouches_for_it(id_: str | None) -> None:
    provider = msgspec.structs.replace(PROVIDER, id=id_)
    awards, _ = read_cohort(b"learner,awarded\n1,2026-11-21\n", (ETHICS,))
    (holder,) = prepare_cohort(awards, provider, now=NOW).holders
    assert holder.credential["issuer"]["id"] == (id_ or provider.did)


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
    started = time.process_time()
    awards, refused = read_cohort(text.encode(), (ETHICS,))
    prepared = prepare_cohort(awards, PROVIDER, now=NOW, key=KEY)
    assert time.process_time() - started < 5
    assert (len(prepared.events), refused) == (5_000, [])


# --- Open Badges ---


def test_an_award_is_prepared_without_its_file() -> None:
    award = Award(row=2, awarded=date(2026, 11, 21), offering=DRAWING, learner="7")
    check(prepare_cohort([award], PROVIDER, now=NOW))
