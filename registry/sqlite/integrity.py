"""Whether SQLite's own structures are sound: pages, indexes, ids and lists without a hole."""

from __future__ import annotations

from registry.sqlite.connection import Connection
from registry.store import StorageDamaged


def check_file(connection: Connection) -> None:
    """Raise `StorageDamaged` naming the first damage; inside a transaction."""
    # Not the quick_check, which does not compare an index with its table: an id that the unique
    # index has forgotten would be given a second time.
    found = [row[0] for row in connection.run("PRAGMA integrity_check")]
    if found != ["ok"]:
        raise StorageDamaged(f"SQLite finds its pages damaged: {'; '.join(found[:3])}")
    ((head, lowest, highest, rows),) = connection.run(
        "SELECT (SELECT count FROM head), (SELECT min(notification_id) FROM entries),"
        " (SELECT max(notification_id) FROM entries), (SELECT count(*) FROM entries)"
    )
    if head is None:
        raise StorageDamaged("the head row is missing")
    if (lowest, highest, rows) != ((1, head, head) if head else (None, None, 0)):
        raise StorageDamaged(
            f"the head counts {head} entries, but there are {rows}, with ids {lowest} to {highest}"
        )
    _check_lists(connection, head)


def _check_lists(connection: Connection, head: int) -> None:
    """Raise `StorageDamaged` unless submissions lie end to end and list the register's entries."""
    gaps = connection.run(
        "SELECT position, due FROM (SELECT position,"
        " lag(position + 1 + events, 1, 0) OVER (ORDER BY position) AS due FROM submissions)"
        " WHERE position <> due ORDER BY position LIMIT 1"
    )
    for position, due in gaps:
        raise StorageDamaged(f"the submission at {position} was to begin at {due}")
    ((end,),) = connection.run("SELECT coalesce(max(position + 1 + events), 0) FROM submissions")
    if end != head:
        raise StorageDamaged(f"submissions reach to {end}, but the head counts {head}")
    ((expected, listed),) = connection.run(
        "SELECT (SELECT coalesce(sum(register_events), 0) FROM submissions),"
        " (SELECT count(*) FROM register)"
    )
    if expected != listed:
        raise StorageDamaged(
            f"{listed} entries of the register are listed, and submissions have {expected}"
        )
