"""A cap counts against the key that uses it up, and no other key."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.rules import LIMITS, Limits
from testamur.rules.status import NOTICE
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story
from tests.rules.members import registrar, robbed

Spend = Callable[[Story, int], tuple[Party, e.Event]]

SMALL = Limits(status_events=2, revisions=2, grants=2)
TOGETHER = Limits(status_events=2, status_together=4, status_reserve=2)


def revised(story: Story, number: int) -> e.AchievementRevised:
    return e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=number + 2
    )


SPENT: dict[str, tuple[str, Spend]] = {
    "a status event of an accreditation": (
        "status-event-count",
        lambda story, _: (
            story.accreditor,
            e.AccreditationReinstated(accreditation=story.accreditation),
        ),
    ),
    "a restated accreditation": (
        "status-event-count",
        lambda story, _: (story.accreditor, story.accreditation_restated()),
    ),
    "a restated recognition": (
        "status-event-count",
        lambda story, _: (story.authority, story.recognition_restated()),
    ),
    "a retirement": (
        "status-event-count",
        lambda story, _: (story.provider, e.AchievementRetired(achievement=story.achievement)),
    ),
    "an update": ("status-event-count", lambda story, _: (story.provider, story.updated())),
    "an objection": ("status-event-count", lambda story, _: (story.provider, story.objected())),
    "its own successor": (
        "status-event-count",
        lambda story, _: (story.provider, story.succeeded(story.provider, story.accreditor)),
    ),
    "another's successor": (
        "status-event-count",
        lambda story, _: (story.accreditor, story.succeeded(story.provider, story.authority)),
    ),
    "a revision": (
        "revision-count",
        lambda story, number: (story.provider, revised(story, number)),
    ),
    "a recognition": (
        "grant-count",
        lambda story, _: (story.authority, story.recognised(story.new_id(), of=story.provider)),
    ),
    "an accreditation": (
        "grant-count",
        lambda story, _: (story.accreditor, story.accredited(story.new_id(), of=story.authority)),
    ),
}


def test_the_caps_are_those_of_the_design() -> None:
    assert (LIMITS.status_events, LIMITS.revisions, LIMITS.grants) == (8, 64, 16)
    assert (LIMITS.status_together, LIMITS.status_reserve) == (64, 32)
    assert (LIMITS.authorities, LIMITS.writings) == (64, 16)


@pytest.mark.parametrize("what", SPENT)
def test_a_key_says_so_much_of_one_thing_and_another_key_goes_on(
    gate: MemoryGate, story: Story, what: str
) -> None:
    gate.limits = SMALL
    rule, spend = SPENT[what]
    for number in range(2):
        gate.admit(*spend(story, number))
    signer, event = spend(story, 2)

    refusal = gate.refused(signer, event)
    assert (refusal.rule, refusal.line) == (rule, 2)
    other = signer.with_key("other")
    gate.admit(signer.founding, story.key_listed(other))
    gate.admit(other, event)


@pytest.mark.parametrize("what", SPENT)
def test_a_submission_is_counted_event_by_event(gate: MemoryGate, story: Story, what: str) -> None:
    gate.limits = SMALL
    rule, spend = SPENT[what]
    events = [spend(story, number)[1] for number in range(3)]

    refusal = gate.refused(spend(story, 0)[0], *events)
    assert (refusal.rule, refusal.line) == (rule, 4)


def test_what_counts_no_more_was_spent_all_the_same(gate: MemoryGate, story: Story) -> None:
    """A thief spends what the stolen key may spend, and nothing of the fresh key's."""
    gate.limits = SMALL
    since = gate.register.size
    gate.admit(story.provider, story.updated(), story.updated())
    fresh = robbed(gate, story.provider, since)
    gate.admit(fresh, story.updated(), story.updated())

    assert gate.refused(fresh, story.updated()).rule == "status-event-count"


def test_recognitions_and_accreditations_of_one_subject_are_counted_apart(
    gate: MemoryGate, story: Story
) -> None:
    gate.limits = SMALL
    both = registrar(gate, "accreditor", "authority")
    granted: list[e.Event] = [
        *(story.recognised(story.new_id(), of=story.provider) for _ in range(2)),
        *(story.accredited(story.new_id()) for _ in range(2)),
        *(story.accredited(story.new_id(), of=story.accreditor) for _ in range(2)),
    ]
    gate.admit(both, *granted)

    assert gate.refused(both, story.accredited(story.new_id())).rule == "grant-count"


def test_a_line_written_again_spends_too(gate: MemoryGate, story: Story) -> None:
    gate.limits = Limits(grants=1)
    event = story.accredited(story.new_id(), of=story.authority)
    since = gate.register.size
    gate.admit(story.accreditor, event)
    fresh = robbed(gate, story.accreditor, since)
    gate.admit(fresh, event)

    other = story.accredited(story.new_id(), of=story.authority)
    assert gate.refused(fresh, other).rule == "grant-count"


def test_a_key_makes_so_many_authorities_of_whatever_subjects(
    gate: MemoryGate, story: Story
) -> None:
    gate.limits = Limits(authorities=2)
    for subject in (story.provider, story.accreditor):
        gate.admit(story.authority, story.recognised(story.new_id(), as_="authority", of=subject))
    third = story.recognised(story.new_id(), as_="authority", of=story.authority)
    refusal = gate.refused(story.authority, third)
    assert (refusal.rule, refusal.line) == ("authority-count", 2)

    gate.admit(story.authority, story.recognised(story.new_id(), of=story.provider))
    other = story.authority.with_key("other")
    gate.admit(story.authority.founding, story.key_listed(other))
    gate.admit(other, third)


AGAIN: dict[str, Callable[[Story], tuple[Party, e.Event]]] = {
    "a credential": lambda story: (story.provider, story.issued()),
    "an achievement": lambda story: (story.provider, story.defined(story.new_id())),
    "a recognition": lambda story: (story.authority, story.recognised(story.new_id())),
    "an accreditation": lambda story: (story.accreditor, story.accredited(story.new_id())),
}


@pytest.mark.parametrize("what", AGAIN)
def test_a_line_is_written_so_often(gate: MemoryGate, story: Story, what: str) -> None:
    gate.limits = Limits(writings=2)
    signer, event = AGAIN[what](story)
    for _ in range(2):
        since = gate.register.size
        gate.admit(signer, event)
        signer = robbed(gate, signer, since)

    refusal = gate.refused(signer, event)
    assert (refusal.rule, refusal.line) == ("writing-count", 2)


def listed_by(gate: MemoryGate, lister: Party, name: str) -> Party:
    key = lister.with_key(name)
    gate.admit(lister, gate.story.key_listed(key))
    return key


def suspended(accreditation: str) -> e.Event:
    return e.AccreditationSuspended(accreditation=accreditation, reason="misconduct")


def test_all_keys_of_an_owner_together_say_so_much_of_one_thing(
    gate: MemoryGate, story: Story
) -> None:
    """The last of it keys alone that the founding key listed."""
    gate.limits = TOGETHER
    said = suspended(story.accreditation)
    founding, recovery = story.accreditor.founding, story.accreditor.recovery
    gate.admit(listed_by(gate, recovery, "thief's"), said, said)
    for number in range(2):
        refusal = gate.refused(listed_by(gate, recovery, f"more {number}"), said)
        assert (refusal.rule, refusal.line) == ("status-event-count", 2)
        assert "can still be ended" in refusal.detail
    gate.admit(story.accreditor, said, story.accreditation_restated())
    assert gate.refused(listed_by(gate, founding, "last"), said).rule == "status-event-count"


def test_what_has_not_ended_can_always_be_ended(gate: MemoryGate, story: Story) -> None:
    """Whatever was said of it, and again after the ending counts no more."""
    gate.limits = TOGETHER
    said = suspended(story.accreditation)
    ended = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct")
    founding, recovery = story.accreditor.founding, story.accreditor.recovery
    gate.admit(story.accreditor, said, said)
    gate.admit(listed_by(gate, founding, "more"), said, said)
    stolen = listed_by(gate, recovery, "stolen")
    since = gate.register.size
    gate.admit(stolen, ended)
    assert gate.refused(stolen, ended).rule == "status-event-count"
    gate.admit(recovery, story.key_compromised(stolen, since=since))

    gate.admit(listed_by(gate, recovery, "own"), ended)


def test_an_organization_can_always_close(gate: MemoryGate, story: Story) -> None:
    gate.limits = TOGETHER
    gate.admit(story.provider, story.updated(), story.updated())
    founding, recovery = story.provider.founding, story.provider.recovery
    gate.admit(listed_by(gate, founding, "more"), story.objected(), story.updated())
    last = listed_by(gate, recovery, "last")
    assert gate.refused(last, story.updated()).rule == "status-event-count"

    gate.admit(last, story.closed())


def test_each_thing_is_counted_for_itself(gate: MemoryGate, story: Story) -> None:
    gate.limits = SMALL
    gate.admit(story.provider, *(issued := [story.issued() for _ in range(3)]))
    for each in issued:
        reinstated = e.CredentialReinstated(credential=each.credential)
        gate.admit(story.provider, reinstated, reinstated)
        assert gate.refused(story.provider, reinstated).rule == "status-event-count"


def test_a_successor_spends_for_all_its_keys_together(gate: MemoryGate, story: Story) -> None:
    """It can list hundreds, and the thing is another's."""
    gate.limits = SMALL
    successor = registrar(gate, "provider")
    gate.admit(story.provider, issued := story.issued())
    gate.admit(story.provider, story.succeeded(story.provider, successor))
    story.now += NOTICE // 1000
    reinstated = e.CredentialReinstated(credential=issued.credential)
    gate.admit(successor, reinstated)
    other = successor.with_key("other")
    gate.admit(successor.founding, story.key_listed(other))
    gate.admit(other, reinstated)

    for signer in (successor, other):
        refusal = gate.refused(signer, reinstated)
        assert refusal.rule == "status-event-count"
        assert "its owner can still act" in refusal.detail
    gate.admit(story.provider, reinstated)


def test_issuing_and_defining_spend_nothing(gate: MemoryGate, story: Story) -> None:
    gate.limits = msgspec.structs.replace(SMALL, status_events=0, revisions=0, grants=0)
    for _ in range(3):
        gate.admit(story.provider, story.issued(), story.defined(story.new_id()))
