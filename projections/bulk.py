"""Many rows by few calls: the SQL is SQLAlchemy's, the parameters go to the driver as they are.

For a million narrow rows, SQLAlchemy's own handling of each row's parameters costs more than
all that SQLite does with them. Skipping it means that no type converts a value on its way: rows
hold what the driver itself takes (int, str, bytes, None).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert


def write(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, each with every parameter of `statement` by name."""
    if not rows:
        return
    sql, ordered = _compiled(statement, connection.dialect)
    parameters = [dict(row) for row in rows] if ordered is None else list(map(ordered, rows))
    connection.exec_driver_sql(sql, parameters)


@lru_cache(maxsize=64)
def _compiled(
    statement: Insert, dialect: Dialect
) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]] | None]:
    """Return the SQL, and what puts a row in its order if the driver's parameters have one."""
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup
    return str(compiled), itemgetter(*names) if names else None
