"""A gate in memory, open for the provider of a story."""

from __future__ import annotations

import pytest

from tests.harness.memory_gate import MemoryGate
from tests.harness.story import Story


@pytest.fixture
def gate() -> MemoryGate:
    return MemoryGate.opened()


@pytest.fixture
def story(gate: MemoryGate) -> Story:
    return gate.story
