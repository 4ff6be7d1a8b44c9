"""Whether PostgreSQL's own structures are sound: indexes, ids and lists without a hole.

Checksums of pages, if the cluster has them (`initdb -k`), find what changed on the disk when it is
read, and here every table is read and every index. They do not find what was written wrongly, such
as an index that lost an id, so each row is looked up by the unique index, as the gate does.
"""

from __future__ import annotations

from typing import Final

from registry.postgres.connection import Connection
from registry.store import StorageDamaged

# The table in the order in which it lies on the disk: no index decides which rows are seen.
_AS_IT_LIES: Final = "ctid >= '(0,0)'"

HEAP: Final = f"""
    SELECT count(*), count(*) FILTER (WHERE lost), min(id) FILTER (WHERE lost) FROM (
        SELECT row.notification_id - 1 AS id, (SELECT e.notification_id FROM entries e
            WHERE e.originator_id = row.originator_id
            AND e.originator_version = row.originator_version
        ) IS DISTINCT FROM row.notification_id AS lost
        FROM entries row WHERE row.{_AS_IT_LIES}) AS found
"""
IDS: Final = """
    SELECT count(*), min(notification_id), max(notification_id) FROM entries
    WHERE notification_id > -1
"""
_SUM: Final = "count(*), coalesce(bit_xor(hashtextextended({}, 0)), 0)"
# For each index: what its rows are, and a condition that only this index serves.
_INDEXES: Final = {
    "submissions_pkey": ("submissions", "position::text", "position > -1"),
    "submissions_of_key": ("submissions", "concat_ws(' ', key, issuer, position)", "key >= ''"),
    "submissions_in_time": (
        "submissions",
        "concat_ws(' ', recorded_at, position)",
        f"recorded_at > {-(2**63)}",
    ),
    "register_pkey": ("register", "position::text", "position > -1"),
}
BY_INDEX: Final = {
    name: f"SELECT {_SUM.format(row)} FROM {table} WHERE {condition}"
    for name, (table, row, condition) in _INDEXES.items()
}
_AS_THEY_LIE: Final = {
    name: f"SELECT {_SUM.format(row)} FROM {table} WHERE {_AS_IT_LIES}"
    for name, (table, row, _) in _INDEXES.items()
}
_GAPS: Final = """
    SELECT position, due FROM (SELECT position,
        lag(position + 1 + events, 1, 0::bigint) OVER (ORDER BY position) AS due
        FROM submissions) AS found
    WHERE position <> due ORDER BY position LIMIT 1
"""
_END: Final = "SELECT coalesce(max(position + 1 + events), 0) FROM submissions"
_LISTED: Final = """
    SELECT (SELECT coalesce(sum(register_events), 0)::bigint FROM submissions),
        (SELECT count(*) FROM register)
"""


def check_database(connection: Connection) -> None:
    """Raise `StorageDamaged` naming the first damage; inside a reading."""
    connection.run("SET LOCAL statement_timeout = 0")
    head = connection.head
    if head is None:
        raise StorageDamaged("the head row is missing")
    _check_entries(connection, head)
    for name, statement in BY_INDEX.items():
        if connection.run(statement) != connection.run(_AS_THEY_LIE[name]):
            raise StorageDamaged(f"the index {name} does not hold what its table holds")
    _check_lists(connection, head)


def _check_entries(connection: Connection, head: int) -> None:
    ((rows, lowest, highest),) = connection.run(IDS)
    if (rows, lowest, highest) != ((head, 1, head) if head else (0, None, None)):
        raise StorageDamaged(
            f"the head counts {head} entries, but there are {rows}, with ids {lowest} to {highest}"
        )
    ((rows, lost, first),) = connection.run(HEAP)
    if lost:
        raise StorageDamaged(f"the unique index has lost {lost} entries, {first} the first of them")
    if rows != head:
        raise StorageDamaged(f"the table holds {rows} entries, and its index {head}")


def _check_lists(connection: Connection, head: int) -> None:
    """Raise `StorageDamaged` unless submissions lie end to end and list the register's entries."""
    for position, due in connection.run(_GAPS):
        raise StorageDamaged(f"the submission at {position} was to begin at {due}")
    ((end,),) = connection.run(_END)
    if end != head:
        raise StorageDamaged(f"submissions reach to {end}, but the head counts {head}")
    ((expected, listed),) = connection.run(_LISTED)
    if expected != listed:
        raise StorageDamaged(
            f"{listed} entries of the register are listed, and submissions have {expected}"
        )
