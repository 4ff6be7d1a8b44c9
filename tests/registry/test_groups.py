"""Submissions committed together: a refused one spoils nothing for the others."""

from __future__ import annotations

from registry.gate import Outcome, Recorded
from testamur.catalogue import events as e
from testamur.errors import Refusal, Unavailable
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Story


def test_a_refused_submission_spoils_nobody_elses(desk: Desk, story: Story) -> None:
    credential = story.new_id()
    desk.record(story.submission(story.provider, story.issued(credential)))
    before = desk.committed()
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
    assert desk.committed() == before + 9
    desk.examine()


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


def test_a_fault_of_ours_stops_nobody_else(kept: Kept, story: Story) -> None:
    broken = [False]

    def clock() -> int:
        if broken[0]:
            raise RuntimeError("the clock is broken")
        return story.milliseconds

    with Desk(kept, story, clock=clock) as desk:
        desk.open_log()
        broken[0] = True
        outcome = desk.submit(story.cohort(1))
        assert type(outcome) is Unavailable
        assert "clock is broken" in str(outcome)
        broken[0] = False
        desk.record(story.cohort(1))


def test_a_callback_that_fails_does_not_stop_the_gate(kept: Kept, story: Story) -> None:
    heard: list[object] = []

    def settled(answers: list[tuple[object, Outcome]]) -> None:
        heard.extend(ticket for ticket, _ in answers)
        raise RuntimeError("nobody is listening")

    with Desk(kept, story, settled=settled) as desk:
        desk.gate.open_log(story.genesis())
        for ticket in (1, 2):
            desk.gate.offer(desk.gate.check(story.cohort(1)), ticket)
    assert heard == [1, 2]
