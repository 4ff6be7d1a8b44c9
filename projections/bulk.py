"""Many rows by few calls: the SQL is SQLAlchemy's, the parameters go to the driver as they are.

For a million narrow rows, SQLAlchemy's own handling of each row's parameters costs more than
all that SQLite does with them. Skipping it means that no type converts a value on its way: rows
hold what the driver itself takes (int, str, bytes, None).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Insert

# Rows of up to 60 values stay below SQLite's limit of 32,766 per statement.
_MOST_ROWS: Final = 512
_WORTH_A_COPY: Final = 50


def write(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, each with every parameter of `statement` by name.

    Every step of SQLite releases the interpreter lock, and another busy thread then keeps it for up
    to 5 ms. `executemany` steps once per row; one statement with many rows steps once.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql" and len(rows) >= _WORTH_A_COPY:
        # Its driver is not there where nobody keeps tables in PostgreSQL.
        from projections import postgres  # noqa: PLC0415

        postgres.copy(connection, statement, rows)
        return
    sql, ordered = _compiled(statement, connection.dialect)
    if ordered is None:
        connection.exec_driver_sql(sql, [dict(row) for row in rows])
        return
    at = 0
    for size in _sizes(len(rows)):
        values = map(ordered, rows[at : at + size])
        connection.exec_driver_sql(_repeated(sql, size), tuple(chain.from_iterable(values)))
        at += size


def _sizes(count: int) -> Iterator[int]:
    """Yield powers of two that sum to `count`, so that few different statements are prepared."""
    size = _MOST_ROWS
    while count:
        while count >= size:
            yield size
            count -= size
        size //= 2


@lru_cache(maxsize=256)
def _repeated(sql: str, rows: int) -> str:
    """Return the insertion of one row as the insertion of `rows` rows."""
    head, _, row = sql.rpartition(" VALUES ")
    return f"{head} VALUES {', '.join([row] * rows)}"


@lru_cache(maxsize=64)
def _compiled(
    statement: Insert, dialect: Dialect
) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]] | None]:
    """Return the SQL, and a function that orders a row's values if the driver takes them by place.

    It is None if the driver takes them by name.
    """
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup
    return str(compiled), itemgetter(*names) if names else None
