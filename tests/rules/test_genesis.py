"""How a log begins: who opens it, and with which authorities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_events
from testamur.catalogue.registration import sign_registration
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from testamur.rules import MAX_AGE, MAX_AHEAD, admit_genesis
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import NOW, Party, Story, log_itself, party

TODAY = date(2026, 11, 21)


def genesis(story: Story, **members: Any) -> e.LogOpened:
    (opened,) = decode_events(story.genesis().split(b"\n")[1:2])
    return msgspec.structs.replace(opened, **members)  # type: ignore[return-value]


def authority(who: Party, **members: Any) -> e.OrganizationRegistered:
    story = Story()
    event = story.registration(who, "authority", sponsor=story.origin)
    return sign_registration(msgspec.structs.replace(event, **members), who.keys.founding)


def test_the_logs_own_key_opens_it_and_seats_the_root_authorities() -> None:
    gate = MemoryGate()
    (admitted,) = gate.offer(gate.story.genesis())

    assert admitted.version == 1
    assert gate.register.size == 2
    assert gate.register.origin == gate.story.origin
    seated = gate.register.organizations[gate.story.authority.did]
    assert (seated.roles, seated.sponsor, seated.root) == (("authority",), None, True)
    assert (seated.registered, seated.entries) == (0, 0)


@pytest.mark.parametrize("who", ["authority", "provider"])
def test_nobody_else_opens_a_log(who: str) -> None:
    gate = MemoryGate()

    assert gate.refused(getattr(gate.story, who), genesis(gate.story)).rule == "genesis-signer"


def test_the_logs_key_opens_it_under_its_own_name_only() -> None:
    """A kid of the log's key within another DID is not the log's."""
    gate = MemoryGate()
    log = log_itself(gate.story.log_key)
    posing = Party(gate.story.authority.did, log.key, log.key_id, log.keys)

    assert gate.refused(posing, genesis(gate.story)).rule == "genesis-signer"


def test_a_genesis_says_one_thing_and_only_one_kind_of_thing() -> None:
    gate = MemoryGate()
    story = gate.story
    opened = genesis(story)

    for events in ([opened, opened], [opened, story.recognised()], [story.recognised()]):
        assert gate.refused(log_itself(story.log_key), *events).rule == "genesis-event"


def test_a_genesis_names_the_log_it_is_addressed_to() -> None:
    gate = MemoryGate()
    opened = genesis(gate.story, origin="other.example")

    assert gate.refused(log_itself(gate.story.log_key), opened).rule == "audience"


def test_a_log_is_opened_once(gate: MemoryGate, story: Story) -> None:
    """Neither by its own key, which is nobody in the register, nor by an authority."""
    opened = genesis(story, authorities=(authority(party("usurper")),))

    assert gate.refused(log_itself(story.log_key), opened).rule == "unknown-organization"
    assert gate.refused(story.authority, opened).rule == "genesis-again"
    assert party("usurper").did not in gate.register.organizations


A, B = party("a"), party("b")


@pytest.mark.parametrize(
    ("rule", "make"),
    {
        "an authority twice": (
            "organization-twice",
            lambda: (authority(A), authority(B), authority(A)),
        ),
        "a key twice": (
            "key-twice",
            lambda: (authority(A, signing_keys=(A.keys.recovery.public.multikey(),)),),
        ),
        "no key at all": ("key-form", lambda: (authority(A, signing_keys=("z" + "2" * 46,)),)),
        "no signature": (
            "registration-signature",
            lambda: (msgspec.structs.replace(authority(A), signature=bytes(64)),),
        ),
        "another's signature": (
            "registration-signature",
            lambda: (
                authority(B),
                msgspec.structs.replace(authority(A), signature=authority(B).signature),
            ),
        ),
        "a sponsor": ("sponsor", lambda: (authority(A, sponsor=B.did),)),
        "another log": ("origin", lambda: (authority(A, origin="log.example/other"),)),
        "another role": ("role", lambda: (authority(A, roles=("accreditor",)),)),
        "a role more": ("role", lambda: (authority(A, roles=("accreditor", "authority")),)),
        "too late": ("until", lambda: (authority(A, until=TODAY - timedelta(days=1)),)),
        "too early": ("until", lambda: (authority(A, until=TODAY + timedelta(days=31)),)),
    }.values(),
)
def test_a_genesis_that_is_out_of_order_is_refused(
    rule: str, make: Callable[[], tuple[e.OrganizationRegistered, ...]]
) -> None:
    gate = MemoryGate()
    opened = genesis(gate.story, authorities=make())

    refusal = gate.refused(log_itself(gate.story.log_key), opened)
    assert (refusal.rule, refusal.line) == (rule, 2)


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


def test_several_authorities_of_either_curve_may_be_seated() -> None:
    gate = MemoryGate()
    one, other = party("one"), party("other", "P-256")
    gate.offer(gate.story.genesis(authorities=[one, other]))

    for signer in (one, other):
        gate.admit(signer, gate.story.updated())
        gate.admit(signer.founding, gate.story.key_retired(signer))


def test_nothing_precedes_the_genesis() -> None:
    gate = MemoryGate()

    refusal = gate.refused(log_itself(gate.story.log_key), gate.story.recognised())
    assert refusal.rule == "genesis-event"
