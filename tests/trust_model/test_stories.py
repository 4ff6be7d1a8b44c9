"""Random stories: no theft that is declared in time helps or spoils, and what counts is final."""

from __future__ import annotations

import pytest

from tests.trust_model.key_states import explore
from tests.trust_model.properties import OF_COUNTING, PROPERTIES, Property
from tests.trust_model.random_story import Told, tell

SEEDS = range(60)
LATE_SEEDS = range(30)


@pytest.fixture(scope="module")
def stories() -> list[Told]:
    return [tell(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def late_stories() -> list[Told]:
    return [tell(seed, late=True) for seed in LATE_SEEDS]


@pytest.mark.slow
@pytest.mark.parametrize("promise", PROPERTIES, ids=lambda promise: promise.__name__)
def test_in_every_story(promise: Property, stories: list[Told]) -> None:
    found = {seed: list(promise(told)) for seed, told in zip(SEEDS, stories, strict=True)}
    assert {seed: violations for seed, violations in found.items() if violations} == {}


@pytest.mark.slow
@pytest.mark.parametrize("promise", OF_COUNTING, ids=lambda promise: promise.__name__)
def test_in_every_story_of_thefts_found_late(promise: Property, late_stories: list[Told]) -> None:
    found = {seed: list(promise(told)) for seed, told in zip(LATE_SEEDS, late_stories, strict=True)}
    assert {seed: violations for seed, violations in found.items() if violations} == {}


@pytest.mark.slow
def test_an_owner_recovers_from_every_state_of_its_keys() -> None:
    states, found = explore(2)
    assert found == {}
    assert states > 300
