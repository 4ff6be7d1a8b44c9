"""Which organizations are in the register, and with which keys, as of any size.

The state of an organization is the one that the rules reached at the end of a submission; two
changes in one submission make two rows and one state. The log tells which submissions a key signed.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Row,
    Select,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
)

from projections.flags import mask, names
from projections.page import Page, Pages
from projections.tables import METADATA, NUMBER, POSITION, Known, Rows, located
from testamur.catalogue.table import Kind, event_types, row_of, subject_of
from testamur.rules import Flags
from testamur.rules.register import Organization
from testamur.verification.replay import ReplayedSubmission

DIDS: Final = Table(
    "dids",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("did", String, nullable=False, unique=True),
)
ORGANIZATIONS: Final = Table(
    "organizations",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("version", NUMBER, primary_key=True, autoincrement=False),
    Column("position", POSITION, nullable=False),
    Column("event", String, nullable=False),
    Column("flags", NUMBER, nullable=False),
    # JSON of `rules.register.Organization`; NULL when the same submission changed it again.
    Column("state", Text),
    sqlite_with_rowid=False,
)
Index("organization_changed", ORGANIZATIONS.c.position)

_INTO_DIDS: Final = insert(DIDS)
_INTO_ORGANIZATIONS: Final = insert(ORGANIZATIONS)
_EVENTS: Final = event_types(Kind.ORGANIZATION, Kind.KEY)
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Organization).decode


class OrganizationAt(msgspec.Struct, frozen=True):
    """An organization and its keys as of `size`; `position` is that of the last change."""

    size: int
    position: int
    organization: Organization


class OrganizationEvent(msgspec.Struct, frozen=True):
    """One event of an organization's stream; `version` counts them, 0 being the genesis."""

    position: int
    version: int
    event: str
    flags: Flags


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each change, and a number for each newcomer."""
    if submission.position == 0:
        _open(submission, known, rows)
        return
    changed: dict[str, dict[str, Any]] = {}
    for position, event, admitted in located(submission, _EVENTS):
        did = subject_of(event)
        changed[did] = {
            "number": _number(did, known, rows),
            "version": admitted.version,
            "position": position,
            "event": row_of(event).name,
            "flags": mask(admitted.flags),
            "state": None,
        }
        rows[_INTO_ORGANIZATIONS].append(changed[did])
    for did, row in changed.items():
        row["state"] = _encode(known.register.organizations[did]).decode()


def _open(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    _number(submission.header.payload.iss, known, rows)
    (opened,) = submission.events
    for did, organization in known.register.organizations.items():
        rows[_INTO_ORGANIZATIONS].append(
            {
                "number": _number(did, known, rows),
                "version": organization.version,
                "position": submission.position + 1,
                "event": row_of(opened).name,
                "flags": 0,
                "state": _encode(organization).decode(),
            }
        )


def _number(did: str, known: Known, rows: Rows) -> int:
    number = known.organizations.get(did)
    if number is None:
        number = known.organizations[did] = len(known.organizations)
        rows[_INTO_DIDS].append({"number": number, "did": did})
    return number


_later: Final = ORGANIZATIONS.alias()
# `version` rises with `position`, so this is one step down the primary key.
_LAST: Final = (
    select(func.max(_later.c.version))
    .where(
        _later.c.number == DIDS.c.number,
        _later.c.position < bindparam("size"),
        _later.c.state.is_not(None),
    )
    .scalar_subquery()
)
_STATES: Final[Select[Any]] = select(
    DIDS.c.number, DIDS.c.did, ORGANIZATIONS.c.position, ORGANIZATIONS.c.state
).join_from(
    DIDS,
    ORGANIZATIONS,
    (ORGANIZATIONS.c.number == DIDS.c.number) & (ORGANIZATIONS.c.version == _LAST),
)
_ONE: Final = _STATES.where(DIDS.c.did == bindparam("did"))


def _from_row(row: Row[Any], size: int) -> OrganizationAt:
    return OrganizationAt(size, row.position, _decode(row.state))


def _event(row: Row[Any], _: int) -> OrganizationEvent:
    return OrganizationEvent(row.position, row.version, row.event, names(row.flags))


_LISTED: Final = Pages(_STATES, DIDS.c.number, _from_row)
_HISTORY: Final = Pages(
    select(
        ORGANIZATIONS.c.position,
        ORGANIZATIONS.c.version,
        ORGANIZATIONS.c.event,
        ORGANIZATIONS.c.flags,
    )
    .join_from(ORGANIZATIONS, DIDS, DIDS.c.number == ORGANIZATIONS.c.number)
    .where(DIDS.c.did == bindparam("did"), ORGANIZATIONS.c.position < bindparam("size")),
    ORGANIZATIONS.c.version,
    _event,
)


def organization_at(connection: Connection, did: str, size: int) -> OrganizationAt | None:
    """Return an organization with its keys, or `None` if it was not in the register."""
    row = connection.execute(_ONE, {"did": did, "size": size}).one_or_none()
    return None if row is None else _from_row(row, size)


def organizations(
    connection: Connection, size: int, *, after: int = -1, limit: int = 100
) -> Page[OrganizationAt]:
    """Return all organizations in the order they came in; `after` is a page's `next`."""
    return _LISTED.page(connection, size, after, limit)


def history(
    connection: Connection, did: str, size: int, *, after: int = -1, limit: int = 100
) -> Page[OrganizationEvent]:
    """Return the events of an organization's stream; `after` is a version."""
    return _HISTORY.page(connection, size, after, limit, did=did)


def load(connection: Connection, known: Known, size: int) -> None:
    """Put the organizations as of `size`, and every number given so far, into `known`."""
    for number, did in connection.execute(select(DIDS.c.number, DIDS.c.did)):
        known.organizations[did] = number
    for row in connection.execute(_STATES, {"size": size}):
        known.register.organizations[row.did] = _decode(row.state)
