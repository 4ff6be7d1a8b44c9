"""Which submissions are on the log: where, when, by whom, with which key; and the log at a time.

It holds what the entries say; `recordedAt` is the operator's claim. Whether a submission counts
is asked of the rules (`excerpt.py`). Its events are in the other tables, its bytes are on the log.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Row,
    ScalarSelect,
    Select,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
)

from projections.dids import DIDS
from projections.flags import mask, names
from projections.marks import MARKS, List, flag_mark
from projections.page import WHOLE, Page, Stretch
from projections.position import POSITION_ROW
from projections.search import Search
from projections.tables import (
    METADATA,
    NUMBER,
    POSITION,
    TEXT,
    UUID_BYTES,
    Known,
    Rows,
    uuid_bytes,
    uuid_text,
)
from testamur.catalogue.events import KeyEvent
from testamur.errors import Refusal, Unavailable
from testamur.rules.flags import Flag, Flags
from testamur.rules.reach import Sums, sums_of
from testamur.rules.said import Signed
from testamur.verification.replay import BadEntry, ReplayedSubmission

SUBMISSIONS: Final = Table(
    "submissions",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=False),  # of the header entry
    Column("recorded_at", POSITION, nullable=False),
    Column("issuer", NUMBER, nullable=False),
    Column("jti", UUID_BYTES, nullable=False),
    Column("key", TEXT, nullable=False),  # its public Multikey
    Column("events", NUMBER, nullable=False),
    Column("flags", NUMBER, nullable=False),  # of all its events together
    # Running totals of its key (`testamur/rules/reach.py`), with this submission.
    Column("issuances", POSITION, nullable=False),
    Column("grants", POSITION, nullable=False),
    Column("endings", POSITION, nullable=False),
    # What a declaration in it changed about the counting of those before it, as JSON.
    Column("reach", TEXT),
)
# One row here stands for up to 100,000 events, so five indexes cost next to nothing.
Index("submission_once", SUBMISSIONS.c.issuer, SUBMISSIONS.c.jti, unique=True)
Index("submission_of_issuer", SUBMISSIONS.c.issuer, SUBMISSIONS.c.position)
Index("submission_of_key", SUBMISSIONS.c.issuer, SUBMISSIONS.c.key, SUBMISSIONS.c.position)
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

INTO_SUBMISSIONS: Final = insert(SUBMISSIONS)


class SubmissionAt(msgspec.Struct, frozen=True):
    """A submission, as of `size`. Its events are entries position + 1 to position + events.

    `signed` says by whom, with which key, where and when; `flags` are those of all its events
    together.
    """

    size: int
    signed: Signed
    jti: str
    events: int
    flags: Flags


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add the row of one submission."""
    payload = submission.header.payload
    flags = 0
    issuer, key = known.organizations[payload.iss], submission.header.key_id
    total = known.totals.get((issuer, key), Sums()) + sums_of(payload.iss, submission.events)
    known.totals[issuer, key] = total
    for distinct in {admitted.flags for admitted in submission.admitted}:
        flags |= mask(distinct)
    rows[INTO_SUBMISSIONS].append(
        {
            "position": submission.position,
            "recorded_at": submission.recorded_at,
            "issuer": issuer,
            "jti": bytes.fromhex(payload.jti.replace("-", "")),
            "key": key,
            "events": payload.events,
            "flags": flags,
            "issuances": total.issuances,
            "grants": total.grants,
            "endings": total.endings,
            "reach": _reach(submission),
        }
    )


def _reach(submission: ReplayedSubmission) -> str | None:
    if not isinstance(submission.events[0], KeyEvent):
        return None
    found = next((each.reach for each in submission.admitted if each.reach), None)
    return None if found is None else msgspec.json.encode(found).decode()


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
        signed=Signed(row.did, row.key, row.position, row.recorded_at),
        jti=uuid_text(row.jti),
        events=row.events,
        flags=names(row.flags),
    )


_HOLDING: Final = (
    _WITH_ISSUER.where(SUBMISSIONS.c.position <= bindparam("entry"))
    .order_by(SUBMISSIONS.c.position.desc())
    .limit(1)
)
_KNOWN_AS: Final = _WITH_ISSUER.where(
    DIDS.c.did == bindparam("did"),
    SUBMISSIONS.c.jti == bindparam("jti"),
    SUBMISSIONS.c.position < bindparam("size"),
)
_NEWEST: Final = (
    _WITH_ISSUER.where(SUBMISSIONS.c.position < bindparam("size"))
    .order_by(SUBMISSIONS.c.position.desc())
    .limit(bindparam("limit"))
)
_NONE: Final[ColumnElement[int]] = literal_column("0")


@lru_cache(maxsize=8)
def _search(*, issuer: bool, key: bool, flagged: bool) -> Search[SubmissionAt]:
    """Return the list of the submissions with these choices."""
    found, cursor = _WITH_ISSUER, SUBMISSIONS.c.position
    if issuer:
        found = found.where(SUBMISSIONS.c.issuer == bindparam("issuer"))
    if key:
        found = found.where(SUBMISSIONS.c.key == bindparam("key"))
    elif flagged and issuer:
        found = found.where(SUBMISSIONS.c.flags != _NONE)
    elif flagged:
        found = found.join(MARKS, MARKS.c.thing == SUBMISSIONS.c.position).where(
            MARKS.c.list == literal_column(str(int(List.SUBMISSIONS))),
            MARKS.c.mark == bindparam("mark"),
        )
        cursor = MARKS.c.thing

    def conditions(row: FromClause) -> list[ColumnElement[bool]]:
        return [row.c.flags.bitwise_and(bindparam("flags")) != _NONE] if flagged else []

    return Search(found, cursor, conditions, _from_row)


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


def holding(connection: Connection, position: int, size: int) -> SubmissionAt | None:
    """Return the submission that entry `position` belongs to; None if it is not below `size`."""
    if not 0 <= position < size:
        return None
    return _only(connection.execute(_HOLDING, {"entry": position}).one_or_none(), size)


def known_as(connection: Connection, issuer: str, jti: str, size: int) -> SubmissionAt | None:
    """Return what an organization submitted under this id, if its header is below `size`."""
    asked = {"did": issuer, "jti": uuid_bytes(jti), "size": size}
    return _only(connection.execute(_KNOWN_AS, asked).one_or_none(), size)


def newest(connection: Connection, size: int, limit: int) -> list[SubmissionAt]:
    """Return the last submissions of the first `size` entries, the newest first."""
    rows = connection.execute(_NEWEST, {"size": size, "limit": limit})
    return [_from_row(row, size) for row in rows]


def _only(row: Row[Any] | None, size: int) -> SubmissionAt | None:
    return None if row is None else _from_row(row, size)


def submissions(
    connection: Connection,
    size: int,
    *,
    issuer: int | None = None,
    key: str | None = None,
    flag: Flag | None = None,
    after: int = -1,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[SubmissionAt]:
    """Return submissions in log order: those of an organization, by number, or of its `key` alone.

    With `flag`, those with an event that has it; `after` is a header's position. A key goes with
    its organization, since two may list one key.
    """
    if key is not None and issuer is None:
        raise ValueError("a key is looked for among those of one organization")
    asked = {"issuer": issuer, "key": key, "mark": None, "flags": None}
    if flag is not None:
        asked |= {"mark": flag_mark(flag), "flags": mask((flag,))}
    search = _search(issuer=issuer is not None, key=key is not None, flagged=flag is not None)
    given = {name: value for name, value in asked.items() if value is not None}
    return search.page(connection, size, after, limit, within=within, **given)


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


def submission_before(position: ColumnElement[int], table: FromClause) -> ScalarSelect[int]:
    """Return the SQL for the position of the header of the entry at `position`, of a `table`."""
    header = SUBMISSIONS.alias()
    return (
        select(func.max(header.c.position))
        .where(header.c.position < position)
        # Explicit, because SQLAlchemy correlates with the nearest query only.
        .correlate(table)
        .scalar_subquery()
    )
