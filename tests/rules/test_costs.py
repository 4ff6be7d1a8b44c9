"""What the rules do for one event is bounded, whatever stands in the register."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from testamur.rules import Register, accreditation, credentials
from testamur.rules.accreditation import LOOKED_AT, NAMES_LOOKED_AT
from testamur.rules.scope import exceeding, names_in, sets_of, uncovered
from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Story, uuid7


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each comparison of scopes by how much it looks through."""
    sizes: list[int] = []

    def counted(child: Scope | None, parent: Scope | None) -> list[str]:
        sizes.append(names_in(parent))
        return exceeding(child, parent)

    def covered(scope: Scope | None, *about: Any) -> list[str]:
        sizes.append(names_in(scope))
        return uncovered(scope, *about)

    monkeypatch.setattr(accreditation, "exceeding", counted)
    monkeypatch.setattr(credentials, "uncovered", covered)
    return sizes


@pytest.mark.slow
@pytest.mark.parametrize("recognitions", [10, 100, 1_000])
@pytest.mark.parametrize("names", [1, 900])
def test_an_accreditation_is_compared_with_few_recognitions(
    gate: MemoryGate, story: Story, compared: list[int], recognitions: int, names: int
) -> None:
    """However many there are, each lacking something else."""
    ids = tuple(uuid7(1, number) for number in range(names))
    granted = [
        msgspec.structs.replace(
            story.recognised(story.new_id()),
            scope=Scope(achievements=ids, fields=(f"{number % 90 + 10}",)),
        )
        for number in range(recognitions)
    ]
    gate.admit(
        story.authority,
        e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary"),
        *granted,
    )
    scope = Scope(achievements=ids, fields=("01",))
    event = msgspec.structs.replace(story.accredited(story.new_id()), scope=scope)

    assert gate.flags(story.accreditor, event) == ("outside-recognition",)
    assert len(compared) <= LOOKED_AT
    assert sum(compared) <= NAMES_LOOKED_AT


def test_issuances_are_judged_once_for_each_achievement_and_accreditation(
    gate: MemoryGate, story: Story, compared: list[int]
) -> None:
    """However many distinct terms they have."""
    others = [story.defined(story.new_id()) for _ in range(3)]
    gate.admit(story.provider, *others)
    more = [story.accredited(story.new_id()) for _ in range(2)]
    gate.admit(story.accreditor, *more)
    compared.clear()
    issued = [
        msgspec.structs.replace(
            story.issued(achievement=defined.achievement),
            accreditation=accredited.accreditation,
            valid_from=date(2026, 11, 20) - timedelta(days=days),
        )
        for defined in others
        for accredited in more
        for days in range(50)
    ]
    # Events about credentials in between change nothing that they are judged by.
    events = [each for one in issued for each in (one, revoked(one.credential))]
    flags = [admitted.flags for admitted in gate.admit(story.provider, *events)][::2]

    assert flags == [() if days < 30 else ("backdated",) for days in range(50)] * 6
    assert len(compared) == 6


def revoked(credential: str) -> e.CredentialRevoked:
    return e.CredentialRevoked(credential=credential, reason="misconduct")


def test_the_sets_of_a_scope_are_made_once() -> None:
    scope = Scope(fields=("06", "07"), languages=("en", "nl"))
    made = sets_of(scope)

    assert uncovered(scope, "", Story().definition(), "NL") == ["fields"]
    assert exceeding(scope, Scope(languages=("en",))) == ["languages"]
    assert sets_of(scope) is made
    assert scope == Scope(fields=("06", "07"), languages=("en", "nl"))


def test_a_revision_touches_no_earlier_version(gate: MemoryGate, story: Story) -> None:
    sizes = []
    for version in range(2, 60):
        changed = revised(gate.register, story, version)
        sizes.append(sum(len(msgspec.json.encode(states)) for states in changed.values()))
        assert [len(changed["achievements"]), len(changed["revisions"])] == [1, 1]
        assert not any(changed[name] for name in ("organizations", "recognitions", "recognised"))
    assert max(sizes) - min(sizes) <= 4  # a digit more in each number


def revised(register: Register, story: Story, version: int) -> dict[str, dict[str, Any]]:
    """Revise the story's achievement and return what changed in the register."""
    outer = register.draft()
    gate = MemoryGate(story, outer)
    gate.admit(
        story.provider,
        e.AchievementRevised(
            achievement=story.achievement, definition=story.definition(), version=version
        ),
    )
    register.absorb(outer)
    return outer.changes()
