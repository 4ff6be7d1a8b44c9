"""What became of each credential: one row per event, so any past size can be asked about.

A row holds what the questions here need; the commitment and the dates are on the log, at the
row's position. The status is the one that the rules reached with that event. Whether a
credential has expired, or is not valid yet, follows from its dates and is not kept here.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, get_args

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Row,
    Select,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
)

from projections.accreditations import ACCREDITATIONS
from projections.achievements import ACHIEVEMENTS
from projections.flags import mask, names
from projections.organizations import DIDS
from projections.page import Page, Pages, bounded
from projections.submissions import SUBMISSIONS, submission_before
from projections.tables import (
    METADATA,
    NUMBER,
    POSITION,
    SMALL,
    UUID_BYTES,
    Known,
    Rows,
    uuid_bytes,
    uuid_text,
)
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import CredentialStatus
from testamur.catalogue.members import Reason
from testamur.catalogue.table import TABLE
from testamur.rules import Admitted, CredentialState, Flags
from testamur.verification.replay import ReplayedSubmission

CREDENTIALS: Final = Table(
    "credentials",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=False),
    Column("credential", UUID_BYTES, nullable=False),
    Column("version", NUMBER, nullable=False),
    Column("kind", SMALL, nullable=False),  # an index into KINDS
    Column("status", SMALL, nullable=False),  # after this event; an index into STATUSES
    Column("flags", NUMBER, nullable=False),
    Column("achievement", POSITION),  # of an issuance: where it was defined
    Column("accreditation", POSITION),  # of an issuance that claims one: where it was granted
    Column("reason", SMALL),  # an index into REASONS
    Column("successor", UUID_BYTES),
)
# Rows are in the order of the log, so the table only grows at its end, and so does this index,
# because ids are time-ordered. It also refuses a credential issued twice.
Index("credential_stream", CREDENTIALS.c.credential, CREDENTIALS.c.version, unique=True)
# Flagged issuances are few among many, so these indexes hold nothing else. The condition is text,
# because the planner must recognise it in a query.
_FLAGGED: Final = text("flags != 0")
Index(
    "credential_flagged_for",
    CREDENTIALS.c.achievement,
    CREDENTIALS.c.position,
    sqlite_where=_FLAGGED,
    postgresql_where=_FLAGGED,
)
Index(
    "credential_flagged",
    CREDENTIALS.c.position,
    sqlite_where=_FLAGGED,
    postgresql_where=_FLAGGED,
)

AWARDS: Final = Table(
    "awards",
    METADATA,
    # Where each submission issues an achievement. A list of its credentials reads those
    # stretches, which saves an index over millions of credentials.
    Column("achievement", POSITION, primary_key=True, autoincrement=False),
    Column("first", POSITION, primary_key=True, autoincrement=False),
    Column("last", POSITION, nullable=False),
    sqlite_with_rowid=False,
)

KINDS: Final[tuple[type[e.Event], ...]] = get_args(e.CredentialEvent)
"""The events by the number that stands for them in a row: new ones go to the end of the union."""

STATUSES: Final = tuple(CredentialStatus)
"""The statuses by the number that stands for them in a row: new ones go to the end."""

REASONS: Final[tuple[str, ...]] = get_args(Reason)

_INTO_AWARDS: Final = insert(AWARDS)
# Values that all issuances share are in the statement: binding them for each would be a good part
# of what a row costs.
_ISSUANCE: Final = insert(CREDENTIALS).values(
    position=bindparam("position"),
    credential=bindparam("credential"),
    version=literal_column("1"),
    kind=literal_column("0"),
    status=literal_column("0"),
    flags=bindparam("flags"),
    achievement=bindparam("achievement"),
    accreditation=bindparam("accreditation"),
)
_CHANGE: Final = insert(CREDENTIALS).values(
    position=bindparam("position"),
    credential=bindparam("credential"),
    version=bindparam("version"),
    kind=bindparam("kind"),
    status=bindparam("status"),
    flags=literal_column("0"),
    reason=bindparam("reason"),
    successor=bindparam("successor"),
)
_EVENT: Final = [TABLE[kind].name for kind in KINDS]
_KIND: Final = {kind: number for number, kind in enumerate(KINDS)}
_STATUS: Final[dict[StrEnum | None, int]] = {
    status: number for number, status in enumerate(STATUSES)
}
_REASON: Final = {reason: number for number, reason in enumerate(REASONS)}
_CHUNK: Final = 1000  # ids in one query


class CredentialAt(msgspec.Struct, frozen=True):
    """A credential as of `size`: issued at `issued`, last changed at `position`.

    Times are `recordedAt` in Unix milliseconds. `flags` are those of the issuance; `reason` and
    `successor` are those of the last event, if it has one.
    """

    size: int
    credential: str
    status: CredentialStatus
    version: int
    issuer: str
    achievement: str
    accreditation: str | None
    issued: int
    issued_at: int
    position: int
    recorded_at: int
    flags: Flags
    reason: str | None
    successor: str | None


class CredentialEvent(msgspec.Struct, frozen=True):
    """One event of a credential, in the submission whose header is entry `submission`."""

    position: int
    submission: int
    recorded_at: int
    version: int
    event: str
    status: CredentialStatus
    flags: Flags
    reason: str | None
    successor: str | None


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each event about a credential."""
    achievements, accreditations = known.achievements, known.accreditations
    awards: dict[int, dict[str, int]] = {}
    append = rows[_ISSUANCE].append
    position = submission.position
    for event, admitted in zip(submission.events, submission.admitted, strict=True):
        position += 1
        if type(event) is e.CredentialIssued:
            achievement = achievements[event.achievement]
            award = awards.get(achievement)
            if award is None:
                awards[achievement] = {
                    "achievement": achievement,
                    "first": position,
                    "last": position,
                }
            else:
                award["last"] = position
            append(
                {
                    "position": position,
                    "credential": bytes.fromhex(event.credential.replace("-", "")),
                    "flags": mask(admitted.flags),
                    "achievement": achievement,
                    "accreditation": accreditations.get(event.accreditation),  # type: ignore[arg-type]
                }
            )
        elif isinstance(event, e.CredentialStatusEvent):
            rows[_CHANGE].append(_status_row(position, event, admitted))
    rows[_INTO_AWARDS] += awards.values()


def _status_row(
    position: int, event: e.CredentialStatusEvent, admitted: Admitted
) -> dict[str, Any]:
    reason = getattr(event, "reason", None)
    successor = getattr(event, "successor", None)
    return {
        "position": position,
        "credential": uuid_bytes(event.credential),
        "version": admitted.version,
        "kind": _KIND[type(event)],
        "status": _STATUS[admitted.status],
        "reason": None if reason is None else _REASON[reason],
        "successor": None if successor is None else uuid_bytes(successor),
    }


_first: Final = CREDENTIALS.alias("first")
_last: Final = CREDENTIALS.alias("last")
_later: Final = CREDENTIALS.alias("later")
_issuance: Final = SUBMISSIONS.alias("issuance")
_change: Final = SUBMISSIONS.alias("change")
# `version` rises with `position`, so this is one step down the index.
_NEWEST: Final = (
    select(func.max(_later.c.version))
    .where(_later.c.credential == _first.c.credential, _later.c.position < bindparam("size"))
    .scalar_subquery()
)
_AS_OF: Final[Select[Any]] = (
    select(
        _first.c.credential,
        _first.c.position.label("issued"),
        _first.c.flags,
        _last.c.position,
        _last.c.version,
        _last.c.status,
        _last.c.reason,
        _last.c.successor,
        _issuance.c.recorded_at.label("issued_at"),
        _change.c.recorded_at,
        DIDS.c.did,
        ACHIEVEMENTS.c.achievement,
        ACCREDITATIONS.c.accreditation,
    )
    .join_from(
        _first,
        _last,
        (_last.c.credential == _first.c.credential) & (_last.c.version == _NEWEST),
    )
    .join(_issuance, _issuance.c.position == submission_before(_first.c.position))
    .join(_change, _change.c.position == submission_before(_last.c.position))
    .join(DIDS, DIDS.c.number == _issuance.c.issuer)
    .join(ACHIEVEMENTS, ACHIEVEMENTS.c.position == _first.c.achievement)
    .outerjoin(ACCREDITATIONS, ACCREDITATIONS.c.position == _first.c.accreditation)
    .where(_first.c.version == 1)
)
_ONE: Final = _AS_OF.where(_first.c.credential == bindparam("credential"))
_AT_POSITIONS: Final = _AS_OF.where(
    _first.c.position.in_(bindparam("positions", expanding=True))
).order_by(_first.c.position)


def _event(row: Row[Any], _: int) -> CredentialEvent:
    return CredentialEvent(
        position=row.position,
        submission=row.submission,
        recorded_at=row.recorded_at,
        version=row.version,
        event=_EVENT[row.kind],
        status=STATUSES[row.status],
        flags=names(row.flags),
        reason=None if row.reason is None else REASONS[row.reason],
        successor=None if row.successor is None else uuid_text(row.successor),
    )


_HISTORY: Final = Pages(
    select(CREDENTIALS, SUBMISSIONS.c.position.label("submission"), SUBMISSIONS.c.recorded_at)
    .join_from(
        CREDENTIALS,
        SUBMISSIONS,
        SUBMISSIONS.c.position == submission_before(CREDENTIALS.c.position),
    )
    .where(
        CREDENTIALS.c.credential == bindparam("credential"),
        CREDENTIALS.c.position < bindparam("size"),
    ),
    CREDENTIALS.c.version,
    _event,
)
_STATES: Final = (
    select(_first.c.credential, _last.c.version, _last.c.status, DIDS.c.did)
    .join_from(
        _first,
        _last,
        (_last.c.credential == _first.c.credential)
        & (
            _last.c.version
            == select(func.max(_later.c.version))
            .where(_later.c.credential == _first.c.credential)
            .scalar_subquery()
        ),
    )
    .join(_issuance, _issuance.c.position == submission_before(_first.c.position))
    .join(DIDS, DIDS.c.number == _issuance.c.issuer)
    .where(
        _first.c.version == 1,
        _first.c.credential.in_(bindparam("credentials", expanding=True)),
    )
)


def _issued(stretches: Select[Any], first: ColumnElement[int]) -> Select[Any]:
    """Return the query for the issuances in `stretches` of the log, each beginning at `first`."""
    return (
        stretches.where(
            first < bindparam("size"),
            CREDENTIALS.c.version == 1,
            CREDENTIALS.c.position > bindparam("after"),
            CREDENTIALS.c.position < bindparam("size"),
        )
        .order_by(first, CREDENTIALS.c.position)
        .limit(bindparam("limit"))
    )


def _from(first: ColumnElement[int], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the SQL for the beginning of the stretch in which the last page ended."""
    return (
        select(func.coalesce(func.max(first), 0))
        .where(first <= bindparam("after"), *conditions)
        .scalar_subquery()
    )


_NUMBER: Final = select(DIDS.c.number).where(DIDS.c.did == bindparam("name")).scalar_subquery()
_SUBMITTED: Final = (
    select(CREDENTIALS.c.position)
    .join_from(
        SUBMISSIONS,
        CREDENTIALS,
        (CREDENTIALS.c.position > SUBMISSIONS.c.position)
        & (CREDENTIALS.c.position <= SUBMISSIONS.c.position + SUBMISSIONS.c.events),
    )
    .where(
        SUBMISSIONS.c.issuer == _NUMBER,
        SUBMISSIONS.c.position >= _from(_issuance.c.position),
    )
)
_OF_PROVIDER: Final = _issued(_SUBMITTED, SUBMISSIONS.c.position)
_NO_FLAGS: Final[ColumnElement[int]] = literal_column("0")
_FLAGGED_OF_PROVIDER: Final = _OF_PROVIDER.where(
    SUBMISSIONS.c.flags != _NO_FLAGS, CREDENTIALS.c.flags != _NO_FLAGS
)
_DEFINED: Final = (
    select(ACHIEVEMENTS.c.position)
    .where(ACHIEVEMENTS.c.achievement == bindparam("name"), ACHIEVEMENTS.c.version == 1)
    .scalar_subquery()
)
_earlier: Final = AWARDS.alias("earlier")
_OF_ACHIEVEMENT: Final = _issued(
    select(CREDENTIALS.c.position)
    .join_from(AWARDS, CREDENTIALS, CREDENTIALS.c.position.between(AWARDS.c.first, AWARDS.c.last))
    .where(
        AWARDS.c.achievement == _DEFINED,
        AWARDS.c.first >= _from(_earlier.c.first, _earlier.c.achievement == _DEFINED),
        CREDENTIALS.c.achievement == AWARDS.c.achievement,
    ),
    AWARDS.c.first,
)
_FLAGGED_OF_ACHIEVEMENT: Final = (
    select(CREDENTIALS.c.position)
    .where(
        CREDENTIALS.c.achievement == _DEFINED,
        CREDENTIALS.c.flags != _NO_FLAGS,
        CREDENTIALS.c.position > bindparam("after"),
        CREDENTIALS.c.position < bindparam("size"),
    )
    .order_by(CREDENTIALS.c.position)
    .limit(bindparam("limit"))
)


def status(connection: Connection, credential: str, size: int) -> CredentialAt | None:
    """Return a credential as it stood, or `None` if it was not issued by then."""
    asked = {"credential": uuid_bytes(credential), "size": size}
    row = connection.execute(_ONE, asked).one_or_none()
    return None if row is None else _from_row(row, size)


def history(
    connection: Connection, credential: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[CredentialEvent]:
    """Return what happened to a credential, in order; `after` is a version."""
    return _HISTORY.page(connection, size, after, limit, credential=uuid_bytes(credential))


def credentials_of(
    connection: Connection,
    provider: str,
    size: int,
    *,
    flagged: bool = False,
    after: int = 0,
    limit: int = 100,
) -> Page[CredentialAt]:
    """Return what the organization `provider` issued, or only what was flagged of it.

    `after` is the position of an issuance.
    """
    statement = _FLAGGED_OF_PROVIDER if flagged else _OF_PROVIDER
    return _page(connection, statement, {"name": provider, "after": after}, size, limit)


def credentials_for(
    connection: Connection,
    achievement: str,
    size: int,
    *,
    flagged: bool = False,
    after: int = 0,
    limit: int = 100,
) -> Page[CredentialAt]:
    """Return what was issued for `achievement`, or only what was flagged of it.

    `after` is the position of an issuance.
    """
    statement = _FLAGGED_OF_ACHIEVEMENT if flagged else _OF_ACHIEVEMENT
    asked = {"name": uuid_bytes(achievement), "after": after}
    return _page(connection, statement, asked, size, limit)


def states(connection: Connection, credentials: Sequence[str]) -> dict[str, CredentialState]:
    """Return the state of those of the `credentials` that exist, as the rules ask for it."""
    found = {}
    keys = [key for name in credentials if (key := uuid_bytes(name)) is not None]
    for start in range(0, len(keys), _CHUNK):
        rows = connection.execute(_STATES, {"credentials": keys[start : start + _CHUNK]})
        for row in rows:
            state = CredentialState(row.did, STATUSES[row.status], row.version)
            found[uuid_text(row.credential)] = state
    return found


def _page(
    connection: Connection, statement: Select[Any], asked: dict[str, Any], size: int, limit: int
) -> Page[CredentialAt]:
    asked |= {"size": size, "limit": bounded(limit)}
    positions = connection.scalars(statement, asked).all()
    more = positions[limit - 1] if len(positions) > limit else None
    rows = connection.execute(_AT_POSITIONS, {"positions": positions[:limit], "size": size})
    return Page(size, tuple(_from_row(row, size) for row in rows), more)


def _from_row(row: Row[Any], size: int) -> CredentialAt:
    return CredentialAt(
        size=size,
        credential=uuid_text(row.credential),
        status=STATUSES[row.status],
        version=row.version,
        issuer=row.did,
        achievement=uuid_text(row.achievement),
        accreditation=None if row.accreditation is None else uuid_text(row.accreditation),
        issued=row.issued,
        issued_at=row.issued_at,
        position=row.position,
        recorded_at=row.recorded_at,
        flags=names(row.flags),
        reason=None if row.reason is None else REASONS[row.reason],
        successor=None if row.successor is None else uuid_text(row.successor),
    )
