"""The tables of the projections, row by row, and those that a fresh follower builds in one go.

They lie in SQLite, or in what a test chose by the fixture `each_database`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, select

from projections.database import sqlite_engine
from projections.follower import Follower
from projections.tables import METADATA
from testamur.tlog.reader import LogReader

ENGINES = [sqlite_engine]
"""What makes an engine for a path; the last one does."""


def engine_at(path: Path) -> Engine:
    """Return an engine over the database that a test names by a path."""
    return ENGINES[-1](path)


def postgres_engine(path: Path) -> Engine:
    """Return an engine over tables in PostgreSQL, in a schema named for the path."""
    from projections.postgres import open_tables
    from registry.postgres.address import Address
    from tests.harness import postgres

    name = path if path.name != ":memory:" else Path(uuid4().hex)
    schema = postgres.schema_of(name)
    postgres.sql(postgres.shared(), f"CREATE SCHEMA IF NOT EXISTS {schema}")
    return open_tables(Address.parse(postgres.in_schema(postgres.shared(), schema)).connect)


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.c))]
            for table in METADATA.sorted_tables
        }


def rows_in(folder: Path) -> dict[str, list[Any]]:
    """Return every row of every table of the one database in `folder`."""
    (file,) = folder.glob("*.db")
    engine = sqlite_engine(file)
    found = rows(engine)
    engine.dispose()
    return found


def built(reader: LogReader) -> dict[str, list[Any]]:
    """Return the rows that a fresh follower builds from the log in one go."""
    engine = engine_at(Path(":memory:"))
    Follower(engine, reader).catch_up()
    found = rows(engine)
    engine.dispose()
    return found
