"""The register as of a size, read back from the tables.

It is the fold of the events that the register keeps, and equals the fold of the log up to that
size, as long as only the follower wrote the tables. The follower goes on from it after a restart.
"""

from __future__ import annotations

from itertools import groupby

from sqlalchemy import Connection

from projections import defined, dids, grants, submissions, tallies, totals
from projections.histories import Logged, in_register
from projections.position import reached
from projections.tables import Known
from testamur.rules.fold import take
from testamur.rules.register import Register
from testamur.verification.histories import FewCredentials


def known_at(connection: Connection, size: int) -> Known:
    """Return the register after the first `size` entries, and every short name assigned so far.

    `size` is the end of a submission: what `submissions.as_of` returns.
    """
    accreditations, recognitions = grants.numbers(connection)
    return Known(
        register=register_at(connection, size),
        organizations=dids.numbers(connection),
        achievements=defined.numbers(connection),
        accreditations=accreditations,
        recognitions=recognitions,
        totals=totals.newest(connection),
        tallies=tallies.newest(connection),
    )


def register_at(connection: Connection, size: int) -> Register:
    """Return the register after the first `size` entries."""
    register = Register()
    if size == 0:
        return register
    credentials = FewCredentials()  # of which the register keeps nothing
    for _, together in groupby(in_register(connection, size), key=_submission):
        logged = list(together)
        events = [(each.position, each.said.event) for each in logged]
        take(register, credentials, logged[0].said.signed, events)
    register.origin = reached(connection).origin
    register.size = size
    last = submissions.last_before(connection, size)
    register.recorded_at = 0 if last is None else last.recorded_at
    return register


def _submission(logged: Logged) -> int:
    return logged.said.signed.position
