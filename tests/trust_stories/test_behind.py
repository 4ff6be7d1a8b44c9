"""What was concluded before the lock leads to the model's answers, however much was said since."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry import concluded, counted
from tests.harness.behind import looking_back
from tests.trust_model.every_told import STORIES
from tests.trust_model.random_story import tell
from tests.trust_model.settings import PRODUCT
from tests.trust_model.story import Register, recorded
from tests.trust_model.told import Told
from tests.trust_stories.gate_level import StoredLog

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short_pasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every history for a long one."""
    for module in (counted, concluded):
        monkeypatch.setattr(module, "LONG", 1)


def compare(register: Register, folder: Path, groups: int) -> list[str]:
    """Play a story at a gate that looks back; return where it differs from model and replay."""
    with looking_back(groups) as looked:
        stored = StoredLog(folder, register)
        try:
            found = next((each for each in stored.play(thoroughly=False) if each), [])
            if not found:
                stored.desk.examine()  # admissions and flags, by a replay
        finally:
            stored.close()
    assert max(looked) <= groups
    return found


@pytest.mark.parametrize("seed", range(100, 106))
def test_random_stories_at_a_gate_that_looks_back(seed: int, tmp_path: Path) -> None:
    register = tell(seed, late=seed % 3 == 0).register
    for groups in (1, 3, 12):
        assert compare(register, tmp_path / str(groups), groups) == []


@pytest.mark.parametrize("told", STORIES[::3], ids=lambda told: told.promise)
def test_told_stories_at_a_gate_that_looks_back(told: Told, tmp_path: Path) -> None:
    with recorded() as registers:
        told.play(PRODUCT)
    for number, register in enumerate(registers):
        if not register.settings.every_status:
            assert compare(register, tmp_path / str(number), 2) == []
