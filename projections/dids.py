"""Every organization that entered the register, by the number that rows name it with.

Numbers count in the order of entering the log; 0 is the log's own key, which opens it. An
organization's registration stands whatever becomes of its sponsor, so its number does too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Row,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)

from projections.marks import List, marked
from projections.page import WHOLE, Page, Pages, Stretch
from projections.tables import METADATA, NUMBER, POSITION, TEXT, Known, Rows
from testamur.catalogue import events as e
from testamur.verification.replay import ReplayedSubmission

DIDS: Final = Table(
    "dids",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("did", TEXT, nullable=False, unique=True),
    # The header of the submission that registered it; NULL for the log's own key.
    Column("registered", POSITION),
)

# The numbers and these positions rise together.
Index("did_registered", DIDS.c.registered, DIDS.c.number)

_INTO_DIDS: Final = insert(DIDS)


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a number for each newcomer."""
    if submission.position == 0:
        _number(submission.header.payload.iss, None, known, rows)
    for event in submission.events:
        if isinstance(event, e.OrganizationRegistered):
            _number(event.organization, submission.position, known, rows)
        elif isinstance(event, e.LogOpened):
            for authority in event.authorities:
                _number(authority.organization, submission.position, known, rows)


def _number(did: str, registered: int | None, known: Known, rows: Rows) -> None:
    if did not in known.organizations:  # else its first registration is the one
        number = known.organizations[did] = len(known.organizations)
        rows[_INTO_DIDS].append({"number": number, "did": did, "registered": registered})


def _did(row: Row[Any], _: int) -> tuple[int, str]:
    return row.cursor, row.did


# `size` is a number here: the first that is not listed.
_LISTED: Final = Pages(
    select(DIDS.c.did).where(DIDS.c.number < bindparam("size")), DIDS.c.number, _did
)
_ALL: Final = select(DIDS.c.did, DIDS.c.number)
_NUMBERED: Final = _ALL.where(DIDS.c.number.in_(bindparam("numbers", expanding=True))).order_by(
    DIDS.c.number
)
_NUMBER: Final = select(DIDS.c.number).where(
    # The log's own key is in no registration.
    DIDS.c.did == bindparam("did"),
    func.coalesce(DIDS.c.registered, literal_column("0")) < bindparam("size"),
)
_FIRST_FROM: Final = (
    select(DIDS.c.number)
    .where(DIDS.c.registered >= bindparam("position"))
    .order_by(DIDS.c.registered, DIDS.c.number)
    .limit(1)
)
_LAST: Final = select(func.max(DIDS.c.number))
_MAX: Final = 2**31 - 1


def dids(
    connection: Connection,
    size: int,
    *,
    marks: Sequence[str] = (),
    after: int = -1,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[tuple[int, str]]:
    """Return who was registered before `size`, each beside its number, which is their order.

    `marks` are those of `marks.py` that they have; `after` is a number.
    """
    after = max(after, _from(connection, within.first) - 1)
    before = _from(connection, min(size, within.end))
    if not marks:
        page = _LISTED.page(connection, before, after, limit)
        return Page(size, page.items, page.next)
    found = marked(
        connection, List.ORGANIZATIONS, marks, size, after=after, before=before, limit=limit
    )
    rows = connection.execute(_NUMBERED, {"numbers": found.things})
    return Page(size, tuple((row.number, row.did) for row in rows), found.next)


def count(connection: Connection, size: int) -> int:
    """Return how many organizations were registered before `size`."""
    before = _from(connection, size)
    return (connection.scalar(_LAST) or 0) if before == _MAX else before - 1


def number_of(connection: Connection, did: str, size: int) -> int | None:
    """Return the number of an organization, or `None` if it was not registered by then."""
    return connection.scalar(_NUMBER, {"did": did, "size": size})


def _from(connection: Connection, position: int) -> int:
    """Return the number of the first organization registered at `position` or after."""
    found = connection.scalar(_FIRST_FROM, {"position": position})
    return _MAX if found is None else int(found)


def numbers(connection: Connection) -> dict[str, int]:
    """Return the number of every organization."""
    return {row.did: row.number for row in connection.execute(_ALL)}
