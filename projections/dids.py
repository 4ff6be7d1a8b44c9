"""Every organization that entered the register, by the number that rows name it with.

Numbers count in the order of entering the log; 0 is the log's own key, which opens it. An
organization's registration stands whatever becomes of its sponsor, so its number does too.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Connection, Row, String, Table, bindparam, insert, select

from projections.page import Page, Pages
from projections.tables import METADATA, NUMBER, POSITION, Known, Rows
from testamur.catalogue import events as e
from testamur.verification.replay import ReplayedSubmission

DIDS: Final = Table(
    "dids",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("did", String, nullable=False, unique=True),
    # The header of the submission that registered it; NULL for the log's own key.
    Column("registered", POSITION),
)

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


_LISTED: Final = Pages(
    select(DIDS.c.did).where(DIDS.c.registered < bindparam("size")), DIDS.c.number, _did
)
_ALL: Final = select(DIDS.c.did, DIDS.c.number)


def dids(
    connection: Connection, size: int, *, after: int = -1, limit: int = 100
) -> Page[tuple[int, str]]:
    """Return who was registered before `size`, each beside its number, which is their order.

    `after` is a number.
    """
    return _LISTED.page(connection, size, after, limit)


def numbers(connection: Connection) -> dict[str, int]:
    """Return the number of every organization."""
    return {row.did: row.number for row in connection.execute(_ALL)}
