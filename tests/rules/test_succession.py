"""Who may act for an organization now: as many as would be heard, were they to act."""

from __future__ import annotations

import random
from contextlib import suppress

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.rules.register import Register, Thing
from testamur.rules.said import Signed
from testamur.rules.status import NOTICE, speakers
from testamur.rules.succession import closed_in_words, namings, namings_for
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Party, Story
from tests.rules.members import registrar, robbed


def told(register: Register, thing: Thing) -> set[tuple[str, str]]:
    """Return who may act for whom on a thing, as it is told."""
    found = namings_for(register, thing, register.size, register.recorded_at)
    return {(each.successor, each.by) for each in found if each.in_effect}


def heard(register: Register, thing: Thing) -> set[tuple[str, str]]:
    """Return who would be heard for whom on a thing, were each organization to act now."""
    found = set()
    for did in register.organizations:
        act = Signed(did, "", register.size, register.recorded_at)
        for speaker in speakers(register, thing, act, register.size):
            if did != thing.owner:
                found.add((did, speaker))
    return found


def tell(gate: MemoryGate, draw: random.Random, heirs: list[Party]) -> None:
    """Let somebody say something about the provider's succession, if the rules admit it."""
    story, provider = gate.story, gate.story.provider
    successor = draw.choice(heirs)
    late = story.new_id()
    offers: list[tuple[Party, list[e.Event]]] = [
        (provider, [story.succeeded(provider, successor)]),
        (story.accreditor, [story.succeeded(provider, successor)]),
        (heirs[0], [story.succeeded(provider, successor)]),
        (heirs[0], [story.accredited(late)]),
        (provider, [story.objected()]),
        (provider, [msgspec.structs.replace(story.issued(), accreditation=late)]),
        (provider, [story.issued()]),
        (provider, [story.closed()] if draw.random() < 0.2 else [story.issued(accredited=False)]),
    ]
    signer, events = draw.choice(offers)
    story.now += draw.choice((0, 0, 10, 20)) * 86_400
    if draw.random() < 0.3 and isinstance(events[0], e.CredentialIssued):
        known = [*gate.register.accreditations]
        events = [msgspec.structs.replace(events[0], accreditation=draw.choice(known))]
    with suppress(Refusal):
        gate.admit(signer, *events)
    if draw.random() < 0.05:
        since = draw.randrange(10, gate.register.size)
        with suppress(Refusal):
            gate.admit(provider.recovery, story.key_compromised(provider, since=since))


@pytest.mark.parametrize("seed", range(8))
def test_who_is_told_to_act_is_who_would_be_heard(gate: MemoryGate, seed: int) -> None:
    draw = random.Random(seed)
    heirs = [registrar(gate, "accreditor", "provider", name=f"heir {n}") for n in range(3)]
    for _ in range(60):
        tell(gate, draw, heirs)
        things: list[Thing] = [*gate.credentials.values(), *gate.register.accreditations.values()]
        for thing in things:
            assert told(gate.register, thing) == heard(gate.register, thing)


def test_a_successor_takes_effect_after_thirty_days_or_with_the_closing(
    gate: MemoryGate, story: Story
) -> None:
    heir = registrar(gate, "provider", name="heir")
    gate.admit(story.provider, story.succeeded(story.provider, heir))
    did, register = story.provider.did, gate.register
    size, now = register.size, register.recorded_at

    (early,) = namings(register, did, did, size, now + NOTICE - 1)
    (late,) = namings(register, did, did, size, now + NOTICE)
    assert (early.successor, early.by, early.in_effect) == (heir.did, did, False)
    assert late.in_effect
    gate.admit(story.provider, story.closed())
    (closed,) = namings(register, did, did, register.size, now)
    assert closed.in_effect
    (before,) = namings(register, did, did, size, now)
    assert not before.in_effect


def test_a_successor_that_a_thief_named_is_not_told(gate: MemoryGate, story: Story) -> None:
    heir = registrar(gate, "provider", name="heir")
    since = gate.register.size
    gate.admit(story.provider, story.succeeded(story.provider, heir))
    robbed(gate, story.provider, since)
    did, register = story.provider.did, gate.register

    assert namings(register, did, did, register.size, register.recorded_at + NOTICE) == ()


def test_of_one_that_is_not_in_the_register_nothing_is_told(gate: MemoryGate) -> None:
    assert namings(gate.register, "did:key:z6Mk", "did:key:z6Mk", 100, 0) == ()


@pytest.mark.parametrize(
    ("acting", "sentence"),
    [
        ((), "it closed at position 9; nobody can revoke any more"),
        (("X",), "it closed at position 9; X acts for it"),
        (("X", "Y", "X"), "it closed at position 9; X and Y act for it"),
    ],
)
def test_a_closing_is_told_in_a_sentence(acting: tuple[str, ...], sentence: str) -> None:
    assert closed_in_words("it", 9, acting) == sentence
