"""Which events of a submission were admitted in breach of policy, and which policy.

The rules found the breaches; they are repeated here and not judged again.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, Table, bindparam, select, union_all

from projections.accreditations import ACCREDITATIONS
from projections.achievements import ACHIEVEMENTS
from projections.credentials import CREDENTIALS
from projections.flags import names
from projections.organizations import ORGANIZATIONS
from projections.page import Page, Pages
from projections.submissions import SUBMISSIONS


class Breach(msgspec.Struct, frozen=True):
    """The event at `position`, and its flags."""

    position: int
    flags: tuple[str, ...]


def _flagged(table: Table) -> Select[Any]:
    return (
        select(table.c.position, table.c.flags)
        .join_from(
            SUBMISSIONS,
            table,
            (table.c.position > SUBMISSIONS.c.position)
            & (table.c.position <= SUBMISSIONS.c.position + SUBMISSIONS.c.events),
        )
        .where(
            SUBMISSIONS.c.position == bindparam("submission"),
            SUBMISSIONS.c.position < bindparam("size"),
            table.c.flags != 0,
        )
    )


_TABLES: Final = (CREDENTIALS, ACHIEVEMENTS, ACCREDITATIONS, ORGANIZATIONS)
_ALL: Final = union_all(*map(_flagged, _TABLES)).subquery()


def _told(row: Row[Any], _: int) -> Breach:
    return Breach(row.position, names(row.flags))


_BREACHES: Final = Pages(select(_ALL), _ALL.c.position, _told)


def breaches(
    connection: Connection, submission: int, size: int, *, after: int = 0, limit: int = 100
) -> Page[Breach]:
    """Return the flagged events of the submission whose header is entry `submission`.

    `after` is the position of an event.
    """
    return _BREACHES.page(connection, size, after, limit, submission=submission)
