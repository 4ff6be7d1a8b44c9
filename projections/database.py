"""Where the tables lie when they lie in SQLite: one file in a folder of their own.

A power cut may undo the last transactions (`synchronous=NORMAL`), each of them whole: the follower
does them again. One process at a time may follow in a folder; any number may read there.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.exc import OperationalError

from projections.position import POSITION_ROW
from projections.tables import LAYOUT
from projections.too_long import TooLong

NAME: Final = "projections.db"
_SIDES: Final = ("", "-wal", "-shm")
_STEPS: Final = 100_000  # of the database's virtual machine between two checks of the clock


def sqlite_engine(path: Path) -> Engine:
    """Return an engine over the SQLite database at `path`, made when first connected to."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def open_tables(folder: Path) -> Engine:
    """Return the engine of the database in `folder`, made when first connected to.

    Tables of another layout are deleted first: the log holds everything that they told.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    if path.exists() and not _is_current(path):
        for side in _SIDES:
            path.with_name(path.name + side).unlink(missing_ok=True)
    return sqlite_engine(path)


def at_most(seconds: float, connection: Connection) -> AbstractContextManager[None]:
    """Stop reading from `connection` after `seconds`; raises `TooLong` then."""
    if connection.dialect.name == "sqlite":
        return _at_most(seconds, connection)
    # Its driver is not there where nobody keeps tables in PostgreSQL.
    from projections import postgres  # noqa: PLC0415

    return postgres.at_most(seconds, connection)


@contextmanager
def _at_most(seconds: float, connection: Connection) -> Iterator[None]:
    """Stop reading from `connection` after `seconds`; raises `TooLong` then.

    The database checks the clock while it works, and at no other time.
    """
    until = time.monotonic() + seconds
    given_up = False

    def look() -> bool:
        nonlocal given_up
        given_up = time.monotonic() > until
        return given_up

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(look, _STEPS)
    try:
        yield
    except OperationalError as error:
        if not given_up:
            raise
        raise TooLong(f"reading took more than {seconds} s") from error
    finally:
        driver.set_progress_handler(None, 0)


def _configure(connection: sqlite3.Connection, _: Any) -> None:
    # By default the driver chooses when to begin a transaction, and begins none for a SELECT.
    connection.isolation_level = None
    for setting in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=10000",
        "cache_size=-65536",  # KiB
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _is_current(path: Path) -> bool:
    engine = sqlite_engine(path)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(POSITION_ROW.name):
                return False
            return connection.scalar(select(POSITION_ROW.c.layout)) == LAYOUT
    finally:
        engine.dispose()
