"""A story told on a log, with tables that follow it, in SQLite or in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from projections.database import sqlite_engine
from tests.harness import tables
from tests.harness.chronicle import Chronicle


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def each_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the test once for each database that tables may lie in."""
    chosen = {"sqlite": sqlite_engine, "postgres": tables.postgres_engine}
    tables.ENGINES.append(chosen[request.param])
    yield
    tables.ENGINES.pop()


@pytest.fixture
def told(tmp_path: Path) -> Chronicle:
    return Chronicle.opened(tmp_path / "log")
