"""Which submissions are on the log: where, when, by whom; and the size of the log at a time.

It holds what the entries say; `recordedAt` is the operator's claim. The events of a submission
are in the other tables, and its bytes are on the log.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Row,
    ScalarSelect,
    Select,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
)

from projections.flags import mask, names
from projections.organizations import DIDS
from projections.page import Page, Pages
from projections.position import POSITION_ROW
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
from testamur.errors import Refusal, Unavailable
from testamur.rules import Flags
from testamur.verification.replay import BadEntry, ReplayedSubmission

SUBMISSIONS: Final = Table(
    "submissions",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=False),  # of the header entry
    Column("recorded_at", POSITION, nullable=False),
    Column("issuer", NUMBER, nullable=False),
    Column("jti", UUID_BYTES, nullable=False),
    Column("key_id", String, nullable=False),
    Column("events", NUMBER, nullable=False),
    Column("flags", NUMBER, nullable=False),  # of all its events together
)
# One row here stands for up to 100,000 events, so four indexes cost next to nothing.
Index("submission_once", SUBMISSIONS.c.issuer, SUBMISSIONS.c.jti, unique=True)
Index("submission_of_issuer", SUBMISSIONS.c.issuer, SUBMISSIONS.c.position)
Index(
    "submission_flagged",
    SUBMISSIONS.c.issuer,
    SUBMISSIONS.c.position,
    # These are read, not searched: without them the planner sees no difference between this index
    # and the one over all submissions, and takes either by chance.
    SUBMISSIONS.c.events,
    SUBMISSIONS.c.flags,
    sqlite_where=text("flags != 0"),
    postgresql_where=text("flags != 0"),
)
Index("submission_time", SUBMISSIONS.c.recorded_at, SUBMISSIONS.c.position)

_INTO_SUBMISSIONS: Final = insert(SUBMISSIONS)


class SubmissionAt(msgspec.Struct, frozen=True):
    """A submission, as of `size`. Its events are entries position + 1 to position + events.

    `recorded_at` is Unix milliseconds; `flags` are those of all its events together.
    """

    size: int
    position: int
    recorded_at: int
    issuer: str
    jti: str
    key_id: str
    events: int
    flags: Flags


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add the row of one submission."""
    payload = submission.header.payload
    flags = 0
    for distinct in {admitted.flags for admitted in submission.admitted}:
        flags |= mask(distinct)
    rows[_INTO_SUBMISSIONS].append(
        {
            "position": submission.position,
            "recorded_at": submission.recorded_at,
            "issuer": known.organizations[payload.iss],
            "jti": bytes.fromhex(payload.jti.replace("-", "")),
            "key_id": submission.header.key_id,
            "events": payload.events,
            "flags": flags,
        }
    )


_MAX_POSITION: Final = 2**63 - 1
_REACHED: Final = select(POSITION_ROW.c.size).where(POSITION_ROW.c.id == 1)
_LAST_BEFORE: Final[Select[Any]] = (
    select(SUBMISSIONS.c.position, SUBMISSIONS.c.events, SUBMISSIONS.c.recorded_at)
    .where(SUBMISSIONS.c.position < bindparam("size"))
    .order_by(SUBMISSIONS.c.position.desc())
    .limit(1)
)
# `recordedAt` never decreases, so the last submission of a time is the last by position too.
_LAST_AT: Final = (
    select(SUBMISSIONS.c.position, SUBMISSIONS.c.events)
    .where(SUBMISSIONS.c.recorded_at <= bindparam("time"))
    .order_by(SUBMISSIONS.c.recorded_at.desc(), SUBMISSIONS.c.position.desc())
    .limit(1)
)
_WITH_ISSUER: Final[Select[Any]] = select(SUBMISSIONS, DIDS.c.did).join_from(
    SUBMISSIONS, DIDS, DIDS.c.number == SUBMISSIONS.c.issuer
)


def _from_row(row: Row[Any], size: int) -> SubmissionAt:
    return SubmissionAt(
        size=size,
        position=row.position,
        recorded_at=row.recorded_at,
        issuer=row.did,
        jti=uuid_text(row.jti),
        key_id=row.key_id,
        events=row.events,
        flags=names(row.flags),
    )


_OF_ISSUER: Final = Pages(
    _WITH_ISSUER.where(DIDS.c.did == bindparam("did"), SUBMISSIONS.c.position < bindparam("size")),
    SUBMISSIONS.c.position,
    _from_row,
)
_ONCE: Final = (
    select(SUBMISSIONS.c.position)
    .join(DIDS, DIDS.c.number == SUBMISSIONS.c.issuer)
    .where(DIDS.c.did == bindparam("did"), SUBMISSIONS.c.jti == bindparam("jti"))
)


def as_of(connection: Connection, *, size: int | None = None, time: int | None = None) -> int:
    """Return the size that an answer asked for as of `size`, or of `time`, holds for.

    That is the end of the last whole submission within the first `size` entries, or recorded at
    `time` (Unix milliseconds) or before; without either, all that was read. Raises `Refusal`
    (rule `as-of`) for a negative number, `Unavailable` for a size not read yet.
    """
    asked = size if size is not None else time
    if asked is not None and asked < 0:
        raise Refusal("as-of", "neither a size nor a time is negative", value=asked)
    if time is not None:
        at_time = size_at(connection, time)
        return at_time if size is None else min(at_time, as_of(connection, size=size))
    reached: int = connection.scalar(_REACHED) or 0
    if size is None:
        return reached
    if size > reached:
        raise Unavailable(f"the log has been read up to size {reached}, not yet to {size}")
    last = last_before(connection, size)
    if last is None:
        return 0
    end: int = last.position + 1 + last.events
    return end if end <= size else int(last.position)


def last_before(connection: Connection, size: int) -> Row[Any] | None:
    """Return `position`, `events` and `recorded_at` of the last header before entry `size`."""
    return connection.execute(_LAST_BEFORE, {"size": size}).one_or_none()


def end(connection: Connection) -> int:
    """Return where the last submission in the table ends, whatever the position row says."""
    last = last_before(connection, _MAX_POSITION)
    return 0 if last is None else last.position + 1 + last.events


def size_at(connection: Connection, time: int) -> int:
    """Return the size of the log once all that was recorded at `time` or before was in it.

    `time` is in Unix milliseconds. While the log has not moved past `time`, more may follow.
    """
    last = connection.execute(_LAST_AT, {"time": time}).one_or_none()
    return 0 if last is None else last.position + 1 + last.events


def submissions_of(
    connection: Connection, did: str, size: int, *, after: int = -1, limit: int = 100
) -> Page[SubmissionAt]:
    """Return the submissions that `did` signed, in log order; `after` is a header's position."""
    return _OF_ISSUER.page(connection, size, after, limit, did=did)


def refuse_repeated(connection: Connection, submission: ReplayedSubmission) -> None:
    """Raise `BadEntry` (rule `duplicate-submission`) if this (iss, jti) is in the table already."""
    payload = submission.header.payload
    earlier = connection.scalar(_ONCE, {"did": payload.iss, "jti": uuid_bytes(payload.jti)})
    if earlier is not None:
        raise BadEntry(
            f"entry {submission.position}",
            "duplicate-submission",
            f"{payload.iss} submitted {payload.jti} before, at {earlier}",
            submission.position,
        )


def submission_before(position: Column[int]) -> ScalarSelect[int]:
    """Return the SQL for the position of the header of the entry at `position`, a column."""
    header = SUBMISSIONS.alias()
    return (
        select(func.max(header.c.position))
        .where(header.c.position < position)
        # Explicit, because SQLAlchemy correlates with the nearest query only.
        .correlate(position.table)
        .scalar_subquery()
    )
