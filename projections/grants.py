"""Who recognised and accredited whom: one row for each id, where it was first granted.

The line, its later events and what its signer vouches for are in `histories.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Row,
    SmallInteger,
    Table,
    bindparam,
    insert,
    select,
)

from projections.dids import DIDS
from projections.marks import List, marked_within
from projections.page import WHOLE, Page, Pages, Stretch
from projections.tables import (
    METADATA,
    NUMBER,
    POSITION,
    UUID_BYTES,
    Known,
    Rows,
    uuid_bytes,
    uuid_text,
)
from testamur.catalogue import events as e
from testamur.catalogue.touched import History, Thing
from testamur.verification.replay import ReplayedSubmission

GRANTS: Final = Table(
    "grants",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=False),
    Column("id", UUID_BYTES, nullable=False),
    Column("makes", SmallInteger, nullable=False),  # one of the numbers below
    Column("granter", NUMBER, nullable=False),
    Column("subject", NUMBER, nullable=False),
)
Index("grant_to", GRANTS.c.subject, GRANTS.c.position)
Index("grant_by", GRANTS.c.granter, GRANTS.c.position)

ACCREDITATION: Final = 0
ACCREDITOR: Final = 1
AUTHORITY: Final = 2
"""A grant is an accreditation, or a recognition that makes an accreditor or an authority."""

_RECOGNITION: Final = (ACCREDITOR, AUTHORITY)
_INTO_GRANTS: Final = insert(GRANTS)


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each id that is granted for the first time."""
    granter = known.organizations[submission.header.payload.iss]
    judged = zip(submission.events, submission.admitted, strict=True)
    for position, (event, admitted) in enumerate(judged, start=submission.position + 1):
        if admitted.version != 1:
            continue
        if isinstance(event, e.AccreditationGranted):
            known.accreditations[event.accreditation] = position
            makes, id_, subject = ACCREDITATION, event.accreditation, event.provider
        elif isinstance(event, e.RecognitionGranted):
            known.recognitions[event.recognition] = position
            makes = AUTHORITY if event.as_ == "authority" else ACCREDITOR
            id_, subject = event.recognition, event.organization
        else:
            continue
        row = {"position": position, "id": uuid_bytes(id_), "makes": makes, "granter": granter}
        rows[_INTO_GRANTS].append(row | {"subject": known.organizations[subject]})


_IDS: Final = select(GRANTS.c.id, GRANTS.c.makes).where(GRANTS.c.position < bindparam("size"))
_ACCREDITATIONS: Final = GRANTS.c.makes == ACCREDITATION
_RECOGNITIONS: Final = GRANTS.c.makes.in_(_RECOGNITION)


def _thing(row: Any) -> Thing:
    kind = History.ACCREDITATION if row.makes == ACCREDITATION else History.RECOGNITION
    return Thing(kind, uuid_text(row.id))


def _cursored(row: Row[Any], _: int) -> tuple[int, Thing]:
    return row.cursor, _thing(row)


_PAGES: Final = {
    List.ACCREDITATIONS: Pages(_IDS.where(_ACCREDITATIONS), GRANTS.c.position, _cursored),
    List.RECOGNITIONS: Pages(_IDS.where(_RECOGNITIONS), GRANTS.c.position, _cursored),
}
_AT: Final = (
    select(GRANTS.c.id, GRANTS.c.makes, GRANTS.c.position)
    .where(GRANTS.c.position.in_(bindparam("positions", expanding=True)))
    .order_by(GRANTS.c.position)
)
_granter, _subject = DIDS.alias("granter"), DIDS.alias("subject")
_BETWEEN: Final = (
    _IDS.join(_granter, _granter.c.number == GRANTS.c.granter)
    .join(_subject, _subject.c.number == GRANTS.c.subject)
    .where(_granter.c.did == bindparam("by"), _subject.c.did == bindparam("to"))
    .order_by(GRANTS.c.position)
)
_NUMBERED: Final = select(GRANTS.c.id, GRANTS.c.position, GRANTS.c.makes)


def grants(
    connection: Connection,
    where: List,
    size: int,
    *,
    marks: Sequence[str] = (),
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[tuple[int, Thing]]:
    """Return accreditations or recognitions, as `where` says, with those `marks` (`marks.py`).

    Each is beside the position where it was first granted, counting or not, which is also their
    order and what `after` is.
    """
    if not marks:
        return _PAGES[where].page(connection, size, after, limit, within=within)
    found = marked_within(connection, where, marks, size, after=after, limit=limit, within=within)
    rows = connection.execute(_AT, {"positions": found.things}) if found.things else ()
    return Page(size, tuple((row.position, _thing(row)) for row in rows), found.next)


def grants_between(connection: Connection, by: str, to: str, size: int) -> list[Thing]:
    """Return all that one organization granted another, in order: at most 16 per key and kind."""
    return [_thing(row) for row in connection.execute(_BETWEEN, {"by": by, "to": to, "size": size})]


def numbers(connection: Connection) -> tuple[dict[str, int], dict[str, int]]:
    """Return the position of the first grant of every accreditation, and of every recognition."""
    accreditations: dict[str, int] = {}
    recognitions: dict[str, int] = {}
    for id_, position, makes in connection.execute(_NUMBERED):
        into = accreditations if makes == ACCREDITATION else recognitions
        into[uuid_text(id_)] = position
    return accreditations, recognitions
