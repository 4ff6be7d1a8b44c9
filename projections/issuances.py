"""Which credentials were issued: one row each time a provider wrote the line, counting or not.

A row holds what the questions here need; the commitment and the dates are on the log, at the
row's position. Later events about a credential are in `histories.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Index,
    Row,
    Select,
    Table,
    bindparam,
    insert,
    literal_column,
    select,
    text,
)

from projections.defined import ACHIEVEMENTS
from projections.dids import DIDS
from projections.flags import mask, names
from projections.grants import GRANTS
from projections.submissions import SUBMISSIONS, submission_before
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
from testamur.rules.flags import Flags
from testamur.rules.said import Signed
from testamur.verification.replay import ReplayedSubmission

CREDENTIALS: Final = Table(
    "credentials",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=False),
    Column("credential", UUID_BYTES, nullable=False),
    Column("version", NUMBER, nullable=False),  # 1, unless the id is written again
    Column("flags", NUMBER, nullable=False),
    Column("achievement", POSITION, nullable=False),  # where it was first defined
    Column("revision", NUMBER, nullable=False),  # the version of the definition
    Column("accreditation", POSITION),  # of an issuance that claims one: where it was granted
)
# Rows are in the order of the log, so the table only grows at its end, and so does this index,
# because ids are time-ordered.
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

_INTO_AWARDS: Final = insert(AWARDS)
# A value that nearly all issuances share is in the statement: binding it for each would be a good
# part of what a row costs.
_ROW: Final[dict[str, BindParameter[Any]]] = {
    name: bindparam(name)
    for name in ("position", "credential", "flags", "achievement", "revision", "accreditation")
}
INTO_ISSUED: Final = insert(CREDENTIALS).values(version=literal_column("1"), **_ROW)
_ISSUED_AGAIN: Final = insert(CREDENTIALS).values(version=bindparam("version"), **_ROW)
_CHUNK: Final = 1000  # ids in one query


class Issued(msgspec.Struct, frozen=True):
    """An issuance at `position`, in the submission `signed`. `version` is that in its stream."""

    credential: str
    position: int
    version: int
    signed: Signed
    flags: Flags
    achievement: str
    revision: int
    accreditation: str | None


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each issuance."""
    achievements, accreditations = known.achievements, known.accreditations
    awards: dict[int, dict[str, int]] = {}
    append = rows[INTO_ISSUED].append
    position = submission.position
    for event, admitted in zip(submission.events, submission.admitted, strict=True):
        position += 1
        if type(event) is not e.CredentialIssued:
            continue
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
        row = {
            "position": position,
            "credential": bytes.fromhex(event.credential.replace("-", "")),
            "flags": mask(admitted.flags),
            "achievement": achievement,
            "revision": event.achievement_version,
            "accreditation": accreditations.get(event.accreditation),  # type: ignore[arg-type]  # None finds none
        }
        if admitted.version == 1:
            append(row)
        else:
            rows[_ISSUED_AGAIN].append(row | {"version": admitted.version})
    rows[_INTO_AWARDS] += awards.values()


ISSUANCES: Final[Select[Any]] = (
    select(
        CREDENTIALS.c.credential,
        CREDENTIALS.c.position,
        CREDENTIALS.c.version,
        CREDENTIALS.c.flags,
        CREDENTIALS.c.revision,
        SUBMISSIONS.c.position.label("submission"),
        SUBMISSIONS.c.recorded_at,
        SUBMISSIONS.c.key,
        DIDS.c.did,
        ACHIEVEMENTS.c.achievement,
        GRANTS.c.id.label("accreditation"),
    )
    .join_from(
        CREDENTIALS,
        SUBMISSIONS,
        SUBMISSIONS.c.position == submission_before(CREDENTIALS.c.position, CREDENTIALS),
    )
    .join(DIDS, DIDS.c.number == SUBMISSIONS.c.issuer)
    .join(ACHIEVEMENTS, ACHIEVEMENTS.c.position == CREDENTIALS.c.achievement)
    .outerjoin(GRANTS, GRANTS.c.position == CREDENTIALS.c.accreditation)
    .order_by(CREDENTIALS.c.position)
)
_OF_CREDENTIALS: Final = ISSUANCES.where(
    CREDENTIALS.c.credential.in_(bindparam("credentials", expanding=True)),
    CREDENTIALS.c.position < bindparam("size"),
)
_HIGHEST: Final = (
    select(CREDENTIALS.c.credential).order_by(CREDENTIALS.c.credential.desc()).limit(1)
)
_EXISTING: Final = select(CREDENTIALS.c.credential).where(
    CREDENTIALS.c.credential.in_(bindparam("credentials", expanding=True)),
    CREDENTIALS.c.version == literal_column("1"),
    CREDENTIALS.c.position < bindparam("size"),
)


def issuances(connection: Connection, credentials: Collection[str], size: int) -> Iterator[Issued]:
    """Yield each time one of the credentials was issued before `size`, in order for each."""
    keys = [key for name in credentials if (key := uuid_bytes(name)) is not None]
    for start in range(0, len(keys), _CHUNK):
        asked = {"credentials": keys[start : start + _CHUNK], "size": size}
        yield from map(issued, connection.execute(_OF_CREDENTIALS, asked))


def already_issued(connection: Connection, keys: Iterable[bytes], size: int) -> Iterator[str]:
    """Yield those of the ids (16 bytes each) that were issued before `size`."""
    # Ids are time-ordered, so nearly all that are new come after all that are there.
    highest = connection.scalar(_HIGHEST) or b""
    old = [key for key in keys if key <= highest]
    for start in range(0, len(old), _CHUNK):
        asked = {"credentials": old[start : start + _CHUNK], "size": size}
        yield from map(uuid_text, connection.scalars(_EXISTING, asked))


def issued(row: Row[Any]) -> Issued:
    """Return the issuance in a row of `ISSUANCES`."""
    return Issued(
        credential=uuid_text(row.credential),
        position=row.position,
        version=row.version,
        signed=Signed(row.did, row.key, row.submission, row.recorded_at),
        flags=names(row.flags),
        achievement=uuid_text(row.achievement),
        revision=row.revision,
        accreditation=None if row.accreditation is None else uuid_text(row.accreditation),
    )
