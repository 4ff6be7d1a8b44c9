"""Who defined which achievement: one row for each, where it was first defined.

Its definitions, one for each version, and its retirement are in `histories.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, Index, Row, Table, bindparam, insert, select

from projections.dids import DIDS
from projections.histories import EVENTS, TOUCHED, after_all, thing_text
from projections.marks import List, marked_within
from projections.page import WHOLE, Page, Pages, Stretch
from projections.submissions import SUBMISSIONS
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
from testamur.rules.said import Signed
from testamur.verification.replay import ReplayedSubmission

ACHIEVEMENTS: Final = Table(
    "achievements",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=False),
    Column("achievement", UUID_BYTES, nullable=False),
    Column("provider", NUMBER, nullable=False),
)
Index("achievement_id", ACHIEVEMENTS.c.achievement, unique=True)

_INTO_ACHIEVEMENTS: Final = insert(ACHIEVEMENTS)


class Version(NamedTuple):
    """A version of a definition at the position where it was written, and the submission there."""

    number: int
    position: int
    signed: Signed


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each achievement that is defined for the first time."""
    provider = known.organizations[submission.header.payload.iss]
    for position, event in enumerate(submission.events, start=submission.position + 1):
        if isinstance(event, e.AchievementDefined) and event.achievement not in known.achievements:
            known.achievements[event.achievement] = position
            key = uuid_bytes(event.achievement)
            row = {"position": position, "achievement": key, "provider": provider}
            rows[_INTO_ACHIEVEMENTS].append(row)


def _id(row: Row[Any], _: int) -> tuple[int, str]:
    return row.cursor, uuid_text(row.achievement)


_ALL: Final = Pages(
    select(ACHIEVEMENTS.c.achievement).where(ACHIEVEMENTS.c.position < bindparam("size")),
    ACHIEVEMENTS.c.position,
    _id,
)
_AT: Final = (
    select(ACHIEVEMENTS.c.position, ACHIEVEMENTS.c.achievement)
    .where(ACHIEVEMENTS.c.position.in_(bindparam("positions", expanding=True)))
    .order_by(ACHIEVEMENTS.c.position)
)
_VERSIONS: Final = (
    select(
        TOUCHED.c.thing,
        TOUCHED.c.position,
        EVENTS.c.submission,
        SUBMISSIONS.c.recorded_at,
        SUBMISSIONS.c.key,
        DIDS.c.did,
    )
    .join_from(TOUCHED, EVENTS, EVENTS.c.position == TOUCHED.c.position)
    .join(SUBMISSIONS, SUBMISSIONS.c.position == EVENTS.c.submission)
    .join(DIDS, DIDS.c.number == SUBMISSIONS.c.issuer)
    .where(
        TOUCHED.c.thing >= bindparam("first"),
        TOUCHED.c.thing < bindparam("end"),
        TOUCHED.c.position < bindparam("size"),
    )
    .order_by(TOUCHED.c.position)
)
_NUMBERED: Final = select(ACHIEVEMENTS.c.achievement, ACHIEVEMENTS.c.position)
_NAMED: Final = _NUMBERED.where(
    ACHIEVEMENTS.c.achievement.in_(bindparam("ids", expanding=True)),
    ACHIEVEMENTS.c.position < bindparam("size"),
)


def defined(
    connection: Connection,
    size: int,
    *,
    marks: Sequence[str] = (),
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[tuple[int, str]]:
    """Return the ids of what was ever defined, each beside where that was first.

    `marks` are those of `marks.py` that they have; `after` is such a position.
    """
    if not marks:
        return _ALL.page(connection, size, after, limit, within=within)
    found = marked_within(
        connection, List.ACHIEVEMENTS, marks, size, after=after, limit=limit, within=within
    )
    rows = connection.execute(_AT, {"positions": found.things})
    ids = tuple((row.position, uuid_text(row.achievement)) for row in rows)
    return Page(size, ids, found.next)


def versions(connection: Connection, achievement: str, size: int) -> list[Version]:
    """Return each time a version of the definition was written before `size`, in log order."""
    beginning = thing_text(Thing(History.ACHIEVEMENT, f"{achievement}/"))
    asked = {"first": beginning, "end": after_all(beginning), "size": size}
    return [
        Version(
            int(row.thing.removeprefix(beginning)),
            row.position,
            Signed(row.did, row.key, row.submission, row.recorded_at),
        )
        for row in connection.execute(_VERSIONS, asked)
    ]


def positions(connection: Connection, names: Iterable[str], size: int) -> dict[str, int]:
    """Return where each of these achievements was first defined, of those defined before `size`."""
    keys = [key for name in names if (key := uuid_bytes(name)) is not None]
    rows = connection.execute(_NAMED, {"ids": keys, "size": size})
    return {uuid_text(row.achievement): row.position for row in rows}


def numbers(connection: Connection) -> dict[str, int]:
    """Return the position of the first definition of every achievement."""
    return {uuid_text(id_): position for id_, position in connection.execute(_NUMBERED)}
