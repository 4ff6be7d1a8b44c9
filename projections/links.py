"""Which recognitions could be links of a chain from an anchor to an accreditor, by the tables.

An authority may recognise others without end. So those within reach of the anchor are numbers in
one query, and what they recognised is looked at only where it leads to the accreditor.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import CTE, Connection, Select, bindparam, select, union_all

from projections.dids import DIDS
from projections.grants import ACCREDITOR, AUTHORITY, GRANTS
from projections.tables import uuid_text

_EARLIER: Final = GRANTS.c.position < bindparam("size")
_MAKES_AUTHORITY: Final = GRANTS.c.makes == AUTHORITY


def links(
    connection: Connection, anchor: str, accreditor: str, length: int, size: int
) -> dict[str, list[str]]:
    """Return, by granter, the recognitions that make authorities in chains of `length` links.

    They are those that lead from `anchor` to `accreditor` in just so many, before `size`,
    whether or not they count.
    """
    found: dict[str, list[str]] = {}
    if length > 1:
        asked = {"anchor": anchor, "accreditor": accreditor, "size": size}
        for row in connection.execute(_links(length), asked):
            found.setdefault(row.did, []).append(uuid_text(row.id))
    return found


@cache
def _links(length: int) -> Select[Any]:
    steps = [select(DIDS.c.number.label("one")).where(DIDS.c.did == bindparam("anchor")).cte()]
    for _ in range(length - 1):
        steps.append(_made_by(steps[-1]))
    after = _who_made(
        steps.pop(),
        select(DIDS.c.number.label("one")).where(DIDS.c.did == bindparam("accreditor")).cte(),
        ACCREDITOR,
    )
    found = []
    while steps:
        step = steps.pop()
        found.append(
            select(GRANTS.c.id, GRANTS.c.granter, GRANTS.c.position)
            .join(after, GRANTS.c.subject == after.c.one)
            .where(GRANTS.c.granter.in_(select(step.c.one)), _MAKES_AUTHORITY, _EARLIER)
        )
        after = _who_made(step, after, AUTHORITY)
    edges = union_all(*found).subquery()
    return (
        select(edges.c.id, DIDS.c.did)
        .join(DIDS, DIDS.c.number == edges.c.granter)
        .order_by(edges.c.position)
    )


def _made_by(step: CTE) -> CTE:
    """Return the organizations that those of a step made authorities."""
    return (
        select(GRANTS.c.subject.label("one"))
        .join(step, GRANTS.c.granter == step.c.one)
        .where(_MAKES_AUTHORITY, _EARLIER)
        .distinct()
        .cte()
    )


def _who_made(step: CTE, subjects: CTE, makes: int) -> CTE:
    """Return those of a step that recognised one of the subjects so."""
    return (
        select(GRANTS.c.granter.label("one"))
        .join(subjects, GRANTS.c.subject == subjects.c.one)
        .where(GRANTS.c.makes == makes, _EARLIER, GRANTS.c.granter.in_(select(step.c.one)))
        .distinct()
        .cte()
    )
