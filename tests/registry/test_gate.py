"""The gate: what may pass, what may not, and what is never said of a submission."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import submissions
from registry.gate import Gate, Limits, Outcome, Overloaded, Recorded, StorageFull
from registry.integrity import OtherLog
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.submission import (
    Header,
    Protected,
    base64url_encode,
    parse,
    submission_entry,
)
from testamur.errors import Refusal, Unavailable
from testamur.rules import MAX_AGE, MAX_AHEAD
from testamur.rules.register import dump_register
from testamur.tlog.merkle import leaf_hashes
from testamur.verification.replay import Replayer
from tests.harness.gates import Desk, other_provider, sql
from tests.harness.story import Party, Story, credentials_of, party, signed_otherwise

OPENING = 10  # entries of a story's opening


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def desk(path: Path, story: Story) -> Iterator[Desk]:
    with Desk(path, story) as desk:
        yield desk.open_log()


# --- What is recorded ---


def test_the_log_holds_what_was_signed_byte_for_byte(desk: Desk, story: Story) -> None:
    body = story.cohort(3)
    jws, *lines = body[:-1].split(b"\n")
    recorded = desk.record(body)
    assert recorded == Recorded(OPENING, 3, story.milliseconds, (), repeated=False)
    entries, leaves = desk.gate.read(OPENING, 100)
    assert entries == [submission_entry(jws.decode(), story.milliseconds), *lines]
    assert leaves == leaf_hashes(entries)
    assert desk.gate.committed() == OPENING + 4


def test_a_replayer_accepts_all_that_the_gate_accepted(desk: Desk, story: Story) -> None:
    credentials = [story.new_id() for _ in range(4)]
    provider = story.provider
    for events in (
        [story.issued(one) for one in credentials],
        [e.CredentialSuspended(credential=credentials[0], reason="misconduct")],
        [
            e.CredentialReinstated(credential=credentials[0]),
            e.CredentialSuperseded(credential=credentials[1], successor=credentials[2]),
        ],
        [e.AchievementRetired(achievement=story.achievement), story.issued()],
    ):
        desk.record(story.submission(provider, *events))
    entries, leaves = desk.gate.read(0, desk.gate.committed())
    replayer = Replayer(story.log_key.public, origin=story.origin)
    replayer.feed(entries, leaves)
    replayer.settle()
    assert dump_register(replayer.register) == dump_register(desk.gate.registry.register())


def test_flags_name_their_lines_and_come_back_with_the_receipt(desk: Desk, story: Story) -> None:
    body = story.submission(
        story.provider,
        story.issued(),
        story.issued(accredited=False),
        story.issued(accredited=False),
        replace_dates(story.issued(accredited=False), date(2020, 1, 1)),
    )
    recorded = desk.record(body)
    unclaimed = "no-accreditation-claimed"
    assert recorded.flags == (
        (3, unclaimed),
        (4, unclaimed),
        (5, unclaimed),
        (5, "backdated"),
    )
    assert desk.record(body) == replace(recorded, repeated=True)
    header = parse(body).header.payload
    assert desk.gate.receipt(header.iss, header.jti) == replace(recorded, repeated=True)


def replace_dates(event: e.CredentialIssued, valid_from: date) -> e.CredentialIssued:
    return msgspec.structs.replace(event, valid_from=valid_from)


@given(
    st.dictionaries(
        st.integers(2, 60), st.lists(st.sampled_from(["a", "b-c", "d"]), min_size=1, unique=True)
    )
)
def test_flags_survive_packing(flagged: dict[int, list[str]]) -> None:
    flags = tuple((line, code) for line in sorted(flagged) for code in flagged[line])
    assert submissions.unpack_flags(submissions.pack_flags(flags)) == flags


def test_flags_of_a_large_cohort_take_little_room(desk: Desk, story: Story) -> None:
    events = [story.issued(accredited=False) for _ in range(500)]
    assert len(desk.record(story.submission(story.provider, *events)).flags) == 500
    ((size,),) = sql(
        desk.path, "SELECT length(flags) FROM submissions ORDER BY position DESC LIMIT 1"
    )
    assert size < 50


def test_recorded_times_never_decrease(path: Path, story: Story) -> None:
    times = [story.milliseconds + 5_000, story.milliseconds, story.milliseconds + 7_000]
    clock = iter([story.milliseconds] * 4 + times)
    with Desk(path, story, clock=lambda: next(clock)) as desk:
        desk.open_log()
        recorded = [desk.record(story.cohort(1)).recorded_at for _ in times]
    assert recorded == [times[0], times[0], times[2]]


def test_a_provider_may_issue_as_soon_as_its_registration_is_decided(
    path: Path, story: Story
) -> None:
    """The key was unknown when the signature came in: the committer checks it then."""
    with Desk(path, story) as desk:
        genesis, *others = story.opening()
        desk.gate.open_log(genesis)
        outcomes = desk.together(*others, story.cohort(2))
        assert all(isinstance(outcome, Recorded) for outcome in outcomes)


def test_keys_of_both_curves_may_sign(desk: Desk, story: Story) -> None:
    fresh = story.provider.with_key("second", "P-256")
    desk.record(story.submission(story.provider, story.key_added(story.provider, fresh)))
    desk.record(story.submission(fresh, story.issued()))


def test_a_credential_runs_through_its_life_within_one_group(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    outcomes = desk.together(
        story.submission(story.provider, story.issued(credential)),
        story.submission(
            story.provider, e.CredentialSuspended(credential=credential, reason="misconduct")
        ),
        story.submission(story.provider, e.CredentialReinstated(credential=credential)),
        story.submission(
            story.provider, e.CredentialRevoked(credential=credential, reason="misconduct")
        ),
        story.submission(story.provider, e.CredentialReinstated(credential=credential)),
    )
    assert [type(outcome) for outcome in outcomes[:4]] == [Recorded] * 4
    assert isinstance(outcomes[4], Refusal)
    versions = sql(
        desk.path,
        "SELECT originator_version, topic FROM entries WHERE originator_id = ? ORDER BY 1",
        UUID(credential).bytes,
    )
    assert versions == [
        (1, "credential.issued/1"),
        (2, "credential.suspended/1"),
        (3, "credential.reinstated/1"),
        (4, "credential.revoked/1"),
    ]


# --- Signatures and keys ---


def test_a_signature_by_another_key_is_refused(desk: Desk, story: Story) -> None:
    impostor = replace(story.provider, key=party("nobody").key)
    with pytest.raises(Refusal) as refused:
        desk.gate.check(story.submission(impostor, story.issued()))
    assert refused.value.rule == "signature"


def test_a_signature_checked_by_the_committer_is_checked_as_well(path: Path, story: Story) -> None:
    with Desk(path, story) as desk:
        genesis, *others = story.opening()
        desk.gate.open_log(genesis)
        impostor = replace(story.provider, key=party("nobody").key)
        *recorded, refused = desk.together(*others, story.submission(impostor, story.issued()))
        assert all(isinstance(outcome, Recorded) for outcome in recorded)
        assert isinstance(refused, Refusal)
        assert refused.rule == "signature"


def test_a_key_that_nobody_listed_is_refused(desk: Desk, story: Story) -> None:
    stray = story.provider.with_key("unlisted")
    assert desk.refuse(story.submission(stray, story.issued())).rule == "unknown-key"


def test_an_organization_that_nobody_brought_in_is_refused(desk: Desk, story: Story) -> None:
    refusal = desk.refuse(story.submission(party("a stranger"), story.issued()))
    assert refusal.rule == "unknown-organization"


def test_a_key_of_another_organization_is_refused(desk: Desk, story: Story) -> None:
    """The header says it comes from one organization and is signed by a key of another."""
    event = encode_event(story.issued())
    protected = Protected(alg="Ed25519", kid=story.accreditor.kid, typ="testamur-submission+jws")
    payload = Header(
        aud=story.origin,
        events=1,
        iat=story.now,
        iss=story.provider.did,
        jti=story.new_id(),
        root=base64url_encode(leaf_hashes([event])[0]),
    )
    encoded = [msgspec.json.encode(part, order="sorted") for part in (protected, payload)]
    signed = ".".join(map(base64url_encode, encoded))
    jws = f"{signed}.{base64url_encode(story.accreditor.key.sign(signed.encode()))}"
    refusal = desk.refuse(jws.encode() + b"\n" + event + b"\n")
    assert refusal.rule == "key-of-another-organization"


@pytest.mark.parametrize("fate", ["retired", "compromised"])
@pytest.mark.parametrize("when", ["earlier", "in the same group"])
def test_a_key_that_is_no_longer_active_is_refused(
    desk: Desk, story: Story, fate: str, when: str
) -> None:
    """Its signature was good when it was checked: what counts is the position."""
    fresh = story.provider.with_key("second")
    desk.record(story.submission(story.provider, story.key_added(story.provider, fresh)))
    ended: e.Event = e.KeyRetired(key=fresh.key_id, organization=fresh.did)
    if fate == "compromised":
        ended = e.KeyCompromised(
            key=fresh.key_id, organization=fresh.did, since=desk.gate.committed() - 1
        )
    ending = story.submission(story.provider, ended)
    late = story.submission(fresh, story.issued())
    if when == "earlier":
        desk.record(ending)
        refusal = desk.submit(late)
    else:
        _, refusal = desk.together(ending, late)
    assert isinstance(refusal, Refusal)
    assert refusal.rule == "key-inactive"
    assert fate in refusal.detail


def test_a_closed_organization_is_refused(desk: Desk, story: Story) -> None:
    desk.record(
        story.submission(story.provider, e.OrganizationClosed(organization=story.provider.did))
    )
    assert desk.refuse(story.cohort(1)).rule == "organization-closed"


# --- Bytes ---


def test_a_changed_byte_is_refused_wherever_it_is(desk: Desk, story: Story) -> None:
    body = story.cohort(2)
    before = desk.gate.committed()
    for at in range(0, len(body), 7):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        assert isinstance(desk.submit(changed), Refusal), f"byte {at}"
    assert desk.gate.committed() == before
    desk.record(body)


def test_lines_under_another_root_are_refused(desk: Desk, story: Story) -> None:
    jws = story.cohort(2).split(b"\n")[0]
    lines = story.cohort(2)[:-1].split(b"\n")[1:]
    assert desk.refuse(b"\n".join((jws, *lines)) + b"\n").rule == "root"


# --- Audience and time ---


def test_a_submission_to_another_log_is_refused(desk: Desk, story: Story) -> None:
    elsewhere = story.submission(story.provider, story.issued(), aud="other.example/log")
    assert desk.refuse(elsewhere).rule == "audience"


@pytest.mark.parametrize("seconds", [-MAX_AGE - 1, MAX_AHEAD + 1])
def test_a_signature_from_long_ago_or_the_future_is_refused(
    desk: Desk, story: Story, seconds: int
) -> None:
    dated = story.submission(story.provider, story.issued(), iat=story.now + seconds)
    assert desk.refuse(dated).rule == "issued-at"


@pytest.mark.parametrize("seconds", [-MAX_AGE, MAX_AHEAD])
def test_a_signature_at_the_edge_of_time_passes(desk: Desk, story: Story, seconds: int) -> None:
    desk.record(story.submission(story.provider, story.issued(), iat=story.now + seconds))


# --- The same again ---


def test_the_same_submission_again_gets_the_same_receipt(desk: Desk, story: Story) -> None:
    body = story.cohort(3)
    recorded = desk.record(body)
    assert desk.record(body) == replace(recorded, repeated=True)
    assert desk.gate.committed() == OPENING + 4


def test_a_submission_twice_in_one_group_is_recorded_once(desk: Desk, story: Story) -> None:
    body = story.cohort(3)
    first, second = desk.together(body, body)
    assert isinstance(first, Recorded)
    assert second == replace(first, repeated=True)
    assert desk.gate.committed() == OPENING + 4


def test_a_receipt_outlives_the_key_and_the_hour(desk: Desk, story: Story) -> None:
    fresh = story.provider.with_key("second")
    desk.record(story.submission(story.provider, story.key_added(story.provider, fresh)))
    body = story.submission(fresh, story.issued())
    recorded = desk.record(body)
    retired = e.KeyRetired(key=fresh.key_id, organization=fresh.did)
    desk.record(story.submission(story.provider, retired))
    story.now += MAX_AGE + 100
    assert desk.record(body) == replace(recorded, repeated=True)


def test_the_other_good_signature_over_the_same_is_the_same_submission(
    path: Path, story: Story
) -> None:
    """Who holds an ES256 submission can send it with S negated before its provider does."""
    story.provider = party("a provider with P-256", "P-256")
    with Desk(path, story) as desk:
        desk.open_log()
        body = story.cohort(3)
        recorded = desk.record(signed_otherwise(body))
        assert desk.record(body) == replace(recorded, repeated=True)
        assert desk.gate.dry_run(body).recorded == replace(recorded, repeated=True)
        first, second = desk.together(again := story.cohort(1), signed_otherwise(again))
        assert isinstance(first, Recorded)
        assert second == replace(first, repeated=True)
        desk.gate.verify_storage(thorough=True)


def test_the_same_with_a_bad_signature_is_refused(path: Path, story: Story) -> None:
    story.provider = party("a provider with P-256", "P-256")
    with Desk(path, story) as desk:
        desk.open_log()
        body = story.cohort(3)
        desk.record(body)
        jws, lines = body.split(b"\n", 1)
        forged = jws[:-86] + b"A" * 86 + b"\n" + lines
        assert desk.refuse(forged).rule == "signature"
        assert [refusal.rule for refusal in desk.gate.dry_run(forged).refusals] == ["signature"]


def test_other_events_under_the_same_jti_are_a_conflict_whatever_the_signature(
    path: Path, story: Story
) -> None:
    story.provider = party("a provider with P-256", "P-256")
    with Desk(path, story) as desk:
        desk.open_log()
        jti = story.new_id()
        desk.record(story.cohort(1, jti=jti))
        other = story.cohort(1, jti=jti)
        for body in (other, signed_otherwise(other)):
            assert desk.refuse(body).rule == "jti-conflict"


def test_a_jti_used_again_for_something_else_is_a_conflict(desk: Desk, story: Story) -> None:
    jti = story.new_id()
    recorded = desk.record(story.cohort(1, jti=jti))
    refusal = desk.refuse(story.cohort(1, jti=jti))
    assert (refusal.rule, refusal.line, refusal.value) == ("jti-conflict", 1, jti)
    assert f"position {recorded.position}" in refusal.detail


def test_of_two_submissions_racing_under_one_jti_one_is_a_conflict(
    desk: Desk, story: Story
) -> None:
    jti = story.new_id()
    first, second = desk.together(story.cohort(1, jti=jti), story.cohort(1, jti=jti))
    assert isinstance(first, Recorded)
    assert isinstance(second, Refusal)
    assert second.rule == "jti-conflict"


def test_a_jti_whose_submission_was_refused_is_still_free(desk: Desk, story: Story) -> None:
    jti = story.new_id()
    stray = story.submission(story.provider, story.issued(achievement=story.new_id()), jti=jti)
    refused, recorded = desk.together(stray, story.cohort(1, jti=jti))
    assert isinstance(refused, Refusal)
    assert isinstance(recorded, Recorded)


def test_two_organizations_may_use_one_jti(desk: Desk, story: Story) -> None:
    jti = story.new_id()
    desk.record(story.cohort(1, jti=jti))
    desk.record(story.submission(story.accreditor, story.accredited(story.new_id()), jti=jti))


def test_receipts_of_the_unknown_are_none(desk: Desk, story: Story) -> None:
    assert desk.gate.receipt(story.provider.did, story.new_id()) is None


# --- What the rules refuse, through the gate ---

BREACHES: dict[str, Callable[[Story], e.Event]] = {
    "unknown-achievement": lambda story: story.issued(achievement=story.new_id()),
    "unknown-accreditation": lambda story: msgspec.structs.replace(
        story.issued(), accreditation=story.new_id()
    ),
    "achievement-version": lambda story: msgspec.structs.replace(
        story.issued(), achievement_version=2
    ),
    "dates": lambda story: msgspec.structs.replace(story.issued(), valid_until=date(2020, 1, 1)),
    "unknown-credential": lambda story: e.CredentialRevoked(
        credential=story.new_id(), reason="misconduct"
    ),
    "transition": lambda story: story.defined(),
    "role": lambda story: story.accredited(story.new_id()),
    "sponsor-role": lambda story: story.registered(story.provider, party("friend"), "provider"),
    "not-own-organization": lambda story: e.OrganizationClosed(organization=story.accreditor.did),
    "last-key": lambda story: e.KeyRetired(
        key=story.provider.key_id, organization=story.provider.did
    ),
    "possession": lambda story: msgspec.structs.replace(
        story.key_added(story.provider, story.provider.with_key("x")), possession=bytes(64)
    ),
    "genesis-again": lambda story: decode_event(story.genesis()[:-1].split(b"\n")[1]),
}


@pytest.mark.parametrize("rule", BREACHES)
def test_a_breach_of_a_rule_is_refused_at_its_line(desk: Desk, story: Story, rule: str) -> None:
    body = story.submission(story.provider, story.issued(), BREACHES[rule](story), story.issued())
    refusal = desk.refuse(body)
    assert (refusal.rule, refusal.line) == (rule, 3)
    assert desk.gate.committed() == OPENING


def test_references_that_are_no_uuids_name_nothing(desk: Desk, story: Story) -> None:
    issued = desk.record(story.cohort(1))
    (credential,) = credentials_of(desk_body(desk, issued))
    for spelling in (credential.upper(), "-" * 36, "%" * 36, credential[:-1] + "G"):
        event = e.CredentialRevoked(credential=spelling, reason="misconduct")
        refusal = desk.refuse(story.submission(story.provider, event))
        assert refusal.rule == "unknown-credential"


def desk_body(desk: Desk, recorded: Recorded) -> bytes:
    """Return a submission as it stands on the log."""
    return b"\n".join(desk.gate.read(recorded.position, recorded.events + 1)[0]) + b"\n"


# --- Credentials that exist ---


@pytest.mark.parametrize("size", [1, 3, 700])
def test_a_credential_issued_twice_later_is_refused_at_its_line(
    desk: Desk, story: Story, size: int
) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    events = [story.issued() for _ in range(size)]
    refusal = desk.refuse(story.submission(story.provider, *events, story.issued(credential)))
    assert (refusal.rule, refusal.line) == ("already-issued", size + 2)
    assert refusal.value == credential


def test_a_credential_issued_twice_in_one_submission_is_refused(desk: Desk, story: Story) -> None:
    again = story.issued()
    refusal = desk.refuse(story.submission(story.provider, again, story.issued(), again))
    assert (refusal.rule, refusal.line) == ("already-issued", 4)


def test_of_two_submissions_racing_for_one_credential_one_is_refused(
    desk: Desk, story: Story
) -> None:
    credential = story.new_id()
    first, second = desk.together(
        story.submission(story.provider, story.issued(credential)),
        story.submission(story.provider, story.issued(), story.issued(credential)),
    )
    assert isinstance(first, Recorded)
    assert isinstance(second, Refusal)
    assert (second.rule, second.line) == ("already-issued", 3)


def test_two_providers_cannot_issue_one_credential(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    newcomer = other_provider(desk)
    achievement = story.new_id()
    desk.record(story.submission(newcomer, story.defined(achievement)))
    desk.record(story.submission(story.provider, story.issued(credential)))
    stolen = story.issued(credential, achievement=achievement, accredited=False)
    assert desk.refuse(story.submission(newcomer, stolen)).rule == "already-issued"


def test_an_id_names_one_thing_only(desk: Desk, story: Story) -> None:
    """An achievement's id is no credential's, whether in the log or in the same submission."""
    refusal = desk.refuse(story.submission(story.provider, story.issued(story.achievement)))
    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 2, story.achievement)
    fresh = story.new_id()
    refusal = desk.refuse(
        story.submission(story.provider, story.defined(fresh), story.issued(fresh))
    )
    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 3, fresh)
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    refusal = desk.refuse(story.submission(story.provider, story.defined(credential)))
    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 2, credential)


def test_of_two_submissions_racing_for_one_id_one_is_refused(desk: Desk, story: Story) -> None:
    achievement, credential = story.new_id(), story.new_id()
    outcomes = desk.together(
        story.submission(story.provider, story.defined(achievement)),
        story.submission(story.provider, story.issued(achievement)),
        story.submission(story.provider, story.issued(credential)),
        story.submission(story.provider, story.defined(credential)),
    )
    assert [getattr(outcome, "rule", "recorded") for outcome in outcomes] == [
        *("recorded", "id-taken") * 2
    ]


def test_a_status_of_something_else_is_refused(desk: Desk, story: Story) -> None:
    event = e.CredentialRevoked(credential=story.achievement, reason="misconduct")
    assert desk.refuse(story.submission(story.provider, event)).rule == "unknown-credential"


def test_another_providers_credential_cannot_be_revoked(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(), story.issued(credential)))
    newcomer = other_provider(desk)
    event = e.CredentialRevoked(credential=credential, reason="misconduct")
    refusal = desk.refuse(story.submission(newcomer, event))
    assert refusal.rule == "credential-of-another"
    assert story.provider.did in refusal.detail


@pytest.mark.parametrize("together", [True, False])
def test_a_revoked_credential_stays_revoked(desk: Desk, story: Story, together: bool) -> None:  # noqa: FBT001
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    changes = [
        story.submission(story.provider, event)
        for event in (
            e.CredentialRevoked(credential=credential, reason="misconduct"),
            e.CredentialReinstated(credential=credential),
            e.CredentialRevoked(credential=credential, reason="misconduct"),
            e.CredentialSuspended(credential=credential, reason="misconduct"),
        )
    ]
    outcomes = desk.together(*changes) if together else [desk.submit(body) for body in changes]
    assert isinstance(outcomes[0], Recorded)
    assert [getattr(outcome, "rule", None) for outcome in outcomes[1:]] == ["transition"] * 3


def test_a_successor_must_exist(desk: Desk, story: Story) -> None:
    one, other = story.new_id(), story.new_id()
    desk.record(story.submission(story.provider, story.issued(one)))
    superseded = e.CredentialSuperseded(credential=one, successor=other)
    assert desk.refuse(story.submission(story.provider, superseded)).rule == "unknown-credential"
    desk.record(story.submission(story.provider, story.issued(other), superseded))


# --- One among others ---


def test_a_refused_submission_spoils_nobody_elses(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    before = desk.gate.committed()
    outcomes = desk.together(
        story.cohort(2),
        story.submission(story.provider, story.issued(), story.issued(credential)),  # by index
        story.cohort(1),
        story.submission(story.provider, story.issued(achievement=story.new_id())),  # by rule
        story.cohort(3),
    )
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Recorded",
        "Refusal",
        "Recorded",
        "Refusal",
        "Recorded",
    ]
    positions = [outcome.position for outcome in outcomes if isinstance(outcome, Recorded)]
    assert positions == [before, before + 3, before + 5]
    assert desk.gate.committed() == before + 9
    desk.gate.verify_storage(thorough=True)


def test_what_a_refused_submission_began_is_undone(desk: Desk, story: Story) -> None:
    """Its first events were sound; none of them may bear on those behind it."""
    credential, achievement = story.new_id(), story.new_id()
    half = story.submission(
        story.provider,
        story.issued(credential),
        story.defined(achievement),
        story.issued(achievement=story.new_id()),
    )
    _, revoked, defined, issued = desk.together(
        half,
        story.submission(
            story.provider, e.CredentialRevoked(credential=credential, reason="misconduct")
        ),
        story.submission(story.provider, story.defined(achievement)),
        story.submission(story.provider, story.issued(credential)),
    )
    assert isinstance(revoked, Refusal)
    assert revoked.rule == "unknown-credential"
    assert isinstance(defined, Recorded)
    assert isinstance(issued, Recorded)


def test_what_the_index_refused_is_undone_as_well(desk: Desk, story: Story) -> None:
    taken, credential, achievement = story.new_id(), story.new_id(), story.new_id()
    desk.record(story.submission(story.provider, story.issued(taken), story.issued(credential)))
    _, defined, suspended = desk.together(
        story.submission(
            story.provider,
            e.CredentialSuspended(credential=credential, reason="misconduct"),
            story.defined(achievement),
            story.issued(taken),
        ),
        story.submission(story.provider, story.defined(achievement)),
        story.submission(
            story.provider, e.CredentialSuspended(credential=credential, reason="misconduct")
        ),
    )
    assert isinstance(defined, Recorded)
    assert isinstance(suspended, Recorded)


def test_a_fault_of_ours_stops_nobody_else(path: Path, story: Story) -> None:
    broken = [False]

    def clock() -> int:
        if broken[0]:
            raise RuntimeError("the clock is broken")
        return story.milliseconds

    with Desk(path, story, clock=clock) as desk:
        desk.open_log()
        broken[0] = True
        outcome = desk.submit(story.cohort(1))
        assert type(outcome) is Unavailable
        assert "clock is broken" in str(outcome)
        broken[0] = False
        desk.record(story.cohort(1))


def test_who_fails_to_hear_of_an_outcome_does_not_stop_the_gate(path: Path, story: Story) -> None:
    heard: list[object] = []

    def settled(answers: list[tuple[object, Outcome]]) -> None:
        heard.extend(ticket for ticket, _ in answers)
        raise RuntimeError("nobody is listening")

    gate = Gate.open(
        path, log_key=story.log_key.public, settled=settled, clock=lambda: story.milliseconds
    )
    gate.open_log(story.genesis())
    for ticket in (1, 2):
        gate.offer(gate.check(story.cohort(1)), ticket)
    gate.close()
    assert heard == [1, 2]


# --- Genesis ---


def test_a_log_is_opened_once(path: Path, story: Story) -> None:
    genesis = story.genesis()
    with Desk(path, story) as desk:
        recorded = desk.gate.open_log(genesis)
        assert (recorded.position, recorded.events) == (0, 1)
        assert desk.gate.open_log(genesis) == replace(recorded, repeated=True)
        with pytest.raises(Refusal, match="genesis-again"):
            desk.gate.open_log(story.genesis())
        with pytest.raises(Refusal, match="genesis-again"):
            desk.gate.open_log(Story(name="other").genesis())
        assert desk.gate.committed() == 2


def test_a_log_that_is_not_open_takes_nothing_else(path: Path, story: Story) -> None:
    with Desk(path, story) as desk:
        assert desk.refuse(story.cohort(1)).rule == "genesis-signer"
        assert desk.gate.committed() == 0


def test_only_the_logs_own_key_opens_it(path: Path, story: Story) -> None:
    other = Story(name="other")
    forged = Party(story.log_key.public.did_key(), other.log_key, story.log_key.public.multikey())
    opened = decode_event(story.genesis()[:-1].split(b"\n")[1])
    with Desk(path, story) as desk:
        with pytest.raises(Refusal, match="genesis-signer"):
            desk.gate.open_log(other.genesis())
        with pytest.raises(Refusal, match="signature"):
            desk.gate.open_log(story.submission(forged, opened))
        assert desk.gate.committed() == 0


def test_a_file_opened_by_another_key_is_refused(path: Path, story: Story) -> None:
    with Desk(path, story) as desk:
        desk.open_log()
    with pytest.raises(OtherLog, match="opened by did:key"):
        Desk(path, Story(name="other"))


# --- Dry runs ---


def test_a_dry_run_says_what_would_happen_and_changes_nothing(desk: Desk, story: Story) -> None:
    body = story.submission(story.provider, story.issued(), story.issued(accredited=False))
    dry = desk.gate.dry_run(body)
    assert (dry.refusals, dry.size, dry.recorded) == ([], OPENING, None)
    assert dry.flags == ((3, "no-accreditation-claimed"),)
    assert desk.gate.committed() == OPENING
    recorded = desk.record(body)
    assert recorded.flags == dry.flags
    assert desk.gate.dry_run(body).recorded == replace(recorded, repeated=True)


def test_a_dry_run_lists_every_bad_line(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    body = story.submission(
        story.provider,
        story.issued(achievement=story.new_id()),
        story.issued(),
        story.issued(credential),
        e.CredentialRevoked(credential=story.new_id(), reason="misconduct"),
        story.issued(),
    )
    found = [(refusal.line, refusal.rule) for refusal in desk.gate.dry_run(body).refusals]
    assert found == [(2, "unknown-achievement"), (4, "already-issued"), (5, "unknown-credential")]


def test_a_dry_run_lists_every_line_of_bad_form(desk: Desk, story: Story) -> None:
    jws, first, second = story.cohort(2)[:-1].split(b"\n")
    mangled = b"\n".join((jws, first[:-1], second.replace(b":", b" :", 1))) + b"\n"
    found = [(refusal.line, refusal.rule) for refusal in desk.gate.dry_run(mangled).refusals]
    assert found == [(1, "root"), (2, "json"), (3, "canonical-json")]


@pytest.mark.parametrize("rule", BREACHES)
def test_a_dry_run_refuses_what_the_gate_refuses(desk: Desk, story: Story, rule: str) -> None:
    body = story.submission(story.provider, story.issued(), BREACHES[rule](story))
    (refusal,) = desk.gate.dry_run(body).refusals
    assert str(refusal) == str(desk.refuse(body))


def test_a_dry_run_judges_header_signature_and_ids(desk: Desk, story: Story) -> None:
    jti = story.new_id()
    desk.record(story.cohort(1, jti=jti))
    impostor = replace(story.provider, key=party("nobody").key)
    for rule, body in {
        "audience": story.submission(story.provider, story.issued(), aud="other.example/log"),
        "signature": story.submission(impostor, story.issued()),
        "jti-conflict": story.cohort(1, jti=jti),
        "id-taken": story.submission(story.provider, story.issued(story.achievement)),
    }.items():
        (refusal,) = desk.gate.dry_run(body).refusals
        assert refusal.rule == rule


def test_a_dry_run_knows_what_another_process_appended(path: Path, desk: Desk) -> None:
    story = desk.story
    with Desk(path, story) as elsewhere:
        newcomer = other_provider(elsewhere)
    assert (
        desk.gate.dry_run(story.submission(newcomer, story.defined(story.new_id()))).refusals == []
    )


# --- Too much, too full, closed ---


class Waits:
    """A listener that keeps the committer waiting until it is let go."""

    def __init__(self) -> None:
        self.entered: Future[None] = Future()
        self.released: Future[None] = Future()
        self.outcomes: dict[object, object] = {}

    def __call__(self, answers: list[tuple[object, Outcome]]) -> None:
        self.outcomes.update(answers)
        if not self.entered.done():
            self.entered.set_result(None)
        self.released.result(timeout=30)


@pytest.mark.parametrize(
    "limits",
    [Limits(waiting=3), Limits(waiting_bytes=6_000)],
    ids=["in number", "in bytes"],
)
def test_the_queue_is_bounded(path: Path, story: Story, limits: Limits) -> None:
    waits = Waits()
    gate = Gate.open(
        path,
        log_key=story.log_key.public,
        settled=waits,
        clock=lambda: story.milliseconds,
        limits=limits,
    )
    for body in story.opening():
        gate._committer.commit([gate.check(body)])
    offered: list[int] = []
    gate.offer(gate.check(story.cohort(1)), 0)
    waits.entered.result(timeout=30)
    with pytest.raises(Overloaded, match="are waiting") as overloaded:  # noqa: PT012
        for ticket in range(1, 100):
            gate.offer(gate.check(story.cohort(3)), ticket)
            offered.append(ticket)
    assert overloaded.value.retry_after >= 1
    assert not isinstance(overloaded.value, StorageFull)
    assert offered in ([1, 2, 3], [1, 2])
    waits.released.set_result(None)
    gate.close()
    assert sorted(waits.outcomes, key=str) == [0, *offered]
    assert all(isinstance(outcome, Recorded) for outcome in waits.outcomes.values())


def test_a_lone_large_submission_is_taken_whatever_the_bound(path: Path, story: Story) -> None:
    with Desk(path, story, limits=Limits(waiting_bytes=1, group_events=10)) as desk:
        desk.open_log()
        assert desk.record(story.cohort(50)).events == 50


def test_a_group_holds_no_more_than_it_should(path: Path, story: Story) -> None:
    waits = Waits()
    groups: list[int] = []

    def settled(answers: list[tuple[object, Outcome]]) -> None:
        groups.append(len(answers))
        waits(answers)

    gate = Gate.open(
        path,
        log_key=story.log_key.public,
        settled=settled,
        clock=lambda: story.milliseconds,
        limits=Limits(group_events=10),
    )
    for body in story.opening():
        gate._committer.commit([gate.check(body)])
    for ticket, size in enumerate((1, 4, 5, 2, 30, 3, 3)):
        gate.offer(gate.check(story.cohort(size)), ticket)
        if ticket == 0:
            waits.entered.result(timeout=30)
    waits.released.set_result(None)
    gate.close()
    assert groups == [1, 2, 1, 1, 2]


def test_nothing_is_taken_when_the_volume_is_nearly_full(path: Path, story: Story) -> None:
    with Desk(path, story) as desk:
        desk.open_log()
    with Desk(path, story, limits=Limits(free_space=2**62)) as desk:
        with pytest.raises(StorageFull, match="are kept as a reserve") as full:
            desk.submit(story.cohort(1))
        assert full.value.retry_after > 1
        assert desk.gate.committed() == OPENING


def test_closing_commits_what_waits(path: Path, story: Story) -> None:
    with Desk(path, story) as desk:
        desk.open_log()
        waiting = [desk.offer(story.cohort(5)) for _ in range(30)]
    assert all(isinstance(ticket.result(timeout=0), Recorded) for ticket in waiting)
    with Desk(path, story) as desk:
        assert desk.gate.committed() == OPENING + 30 * 6


def test_a_closed_gate_takes_nothing(path: Path, story: Story) -> None:
    desk = Desk(path, story).open_log()
    checked = desk.gate.check(story.cohort(1))
    desk.close()
    with pytest.raises(Unavailable, match="closed"):
        desk.gate.offer(checked, object())
    with pytest.raises(Unavailable, match="closed"):
        desk.gate.committed()
