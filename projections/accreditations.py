"""Accreditations of providers and recognitions of accreditors, one row per event.

The terms of a grant never change, so they are kept once, with the grant; every event adds its
position and the status after it. Whether an accreditation is in force on a day, the reader works
out from its dates (`in_force` of the state), as the register does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Column, Connection, Index, Row, Select, Text, bindparam

from projections.flags import mask, names
from projections.organizations import DIDS
from projections.page import Page, Pages
from projections.tables import NUMBER, Known, Rows, uuid_bytes
from projections.versions import StreamEvent, Streams
from testamur.catalogue import events as e
from testamur.catalogue.table import Kind
from testamur.rules import Flags
from testamur.rules.accreditation import add_recognition
from testamur.rules.register import Accreditation, Recognition
from testamur.verification.replay import ReplayedSubmission

_accreditations: Final = Streams(
    Kind.ACCREDITATION,
    Column("flags", NUMBER, nullable=False),
    # Of the grant alone, version 1.
    Column("accreditor", NUMBER),
    Column("provider", NUMBER),
    Column("terms", Text),
)
ACCREDITATIONS: Final = _accreditations.table
Index("accreditation_of_provider", ACCREDITATIONS.c.provider, ACCREDITATIONS.c.position)
Index("accreditation_by_accreditor", ACCREDITATIONS.c.accreditor, ACCREDITATIONS.c.position)

_recognitions: Final = Streams(
    Kind.RECOGNITION,
    # Of the grant alone, version 1.
    Column("authority", NUMBER),
    Column("accreditor", NUMBER),
    Column("terms", Text),
)
RECOGNITIONS: Final = _recognitions.table
Index("recognition_of_accreditor", RECOGNITIONS.c.accreditor, RECOGNITIONS.c.position)

T = TypeVar("T")
Granted = TypeVar("Granted", Accreditation, Recognition)


class AccreditationAt(msgspec.Struct, frozen=True):
    """An accreditation as of `size`, granted at `granted` and last changed at `position`.

    `flags` are those of the grant.
    """

    size: int
    granted: int
    position: int
    flags: Flags
    accreditation: Accreditation


class RecognitionAt(msgspec.Struct, frozen=True):
    """A recognition as of `size`, granted at `granted` and last changed at `position`."""

    size: int
    granted: int
    position: int
    recognition: Recognition


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each event about an accreditation or a recognition."""
    issuer = known.organizations[submission.header.payload.iss]
    for event, flags, row in _accreditations.rows(submission):
        row |= {"flags": mask(flags), "accreditor": None, "provider": None, "terms": None}
        if isinstance(event, e.AccreditationGranted):
            known.accreditations[event.accreditation] = row["position"]
            row |= {
                "accreditor": issuer,
                "provider": known.organizations[event.provider],
                "terms": _terms(known.register.accreditations[event.accreditation]),
            }
        rows[_accreditations.insertion].append(row)
    for event, _, row in _recognitions.rows(submission):
        row |= {"authority": None, "accreditor": None, "terms": None}
        if isinstance(event, e.RecognitionGranted):
            row |= {
                "authority": issuer,
                "accreditor": known.organizations[event.accreditor],
                "terms": _terms(known.register.recognitions[event.recognition]),
            }
        rows[_recognitions.insertion].append(row)


def _terms(state: Accreditation | Recognition) -> str:
    # Each row has its own status and version; the rest is the same for all rows of a stream.
    return msgspec.json.encode(state).decode()


def _state(row: Row[Any], kind: type[Granted]) -> Granted:
    granted = msgspec.json.decode(row.terms, type=kind)
    status = type(granted.status)(row.status)
    return msgspec.structs.replace(granted, status=status, version=row.version)


def _accreditation_from_row(row: Row[Any], size: int) -> AccreditationAt:
    return AccreditationAt(
        size, row.granted, row.position, names(row.flags), _state(row, Accreditation)
    )


def _recognition_from_row(row: Row[Any], size: int) -> RecognitionAt:
    return RecognitionAt(size, row.granted, row.position, _state(row, Recognition))


def _of_party(
    streams: Streams, statement: Select[Any], party: str, from_row: Callable[[Row[Any], int], T]
) -> Pages[T]:
    """Return the pages of what has `:did` as its `party`, in the order of the grants."""
    first = streams.first.c
    joined = statement.join(DIDS, DIDS.c.number == first[party])
    return Pages(joined.where(DIDS.c.did == bindparam("did")), first.position, from_row)


_first: Final = _accreditations.first.c
_ACCREDITATION: Final = _accreditations.states.add_columns(_first.terms, _first.flags)
_ONE: Final = _accreditations.one(_ACCREDITATION)
_OF_PROVIDER: Final = _of_party(
    _accreditations, _ACCREDITATION, "provider", _accreditation_from_row
)
_BY_ACCREDITOR: Final = _of_party(
    _accreditations, _ACCREDITATION, "accreditor", _accreditation_from_row
)
_RECOGNITION: Final = _recognitions.states.add_columns(_recognitions.first.c.terms)
_ONE_RECOGNITION: Final = _recognitions.one(_RECOGNITION)
_OF_ACCREDITOR: Final = _of_party(_recognitions, _RECOGNITION, "accreditor", _recognition_from_row)


def accreditation_at(
    connection: Connection, accreditation: str, size: int
) -> AccreditationAt | None:
    """Return an accreditation, or `None` if it was not granted by then."""
    asked = {"key": uuid_bytes(accreditation), "size": size}
    row = connection.execute(_ONE, asked).one_or_none()
    return None if row is None else _accreditation_from_row(row, size)


def recognition_at(connection: Connection, recognition: str, size: int) -> RecognitionAt | None:
    """Return a recognition, or `None` if it was not granted by then."""
    asked = {"key": uuid_bytes(recognition), "size": size}
    row = connection.execute(_ONE_RECOGNITION, asked).one_or_none()
    return None if row is None else _recognition_from_row(row, size)


def accreditations_of(
    connection: Connection, provider: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[AccreditationAt]:
    """Return the accreditations ever granted to `provider`; `after` is the position of a grant."""
    return _OF_PROVIDER.page(connection, size, after, limit, did=provider)


def accreditations_by(
    connection: Connection, accreditor: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[AccreditationAt]:
    """Return the accreditations that `accreditor` ever granted; `after` as above."""
    return _BY_ACCREDITOR.page(connection, size, after, limit, did=accreditor)


def recognitions_of(
    connection: Connection, accreditor: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[RecognitionAt]:
    """Return the recognitions ever granted to `accreditor`; `after` as above."""
    return _OF_ACCREDITOR.page(connection, size, after, limit, did=accreditor)


def accreditation_history(
    connection: Connection, accreditation: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[StreamEvent]:
    """Return the events of an accreditation; `after` is a version."""
    return _accreditations.history(connection, accreditation, size, after, limit)


def recognition_history(
    connection: Connection, recognition: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[StreamEvent]:
    """Return the events of a recognition; `after` is a version."""
    return _recognitions.history(connection, recognition, size, after, limit)


def load(connection: Connection, known: Known, size: int) -> None:
    """Put the accreditations and recognitions as of `size` into `known`."""
    register = known.register
    for row in connection.execute(_ACCREDITATION, {"size": size}):
        accreditation = _state(row, Accreditation)
        register.accreditations[accreditation.id] = accreditation
        known.accreditations[accreditation.id] = row.granted
    by_grant = _RECOGNITION.order_by(_recognitions.first.c.position)
    for row in connection.execute(by_grant, {"size": size}):
        recognition = _state(row, Recognition)
        add_recognition(register, recognition)
