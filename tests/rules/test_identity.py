"""One id names one thing: what a kind of event created, no other kind creates again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.table import CREATED
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story
from tests.rules.members import robbed

Make = Callable[[Story, str], tuple[Party, e.Event]]

KINDS: dict[str, Make] = {
    "recognition.granted/1": lambda story, id_: (story.authority, story.recognised(id_)),
    "accreditation.granted/1": lambda story, id_: (story.accreditor, story.accredited(id_)),
    "achievement.defined/1": lambda story, id_: (story.provider, story.defined(id_)),
    "credential.issued/1": lambda story, id_: (story.provider, story.issued(id_)),
}
PAIRS = list(permutations(KINDS, 2))


@pytest.fixture
def gate() -> MemoryGate:
    return MemoryGate.opened()


@pytest.fixture
def story(gate: MemoryGate) -> Story:
    return gate.story


def test_these_are_all_the_events_that_create_something() -> None:
    assert {e.EVENTS[name] for name in KINDS} == set(CREATED)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_an_id_names_one_kind_of_thing(
    gate: MemoryGate, story: Story, first: str, second: str
) -> None:
    id_ = story.new_id()
    signer, event = KINDS[first](story, id_)
    gate.admit(signer, event)

    refusal = gate.refused(*KINDS[second](story, id_))

    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 2, id_)
    assert first in refusal.detail
    # It goes on naming what it named.
    assert gate.refused(signer, event).rule in ("id-taken", "already-issued")


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_an_id_names_one_kind_of_thing_though_that_does_not_count(
    gate: MemoryGate, story: Story, first: str, second: str
) -> None:
    id_ = story.new_id()
    signer, event = KINDS[first](story, id_)
    since = gate.register.size
    gate.admit(signer, event)
    fresh = robbed(gate, signer, since)
    other, second_event = KINDS[second](story, id_)

    refusal = gate.refused(fresh if other.did == fresh.did else other, second_event)
    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 2, id_)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("achievement.defined/1", "credential.issued/1"),
        ("credential.issued/1", "achievement.defined/1"),
    ],
)
def test_an_id_names_one_thing_within_a_submission(
    gate: MemoryGate, story: Story, first: str, second: str
) -> None:
    """Where the register is a draft upon a draft, and half of it is not taken over."""
    id_ = story.new_id()
    signer, event = KINDS[first](story, id_)
    again = KINDS[second](story, id_)[1]
    before = gate.register.copied()

    refusal = gate.refused(signer, story.issued(), event, story.issued(), again)

    assert (refusal.rule, refusal.line, refusal.value) == ("id-taken", 5, id_)
    assert gate.register == before
    assert gate.register.creator(id_) is None
    # What was refused has taken nothing.
    gate.admit(signer, again)


def test_a_draft_of_a_draft_knows_every_id(gate: MemoryGate, story: Story) -> None:
    register = gate.register
    for made in (story.new_id(), story.new_id()):
        gate.register = gate.register.draft()
        gate.admit(story.provider, story.defined(made))

    for taken in (story.recognition, story.accreditation, *gate.register.achievements):
        assert gate.refused(story.provider, story.issued(taken)).rule == "id-taken"
    assert {*register.achievements} < {*gate.register.achievements}


def test_a_refused_event_takes_no_id(gate: MemoryGate, story: Story) -> None:
    id_ = story.new_id()
    assert gate.refused(story.accreditor, story.defined(id_)).rule == "role"

    gate.admit(story.provider, story.issued(id_))
