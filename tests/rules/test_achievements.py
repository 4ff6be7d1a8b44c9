"""What a provider awards: definitions, their versions, and what they must state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AchievementStatus
from testamur.catalogue.table import Kind
from testamur.rules.facets import facets_of, missing_elements
from testamur.rules.status import status
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Story, uuid7
from tests.rules.definitions import DEFINITION, with_
from tests.rules.members import registrar

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOWHERE = uuid7(1, 1)


def test_only_a_provider_defines_what_is_awarded(gate: MemoryGate, story: Story) -> None:
    for signer in (story.authority, story.accreditor):
        assert gate.refused(signer, story.defined(story.new_id())).rule == "role"


def revised(story: Story, version: int, **members: Any) -> e.AchievementRevised:
    return e.AchievementRevised(
        achievement=story.achievement, definition=with_(**members), version=version
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda story: revised(story, 2),
        lambda story: e.AchievementRetired(achievement=story.achievement),
    ],
)
def test_an_achievement_is_changed_by_its_provider_alone(
    gate: MemoryGate, story: Story, make: Callable[[Story], e.Event]
) -> None:
    rival = registrar(gate, "provider")

    assert gate.refused(rival, make(story)).rule == "achievement-of-another"
    assert gate.refused(story.accreditor, make(story)).rule in ("role", "achievement-of-another")
    gate.admit(story.provider, make(story))


def test_an_achievement_is_defined_once_by_anybody(gate: MemoryGate, story: Story) -> None:
    rival = registrar(gate, "provider")

    for signer in (story.provider, rival):
        assert gate.refused(signer, story.defined()).rule == "id-taken"


@pytest.mark.parametrize("version", [3, 10_000])
def test_versions_count_on_by_one(gate: MemoryGate, story: Story, version: int) -> None:
    assert gate.refused(story.provider, revised(story, version)).rule == "achievement-version"


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_that_counts_is_not_written_again(
    gate: MemoryGate, story: Story, version: int
) -> None:
    gate.admit(story.provider, revised(story, 2))

    assert gate.refused(story.provider, revised(story, version)).rule == "id-taken"


def test_every_version_of_a_definition_stays(gate: MemoryGate, story: Story) -> None:
    fields = ("0811", "061", None)
    gate.admit(story.provider, *(revised(story, at + 1, field=fields[at]) for at in (1, 2)))

    found = gate.register.achievements[story.achievement]
    facets = [gate.register.facets(story.achievement, version) for version in (1, 2, 3)]
    assert facets == [facets_of(with_(field=field)) for field in fields]
    assert (found.highest, found.entries) == (3, 3)


def test_a_retired_achievement_is_at_its_end(gate: MemoryGate, story: Story) -> None:
    retired = e.AchievementRetired(achievement=story.achievement)
    gate.admit(story.provider, retired)

    found = gate.register.achievements[story.achievement]
    assert status(gate.register, Kind.ACHIEVEMENT, found) is AchievementStatus.RETIRED
    assert gate.refused(story.provider, revised(story, 2)).rule == "transition"
    gate.admit(story.provider, retired)


@pytest.mark.parametrize(
    "event",
    [
        e.AchievementRetired(achievement=NOWHERE),
        e.AchievementRevised(achievement=NOWHERE, definition=DEFINITION, version=2),
    ],
)
def test_an_achievement_never_defined_does_not_change(
    gate: MemoryGate, story: Story, event: e.Event
) -> None:
    assert gate.refused(story.provider, event).rule == "unknown-achievement"


ELEMENTS = {
    "outcomes": "outcomes",
    "workload": "workload",
    "level": "level",
    "assessment": "assessment",
    "participation": "participation",
    "quality_assurance": "qualityAssurance",
}


@pytest.mark.parametrize("member", ELEMENTS)
def test_a_definition_without_a_mandatory_element_is_flagged(
    gate: MemoryGate, story: Story, member: str
) -> None:
    event = e.AchievementDefined(achievement=story.new_id(), definition=with_(**{member: None}))

    assert missing_elements(event.definition) == [ELEMENTS[member]]
    assert gate.flags(story.provider, event) == ("elements-missing",)
    assert gate.flags(story.provider, revised(story, 2, **{member: None})) == ("elements-missing",)


def test_a_whole_definition_is_not_flagged(gate: MemoryGate, story: Story) -> None:
    assert missing_elements(DEFINITION) == []
    assert gate.flags(story.provider, story.defined(story.new_id())) == ()
