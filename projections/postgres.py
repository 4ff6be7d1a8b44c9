"""Where the tables lie when they lie in PostgreSQL: in a schema named for their layout.

They are derived from the log, so no migration changes them: a follower with another layout makes
tables in another schema, beside those that answer meanwhile. It needs the right to make schemas.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Dialect, Engine, Insert, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from projections.tables import LAYOUT, METADATA
from projections.too_long import TooLong
from testamur.errors import Unavailable

_CANCELED: Final = "57014"
_UNDEFINED_TABLE: Final = "42P01"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('testamur projections', 0))"
# As in the store of the registry: each question is a few look-ups into indexes, and the planner
# must never think otherwise.
_SETTINGS: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "client_min_messages": "warning",
    # A row is written again from the log if the power is cut before it is on the disk.
    "synchronous_commit": "off",
    # A follower that was stopped within a transaction keeps the others waiting for so long.
    "idle_in_transaction_session_timeout": "10s",
}
_POOL: Final = 8

Connect = Callable[[], psycopg.Connection[Any]]
"""Opens a session outside of a transaction, or raises `Unavailable`."""


def open_tables(connect: Connect) -> Engine:
    """Return the engine of the tables beside the schema that `connect` leads to, made if need be.

    What is read in one transaction is of one moment. Raises `Unavailable`.
    """
    with connect() as session:
        schema = _schema(session)
    engine = _engine(connect, schema)
    # READ COMMITTED: a second follower that waited for the lock must see what the first made.
    with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        connection.exec_driver_sql(_LOCK)
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        METADATA.create_all(connection)
        connection.commit()
    return engine


def read_tables(connect: Connect) -> Engine:
    """Return the engine of the tables for one who only reads them.

    Nothing is made: without tables each question is `Unavailable`. Raises `Unavailable` itself when
    the database cannot be reached.
    """
    with connect() as session:
        schema = _schema(session)
    return _engine(connect, schema)


def remove_tables(connect: Connect) -> None:
    """Remove the tables: the log holds everything that they told."""
    with connect() as session:
        session.execute(f"DROP SCHEMA IF EXISTS {_schema(session)} CASCADE".encode())


@contextmanager
def at_most(seconds: float, connection: Connection) -> Iterator[None]:
    """Stop reading from `connection` after about `seconds`; raises `TooLong` then.

    The server ends a statement that takes so long, and none begins after that time.
    """
    too_long = TooLong(f"reading took more than {seconds} s")
    until = time.monotonic() + seconds
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")

    def look(*_: object) -> None:
        if time.monotonic() > until:
            raise too_long

    event.listen(connection, "before_cursor_execute", look)
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == _CANCELED:
            raise too_long from error
        if isinstance(error, ProgrammingError) and state != _UNDEFINED_TABLE:
            raise
        # Without tables a projector has not begun yet, or builds them anew just now.
        raise Unavailable(f"the tables cannot be read: {error.orig}") from error
    finally:
        event.remove(connection, "before_cursor_execute", look)


def copy(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows` by COPY: a fifth of what one statement with many rows costs.

    Raises what SQLAlchemy raises for the statement.
    """
    sql, values = _copied(statement, connection.dialect)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(sql.encode()) as into:
            for row in rows:
                into.write_row([row[name] if name else fixed for name, fixed in values])
    except psycopg.Error as error:
        raise DBAPIError.instance(sql, None, error, psycopg.Error) from error


@lru_cache(maxsize=64)
def _copied(statement: Insert, dialect: Dialect) -> tuple[str, list[tuple[str | None, str | None]]]:
    """Return the COPY for an insertion, and of each column its parameter or its fixed value."""
    compiled = statement.compile(dialect=dialect)
    head, _, places = str(compiled).partition(" VALUES ")
    names = iter(compiled.positiontup or ())
    values: list[tuple[str | None, str | None]] = [
        (next(names), None) if place.startswith("%s") else (None, place)
        for place in places.strip("()").split(", ")
    ]
    return f"{head.replace('INSERT INTO', 'COPY')} FROM STDIN", values


def _schema(session: psycopg.Connection[Any]) -> str:
    found = session.execute("SELECT quote_ident(current_schema() || %s)", [f"_read_{LAYOUT}"])
    ((name,),) = found.fetchall()
    if name is None:
        raise Unavailable("the address of the database leads to a schema that is not there")
    return str(name)


def _engine(connect: Connect, schema: str) -> Engine:
    engine = create_engine(
        "postgresql+psycopg://",
        creator=connect,
        isolation_level="REPEATABLE READ",
        # Values by place, so that many rows go in by one statement (`bulk.py`).
        paramstyle="format",
        pool_size=_POOL,
        pool_pre_ping=True,
    )
    settings = "; ".join(f"SET {name} = '{value}'" for name, value in _SETTINGS.items())

    def configure(session: psycopg.Connection[Any], _: Any) -> None:
        session.autocommit = True
        session.execute(settings.encode())
        session.execute("SELECT set_config('search_path', %s, false)", [schema])
        session.autocommit = False

    event.listen(engine, "connect", configure)
    return engine
