"""Who may submit, at which time, and what is left of a submission that is refused."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.streams import streams_of
from testamur.errors import Refusal
from testamur.rules import MAX_AGE, MAX_AHEAD, Register
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import NOW, Party, Story, party, private_key
from tests.rules.test_genesis import genesis

# --- Who may speak ---


def test_a_submission_is_for_one_log(gate: MemoryGate, story: Story) -> None:
    body = story.submission(story.provider, story.issued(), aud="another.example/log")

    assert gate.turned_away(body).rule == "audience"


def test_a_stranger_is_not_heard(gate: MemoryGate, story: Story) -> None:
    assert gate.refused(party("stranger"), story.issued()).rule == "unknown-organization"


def test_the_key_of_another_organization_does_not_sign(gate: MemoryGate, story: Story) -> None:
    posing = replace(story.provider, key=story.accreditor.key, key_id=story.accreditor.key_id)

    assert gate.refused(posing, story.issued()).rule == "unknown-key"


def test_a_key_nobody_listed_does_not_sign(gate: MemoryGate, story: Story) -> None:
    refusal = gate.refused(story.provider.with_key("unlisted"), story.issued())
    assert (refusal.rule, refusal.line) == ("unknown-key", 1)


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


def test_a_refusal_names_the_line_of_the_event(gate: MemoryGate, story: Story) -> None:
    events = [story.issued() for _ in range(5)]

    assert gate.refused(story.provider, *events, events[0]).line == 7


# --- The register itself ---


def test_what_is_refused_leaves_no_trace(gate: MemoryGate, story: Story) -> None:
    provider = story.provider
    fresh = story.key_listed(provider.with_key("fresh"))
    good: list[tuple[Party, list[e.Event]]] = [
        (provider, [story.issued(), story.defined(story.new_id()), story.updated()]),
        (
            story.authority,
            [
                story.registered(story.authority, party("x"), "accreditor"),
                story.recognised(story.new_id()),
                story.succeeded(story.authority, provider),
            ],
        ),
        (story.accreditor, [story.accredited(story.new_id())]),
        (provider, [story.closed()]),
        (provider.founding, [fresh]),
    ]
    before, credentials = gate.register.copied(), dict(gate.credentials)
    for signer, events in good:
        bad = fresh if signer == provider.founding else genesis(story)
        gate.refused(signer, *events, bad)

    assert gate.register == before
    assert gate.credentials == credentials


def test_a_draft_of_a_draft_keeps_its_changes_to_itself(gate: MemoryGate, story: Story) -> None:
    outer = gate.register.draft()
    inner = outer.draft()
    before = gate.register.copied()
    did = story.provider.did

    inner.organizations[did] = msgspec.structs.replace(inner.organizations[did], entries=99)
    assert outer.organizations[did].entries == 1
    outer.absorb(inner)
    assert outer.organizations[did].entries == 99
    assert gate.register == before
    gate.register.absorb(outer)
    assert gate.register.organizations[did].entries == 99


def test_a_copied_register_shares_nothing_that_can_change(gate: MemoryGate, story: Story) -> None:
    copy = gate.register.copied()
    assert copy == gate.register
    gate.admit(story.provider, story.updated(), story.defined(story.new_id()))

    assert copy != gate.register
    assert Register().copied() == Register()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 8), max_size=12))
def test_every_stream_counts_its_entries_without_a_gap(choices: list[int]) -> None:
    gate = MemoryGate.opened()
    story, provider, accreditor = gate.story, gate.story.provider, gate.story.accreditor
    # What the opening left each stream at.
    opening = (story.updated(), story.defined(story.achievement), story.accredited())
    versions = dict.fromkeys(streams_of(opening, provider.did), 1)
    for choice in choices:
        fresh = provider.with_key(f"k{story.new_id()[-6:]}")
        steps: list[tuple[Party, e.Event]] = [
            (provider, story.issued()),
            (provider, story.defined(story.new_id())),
            (provider.founding, story.key_listed(fresh)),
            (provider, e.AchievementRetired(achievement=story.achievement)),
            (accreditor, suspended(story)),
            (accreditor, e.AccreditationReinstated(accreditation=story.accreditation)),
            (accreditor, story.accredited(story.new_id())),
            (provider, story.updated()),
            (accreditor, story.succeeded(provider, accreditor)),
        ]
        with contextlib.suppress(Refusal):
            (admitted,) = gate.admit(*steps[choice])
            (stream,) = streams_of(steps[choice][1:], steps[choice][0].did)
            assert admitted.version == versions.get(stream, 0) + 1
            versions[stream] = admitted.version


def suspended(story: Story) -> e.AccreditationSuspended:
    return e.AccreditationSuspended(accreditation=story.accreditation, reason="unspecified")
