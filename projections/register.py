"""The register as of a size, read back from the tables.

It equals the fold of the log up to that size, byte for byte under `dump_register`, as long as only
the follower wrote the tables. The follower goes on from it after a restart.
"""

from __future__ import annotations

from sqlalchemy import Connection

from projections import accreditations, achievements, organizations, submissions
from projections.position import reached
from projections.tables import Known


def known_at(connection: Connection, size: int) -> Known:
    """Return the register after the first `size` entries, and the short names assigned by then.

    `size` is the end of a submission: what `submissions.as_of` returns.
    """
    known = Known()
    if size == 0:
        return known
    organizations.load(connection, known, size)
    accreditations.load(connection, known, size)
    achievements.load(connection, known, size)
    known.register.origin = reached(connection).origin
    known.register.size = size
    last = submissions.last_before(connection, size)
    known.register.recorded_at = 0 if last is None else last.recorded_at
    return known
