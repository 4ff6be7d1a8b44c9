"""Which credentials were issued by whom, and for what: the ids of a page of a list, in log order.

Each credential stands once, in the place of its first issuance, whether that counts or not.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal_column, select

from projections.defined import ACHIEVEMENTS
from projections.dids import DIDS
from projections.issuances import AWARDS, CREDENTIALS
from projections.page import Page, bounded
from projections.submissions import SUBMISSIONS
from projections.tables import uuid_bytes

_issuance: Final = SUBMISSIONS.alias("issuance")
_COLUMNS: Final = (CREDENTIALS.c.position, CREDENTIALS.c.credential)


def _issued(stretches: Select[Any], first: ColumnElement[int]) -> Select[Any]:
    """Return the query for the issuances in `stretches` of the log, each beginning at `first`."""
    return (
        stretches.where(
            first < bindparam("size"),
            CREDENTIALS.c.version == 1,
            CREDENTIALS.c.position > bindparam("after"),
            CREDENTIALS.c.position < bindparam("size"),
        )
        .order_by(first, CREDENTIALS.c.position)
        .limit(bindparam("limit"))
    )


def _from(first: ColumnElement[int], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the SQL for the beginning of the stretch in which the last page ended."""
    return (
        select(func.coalesce(func.max(first), 0))
        .where(first <= bindparam("after"), *conditions)
        .scalar_subquery()
    )


_NUMBER: Final = select(DIDS.c.number).where(DIDS.c.did == bindparam("name")).scalar_subquery()
_SUBMITTED: Final = (
    select(*_COLUMNS)
    .join_from(
        SUBMISSIONS,
        CREDENTIALS,
        (CREDENTIALS.c.position > SUBMISSIONS.c.position)
        & (CREDENTIALS.c.position <= SUBMISSIONS.c.position + SUBMISSIONS.c.events),
    )
    .where(
        SUBMISSIONS.c.issuer == _NUMBER,
        SUBMISSIONS.c.position >= _from(_issuance.c.position),
    )
)
_OF_PROVIDER: Final = _issued(_SUBMITTED, SUBMISSIONS.c.position)
_NO_FLAGS: Final[ColumnElement[int]] = literal_column("0")
_FLAGGED_OF_PROVIDER: Final = _OF_PROVIDER.where(
    SUBMISSIONS.c.flags != _NO_FLAGS, CREDENTIALS.c.flags != _NO_FLAGS
)
_DEFINED: Final = (
    select(ACHIEVEMENTS.c.position)
    .where(ACHIEVEMENTS.c.achievement == bindparam("name"))
    .scalar_subquery()
)
_earlier: Final = AWARDS.alias("earlier")
_OF_ACHIEVEMENT: Final = _issued(
    select(*_COLUMNS)
    .join_from(AWARDS, CREDENTIALS, CREDENTIALS.c.position.between(AWARDS.c.first, AWARDS.c.last))
    .where(
        AWARDS.c.achievement == _DEFINED,
        AWARDS.c.first >= _from(_earlier.c.first, _earlier.c.achievement == _DEFINED),
        CREDENTIALS.c.achievement == AWARDS.c.achievement,
    ),
    AWARDS.c.first,
)
_FLAGGED_OF_ACHIEVEMENT: Final = (
    select(*_COLUMNS)
    .where(
        CREDENTIALS.c.achievement == _DEFINED,
        CREDENTIALS.c.flags != _NO_FLAGS,
        CREDENTIALS.c.version == 1,
        CREDENTIALS.c.position > bindparam("after"),
        CREDENTIALS.c.position < bindparam("size"),
    )
    .order_by(CREDENTIALS.c.position)
    .limit(bindparam("limit"))
)


def listed_of(
    connection: Connection, provider: str, size: int, *, flagged: bool, after: int, limit: int
) -> Page[bytes]:
    """Return the ids (16 bytes each) of what `provider` issued, or only of what was flagged.

    `after` is the position of an issuance.
    """
    statement = _FLAGGED_OF_PROVIDER if flagged else _OF_PROVIDER
    return _page(connection, statement, {"name": provider, "after": after}, size, limit)


def listed_for(
    connection: Connection, achievement: str, size: int, *, flagged: bool, after: int, limit: int
) -> Page[bytes]:
    """Return the ids of what was issued for `achievement`, as above."""
    statement = _FLAGGED_OF_ACHIEVEMENT if flagged else _OF_ACHIEVEMENT
    asked = {"name": uuid_bytes(achievement), "after": after}
    return _page(connection, statement, asked, size, limit)


def _page(
    connection: Connection, statement: Select[Any], asked: dict[str, Any], size: int, limit: int
) -> Page[bytes]:
    asked |= {"size": size, "limit": bounded(limit)}
    rows = connection.execute(statement, asked).all()
    more = rows[limit - 1].position if len(rows) > limit else None
    return Page(size, tuple(row.credential for row in rows[:limit]), more)
