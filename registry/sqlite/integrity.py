"""Whether SQLite's own structures are sound: pages, indexes, and ids without a hole."""

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
