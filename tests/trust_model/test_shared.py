"""The shared model and this one answer alike: admissions, counting, statuses and verdicts."""

from __future__ import annotations

import pytest

from tests.trust_model.shared import FOLDER, compare

STORIES = 50


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no shared model at {FOLDER}")
@pytest.mark.parametrize("first", range(0, 4 * STORIES, STORIES))
def test_both_models_answer_alike_after_every_submission(first: int) -> None:
    found = {seed: compare(seed)[0] for seed in range(first, first + STORIES)}
    assert {seed: differences for seed, differences in found.items() if differences} == {}
