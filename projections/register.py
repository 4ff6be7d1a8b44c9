"""The register as it stood at a size, put together again from the tables.

It equals what folding the log up to there gives, byte for byte under `dump_register`; the
follower goes on from it after a restart. That holds for tables that only the follower wrote.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from projections import accreditations, achievements, organizations
from projections.position import reached
from projections.submissions import SUBMISSIONS
from projections.tables import Known
from testamur.rules.register import naming

_LAST_RECORDED: Final = (
    select(SUBMISSIONS.c.recorded_at)
    .where(SUBMISSIONS.c.position < bindparam("size"))
    .order_by(SUBMISSIONS.c.position.desc())
    .limit(1)
)


def known_at(connection: Connection, size: int) -> Known:
    """Return the register after the first `size` entries, and the short names given by then.

    `size` is the end of a submission: what `submissions.as_of` returns.
    """
    known = Known()
    if size == 0:
        return known
    organizations.load(connection, known, size)
    accreditations.load(connection, known, size)
    achievements.load(connection, known, size)
    known.register.named = naming(known.register)
    known.register.origin = reached(connection).origin
    known.register.size = size
    known.register.recorded_at = connection.execute(_LAST_RECORDED, {"size": size}).scalar_one()
    return known
