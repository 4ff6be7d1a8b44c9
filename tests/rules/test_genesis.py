"""How a log begins: who opens it, and with which authorities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events
from testamur.catalogue.members import Authority, Key
from testamur.catalogue.submission import parse, stream_of
from testamur.errors import Refusal
from testamur.rules import MAX_AGE, MAX_AHEAD, admit_genesis
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import NOW, Party, Story, party


def opener(story: Story) -> Party:
    public = story.log_key.public
    return Party(public.did_key(), story.log_key, public.multikey())


def genesis(story: Story, **members: Any) -> e.LogOpened:
    (opened,) = decode_events(story.genesis().split(b"\n")[1:2])
    return msgspec.structs.replace(opened, **members)  # type: ignore[return-value]


def authority(who: Party, *keys: Key) -> Authority:
    return Authority(
        country="NL", keys=keys or (who.listed,), name="Authority", organization=who.did
    )


def test_the_logs_own_key_opens_it_and_seats_the_root_authorities() -> None:
    gate = MemoryGate()
    (admitted,) = gate.offer(gate.story.genesis())

    assert (admitted.stream, admitted.version) == (stream_of("log", gate.story.origin), 1)
    assert gate.register.size == 2
    assert gate.register.origin == gate.story.origin
    seated = gate.register.organizations[gate.story.authority.did]
    assert (seated.roles, seated.sponsor, seated.version) == (("authority",), None, 0)


@pytest.mark.parametrize("who", ["authority", "provider"])
def test_nobody_else_opens_a_log(who: str) -> None:
    gate = MemoryGate()
    signer = getattr(gate.story, who)

    with pytest.raises(Refusal):
        gate.offer(gate.story.submission(signer, genesis(gate.story)))


def test_the_logs_key_opens_it_under_its_own_name_only() -> None:
    """A kid of the log's key within another DID is not the log's."""
    gate = MemoryGate()
    key = gate.story.log_key
    for signer in (
        Party("did:web:log.example", key, key.public.multikey()),
        Party(key.public.did_key(), key, "key-1"),
    ):
        assert gate.refused(signer, genesis(gate.story)).rule == "genesis-signer"


def test_a_genesis_says_one_thing_and_only_one_kind_of_thing() -> None:
    gate = MemoryGate()
    story = gate.story
    opened = genesis(story)

    for events in ([opened, opened], [opened, story.recognised()], [story.recognised()]):
        assert gate.refused(opener(story), *events).rule == "genesis-event"


def test_a_genesis_names_the_log_it_is_addressed_to() -> None:
    gate = MemoryGate()

    assert gate.refused(opener(gate.story), genesis(gate.story, origin="other.example")).rule == (
        "audience"
    )


def test_a_log_is_opened_once(gate: MemoryGate, story: Story) -> None:
    """Neither by its own key, which is nobody in the register, nor by an authority."""
    opened = genesis(story, authorities=(authority(party("usurper")),))

    assert gate.refused(opener(story), opened).rule == "unknown-organization"
    assert gate.refused(story.authority, opened).rule == "genesis-again"
    assert party("usurper").did not in gate.register.organizations


@pytest.mark.parametrize(
    ("rule", "make"),
    {
        "an authority twice": (
            "organization-twice",
            lambda a, b: (authority(a), authority(b), authority(a)),
        ),
        "a key id twice": (
            "key-twice",
            lambda a, b: (
                authority(
                    a, a.listed, Key(id=a.key_id, public_key_multibase=b.key.public.multikey())
                ),
            ),
        ),
        "a key twice": (
            "key-twice",
            lambda a, _: (
                authority(a, a.listed, Key(id="k2", public_key_multibase=a.key.public.multikey())),
            ),
        ),
        "somebody else's did:key": ("key-of-did", lambda a, b: (authority(a, b.listed),)),
        "its own key second": ("key-of-did", lambda a, b: (authority(a, b.listed, a.listed),)),
        "no key at all": (
            "key-form",
            lambda a, _: (authority(a, Key(id="k", public_key_multibase="z" + "2" * 46)),),
        ),
    }.values(),
)
def test_a_genesis_that_is_out_of_order_is_refused(
    rule: str, make: Callable[[Party, Party], tuple[Authority, ...]]
) -> None:
    gate = MemoryGate()
    seats = make(party("a"), party("b"))

    assert gate.refused(opener(gate.story), genesis(gate.story, authorities=seats)).rule == rule


def test_a_genesis_is_entry_0_and_nothing_else(gate: MemoryGate, story: Story) -> None:
    submission = parse(story.genesis())

    with pytest.raises(Refusal) as caught:
        admit_genesis(
            gate.register,
            submission.header,
            submission.events,
            story.milliseconds,
            story.log_key.public,
        )
    assert caught.value.rule == "genesis-position"


@pytest.mark.parametrize("late", [-MAX_AHEAD - 1, MAX_AGE + 1])
def test_a_genesis_is_recorded_when_it_is_signed(late: int) -> None:
    gate = MemoryGate()
    at = (NOW + late) * 1000

    assert gate.turned_away(gate.story.genesis(), recorded_at=at).rule == "issued-at"


def test_several_authorities_each_with_several_keys_may_be_seated() -> None:
    gate = MemoryGate()
    one, other = party("one"), party("other", "P-256")
    gate.admit(
        opener(gate.story),
        genesis(
            gate.story,
            authorities=(authority(one, one.listed, one.with_key("k2").listed), authority(other)),
        ),
    )

    for signer in (one, one.with_key("k2"), other):
        gate.admit(signer, e.OrganizationUpdated(country="DE", name="B", organization=signer.did))


def test_nothing_precedes_the_genesis() -> None:
    gate = MemoryGate()
    story = gate.story

    assert gate.refused(opener(story), story.recognised()).rule == "genesis-event"
