"""Who may submit, at which time, and what is left of a submission that is refused."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.members import Role
from testamur.catalogue.submission import stream_of
from testamur.errors import Refusal
from testamur.rules import MAX_AGE, MAX_AHEAD, Register
from testamur.rules.register import dump_register, load_register
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import NOW, Party, Story, party, private_key
from tests.rules.test_genesis import genesis

ROLES: tuple[Role, ...] = get_args(Role)

# --- Who may speak ---


def test_a_submission_is_for_one_log(gate: MemoryGate, story: Story) -> None:
    body = story.submission(story.provider, story.issued(), aud="another.example/log")

    assert gate.turned_away(body).rule == "audience"


def test_a_stranger_is_not_heard(gate: MemoryGate, story: Story) -> None:
    assert gate.refused(party("stranger"), story.issued()).rule == "unknown-organization"


def test_a_key_nobody_listed_does_not_sign(gate: MemoryGate, story: Story) -> None:
    assert gate.refused(story.provider.with_key("unlisted"), story.issued()).rule == "unknown-key"


def test_a_listed_key_id_does_not_make_another_key_sign(gate: MemoryGate, story: Story) -> None:
    forger = replace(story.provider, key=private_key("forger"))

    assert gate.refused(forger, story.issued()).rule == "signature"


@pytest.mark.parametrize("late", [-MAX_AHEAD, 0, MAX_AGE])
def test_a_signature_is_taken_within_its_window(gate: MemoryGate, story: Story, late: int) -> None:
    gate.register.recorded_at = 0
    body = story.submission(story.provider, story.issued(), iat=NOW)

    gate.offer(body, recorded_at=(NOW + late) * 1000)


@pytest.mark.parametrize("milliseconds", [-MAX_AHEAD * 1000 - 1, (MAX_AGE + 1) * 1000, 10**14])
def test_a_signature_is_refused_outside_its_window(
    gate: MemoryGate, story: Story, milliseconds: int
) -> None:
    gate.register.recorded_at = 0
    body = story.submission(story.provider, story.issued(), iat=NOW)

    assert gate.turned_away(body, recorded_at=NOW * 1000 + milliseconds).rule == "issued-at"


def test_recorded_times_never_go_back(gate: MemoryGate, story: Story) -> None:
    last = story.milliseconds + 5
    gate.admit(story.provider, story.issued(), recorded_at=last)

    assert gate.refused(story.provider, story.issued(), recorded_at=last - 1).rule == "time-order"
    gate.admit(story.provider, story.issued(), recorded_at=last)


def test_a_closed_organization_is_not_heard(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, e.OrganizationClosed(organization=story.provider.did))

    refusal = gate.refused(story.provider, story.issued())
    assert (refusal.rule, refusal.line) == ("organization-closed", 1)


def test_an_organization_that_closes_itself_says_nothing_more_in_the_same_breath(
    gate: MemoryGate, story: Story
) -> None:
    closed = e.OrganizationClosed(organization=story.provider.did)
    for more in (story.issued(), story.defined(story.new_id()), closed):
        refusal = gate.refused(story.provider, story.issued(), closed, more)
        assert (refusal.rule, refusal.line) == ("organization-closed", 4)


def test_a_refusal_names_the_line_of_the_event(gate: MemoryGate, story: Story) -> None:
    events = [story.issued() for _ in range(5)]

    assert gate.refused(story.provider, *events, events[0]).line == 7


# --- The register itself ---


def test_what_is_refused_leaves_no_trace(gate: MemoryGate, story: Story) -> None:
    provider, fresh = story.provider, story.provider.with_key("k2")
    good: list[tuple[Party, list[e.Event]]] = [
        (
            provider,
            [story.key_added(provider, fresh), story.issued(), story.defined(story.new_id())],
        ),
        (
            story.authority,
            [
                story.registered(story.authority, party("x"), "accreditor"),
                story.recognised(story.new_id()),
            ],
        ),
        (story.accreditor, [story.accredited(story.new_id())]),
        (provider, [e.OrganizationClosed(organization=provider.did)]),
    ]
    before = dump_register(gate.register)
    credentials = dict(gate.credentials)
    for signer, events in good:
        gate.refused(signer, *events, story.recognised() if signer is provider else genesis(story))

    assert dump_register(gate.register) == before
    assert gate.credentials == credentials


def test_a_draft_of_a_draft_keeps_its_changes_to_itself(gate: MemoryGate, story: Story) -> None:
    outer = gate.register.draft()
    inner = outer.draft()
    before = dump_register(gate.register)
    did = story.provider.did

    inner.organizations[did] = msgspec.structs.replace(inner.organizations[did], name="Changed")
    assert outer.organizations[did].name != "Changed"
    outer.absorb(inner)
    assert outer.organizations[did].name == "Changed"
    assert dump_register(gate.register) == before
    gate.register.absorb(outer)
    assert gate.register.organizations[did].name == "Changed"


def test_a_register_is_written_and_read_back_whole(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, story.key_added(story.provider, story.provider.with_key("k2")))
    gate.admit(
        story.authority, e.RecognitionWithdrawn(reason="voluntary", recognition=story.recognition)
    )
    data = dump_register(gate.register)

    again = load_register(data)

    assert again == gate.register
    assert dump_register(again) == data
    assert dump_register(again.draft()) == data
    assert load_register(dump_register(Register())) == Register()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 7), max_size=12))
def test_every_stream_counts_its_versions_without_a_gap(choices: list[int]) -> None:
    gate = MemoryGate.opened()
    story, provider, accreditor = gate.story, gate.story.provider, gate.story.accreditor
    # What the opening left each stream at.
    versions = {str(stream_of("organization", provider.did)): 1}
    versions |= {story.achievement: 1, story.accreditation: 1}
    for choice in choices:
        fresh = provider.with_key(f"k{story.new_id()[-6:]}")
        steps: list[tuple[Party, e.Event]] = [
            (provider, story.issued()),
            (provider, story.defined(story.new_id())),
            (provider, story.key_added(provider, fresh)),
            (provider, e.AchievementRetired(achievement=story.achievement)),
            (accreditor, suspended(story)),
            (accreditor, e.AccreditationReinstated(accreditation=story.accreditation)),
            (accreditor, story.accredited(story.new_id())),
            (provider, e.OrganizationUpdated(country="NL", name="A", organization=provider.did)),
        ]
        with contextlib.suppress(Refusal):
            (admitted,) = gate.admit(*steps[choice])
            stream = str(admitted.stream)
            assert admitted.version == versions.get(stream, 0) + 1
            versions[stream] = admitted.version


def suspended(story: Story) -> e.AccreditationSuspended:
    return e.AccreditationSuspended(accreditation=story.accreditation, reason="unspecified")
