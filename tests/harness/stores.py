"""The drivers beneath the gate. What holds for any store is tested on every one of them.

A new driver adds an entry to `DRIVERS`; the fixture `kept` of `tests/registry` does the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest

from registry.sqlite.store import SqliteStore
from registry.store import Store


class Driver(NamedTuple):
    """How a store is opened, and how a test changes what it holds behind the gate's back.

    In a statement `?` stands for a value; the id of a stream is given as a UUID.
    """

    open: Callable[..., Store]
    sql: Callable[..., list[tuple[Any, ...]]]


def _open_sqlite(folder: Path, **options: Any) -> Store:
    return SqliteStore(folder / "log.db", **options)


def _sql_of_sqlite(folder: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    plain = [value.bytes if isinstance(value, UUID) else value for value in values]
    with closing(sqlite3.connect(folder / "log.db")) as connection, connection:
        return connection.execute(statement, plain).fetchall()


def _open_postgres(folder: Path, **options: Any) -> Store:
    from registry.postgres.store import PostgresStore
    from tests.harness import postgres

    return PostgresStore(postgres.address(folder), **{"durable": False, **options})


def _sql_of_postgres(folder: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    from tests.harness import postgres

    return postgres.sql(postgres.address(folder), statement.replace("?", "%s"), *values)


DRIVERS: Final = {
    "sqlite": Driver(_open_sqlite, _sql_of_sqlite),
    "postgres": Driver(_open_postgres, _sql_of_postgres),
}
MARKED: Final = [
    name if name == "sqlite" else pytest.param(name, marks=getattr(pytest.mark, name))
    for name in DRIVERS
]
"""The drivers as parameters of a test; one that needs a service carries its marker."""


@dataclass(frozen=True)
class Kept:
    """Where one sequence is kept; each `open` gives what a process of its own would have."""

    driver: str
    folder: Path

    def open(self, **options: Any) -> Store:
        """Open the store; `patience` in seconds is an option of every driver."""
        return DRIVERS[self.driver].open(self.folder, **options)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement behind the gate's back and return its rows."""
        return DRIVERS[self.driver].sql(self.folder, statement, *values)

    @property
    def path(self) -> Path:
        """The file, for tests of a driver that keeps one."""
        return self.folder / "log.db"
