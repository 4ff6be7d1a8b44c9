"""Key events at the gate: they are the organization's own, and stand alone."""

from __future__ import annotations

from typing import get_args

import pytest

from testamur.catalogue import events as e
from testamur.keys import Curve
from testamur.rules import Limits
from testamur.rules.key_admission import Caps
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story
from tests.rules.members import robbed


def test_a_recovery_key_lists_a_key_and_it_signs_from_then_on(
    gate: MemoryGate, story: Story
) -> None:
    fresh = story.provider.with_key("fresh", "P-256")
    assert gate.refused(fresh, story.issued()).rule == "unknown-key"
    gate.admit(story.provider.recovery, story.key_listed(fresh))

    gate.admit(fresh, story.issued())
    gate.admit(story.provider, story.issued())


def test_recovery_keys_sign_nothing_but_key_events(gate: MemoryGate, story: Story) -> None:
    for signer in (story.provider.founding, story.provider.recovery):
        refusal = gate.refused(signer, story.issued())
        assert (refusal.rule, refusal.line) == ("recovery-key", 2)


def test_key_events_stand_alone_in_a_submission(gate: MemoryGate, story: Story) -> None:
    about_keys, other = story.key_retired(story.provider), story.issued()
    for signer in (story.provider, story.provider.founding):
        for events, line in (((about_keys, other), 3), ((other, about_keys), 2)):
            refusal = gate.refused(signer, *events)
            assert (refusal.rule, refusal.line) == ("key-events-alone", line)


def test_no_other_organization_has_power_over_a_key(gate: MemoryGate, story: Story) -> None:
    """Neither the sponsor nor the authority: a key event is about its signer alone."""
    for other in (story.accreditor, story.authority):
        for event in (
            story.key_retired(story.provider),
            story.key_compromised(story.provider, since=gate.register.size),
        ):
            assert gate.refused(other.founding, event).rule == "unknown-key"


def test_a_retired_key_signs_no_more_and_what_it_signed_stands(
    gate: MemoryGate, story: Story
) -> None:
    issued = story.issued()
    gate.admit(story.provider, issued)
    gate.admit(story.provider, story.key_retired(story.provider))

    assert gate.refused(story.provider, story.issued()).rule == "key-inactive"
    assert gate.register.counts(gate.credentials[issued.credential].issuances[0])


def test_what_a_compromised_key_signed_since_counts_no_more(gate: MemoryGate, story: Story) -> None:
    before, after = story.issued(), story.issued()
    gate.admit(story.provider, before)
    since = gate.register.size
    gate.admit(story.provider, after)
    fresh = robbed(gate, story.provider, since)

    assert gate.refused(story.provider, story.issued()).rule == "key-inactive"
    gate.admit(fresh, story.issued())
    counting = [
        gate.register.counts(gate.credentials[each.credential].issuances[0])
        for each in (before, after)
    ]
    assert counting == [True, False]


@pytest.mark.parametrize("key", ["z" + "2" * 46, "z6Mk" + "1" * 44])
def test_what_is_no_key_is_not_listed(gate: MemoryGate, story: Story, key: str) -> None:
    refusal = gate.refused(story.provider.founding, e.KeyListed(as_="signing", key=key))

    assert (refusal.rule, refusal.line) == ("key-form", 2)


def test_a_key_that_another_organization_listed_is_flagged(gate: MemoryGate, story: Story) -> None:
    listed = story.key_listed(story.accreditor)
    assert gate.flags(story.provider.founding, listed) == ("key-shared",)
    assert gate.flags(story.accreditor.founding, story.key_listed(story.provider)) == (
        "key-shared",
    )
    assert gate.flags(story.provider.founding, fresh(story, "a")) == ()


def fresh(story: Story, name: str) -> e.KeyListed:
    return story.key_listed(story.provider.with_key(name))


def test_each_key_event_counts_in_the_stream_of_its_organization(
    gate: MemoryGate, story: Story
) -> None:
    gate.admit(story.provider, story.updated())
    admitted = gate.admit(story.provider.founding, fresh(story, "a"), fresh(story, "b"))

    assert [each.version for each in admitted] == [3, 4]
    assert gate.register.organizations[story.provider.did].entries == 4


def test_a_closed_organization_retires_and_declares_and_lists_nothing(
    gate: MemoryGate, story: Story
) -> None:
    provider = story.provider
    gate.admit(provider, story.closed())

    refusal = gate.refused(provider.founding, fresh(story, "a"))
    assert (refusal.rule, refusal.line) == ("organization-closed", 2)
    gate.admit(provider.founding, story.key_compromised(provider, since=gate.register.size))
    gate.admit(provider.founding, story.key_retired(provider.recovery))


def test_a_closing_that_a_thief_signed_closes_nothing_once_it_is_declared(
    gate: MemoryGate, story: Story
) -> None:
    since = gate.register.size
    gate.admit(story.provider, story.closed())
    gate.admit(robbed(gate, story.provider, since), story.issued())


def test_the_caps_of_keys_are_passed_on(gate: MemoryGate, story: Story) -> None:
    gate.limits = Limits(keys=Caps(in_submission=1))
    gate.admit(story.provider.founding, fresh(story, "a"))

    refusal = gate.refused(story.provider.founding, fresh(story, "b"), fresh(story, "c"))
    assert refusal.rule == "key-events"


@pytest.mark.parametrize("curve", get_args(Curve))
def test_the_register_keeps_one_string_for_a_key(
    gate: MemoryGate, story: Story, curve: Curve
) -> None:
    signer = story.provider.with_key("fresh", curve)
    gate.admit(story.provider.founding, story.key_listed(signer))
    issued = [story.issued() for _ in range(2)]
    for each in issued:
        gate.admit(signer, each)

    first, second = (gate.credentials[each.credential].issuances[0] for each in issued)
    organization = gate.register.organizations[signer.did]
    assert first.key is second.key is organization.keys.keys[first.key].key
    assert first.organization is second.organization is organization.did


def test_a_forged_kid_makes_no_key_of_another_sign(gate: MemoryGate, story: Story) -> None:
    forger = story.provider.with_key("forger")
    posing = Party(forger.did, forger.key, story.provider.key_id, forger.keys)

    assert gate.refused(posing, story.issued()).rule == "signature"
