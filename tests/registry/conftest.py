"""What the tests of the registry start from, on every driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.gates import Desk
from tests.harness.stores import MARKED, Kept
from tests.harness.story import Story


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture(params=MARKED)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Return where a sequence is kept, for each driver."""
    return Kept(request.param, tmp_path)


@pytest.fixture
def desk(kept: Kept, story: Story) -> Iterator[Desk]:
    """Give a gate to an open log."""
    with Desk(kept, story) as desk:
        yield desk.open_log()
