"""Who may issue what, and what may become of a credential."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AFTER, FOLLOWS, CredentialStatus
from testamur.catalogue.table import Kind
from testamur.errors import Refusal
from testamur.rules.status import status
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Story, uuid7
from tests.rules.members import registrar

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOWHERE = uuid7(1, 1)


def issued(story: Story, **members: Any) -> e.CredentialIssued:
    return msgspec.structs.replace(story.issued(), **members)


# --- What is refused ---


def test_only_a_provider_issues(gate: MemoryGate, story: Story) -> None:
    for signer in (story.authority, story.accreditor):
        assert gate.refused(signer, story.issued()).rule == "role"


def test_a_credential_is_issued_once(gate: MemoryGate, story: Story) -> None:
    """Not twice in one submission, not again later, not by another, not after revocation."""
    first = story.issued()
    assert gate.refused(story.provider, first, first).rule == "already-issued"
    gate.admit(story.provider, first)
    rival = registrar(gate, "provider")
    gate.admit(rival, story.defined(own := story.new_id()))
    gate.admit(story.provider, e.CredentialRevoked(credential=first.credential, reason="duplicate"))

    assert gate.refused(story.provider, first).rule == "already-issued"
    stolen = issued(story, credential=first.credential, achievement=own, accreditation=None)
    assert gate.refused(rival, stolen).rule == "already-issued"


def test_a_provider_awards_its_own_achievements(gate: MemoryGate, story: Story) -> None:
    rival = registrar(gate, "provider")

    assert gate.refused(rival, issued(story, accreditation=None)).rule == "achievement-of-another"
    assert gate.refused(story.provider, issued(story, achievement=NOWHERE)).rule == (
        "unknown-achievement"
    )


def test_a_provider_claims_its_own_accreditations(gate: MemoryGate, story: Story) -> None:
    rival = registrar(gate, "provider")
    gate.admit(rival, story.defined(own := story.new_id()))

    assert gate.refused(rival, issued(story, achievement=own)).rule == "accreditation-of-another"
    assert gate.refused(story.provider, issued(story, accreditation=NOWHERE)).rule == (
        "unknown-accreditation"
    )


def test_a_version_is_one_that_was_published(gate: MemoryGate, story: Story) -> None:
    assert gate.refused(story.provider, issued(story, achievement_version=2)).rule == (
        "achievement-version"
    )


def test_a_credential_does_not_end_before_it_begins(gate: MemoryGate, story: Story) -> None:
    one_day = issued(story, valid_from=TODAY, valid_until=TODAY)
    backwards = issued(story, valid_from=TODAY, valid_until=TODAY - DAY)

    assert gate.refused(story.provider, backwards).rule == "dates"
    gate.admit(story.provider, one_day)


def test_one_bad_event_spoils_its_whole_submission(gate: MemoryGate, story: Story) -> None:
    good = [story.issued() for _ in range(4)]
    refusal = gate.refused(story.provider, *good, issued(story, achievement=NOWHERE), *good[:1])

    assert (refusal.rule, refusal.line) == ("unknown-achievement", 6)
    assert not any(event.credential in gate.credentials for event in good)


def test_what_one_event_changes_bears_on_the_next(gate: MemoryGate, story: Story) -> None:
    retired = e.AchievementRetired(achievement=story.achievement)
    new = story.defined(story.new_id())
    flags = [
        each.flags
        for each in gate.admit(
            story.provider,
            story.issued(),
            retired,
            story.issued(),
            new,
            issued(story, achievement=new.achievement),
        )
    ]

    assert flags == [(), (), ("achievement-retired",), (), ()]


# --- What becomes of a credential ---


def status_of(gate: MemoryGate, credential: str) -> StrEnum | None:
    return status(gate.register, Kind.CREDENTIAL, gate.credentials.get(credential))


def change(name: str, credential: str, successor: str = NOWHERE) -> e.Event:
    match name:
        case "suspended":
            return e.CredentialSuspended(credential=credential, reason="administrative")
        case "reinstated":
            return e.CredentialReinstated(credential=credential)
        case "revoked":
            return e.CredentialRevoked(credential=credential, reason="misconduct")
        case _:
            return e.CredentialSuperseded(credential=credential, successor=successor)


CHANGES = ("suspended", "reinstated", "revoked", "superseded")


@pytest.mark.parametrize("name", CHANGES)
def test_a_credential_is_changed_by_who_issued_it_alone(
    gate: MemoryGate, story: Story, name: str
) -> None:
    event, successor = story.issued(), story.issued()
    gate.admit(story.provider, event, successor)
    if name == "reinstated":
        gate.admit(story.provider, change("suspended", event.credential))
    rival = registrar(gate, "provider")
    later = change(name, event.credential, successor.credential)

    for other in (rival, story.accreditor, story.authority):
        assert gate.refused(other, later).rule == "credential-of-another"
    (admitted,) = gate.admit(story.provider, later)
    assert admitted.version == (3 if name == "reinstated" else 2)


@pytest.mark.parametrize("name", CHANGES)
def test_a_credential_never_issued_does_not_change(
    gate: MemoryGate, story: Story, name: str
) -> None:
    assert gate.refused(story.provider, change(name, NOWHERE)).rule == "unknown-credential"


def test_a_revoked_credential_cannot_be_reinstated(gate: MemoryGate, story: Story) -> None:
    event = story.issued()
    gate.admit(story.provider, event)
    gate.admit(story.provider, change("revoked", event.credential))

    for name in ("reinstated", "suspended"):
        assert gate.refused(story.provider, change(name, event.credential)).rule == "transition"


def test_a_revocation_is_stated_again_in_every_status(gate: MemoryGate, story: Story) -> None:
    """Else a thief's sanction could take the owner's place, and fall with the thief's key."""
    event, other = story.issued(), story.issued()
    gate.admit(story.provider, event, other)
    for name in ("superseded", "superseded", "revoked", "revoked"):
        gate.admit(story.provider, change(name, event.credential, other.credential))

    superseding = change("superseded", event.credential, other.credential)
    assert status_of(gate, event.credential) is CredentialStatus.SUPERSEDED
    gate.admit(story.provider, superseding)


def test_a_credential_is_issued_and_revoked_in_one_submission(
    gate: MemoryGate, story: Story
) -> None:
    event = story.issued()
    admitted = gate.admit(
        story.provider,
        event,
        change("suspended", event.credential),
        change("reinstated", event.credential),
        change("revoked", event.credential),
    )

    assert [each.version for each in admitted] == [1, 2, 3, 4]
    found = gate.credentials[event.credential]
    assert (found.owner, found.entries) == (story.provider.did, 4)
    assert status_of(gate, event.credential) is CredentialStatus.REVOKED


def test_nothing_supersedes_itself(gate: MemoryGate, story: Story) -> None:
    event = story.issued()
    gate.admit(story.provider, event)

    refusal = gate.refused(story.provider, change("superseded", event.credential, event.credential))
    assert refusal.rule == "successor"


def test_a_successor_was_issued_by_the_same_provider(gate: MemoryGate, story: Story) -> None:
    rival = registrar(gate, "provider")
    gate.admit(rival, story.defined(own := story.new_id()))
    theirs = issued(story, achievement=own, accreditation=None)
    gate.admit(rival, theirs)
    event = story.issued()
    gate.admit(story.provider, event)

    for successor in (theirs.credential, NOWHERE):
        refusal = gate.refused(story.provider, change("superseded", event.credential, successor))
        assert (refusal.rule, refusal.value) == ("successor", successor)


@pytest.mark.parametrize("end", ["revoked", "superseded"])
def test_nothing_is_superseded_by_what_is_void_itself(
    gate: MemoryGate, story: Story, end: str
) -> None:
    """So a chain of successors always ends, and never in a circle."""
    one, two, three = story.issued(), story.issued(), story.issued()
    gate.admit(story.provider, one, two, three)
    gate.admit(story.provider, change(end, one.credential, two.credential))

    refusal = gate.refused(story.provider, change("superseded", two.credential, one.credential))

    assert refusal.rule == "successor"
    gate.admit(story.provider, change("superseded", two.credential, three.credential))


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(CHANGES), st.integers(0, 2)), max_size=8)
)
def test_whatever_is_tried_a_credential_follows_its_table(
    steps: list[tuple[int, str, int]],
) -> None:
    """Against a second, plain model: one status and one counter for each credential."""
    gate = MemoryGate.opened()
    events = [gate.story.issued() for _ in range(3)]
    gate.admit(gate.story.provider, *events)
    now = [CredentialStatus.ACTIVE] * 3
    version = [1] * 3
    final = (CredentialStatus.REVOKED, CredentialStatus.SUPERSEDED)
    for which, name, successor in steps:
        event = change(name, events[which].credential, events[successor].credential)
        expected = now[which] in FOLLOWS[type(event)]
        if name == "superseded" and (which == successor or now[successor] in final):
            expected = False
        try:
            (admitted,) = gate.admit(gate.story.provider, event)
        except Refusal:
            assert not expected
        else:
            assert expected
            version[which] += 1
            assert admitted.version == version[which]
            if now[which] not in final:
                now[which] = CredentialStatus(AFTER[type(event)])
        assert status_of(gate, events[which].credential) == now[which]


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"valid_until": TODAY - 90 * DAY}, "dates"),
        ({"accreditation": NOWHERE}, "unknown-accreditation"),
        ({"achievement": NOWHERE}, "unknown-achievement"),
        ({"achievement_version": 2}, "achievement-version"),
    ],
)
def test_one_bad_issuance_in_the_middle_of_a_cohort_is_named(
    gate: MemoryGate, story: Story, members: dict[str, Any], rule: str
) -> None:
    refusal = gate.refused(story.provider, story.issued(), issued(story, **members), story.issued())
    assert (refusal.rule, refusal.line) == (rule, 3)
