"""A change of status names a day that has begun; it never changes another position."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.table import Kind
from testamur.rules.status import status
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Story

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)


def changes(credential: str, day: date) -> list[e.CredentialStatusEvent]:
    return [
        e.CredentialSuspended(credential=credential, reason="misconduct", effective_at=day),
        e.CredentialReinstated(credential=credential, effective_at=day),
        e.CredentialRevoked(credential=credential, reason="misconduct", effective_at=day),
    ]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("day", [TODAY + 2 * DAY, date(2030, 1, 1), date.max])
def test_a_day_that_is_still_to_come_is_refused(
    gate: MemoryGate, story: Story, number: int, day: date
) -> None:
    """Else a reinstatement from 2030 would make a suspended credential hold today."""
    issued = story.issued()
    suspended = e.CredentialSuspended(credential=issued.credential, reason="misconduct")
    gate.admit(story.provider, issued, suspended)

    refusal = gate.refused(story.provider, changes(issued.credential, day)[number])

    assert (refusal.rule, refusal.line, refusal.value) == ("effective-at", 2, str(day))
    assert "at most 2026-11-22" in refusal.detail
    found = status(gate.register, Kind.CREDENTIAL, gate.credentials[issued.credential])
    assert found == "suspended"


@pytest.mark.parametrize("day", [TODAY + DAY, TODAY, TODAY - DAY, date(2020, 2, 29), date.min])
def test_a_day_that_has_begun_somewhere_is_admitted_and_not_flagged(
    gate: MemoryGate, story: Story, day: date
) -> None:
    issued = story.issued()
    gate.admit(story.provider, issued)

    for change in changes(issued.credential, day):
        assert gate.flags(story.provider, change) == ()


def test_the_day_is_that_of_the_record_not_of_the_signature(gate: MemoryGate, story: Story) -> None:
    issued = story.issued()
    gate.admit(story.provider, issued)
    body = story.submission(story.provider, changes(issued.credential, TODAY + 2 * DAY)[2])

    assert gate.turned_away(body).rule == "effective-at"
    gate.offer(body, recorded_at=story.milliseconds + 24 * 3600 * 1000)


def test_an_earlier_day_changes_no_status_before_its_own_position(
    gate: MemoryGate, story: Story
) -> None:
    issued = story.issued()
    gate.admit(story.provider, issued)
    before = gate.register.size
    gate.admit(story.provider, changes(issued.credential, date(2026, 1, 1))[2])

    thing = gate.credentials[issued.credential]
    assert status(gate.register, Kind.CREDENTIAL, thing, before=before) == "active"
    assert status(gate.register, Kind.CREDENTIAL, thing) == "revoked"
