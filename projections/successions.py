"""Who was named to act for whom: one row for each naming of a successor, counting or not.

Whether a naming counts, and is in effect, is asked of the rules (`testamur/rules/succession.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Index, Row, Table, bindparam, insert, select

from projections.dids import DIDS
from projections.histories import event_at, history, thing_text
from projections.lookups import LookUps
from projections.page import Page, Pages
from projections.submissions import last_before
from projections.tables import METADATA, NUMBER, POSITION, Known, Rows
from testamur.catalogue import events as e
from testamur.catalogue.touched import History, Thing
from testamur.rules.register import Register
from testamur.rules.register import Thing as Owned
from testamur.rules.said import Said
from testamur.rules.status import closing
from testamur.rules.succession import Naming, namings, namings_for
from testamur.verification.replay import ReplayedSubmission

SUCCESSIONS: Final = Table(
    "successions",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=False),
    Column("successor", NUMBER, nullable=False),
)
Index("succession_by", SUCCESSIONS.c.successor, SUCCESSIONS.c.position)

MAX_NAMED: Final = 64
"""Namings that an answer about one thing shows: the first ones. The lists have all."""

_INTO_SUCCESSIONS: Final = insert(SUCCESSIONS)


class Named(msgspec.Struct, frozen=True):
    """A naming of a successor, and where the organization at its other end closed, if it did.

    That is the successor, seen from the organization, and the organization, seen from it.
    """

    naming: Naming
    closed: int | None


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each naming."""
    for position, event in enumerate(submission.events, start=submission.position + 1):
        if isinstance(event, e.OrganizationSucceeded):
            row = {"position": position, "successor": known.organizations[event.successor]}
            rows[_INTO_SUCCESSIONS].append(row)


def _position(row: Row[Any], _: int) -> int:
    return int(row.cursor)


_NAMING: Final = Pages(
    select(SUCCESSIONS.c.position)
    .join(DIDS, DIDS.c.number == SUCCESSIONS.c.successor)
    .where(DIDS.c.did == bindparam("did"), SUCCESSIONS.c.position < bindparam("size")),
    SUCCESSIONS.c.position,
    _position,
)


def successors(connection: Connection, did: str, size: int) -> tuple[Named, ...]:
    """Return the successors of an organization: those it named first, then its accreditors'."""
    beginning = thing_text(Thing(History.SUCCESSION, f"{did} "))
    others = history(connection, [], size, beginning=beginning, limit=MAX_NAMED).items
    register, now = LookUps(connection, size).register(), recorded_at(connection, size)
    named = (
        each
        for speaker in dict.fromkeys((did, *(logged.said.actor for logged in others)))
        for each in namings(register, did, speaker, size, now)
    )
    return tuple(_seen(register, named))


def successors_for(
    connection: Connection, register: Register, thing: Owned, size: int
) -> tuple[Named, ...]:
    """Return the successors named for one thing: by its owner, and a credential's accreditor."""
    return tuple(_seen(register, namings_for(register, thing, size, recorded_at(connection, size))))


def predecessors(
    connection: Connection, did: str, size: int, *, after: int = 0, limit: int = MAX_NAMED
) -> Page[Named]:
    """Return the organizations of which one was named the successor, in log order.

    `after` is the position of a naming. One that does not count, or that the organization
    objected to, is left out, as is what the same speaker said again.
    """
    page = _NAMING.page(connection, size, after, limit, did=did)
    register, now = LookUps(connection, size).register(), recorded_at(connection, size)
    found = []
    for position in page.items:
        said = _naming_at(connection, position)
        event = said.event
        if not isinstance(event, e.OrganizationSucceeded):
            raise TypeError(f"{e.wire_name(event)} names no successor")
        for each in namings(register, event.organization, said.actor, size, now):
            if each.said.position == position:
                closed = closed_at(register, event.organization)
                found.append(Named(each, closed))
    return Page(size, tuple(found), page.next)


def closed_at(register: Register, did: str) -> int | None:
    """Return where an organization closed, or None if it did not."""
    organization = register.organizations.get(did)
    found = None if organization is None else closing(register, organization)
    return None if found is None else found.position


def recorded_at(connection: Connection, size: int) -> int:
    """Return the register's time of the last entry below a size, in Unix milliseconds."""
    last = last_before(connection, size)
    return 0 if last is None else int(last.recorded_at)


def _naming_at(connection: Connection, position: int) -> Said:
    logged = event_at(connection, position)
    if logged is None:
        raise LookupError(f"there is no naming at {position}")
    return logged.said


def _seen(register: Register, named: Iterable[Naming]) -> Iterator[Named]:
    for _, each in zip(range(MAX_NAMED), named, strict=False):
        yield Named(each, closed_at(register, each.successor))
