"""The submissions of a group share what they find of terms, until somebody says something else."""

from __future__ import annotations

from typing import Any

import pytest

from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.rules import admission
from testamur.rules.accreditors import Accreditors
from tests.harness.gates import Desk
from tests.harness.story import Story


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each look at accreditors."""
    found: list[int] = []

    def counted(*args: Any) -> Accreditors:
        found.append(1)
        return Accreditors(*args)

    monkeypatch.setattr(admission, "Accreditors", counted)
    return found


def flags(desk: Desk, *bodies: bytes) -> list[list[str]]:
    """Record a group; return the flags of each submission."""
    found = []
    for outcome in desk.together(*bodies):
        assert isinstance(outcome, Recorded), outcome
        found.append([code for _, code in outcome.flags])
    return found


def test_an_accreditor_is_looked_at_once_for_a_group(
    desk: Desk, story: Story, looked: list[int]
) -> None:
    assert flags(desk, *(story.cohort(1) for _ in range(5))) == [[]] * 5
    assert len(looked) == 1
    desk.examine()


@pytest.mark.parametrize("what", ["suspended", "withdrawn", "retired", "revised", "declared"])
def test_what_is_said_between_two_submissions_is_heard_by_the_second(
    desk: Desk, story: Story, what: str
) -> None:
    accreditor, authority, provider = story.accreditor, story.authority, story.provider
    said: dict[str, tuple[Any, e.Event, str]] = {
        "suspended": (
            accreditor,
            e.AccreditationSuspended(accreditation=story.accreditation, reason="misconduct"),
            "accreditation-not-in-force",
        ),
        "withdrawn": (
            authority,
            e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary"),
            "accreditor-not-recognised",
        ),
        "retired": (
            provider,
            e.AchievementRetired(achievement=story.achievement),
            "achievement-retired",
        ),
        "revised": (
            provider,
            e.AchievementRevised(
                achievement=story.achievement, definition=story.definition(), version=2
            ),
            "achievement-version-outdated",
        ),
        # With the authority's key falls the recognition.
        "declared": (
            authority.founding,
            story.key_compromised(authority, 2),
            "accreditor-not-recognised",
        ),
    }
    signer, event, flag = said[what]
    group = story.cohort(1), story.submission(signer, event), story.cohort(1)
    first, _, second = flags(desk, *group)
    assert (first, second) == ([], [flag])
    desk.examine()


def test_who_closed_between_two_submissions_issues_no_more(desk: Desk, story: Story) -> None:
    closed = story.submission(story.provider, story.closed())
    before, _, after = desk.together(story.cohort(1), closed, story.cohort(1))

    assert isinstance(before, Recorded)
    assert isinstance(after, Refusal)
    assert after.rule == "organization-closed"
    desk.examine()


def test_an_id_that_is_taken_between_two_submissions_is_issued_no_more(
    desk: Desk, story: Story
) -> None:
    ids = [story.new_id() for _ in range(2)]
    takings = [story.submission(story.provider, story.defined(id_)) for id_ in ids]
    issuing = [story.submission(story.provider, story.issued(id_)) for id_ in ids]
    group = story.cohort(1), takings[0], issuing[0], story.cohort(1), takings[1], issuing[1]
    outcomes = desk.together(*group)

    refused = [each.rule for each in outcomes if isinstance(each, Refusal)]
    assert refused == ["id-taken", "id-taken"]
    assert isinstance(outcomes[3], Recorded)
    desk.examine()


@pytest.mark.parametrize("together", [False, True])
def test_a_successor_that_is_named_in_between_may_act(
    desk: Desk,
    story: Story,
    together: bool,  # noqa: FBT001
) -> None:
    """The owner has closed, so its accreditor's word takes effect at once."""
    accreditor, provider, issued = story.accreditor, story.provider, story.issued()
    suspended = e.CredentialSuspended(credential=issued.credential, reason="misconduct")
    named = story.succeeded(provider, accreditor)
    desk.record(story.submission(provider, issued))
    desk.record(story.submission(provider, story.closed()))
    said: list[list[e.Event]] = [[suspended]]
    said += [[named, suspended]] if together else [[named], [suspended]]
    refused, *others = desk.together(*(story.submission(accreditor, *each) for each in said))
    assert isinstance(refused, Refusal)
    assert refused.rule == "credential-of-another"
    assert all(isinstance(each, Recorded) for each in others), others
    desk.examine()
