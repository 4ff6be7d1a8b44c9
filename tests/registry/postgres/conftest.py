"""A sequence kept by PostgreSQL, in the cluster that all tests share or in one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry.postgres.store import PostgresStore
from registry.store import Store
from tests.harness import postgres
from tests.harness.postgres import Cluster
from tests.harness.stores import Kept


@dataclass(frozen=True)
class At(Kept):
    """What is kept at an address of its own."""

    url: str

    def open(self, **options: Any) -> Store:
        """Open the store at that address."""
        return PostgresStore(self.url, **options)


def at(url: str) -> At:
    """Return what is kept at an address."""
    return At("postgres", Path(), url)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept("postgres", tmp_path)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the address of a schema with the tables of a log."""
    return postgres.made(postgres.shared(), postgres.schema_of(tmp_path))


@pytest.fixture
def empty(tmp_path: Path) -> str:
    """Return the address of a schema without tables."""
    schema = postgres.schema_of(tmp_path / "empty")
    postgres.sql(postgres.shared(), f"CREATE SCHEMA {schema}")
    return postgres.in_schema(postgres.shared(), schema)


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(url, durable=False)) as store:
        yield store


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give a cluster of the module's own, with fsync, which tests stop and start again."""
    with closing(Cluster()) as cluster:
        yield cluster
