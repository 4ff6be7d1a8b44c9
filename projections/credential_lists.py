"""Which credentials were issued by whom, and for what: the ids of a page of a list, in log order.

Each credential stands once, in the place of its first issuance, whether that counts or not. There
is no index for any of the choices: submissions and `awards` say in which stretches of the log to
look. Of the issuances there, a bounded number is looked at for one page, so a page may hold few
credentials, or none, and yet not be the last.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)

from projections.defined import ACHIEVEMENTS
from projections.flags import mask
from projections.grants import GRANTS
from projections.issuances import AWARDS, CREDENTIALS
from projections.marks import MARKS, List, flag_mark, party_mark
from projections.page import Page, Stretch
from projections.search import Search
from projections.submissions import SUBMISSIONS, submission_before
from projections.tables import uuid_bytes
from testamur.rules.flags import Flag


class Chosen(NamedTuple):
    """Which credentials a list holds; organizations are named by their numbers.

    `flagged` chooses those with any flag, `flag` those with this one.
    """

    provider: int | None = None
    achievement: str | None = None
    accreditor: int | None = None
    flagged: bool = False
    flag: Flag | None = None


class _Shape(NamedTuple):
    """Which choices there are: what the statement depends on."""

    provider: bool
    achievement: bool
    accreditor: bool
    flagged: bool
    flag: bool


_NONE: Final[ColumnElement[int]] = literal_column("0")
_ROW: Final = (
    CREDENTIALS.c.position,
    CREDENTIALS.c.credential,
    CREDENTIALS.c.version,
    CREDENTIALS.c.flags,
    CREDENTIALS.c.achievement,
    CREDENTIALS.c.accreditation,
)
_IN_SUBMISSION: Final = (CREDENTIALS.c.position > SUBMISSIONS.c.position) & (
    CREDENTIALS.c.position <= SUBMISSIONS.c.position + SUBMISSIONS.c.events
)
_issuance: Final = SUBMISSIONS.alias("issuance")
_earlier: Final = AWARDS.alias("earlier")
_before: Final = MARKS.alias("before_it")


def listed(
    connection: Connection, chosen: Chosen, size: int, *, within: Stretch, after: int, limit: int
) -> Page[bytes]:
    """Return the ids (16 bytes each) of the credentials chosen, issued before `size`.

    `after` is the position of an issuance.
    """
    search = _search(_shape(chosen))
    return search.page(connection, size, after, limit, within=within, **_parameters(chosen))


def _shape(chosen: Chosen) -> _Shape:
    return _Shape(
        provider=chosen.provider is not None,
        achievement=chosen.achievement is not None,
        accreditor=chosen.accreditor is not None,
        flagged=chosen.flagged or chosen.flag is not None,
        flag=chosen.flag is not None,
    )


def _parameters(chosen: Chosen) -> dict[str, object]:
    asked: dict[str, object] = {}
    if chosen.provider is not None:
        asked["provider"] = chosen.provider
    if chosen.achievement is not None:
        asked["achievement"] = uuid_bytes(chosen.achievement)
    if chosen.accreditor is not None:
        asked["accreditor"] = chosen.accreditor
        asked["mark"] = party_mark("by", chosen.accreditor)
    if chosen.flag is not None:
        asked["flags"] = mask((chosen.flag,))
        asked.setdefault("mark", flag_mark(chosen.flag))
    return asked


@lru_cache(maxsize=32)
def _search(shape: _Shape) -> Search[bytes]:
    stretches, *order = _stretches(shape)
    if order:
        stretches = stretches.where(order[0] < bindparam("size"))
    if shape.flagged:
        # As it stands in the partial indexes, or the planner does not take them.
        stretches = stretches.where(CREDENTIALS.c.flags != _NONE)
    position = CREDENTIALS.c.position
    return Search(
        stretches,
        position,
        lambda row: _conditions(shape, row),
        lambda row, _: bytes(row.credential),
        order=[*order, position] if order else (),
    )


def _conditions(shape: _Shape, row: FromClause) -> list[ColumnElement[bool]]:
    """Return what an issuance must be, beyond lying in the stretches that are looked at."""
    found: list[ColumnElement[bool]] = [row.c.version == literal_column("1")]
    if shape.flag:
        found.append(row.c.flags.bitwise_and(bindparam("flags")) != _NONE)
    if shape.achievement:
        found.append(row.c.achievement == _defined())
    if shape.accreditor:
        granted = select(GRANTS.c.granter).where(GRANTS.c.position == row.c.accreditation)
        found.append(granted.scalar_subquery() == bindparam("accreditor"))
    if shape.provider and shape.achievement:
        issued = select(SUBMISSIONS.c.issuer).where(
            SUBMISSIONS.c.position == submission_before(row.c.position, row)
        )
        found.append(issued.scalar_subquery() == bindparam("provider"))
    return found


def _stretches(shape: _Shape) -> tuple[Any, ...]:
    """Return the query for the issuances to look at, and columns that order their stretches.

    The first of these is where a stretch begins. There is none where one index has them all.
    """
    if shape.achievement and shape.flagged:
        return (select(*_ROW).where(CREDENTIALS.c.achievement == _defined()),)
    if shape.achievement:
        return _awarded(), AWARDS.c.first
    if shape.provider:
        return _submitted(shape), SUBMISSIONS.c.position
    if shape.accreditor or shape.flag:
        # The planner does not know that a submission has a mark once.
        return _marked(), MARKS.c.thing, MARKS.c.position
    return (select(*_ROW),)


def _from(first: ColumnElement[int], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the SQL for the beginning of the stretch in which the last page ended."""
    return (
        select(func.coalesce(func.max(first), _NONE))
        .where(first <= bindparam("after"), *conditions)
        .scalar_subquery()
    )


def _defined() -> ColumnElement[int]:
    return (
        select(ACHIEVEMENTS.c.position)
        .where(ACHIEVEMENTS.c.achievement == bindparam("achievement"))
        .scalar_subquery()
    )


def _awarded() -> Select[Any]:
    return (
        select(*_ROW)
        .join_from(
            AWARDS, CREDENTIALS, CREDENTIALS.c.position.between(AWARDS.c.first, AWARDS.c.last)
        )
        .where(
            AWARDS.c.achievement == _defined(),
            AWARDS.c.first >= _from(_earlier.c.first, _earlier.c.achievement == _defined()),
        )
    )


def _submitted(shape: _Shape) -> Select[Any]:
    found = (
        select(*_ROW)
        .join_from(SUBMISSIONS, CREDENTIALS, _IN_SUBMISSION)
        .where(
            SUBMISSIONS.c.issuer == bindparam("provider"),
            SUBMISSIONS.c.position >= _from(_issuance.c.position),
        )
    )
    return found.where(SUBMISSIONS.c.flags != _NONE) if shape.flagged else found


def _marked() -> Select[Any]:
    """Return the query for the submissions of one mark: of an accreditor, else of a flag."""
    of_it = (MARKS.c.list == literal_column(str(int(List.SUBMISSIONS)))) & (
        MARKS.c.mark == bindparam("mark")
    )
    earlier = (_before.c.list == literal_column(str(int(List.SUBMISSIONS)))) & (
        _before.c.mark == bindparam("mark")
    )
    return (
        select(*_ROW)
        .join_from(MARKS, SUBMISSIONS, SUBMISSIONS.c.position == MARKS.c.thing)
        .join(CREDENTIALS, _IN_SUBMISSION)
        .where(of_it, MARKS.c.thing >= _from(_before.c.thing, earlier))
    )
