"""Where the tables lie when they lie in SQLite: one file, and a new one for each rebuild.

The newest file whose tables are marked live is the one that answers; the mark is set by the
transaction that ends a rebuild, so a crash at any moment leaves one answer. A power cut may
undo the last transactions (`synchronous=NORMAL`), each of them whole: the follower does them
again. One process at a time may follow or rebuild in a folder; any may read.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.exc import OperationalError

from projections.position import POSITION_ROW
from projections.tables import LAYOUT
from testamur.errors import Unavailable

_FILE: Final = re.compile(r"projections-([0-9]{1,9})\.db")
_SIDES: Final = ("", "-wal", "-shm")
_STEPS: Final = 100_000  # of the database's machine between two looks at the clock: milliseconds


class TooLong(Unavailable):
    """The answer would take more reading than a question is worth."""


def sqlite_engine(path: Path) -> Engine:
    """Return an engine over the SQLite database at `path`, made when first connected to."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def open_live(folder: Path) -> Engine:
    """Return the engine of the database in `folder` that answers, or of a new one.

    What an interrupted rebuild, or one that a restart cut off from its clean-up, left is deleted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    live = next((path for path in _databases(folder) if _is_live(path)), None)
    if live is None:
        return open_next(folder)
    for path in _databases(folder):
        if path != live:
            _delete(path)
    return sqlite_engine(live)


def open_next(folder: Path) -> Engine:
    """Return the engine of an empty database beside those in `folder`, to rebuild into."""
    newest = next(iter(_databases(folder)), None)
    number = 1 if newest is None else _number(newest) + 1
    return sqlite_engine(folder / f"projections-{number}.db")


def discard(engine: Engine) -> None:
    """Delete the database of `engine`; whoever still reads it may finish."""
    engine.dispose()
    if engine.url.database is not None:
        _delete(Path(engine.url.database))


@contextmanager
def at_most(seconds: float, connection: Connection) -> Iterator[None]:
    """Give up reading from `connection` after so many seconds; raises `TooLong` then.

    The clock is looked at while the database works, and at no other time.
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
    # Else the driver begins transactions when it sees fit, and none before a SELECT.
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


def _databases(folder: Path) -> list[Path]:
    """Return the databases in `folder`, the newest first."""
    found = [path for path in folder.iterdir() if _FILE.fullmatch(path.name)]
    return sorted(found, key=_number, reverse=True)


def _number(path: Path) -> int:
    return int(path.stem.partition("-")[2])


def _is_live(path: Path) -> bool:
    engine = sqlite_engine(path)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(POSITION_ROW.name):
                return False
            found = select(POSITION_ROW.c.live, POSITION_ROW.c.layout)
            return connection.execute(found).one_or_none() == (True, LAYOUT)
    finally:
        engine.dispose()


def _delete(path: Path) -> None:
    for side in _SIDES:
        path.with_name(path.name + side).unlink(missing_ok=True)
