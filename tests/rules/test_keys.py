"""Keys of organizations: added, retired, and declared compromised."""

from __future__ import annotations

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import KeyStatus
from testamur.rules.organizations import MAX_KEYS
from testamur.rules.register import dump_register, load_register
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story, private_key
from tests.rules.members import registrar

# --- Keys ---


def test_a_key_is_added_by_its_owner_and_signs_from_then_on(gate: MemoryGate, story: Story) -> None:
    fresh = story.provider.with_key("k2", "P-256")
    gate.admit(story.provider, story.key_added(story.provider, fresh))

    gate.admit(fresh, story.issued())
    gate.admit(story.provider, story.issued())


def test_a_sponsor_helps_out_when_all_keys_are_lost(gate: MemoryGate, story: Story) -> None:
    fresh = story.provider.with_key("k2")
    gate.admit(story.accreditor, story.key_added(story.provider, fresh, by=story.accreditor))

    gate.admit(fresh, story.issued())


@pytest.mark.parametrize("who", ["authority", "stranger's provider"])
def test_nobody_else_adds_a_key(gate: MemoryGate, story: Story, who: str) -> None:
    other = story.authority if who == "authority" else registrar(gate, "provider")
    event = story.key_added(story.provider, story.provider.with_key("k2"), by=other)

    assert gate.refused(other, event).rule == "not-own-organization"


def test_a_key_is_added_with_its_own_word_for_who_adds_it(gate: MemoryGate, story: Story) -> None:
    fresh = story.provider.with_key("k2")
    for_sponsor = story.key_added(story.provider, fresh, by=story.accreditor)

    assert gate.refused(story.provider, for_sponsor).rule == "possession"


@pytest.mark.parametrize("end", ["active", "retired", "compromised"])
def test_a_key_id_is_never_used_again(gate: MemoryGate, story: Story, end: str) -> None:
    provider = story.provider
    gate.admit(provider, story.key_added(provider, provider.with_key("k2")))
    if end == "retired":
        gate.admit(provider, e.KeyRetired(key="k2", organization=provider.did))
    if end == "compromised":
        position = gate.register.size
        gate.admit(provider, e.KeyCompromised(key="k2", organization=provider.did, since=position))

    again = Party(provider.did, private_key("new"), "k2")
    assert gate.refused(provider, story.key_added(provider, again)).rule == "key-twice"
    same_key = Party(provider.did, provider.with_key("k2").key, "k3")
    assert gate.refused(provider, story.key_added(provider, same_key)).rule == "key-twice"


def test_a_key_that_is_none_is_not_added(gate: MemoryGate, story: Story) -> None:
    added = story.key_added(story.provider, story.provider.with_key("k2"))
    none = msgspec.structs.replace(added.key, public_key_multibase="z" + "2" * 46)

    refusal = gate.refused(story.provider, msgspec.structs.replace(added, key=none))

    assert refusal.rule == "key-form"


def test_an_organization_has_64_keys_in_its_life(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    gate.admit(
        provider,
        *(story.key_added(provider, provider.with_key(f"k{i}")) for i in range(MAX_KEYS - 1)),
    )

    one_more = story.key_added(provider, provider.with_key("more"))
    assert gate.refused(provider, one_more).rule == "key-count"


def test_a_retired_key_signs_no_more_but_what_it_signed_stands(
    gate: MemoryGate, story: Story
) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    gate.admit(provider, story.key_added(provider, fresh))
    position = gate.register.size
    # The submission that retires a key may go on under it: a key is judged at the header.
    gate.admit(
        provider,
        e.KeyRetired(key=provider.key_id, organization=provider.did),
        story.issued(),
    )

    assert gate.refused(provider, story.issued()).rule == "key-inactive"
    gate.admit(fresh, story.issued())
    key = gate.register.organizations[provider.did].key(provider.key_id)
    assert key is not None
    assert (key.status, key.until) == (KeyStatus.RETIRED, position + 1)


def test_only_its_owner_retires_a_key(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    gate.admit(provider, story.key_added(provider, provider.with_key("k2")))
    event = e.KeyRetired(key="k2", organization=provider.did)

    for other in (story.accreditor, story.authority):
        assert gate.refused(other, event).rule == "not-own-organization"


def test_the_last_active_key_is_not_retired(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    retire_first = e.KeyRetired(key=provider.key_id, organization=provider.did)
    retire_second = e.KeyRetired(key="k2", organization=provider.did)

    assert gate.refused(provider, retire_first).rule == "last-key"
    gate.admit(provider, story.key_added(provider, provider.with_key("k2")))
    assert gate.refused(provider, retire_first, retire_second).rule == "last-key"
    gate.admit(provider, retire_second)
    assert gate.refused(provider, retire_first).rule == "last-key"


def test_a_key_is_retired_once_and_only_if_it_exists(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    retire = e.KeyRetired(key="k2", organization=provider.did)
    assert gate.refused(provider, retire).rule == "unknown-key"
    gate.admit(provider, story.key_added(provider, provider.with_key("k2")))
    gate.admit(provider, retire)

    assert gate.refused(provider, retire).rule == "transition"


# --- Compromise ---


def compromised(who: Party, since: int, key: str | None = None) -> e.KeyCompromised:
    return e.KeyCompromised(key=key or who.key_id, organization=who.did, since=since)


def test_a_compromise_reaches_back_to_where_the_key_was_added_and_not_beyond(
    gate: MemoryGate, story: Story
) -> None:
    provider = story.provider
    known = gate.register.organizations[provider.did].keys[0]
    own_position = gate.register.size + 1
    for since in (known.added - 1, 0, own_position + 1, 2**53 - 1):
        assert gate.refused(provider, compromised(provider, since)).rule == "compromise-position"
    for since in (known.added, own_position):
        story_gate = MemoryGate.opened()
        story_gate.admit(provider, compromised(provider, since))
        key = story_gate.register.organizations[provider.did].keys[0]
        assert (key.status, key.until) == (KeyStatus.COMPROMISED, since)


def test_a_compromised_key_is_cut_off(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    gate.admit(provider, compromised(provider, gate.register.size + 1))

    assert gate.refused(provider, story.issued()).rule == "key-inactive"


def test_when_the_last_key_is_stolen_the_sponsor_gives_a_new_one(
    gate: MemoryGate, story: Story
) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    gate.admit(
        story.accreditor,
        compromised(provider, gate.register.size),
        story.key_added(provider, fresh, by=story.accreditor),
    )

    assert gate.refused(provider, story.issued()).rule == "key-inactive"
    gate.admit(fresh, story.issued())


@pytest.mark.parametrize("who", ["authority", "other provider"])
def test_nobody_else_cries_wolf(gate: MemoryGate, story: Story, who: str) -> None:
    other = story.authority if who == "authority" else registrar(gate, "provider")
    event = compromised(story.provider, gate.register.size)

    assert gate.refused(other, event).rule == "not-own-organization"


def test_a_compromise_is_never_taken_back(gate: MemoryGate, story: Story) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    gate.admit(provider, story.key_added(provider, fresh))
    since = gate.register.size
    gate.admit(fresh, compromised(provider, since))

    for event in (compromised(provider, since), compromised(provider, gate.register.size)):
        assert gate.refused(fresh, event).rule == "compromise-position"
    retired = e.KeyRetired(key=provider.key_id, organization=provider.did)
    assert gate.refused(fresh, retired).rule == "transition"


def test_a_thief_who_is_the_first_to_tell_does_not_say_since_when(
    gate: MemoryGate, story: Story
) -> None:
    """He names the latest position he can; the sponsor, who knows better, an earlier one."""
    provider = story.provider
    gate.admit(provider, compromised(provider, gate.register.size))
    since = gate.register.size - 3
    gate.admit(story.accreditor, compromised(provider, since))

    key = gate.register.organizations[provider.did].key(provider.key_id)
    assert key is not None
    assert (key.status, key.until) == ("compromised", since)


def test_a_retired_key_found_stolen_is_cut_off_at_the_earlier_of_both(
    gate: MemoryGate, story: Story
) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    gate.admit(provider, story.key_added(provider, fresh))
    retired_at = gate.register.size + 1
    gate.admit(provider, e.KeyRetired(key=provider.key_id, organization=provider.did))
    gate.admit(fresh, *(story.issued() for _ in range(10)))

    later, earlier = MemoryGate.opened(), MemoryGate.opened()
    for other, since, until in (
        (later, retired_at + 4, retired_at),
        (earlier, retired_at - 1, retired_at - 1),
    ):
        other.register = load_register(dump_register(gate.register))
        other.admit(fresh, compromised(provider, since))
        key = other.register.organizations[provider.did].key(provider.key_id)
        assert key is not None
        assert key.until == until


def test_a_key_may_turn_out_stolen_after_its_owner_closed(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    gate.admit(provider, e.OrganizationClosed(organization=provider.did))
    gate.admit(story.accreditor, compromised(provider, gate.register.size))

    fresh = story.key_added(provider, provider.with_key("k2"), by=story.accreditor)
    assert gate.refused(story.accreditor, fresh).rule == "transition"
