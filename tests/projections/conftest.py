"""A story told on a log, with tables that follow it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.chronicle import Chronicle


@pytest.fixture
def told(tmp_path: Path) -> Chronicle:
    return Chronicle.opened(tmp_path / "log")
