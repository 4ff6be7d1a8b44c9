"""Who recognised and accredited whom: one row for each id, where it was first granted.

The line, its later events and what its signer vouches for are in `histories.py`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Row,
    Select,
    SmallInteger,
    Table,
    bindparam,
    insert,
    select,
)

from projections.dids import DIDS
from projections.page import Page, Pages
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


def _by_party(party: Column[int], statement: Select[Any]) -> Pages[tuple[int, Thing]]:
    joined = statement.join(DIDS, DIDS.c.number == party).where(DIDS.c.did == bindparam("did"))
    return Pages(joined, GRANTS.c.position, _cursored)


_PAGES: Final = {
    ("accreditation", "subject"): _by_party(GRANTS.c.subject, _IDS.where(_ACCREDITATIONS)),
    ("accreditation", "granter"): _by_party(GRANTS.c.granter, _IDS.where(_ACCREDITATIONS)),
    ("recognition", "subject"): _by_party(GRANTS.c.subject, _IDS.where(_RECOGNITIONS)),
    ("recognition", "granter"): _by_party(GRANTS.c.granter, _IDS.where(_RECOGNITIONS)),
}
_granter, _subject = DIDS.alias("granter"), DIDS.alias("subject")
_BETWEEN: Final = (
    _IDS.join(_granter, _granter.c.number == GRANTS.c.granter)
    .join(_subject, _subject.c.number == GRANTS.c.subject)
    .where(_granter.c.did == bindparam("by"), _subject.c.did == bindparam("to"))
    .order_by(GRANTS.c.position)
)
_NUMBERED: Final = select(GRANTS.c.id, GRANTS.c.position).where(_ACCREDITATIONS)


def grants(
    connection: Connection,
    kind: str,
    party: str,
    did: str,
    size: int,
    *,
    after: int = 0,
    limit: int = 100,
) -> Page[tuple[int, Thing]]:
    """Return the recognitions or accreditations of which `did` is the subject or the granter.

    `kind` is recognition or accreditation, `party` subject or granter. Each is beside the position
    where it was first granted, counting or not, which is also their order and what `after` is.
    """
    return _PAGES[kind, party].page(connection, size, after, limit, did=did)


def grants_between(connection: Connection, by: str, to: str, size: int) -> list[Thing]:
    """Return all that one organization granted another, in order: at most 16 per key and kind."""
    return [_thing(row) for row in connection.execute(_BETWEEN, {"by": by, "to": to, "size": size})]


def numbers(connection: Connection) -> dict[str, int]:
    """Return the position of the first grant of every accreditation."""
    return {uuid_text(id_): position for id_, position in connection.execute(_NUMBERED)}
