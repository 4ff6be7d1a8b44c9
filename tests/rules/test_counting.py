"""What does not count is as if absent, but its ids stay with whom wrote them first."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.table import Kind
from testamur.rules.status import status
from tests.harness.memory_gate import KeptCredentials, MemoryGate
from tests.harness.story import Party, Story
from tests.rules.members import registrar, robbed

Signed = Callable[[Story, str], tuple[Party, e.Event]]

WRITTEN: dict[str, Signed] = {
    "recognition": lambda story, id_: (story.authority, story.recognised(id_)),
    "accreditation": lambda story, id_: (story.accreditor, story.accredited(id_)),
    "achievement": lambda story, id_: (story.provider, story.defined(id_)),
    "credential": lambda story, id_: (story.provider, story.issued(id_)),
}
OTHERWISE: dict[str, dict[str, Any]] = {
    "recognition": {"country": "BE"},
    "accreditation": {"kind": "programme"},
    "achievement": {"definition": msgspec.structs.replace(Story().definition(), field="0911")},
    "credential": {"suite": "none"},
}
ENDED: dict[str, Callable[[str], e.Event]] = {
    "recognition": lambda id_: e.RecognitionWithdrawn(recognition=id_, reason="voluntary"),
    "accreditation": lambda id_: e.AccreditationWithdrawn(accreditation=id_, reason="voluntary"),
    "credential": lambda id_: e.CredentialRevoked(credential=id_, reason="misconduct"),
}


def fallen(gate: MemoryGate, kind: str) -> tuple[Party, e.Event]:
    """Return who wrote an id that does not count, signing with a fresh key, and its line."""
    signer, event = WRITTEN[kind](gate.story, gate.story.new_id())
    since = gate.register.size
    gate.admit(signer, event)
    return robbed(gate, signer, since), event


def status_of(gate: MemoryGate, kind: str, id_: str) -> StrEnum | None:
    credentials = KeptCredentials(gate.credentials, gate.lines)
    thing = gate.register.thing(credentials, Kind(kind), id_)
    return status(gate.register, Kind(kind), thing)


@pytest.mark.parametrize("kind", WRITTEN)
def test_the_first_writer_writes_the_same_line_again_while_it_does_not_count(
    gate: MemoryGate, kind: str
) -> None:
    owner, event = fallen(gate, kind)
    id_ = getattr(event, kind)
    assert status_of(gate, kind, id_) is None
    (admitted,) = gate.admit(owner, event)

    assert admitted.version == 2
    assert status_of(gate, kind, id_) is not None
    rule = "already-issued" if kind == "credential" else "id-taken"
    assert gate.refused(owner, event).rule == rule


@pytest.mark.parametrize("kind", WRITTEN)
def test_another_line_is_not_written_under_an_id_that_does_not_count(
    gate: MemoryGate, kind: str
) -> None:
    owner, event = fallen(gate, kind)
    other = msgspec.structs.replace(event, **OTHERWISE[kind])

    assert gate.refused(owner, other).rule == "another-line"


@pytest.mark.parametrize("kind", WRITTEN)
def test_nobody_else_writes_an_id_that_does_not_count(
    gate: MemoryGate, story: Story, kind: str
) -> None:
    rival = registrar(gate, "accreditor", "authority", "provider")
    _, event = fallen(gate, kind)
    if isinstance(event, e.CredentialIssued):
        gate.admit(rival, story.defined(achievement := story.new_id()))
        event = msgspec.structs.replace(event, achievement=achievement, accreditation=None)

    rule = "already-issued" if kind == "credential" else "id-taken"
    assert gate.refused(rival, event).rule == rule


@pytest.mark.parametrize("kind", ENDED)
def test_what_its_owner_ended_does_not_come_back_by_being_written_again(
    gate: MemoryGate, story: Story, kind: str
) -> None:
    signer, event = WRITTEN[kind](story, id_ := story.new_id())
    thief = signer.with_key("thief")
    gate.admit(signer.founding, story.key_listed(thief))
    since = gate.register.size
    gate.admit(thief, event)
    gate.admit(signer, ENDED[kind](id_))
    gate.admit(signer.founding, story.key_compromised(thief, since=since))

    assert status_of(gate, kind, id_) is None
    assert gate.refused(signer, event).rule == "ended-by-owner"


@pytest.mark.parametrize("kind", ENDED)
def test_nothing_happens_to_what_does_not_count(gate: MemoryGate, kind: str) -> None:
    owner, event = fallen(gate, kind)

    assert gate.refused(owner, ENDED[kind](getattr(event, kind))).rule == f"unknown-{kind}"


# --- References must count ---


def test_an_issuance_names_no_accreditation_that_does_not_count(
    gate: MemoryGate, story: Story
) -> None:
    _, granted = fallen(gate, "accreditation")
    assert isinstance(granted, e.AccreditationGranted)
    event = msgspec.structs.replace(story.issued(), accreditation=granted.accreditation)

    assert gate.refused(story.provider, event).rule == "unknown-accreditation"


def test_an_issuance_names_no_version_that_does_not_count(gate: MemoryGate, story: Story) -> None:
    owner, defined = fallen(gate, "achievement")
    assert isinstance(defined, e.AchievementDefined)
    event = story.issued(achievement=defined.achievement)
    assert gate.refused(owner, event).rule == "unknown-achievement"
    gate.admit(owner, defined, event)


def revised(story: Story, version: int) -> e.AchievementRevised:
    return e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=version
    )


def test_a_version_is_one_more_than_the_highest_ever_written(
    gate: MemoryGate, story: Story
) -> None:
    """So nobody's version 2 is another version 2 afterwards."""
    since = gate.register.size
    gate.admit(story.provider, revised(story, 2), revised(story, 3))
    fresh = robbed(gate, story.provider, since)
    assert gate.refused(fresh, revised(story, 5)).rule == "achievement-version"
    gate.admit(fresh, revised(story, 4))

    third = msgspec.structs.replace(story.issued(), achievement_version=3)
    assert gate.refused(fresh, third).rule == "unknown-achievement"
    gate.admit(fresh, revised(story, 3), third)
    assert gate.register.achievements[story.achievement].entries == 5


def test_version_2_stands_without_version_1(gate: MemoryGate, story: Story) -> None:
    other = story.provider.with_key("other")
    gate.admit(story.provider.founding, story.key_listed(other))
    since = gate.register.size
    gate.admit(story.provider, defined := story.defined(story.new_id()))
    id_ = defined.achievement
    gate.admit(other, msgspec.structs.replace(revised(story, 2), achievement=id_))
    gate.admit(story.provider.founding, story.key_compromised(story.provider, since=since))

    first, second = (
        msgspec.structs.replace(story.issued(achievement=id_), achievement_version=version)
        for version in (1, 2)
    )
    assert gate.refused(other, first).rule == "unknown-achievement"
    assert gate.flags(other, second) == ()


# --- Sanctions ---


def test_the_owners_sanction_stands_though_the_first_was_a_thiefs(
    gate: MemoryGate, story: Story
) -> None:
    """A thief who revokes first keeps the owner from nothing."""
    gate.admit(story.provider, issued := story.issued())
    thief = story.provider.with_key("thief")
    gate.admit(story.provider.founding, story.key_listed(thief))
    since = gate.register.size
    revoked = ENDED["credential"](issued.credential)
    gate.admit(thief, revoked)
    gate.admit(story.provider, revoked)
    gate.admit(story.provider.founding, story.key_compromised(thief, since=since))

    assert status_of(gate, "credential", issued.credential) is CredentialStatus.REVOKED


def test_what_a_thief_revoked_is_alive_again(gate: MemoryGate, story: Story) -> None:
    gate.admit(story.provider, issued := story.issued())
    since = gate.register.size
    gate.admit(story.provider, ENDED["credential"](issued.credential))
    fresh = robbed(gate, story.provider, since)

    assert status_of(gate, "credential", issued.credential) is CredentialStatus.ACTIVE
    suspended = e.CredentialSuspended(credential=issued.credential, reason="administrative")
    gate.admit(fresh, suspended)
