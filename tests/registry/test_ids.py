"""One id, one thing: what is issued or defined once cannot be again, by anybody."""

from __future__ import annotations

import pytest

from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.errors import Refusal
from tests.harness.gates import Desk, other_provider
from tests.harness.story import Story


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
