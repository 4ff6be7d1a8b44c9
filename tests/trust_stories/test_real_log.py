"""Gate, store, publication, replay and verifier answer what the model answers, story by story."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.trust_model import shared
from tests.trust_model.every_told import STORIES
from tests.trust_model.random_story import tell
from tests.trust_model.settings import PRODUCT
from tests.trust_model.story import recorded
from tests.trust_model.told import Told
from tests.trust_stories.log_level import compare

RANDOM = 5
STORIES_TOLD = int(os.environ.get("TESTAMUR_STORIES", "40"))  # 200 before a change lands
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("first", range(0, STORIES_TOLD, RANDOM))
def test_random_stories_on_a_real_log(first: int, tmp_path: Path) -> None:
    # In every third story thefts are found late, so that declarations reach their limits.
    stories = {seed: tell(seed, late=seed % 3 == 0) for seed in range(first, first + RANDOM)}
    found = {seed: compare(told.register, tmp_path / str(seed)) for seed, told in stories.items()}
    assert {seed: differences for seed, differences in found.items() if differences} == {}


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.promise)
def test_told_stories_on_a_real_log(told: Told, tmp_path: Path) -> None:
    with recorded() as registers:
        told.play(PRODUCT)
    for number, register in enumerate(registers):
        # The rule that takes every status event is a proposal, not one of the product.
        if not register.settings.every_status:
            assert compare(register, tmp_path / str(number)) == []


@pytest.mark.shared
@pytest.mark.skipif(not shared.FOLDER.is_dir(), reason=f"no shared model at {shared.FOLDER}")
def test_three_models_of_the_same_stories_agree(tmp_path: Path) -> None:
    for seed in range(8):
        differences, register = shared.compare(seed)
        assert differences == []
        assert compare(register, tmp_path / str(seed)) == []
