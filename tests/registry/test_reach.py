"""A declaration that brings back what was ended is flagged, by totals that the store keeps.

Its receipt says how much it took back, again after a restart, and so does a dry run before it.
"""

from __future__ import annotations

import pytest

from registry import submissions
from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.rules.reach import Reach, Sums
from tests.harness.gates import Desk
from tests.harness.story import Story

FLAG = "reaches-back"


def revocation(story: Story, credential: str) -> bytes:
    """Return the provider's revocation of a credential."""
    event = e.CredentialRevoked(credential=credential, reason="misconduct")
    return story.submission(story.provider, event)


def declaration(story: Story, since: int) -> bytes:
    """Return the provider's declaration about its signing key."""
    declared = story.key_compromised(story.provider, since)
    return story.submission(story.provider.founding, declared)


@pytest.mark.parametrize("grouped", [False, True])
def test_a_declaration_that_undoes_a_revocation_is_flagged(
    desk: Desk,
    story: Story,
    grouped: bool,  # noqa: FBT001
) -> None:
    issued = story.issued()
    desk.record(story.submission(story.provider, issued))
    since = desk.committed()
    bodies = [revocation(story, issued.credential), declaration(story, since)]
    revoked, declared = desk.together(*bodies) if grouped else map(desk.record, bodies)
    assert isinstance(revoked, Recorded)
    assert isinstance(declared, Recorded)
    assert (revoked.flags, declared.flags) == ((), ((2, FLAG),))
    assert (revoked.reach, declared.reach) == (None, Reach(fallen=Sums(endings=1)))
    again = desk.record(bodies[1])
    assert (again.flags, again.reach) == (declared.flags, declared.reach)
    desk.examine()


def test_one_that_undoes_issuances_alone_is_not(desk: Desk, story: Story) -> None:
    since = desk.committed()
    desk.record(story.cohort(4))
    declared = desk.record(declaration(story, since))
    assert (declared.flags, declared.reach) == ((), Reach(fallen=Sums(issuances=4)))


def test_a_restatement_tells_what_counts_again(desk: Desk, story: Story) -> None:
    since = desk.committed()
    desk.record(story.cohort(4))
    desk.record(declaration(story, since))
    mended = desk.record(declaration(story, desk.committed()))
    assert mended.reach == Reach(returned=Sums(issuances=4))
    assert desk.record(declaration(story, desk.committed())).reach is None


def test_what_a_store_says_of_the_reach_is_compared_with_a_replay(desk: Desk, story: Story) -> None:
    since = desk.committed()
    desk.record(story.cohort(4))
    desk.record(declaration(story, since))
    with desk.store.reading() as reading:
        row = reading.submission_around(desk.committed() - 1)
    assert row is not None
    assert submissions.unpack(row.flags) == ((), Reach(fallen=Sums(issuances=4)))
    desk.examine()


def test_a_dry_run_says_so_too(desk: Desk, story: Story) -> None:
    issued = story.issued()
    desk.record(story.submission(story.provider, issued))
    since = desk.record(revocation(story, issued.credential)).position
    declared = story.key_compromised(story.provider, since)
    dry = desk.gate.dry_run(story.dry_run(story.provider.founding, declared))
    assert (dry.flags, dry.reach) == (((2, FLAG),), Reach(fallen=Sums(endings=1)))


def test_totals_are_those_of_one_key_of_one_organization(desk: Desk, story: Story) -> None:
    fresh = story.provider.with_key("fresh")
    desk.record(story.submission(story.provider.founding, story.key_listed(fresh)))
    bodies = [story.cohort(3), story.submission(fresh, story.issued()), story.cohort(2)]
    positions = [desk.record(body).position for body in bodies[:1]]
    positions += [one.position for one in desk.together(*bodies[1:]) if isinstance(one, Recorded)]
    with desk.store.reading() as reading:
        did, key = story.provider.did, story.provider.key_id
        found = reading.totals(did, key, [position + 1 for position in positions])
        assert [Sums(*each).issuances for each in found] == [3, 3, 5]
        assert reading.latest_totals([(did, fresh.key_id)]) == [(1, 0, 0)]
