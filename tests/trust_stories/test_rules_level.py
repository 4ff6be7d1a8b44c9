"""The rules answer what the model answers, after every submission of every story."""

from __future__ import annotations

import pytest

from tests.trust_model.cast import begun
from tests.trust_model.events import Event, KeyListed
from tests.trust_model.every_told import STORIES
from tests.trust_model.gate import ADMITTED
from tests.trust_model.random_story import tell
from tests.trust_model.settings import PRODUCT
from tests.trust_model.story import Register, organization_of, recorded
from tests.trust_model.test_gate import ADMISSIBLE, REFUSED
from tests.trust_model.told import Told
from tests.trust_stories.rules_level import compare

RANDOM = 50


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 4 * RANDOM, RANDOM))
def test_random_stories_are_judged_as_the_model_judges_them(first: int) -> None:
    # In every third story thefts are found late, so that declarations reach their limits.
    stories = {seed: tell(seed, late=seed % 3 == 0) for seed in range(first, first + RANDOM)}
    found = {seed: compare(told.register) for seed, told in stories.items()}
    assert {seed: differences for seed, differences in found.items() if differences} == {}


@pytest.mark.slow
@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.promise)
def test_told_stories_are_judged_as_the_model_judges_them(told: Told) -> None:
    with recorded() as registers:
        told.play(PRODUCT)
    for register in registers:
        # The rule that takes every status event is a proposal, not one of the product.
        if not register.settings.every_status:
            assert compare(register) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "events"), [*(row[1:] for row in REFUSED), *ADMISSIBLE], ids=lambda each: str(each)[:60]
)
def test_each_rule_of_the_gate_is_the_models(key: str, events: tuple[Event, ...]) -> None:
    register = begun()
    register.attempt(organization_of(key), key, *events)
    assert compare(register) == []


def test_a_difference_is_found_and_named() -> None:
    register = begun()
    register.attempt("College", "College", KeyListed("College/s1", "signing"))
    assert compare(_answering(register, ADMITTED))[0].startswith("admission: key-twice")
    assert compare(_answering(register, "key-rank"))[0].startswith("rule: key-twice")


def _answering(register: Register, answer: str) -> Register:
    """Return the story with another answer to its last step."""
    register.steps[-1] = type(register.steps[-1])(
        organization="College",
        key="College",
        events=register.steps[-1].events,
        answer=answer,
    )
    return register
