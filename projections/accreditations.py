"""Who vouches for whom: accreditations of providers and recognitions of accreditors, by event.

The terms of a grant never change, so they are kept once, with the grant; every event adds its
position and the status after it. Whether the dates are met on a day is for the reader to work
out (`in_force` of the state), as the register does.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    FromClause,
    Index,
    Select,
    String,
    Table,
    Text,
    bindparam,
    insert,
)

from projections.flags import mask, names
from projections.organizations import DIDS
from projections.page import Page, bounded
from projections.tables import (
    METADATA,
    NUMBER,
    POSITION,
    UUID_BYTES,
    Known,
    Rows,
    located,
    uuid_bytes,
)
from projections.versions import Standing, StreamEvent
from testamur import events as e
from testamur.lifecycle import ACCREDITATION, RECOGNITION
from testamur.replay import Cohort
from testamur.rules.register import Accreditation, Recognition

ACCREDITATIONS: Final = Table(
    "accreditations",
    METADATA,
    Column("accreditation", UUID_BYTES, primary_key=True),
    Column("version", NUMBER, primary_key=True, autoincrement=False),
    Column("position", POSITION, nullable=False, unique=True),
    Column("event", String, nullable=False),
    Column("status", String, nullable=False),
    Column("flags", NUMBER, nullable=False),
    # Of the grant alone, version 1.
    Column("accreditor", NUMBER),
    Column("provider", NUMBER),
    Column("terms", Text),
    sqlite_with_rowid=False,
)
Index("accreditation_of_provider", ACCREDITATIONS.c.provider, ACCREDITATIONS.c.position)
Index("accreditation_by_accreditor", ACCREDITATIONS.c.accreditor, ACCREDITATIONS.c.position)

RECOGNITIONS: Final = Table(
    "recognitions",
    METADATA,
    Column("recognition", UUID_BYTES, primary_key=True),
    Column("version", NUMBER, primary_key=True, autoincrement=False),
    Column("position", POSITION, nullable=False, unique=True),
    Column("event", String, nullable=False),
    Column("status", String, nullable=False),
    # Of the grant alone, version 1.
    Column("authority", NUMBER),
    Column("accreditor", NUMBER),
    Column("terms", Text),
    sqlite_with_rowid=False,
)
Index("recognition_of_accreditor", RECOGNITIONS.c.accreditor, RECOGNITIONS.c.position)

_INTO_ACCREDITATIONS: Final = insert(ACCREDITATIONS)
_INTO_RECOGNITIONS: Final = insert(RECOGNITIONS)
# One event, one status: the tables of the lifecycle never lead two ways by the same event.
_STATUS: Final = {event: status for (_, event), status in ACCREDITATION.items()} | {
    event: status for (_, event), status in RECOGNITION.items()
}
_ACCREDITATION_EVENTS: Final = frozenset(event for _, event in ACCREDITATION)
_RECOGNITION_EVENTS: Final = frozenset(event for _, event in RECOGNITION)

Granted = TypeVar("Granted", Accreditation, Recognition)


class AccreditationAt(msgspec.Struct, frozen=True):
    """An accreditation as of `size`, granted at `granted` and last changed at `position`.

    `flags` are the policy breaches of the grant.
    """

    size: int
    granted: int
    position: int
    flags: tuple[str, ...]
    accreditation: Accreditation


class RecognitionAt(msgspec.Struct, frozen=True):
    """A recognition as of `size`, granted at `granted` and last changed at `position`."""

    size: int
    granted: int
    position: int
    recognition: Recognition


def fold(cohort: Cohort, known: Known, rows: Rows) -> None:
    """Add a row for each event about an accreditation or a recognition."""
    for position, event, version, flags in located(cohort, _ACCREDITATION_EVENTS):
        row = _row(position, event, version) | {
            "accreditation": uuid_bytes(event.accreditation),
            "flags": mask(flags),
            "accreditor": None,
            "provider": None,
            "terms": None,
        }
        if isinstance(event, e.AccreditationGranted):
            known.accreditations[event.accreditation] = position
            terms = _terms(known.register.accreditations[event.accreditation])
            row |= {
                "accreditor": known.organizations[cohort.header.payload.iss],
                "provider": known.organizations[event.provider],
                "terms": terms,
            }
        rows[_INTO_ACCREDITATIONS].append(row)
    for position, event, version, _ in located(cohort, _RECOGNITION_EVENTS):
        row = _row(position, event, version) | {
            "recognition": uuid_bytes(event.recognition),
            "authority": None,
            "accreditor": None,
            "terms": None,
        }
        if isinstance(event, e.RecognitionGranted):
            terms = _terms(known.register.recognitions[event.recognition])
            row |= {
                "authority": known.organizations[cohort.header.payload.iss],
                "accreditor": known.organizations[event.accreditor],
                "terms": terms,
            }
        rows[_INTO_RECOGNITIONS].append(row)


def _row(position: int, event: Any, version: int) -> dict[str, Any]:
    return {
        "version": version,
        "position": position,
        "event": e.wire_name(event),
        "status": _STATUS[type(event)].value,
    }


def _terms(state: Accreditation | Recognition) -> str:
    # Status and version are those of each row; what is kept here is the same for all of them.
    return msgspec.json.encode(state).decode()


_accreditation: Final = Standing.over(ACCREDITATIONS, "accreditation")
_recognition: Final = Standing.over(RECOGNITIONS, "recognition")
_ACCREDITATION: Final = _accreditation.all.add_columns(
    _accreditation.first.c.terms, _accreditation.first.c.flags
)
_RECOGNITION: Final = _recognition.all.add_columns(_recognition.first.c.terms)
_ONE: Final = _accreditation.one(_ACCREDITATION)
_ONE_RECOGNITION: Final = _recognition.one(_RECOGNITION)


def _listed(statement: Select[Any], first: FromClause, party: str) -> Select[Any]:
    return (
        statement.join(DIDS, DIDS.c.number == first.c[party])
        .where(DIDS.c.did == bindparam("did"), first.c.position > bindparam("after"))
        .order_by(first.c.position)
        .limit(bindparam("limit"))
    )


_OF_PROVIDER: Final = _listed(_ACCREDITATION, _accreditation.first, "provider")
_BY_ACCREDITOR: Final = _listed(_ACCREDITATION, _accreditation.first, "accreditor")
_OF_ACCREDITOR: Final = _listed(_RECOGNITION, _recognition.first, "accreditor")


def accreditation_at(
    connection: Connection, accreditation: str, size: int
) -> AccreditationAt | None:
    """Return an accreditation, or `None` if it was not granted by then."""
    asked = {"key": uuid_bytes(accreditation), "size": size}
    row = connection.execute(_ONE, asked).one_or_none()
    return None if row is None else _accreditation_told(row, size)


def recognition_at(connection: Connection, recognition: str, size: int) -> RecognitionAt | None:
    """Return a recognition, or `None` if it was not granted by then."""
    asked = {"key": uuid_bytes(recognition), "size": size}
    row = connection.execute(_ONE_RECOGNITION, asked).one_or_none()
    return None if row is None else _recognition_told(row, size)


def accreditations_of(
    connection: Connection, provider: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[AccreditationAt]:
    """Return the accreditations ever granted to `provider`; `after` is the position of a grant."""
    return _page(connection, _OF_PROVIDER, provider, size, after, limit)


def accreditations_by(
    connection: Connection, accreditor: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[AccreditationAt]:
    """Return the accreditations that `accreditor` ever granted; `after` as above."""
    return _page(connection, _BY_ACCREDITOR, accreditor, size, after, limit)


def recognitions_of(
    connection: Connection, accreditor: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[RecognitionAt]:
    """Return the recognitions ever granted to `accreditor`; `after` as above."""
    asked = {"did": accreditor, "size": size, "after": after, "limit": bounded(limit)}
    rows = connection.execute(_OF_ACCREDITOR, asked).all()
    more = rows[limit - 1].granted if len(rows) > limit else None
    return Page(size, tuple(_recognition_told(row, size) for row in rows[:limit]), more)


def accreditation_history(
    connection: Connection, accreditation: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[StreamEvent]:
    """Return the events of an accreditation; `after` is a version."""
    return _accreditation.history(connection, uuid_bytes(accreditation), size, after, limit)


def recognition_history(
    connection: Connection, recognition: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[StreamEvent]:
    """Return the events of a recognition; `after` is a version."""
    return _recognition.history(connection, uuid_bytes(recognition), size, after, limit)


def load(connection: Connection, known: Known, size: int) -> None:
    """Put the accreditations and recognitions as of `size` into `known`."""
    register = known.register
    for row in connection.execute(_ACCREDITATION, {"size": size}):
        accreditation = _state(row, Accreditation)
        register.accreditations[accreditation.id] = accreditation
        known.accreditations[accreditation.id] = row.granted
    by_grant = _RECOGNITION.order_by(_recognition.first.c.position)
    for row in connection.execute(by_grant, {"size": size}):
        recognition = _state(row, Recognition)
        register.recognitions[recognition.id] = recognition
        earlier = register.recognised.get(recognition.accreditor, ())
        register.recognised[recognition.accreditor] = (*earlier, recognition.id)


def _page(
    connection: Connection, statement: Select[Any], did: str, size: int, after: int, limit: int
) -> Page[AccreditationAt]:
    asked = {"did": did, "size": size, "after": after, "limit": bounded(limit)}
    rows = connection.execute(statement, asked).all()
    more = rows[limit - 1].granted if len(rows) > limit else None
    return Page(size, tuple(_accreditation_told(row, size) for row in rows[:limit]), more)


def _state(row: Any, kind: type[Granted]) -> Granted:
    granted = msgspec.json.decode(row.terms, type=kind)
    status = type(granted.status)(row.status)
    return msgspec.structs.replace(granted, status=status, version=row.version)


def _accreditation_told(row: Any, size: int) -> AccreditationAt:
    return AccreditationAt(
        size, row.granted, row.position, names(row.flags), _state(row, Accreditation)
    )


def _recognition_told(row: Any, size: int) -> RecognitionAt:
    return RecognitionAt(size, row.granted, row.position, _state(row, Recognition))
