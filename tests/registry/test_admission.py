"""What the gate records, and what it refuses for its bytes, its time or a rule."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import submissions
from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.catalogue.submission import (
    parse,
    submission_entry,
)
from testamur.errors import Refusal
from testamur.rules import MAX_AGE, MAX_AHEAD
from testamur.tlog.merkle import leaf_hashes
from testamur.verification.replay import Replayer
from tests.harness.gates import OPENING, Desk
from tests.harness.stores import Kept
from tests.harness.story import Story, credentials_of
from tests.registry.breaches import BREACHES

# --- What is recorded ---


def test_the_log_holds_what_was_signed_byte_for_byte(desk: Desk, story: Story) -> None:
    body = story.cohort(3)
    jws, *lines = body[:-1].split(b"\n")
    recorded = desk.record(body)
    assert recorded == Recorded(OPENING, 3, story.milliseconds, (), repeated=False)
    entries, leaves = desk.read(OPENING, 100)
    assert entries == [submission_entry(jws.decode(), story.milliseconds), *lines]
    assert leaves == leaf_hashes(entries)
    assert desk.committed() == OPENING + 4


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
    entries, leaves = desk.read(0, desk.committed())
    replayer = Replayer(story.log_key.public, origin=story.origin)
    replayer.feed(entries, leaves)
    replayer.settle()
    assert replayer.register == desk.register()


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
    assert desk.record(body) == msgspec.structs.replace(recorded, repeated=True)
    header = parse(body).header.payload
    assert desk.gate.receipt(header.iss, header.jti) == msgspec.structs.replace(
        recorded, repeated=True
    )


def replace_dates(event: e.CredentialIssued, valid_from: date) -> e.CredentialIssued:
    return msgspec.structs.replace(event, valid_from=valid_from)


@given(
    st.dictionaries(
        st.integers(2, 60), st.lists(st.sampled_from(["a", "b-c", "d"]), min_size=1, unique=True)
    )
)
def test_flags_survive_packing(flagged: dict[int, list[str]]) -> None:
    flags = tuple((line, code) for line in sorted(flagged) for code in flagged[line])
    assert submissions.unpack(submissions.pack(flags, None)) == (flags, None)


def test_flags_of_a_large_cohort_take_little_room(desk: Desk, story: Story) -> None:
    events = [story.issued(accredited=False) for _ in range(500)]
    assert len(desk.record(story.submission(story.provider, *events)).flags) == 500
    with desk.store.reading() as reading:
        (row,) = reading.submissions_from(OPENING, 1)
    assert len(row.flags or b"") < 50


def test_recorded_times_never_decrease(kept: Kept, story: Story) -> None:
    times = [story.milliseconds + 5_000, story.milliseconds, story.milliseconds + 7_000]
    now = [story.milliseconds]
    recorded = []
    with Desk(kept, story, clock=lambda: now[-1]) as desk:
        desk.open_log()
        for time in times:
            now.append(time)
            recorded.append(desk.record(story.cohort(1)).recorded_at)
    assert recorded == [times[0], times[0], times[2]]


def test_a_provider_may_issue_as_soon_as_its_registration_is_decided(
    kept: Kept, story: Story
) -> None:
    """Its key was in no register when the submission came in; it is verified all the same."""
    with Desk(kept, story) as desk:
        genesis, *others = story.opening()
        desk.gate.open_log(genesis)
        outcomes = desk.together(*others, story.cohort(2))
        assert all(isinstance(outcome, Recorded) for outcome in outcomes)


def test_keys_of_both_curves_may_sign(desk: Desk, story: Story) -> None:
    fresh = story.provider.with_key("second", "P-256")
    desk.record(story.submission(story.provider.founding, story.key_listed(fresh)))
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
    assert desk.stream(credential) == [
        (1, "credential.issued/1"),
        (2, "credential.suspended/1"),
        (3, "credential.reinstated/1"),
        (4, "credential.revoked/1"),
    ]


# --- Bytes ---


def test_a_changed_byte_is_refused_wherever_it_is(desk: Desk, story: Story) -> None:
    body = story.cohort(2)
    before = desk.committed()
    for at in range(0, len(body), 7):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        assert isinstance(desk.submit(changed), Refusal), f"byte {at}"
    assert desk.committed() == before
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


# --- Rules ---


@pytest.mark.parametrize("rule", BREACHES)
def test_a_breach_of_a_rule_is_refused_at_its_line(desk: Desk, story: Story, rule: str) -> None:
    body = story.submission(story.provider, story.issued(), BREACHES[rule](story), story.issued())
    refusal = desk.refuse(body)
    assert (refusal.rule, refusal.line) == (rule, 3)
    assert desk.committed() == OPENING


def test_references_that_are_no_uuids_name_nothing(desk: Desk, story: Story) -> None:
    issued = desk.record(story.cohort(1))
    (credential,) = credentials_of(desk_body(desk, issued))
    for spelling in (credential.upper(), "-" * 36, "%" * 36, credential[:-1] + "G"):
        event = e.CredentialRevoked(credential=spelling, reason="misconduct")
        refusal = desk.refuse(story.submission(story.provider, event))
        assert refusal.rule == "unknown-credential"


def desk_body(desk: Desk, recorded: Recorded) -> bytes:
    """Return a submission as it stands on the log."""
    return b"\n".join(desk.read(recorded.position, recorded.events + 1)[0]) + b"\n"
