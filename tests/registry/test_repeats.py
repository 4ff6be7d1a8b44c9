"""The same submission again gets the same receipt; another under its jti is a conflict."""

from __future__ import annotations

from msgspec.structs import replace

from registry.gate import Recorded
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from testamur.rules import MAX_AGE
from tests.harness.gates import OPENING, Desk
from tests.harness.stores import Kept
from tests.harness.story import Story, party, signed_otherwise


def test_the_same_submission_again_gets_the_same_receipt(desk: Desk, story: Story) -> None:
    body = story.cohort(3)
    recorded = desk.record(body)
    assert desk.record(body) == replace(recorded, repeated=True)
    assert desk.committed() == OPENING + 4


def test_a_submission_twice_in_one_group_is_recorded_once(desk: Desk, story: Story) -> None:
    body = story.cohort(3)
    first, second = desk.together(body, body)
    assert isinstance(first, Recorded)
    assert second == replace(first, repeated=True)
    assert desk.committed() == OPENING + 4


def test_a_receipt_outlives_the_key_and_the_hour(desk: Desk, story: Story) -> None:
    fresh = story.provider.with_key("second")
    desk.record(story.submission(story.provider.founding, story.key_listed(fresh)))
    body = story.submission(fresh, story.issued())
    recorded = desk.record(body)
    desk.record(story.submission(story.provider.founding, story.key_retired(fresh)))
    story.now += MAX_AGE + 100
    assert desk.record(body) == replace(recorded, repeated=True)


def test_the_other_good_signature_over_the_same_is_the_same_submission(
    kept: Kept, story: Story
) -> None:
    """Anybody who holds an ES256 submission can send it with S negated, before its provider."""
    story.provider = party("a provider with P-256", "P-256")
    with Desk(kept, story) as desk:
        desk.open_log()
        body = story.cohort(3)
        recorded = desk.record(signed_otherwise(body))
        assert desk.record(body) == replace(recorded, repeated=True)
        first, second = desk.together(again := story.cohort(1), signed_otherwise(again))
        assert isinstance(first, Recorded)
        assert second == replace(first, repeated=True)
        desk.examine()


def test_the_same_with_a_bad_signature_is_refused(kept: Kept, story: Story) -> None:
    story.provider = party("a provider with P-256", "P-256")
    with Desk(kept, story) as desk:
        desk.open_log()
        body = story.cohort(3)
        desk.record(body)
        jws, lines = body.split(b"\n", 1)
        forged = jws[:-86] + b"A" * 86 + b"\n" + lines
        assert desk.refuse(forged).rule == "signature"


def test_other_events_under_the_same_jti_are_a_conflict_whatever_the_signature(
    kept: Kept, story: Story
) -> None:
    story.provider = party("a provider with P-256", "P-256")
    with Desk(kept, story) as desk:
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


# --- Whether it still counts ---


def test_the_receipt_of_a_submission_that_was_cut_off_says_so(desk: Desk, story: Story) -> None:
    body, kept = story.cohort(3), story.cohort(1)
    recorded, other = desk.record(body), desk.record(kept)
    assert recorded.counts
    cut = story.key_compromised(
        story.provider, recorded.position, kept=((other.position, other.position),)
    )
    desk.record(story.submission(story.provider.founding, cut))
    assert desk.record(body) == replace(recorded, repeated=True, counts=False)
    assert desk.record(kept) == replace(other, repeated=True)
    names = parse(body).header.payload
    found = desk.gate.receipt(names.iss, names.jti)
    assert found == replace(recorded, repeated=True, counts=False)


def test_a_declaration_in_the_same_group_is_in_the_receipt_of_what_is_sent_again(
    desk: Desk, story: Story
) -> None:
    body = story.cohort(1)
    cut = story.submission(
        story.provider.founding, story.key_compromised(story.provider, desk.committed())
    )
    first, _, again = desk.together(body, cut, body)
    assert isinstance(first, Recorded)
    assert first.counts
    assert again == replace(first, repeated=True, counts=False)


def test_a_receipt_knows_of_what_another_process_recorded(desk: Desk, story: Story) -> None:
    body = story.cohort(1)
    recorded = desk.record(body)
    with Desk(desk.kept, story) as elsewhere:
        cut = story.key_compromised(story.provider, recorded.position)
        elsewhere.record(story.submission(story.provider.founding, cut))
        names = parse(body).header.payload
        found = desk.gate.receipt(names.iss, names.jti)
        assert found == replace(recorded, repeated=True, counts=False)
        assert desk.record(body) == found


def test_a_genesis_sent_again_counts(kept: Kept, story: Story) -> None:
    body = story.genesis()
    with Desk(kept, story) as desk:
        assert desk.gate.open_log(body).counts
        assert desk.gate.open_log(body).counts
