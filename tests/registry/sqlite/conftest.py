"""A sequence kept by SQLite, and its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.stores import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept("sqlite", tmp_path)


@pytest.fixture
def path(kept: Kept) -> Path:
    return kept.path
