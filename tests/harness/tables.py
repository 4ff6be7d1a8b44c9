"""The tables of the projections, row by row, and those that a fresh follower builds in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from projections.database import sqlite_engine
from projections.follower import Follower
from projections.tables import METADATA
from testamur.tlog.reader import LogReader


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
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
    engine = sqlite_engine(Path(":memory:"))
    Follower(engine, reader).catch_up()
    found = rows(engine)
    engine.dispose()
    return found
