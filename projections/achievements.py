"""What providers award: each achievement, its definitions and whether it is still awarded.

A definition is kept with the event that published it; versions before the newest stay. Whether
a definition has the elements it should have is told by its flags.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Index, Row, Text, bindparam, select

from projections.flags import mask, names
from projections.organizations import DIDS
from projections.page import Page, Pages
from projections.tables import NUMBER, Known, Rows, uuid_bytes, uuid_text
from projections.versions import StreamEvent, Streams
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import ACHIEVEMENT, AchievementStatus
from testamur.catalogue.members import Definition
from testamur.rules.register import Achievement
from testamur.verification.replay import ReplayedSubmission

_streams: Final = Streams(
    "achievement",
    ACHIEVEMENT,
    Column("flags", NUMBER, nullable=False),
    Column("revision", NUMBER, nullable=False),  # the newest definition's version
    Column("definition", Text),  # NULL when the event published none
    Column("provider", NUMBER),  # of version 1 alone
)
ACHIEVEMENTS: Final = _streams.table
Index("achievement_of_provider", ACHIEVEMENTS.c.provider, ACHIEVEMENTS.c.position)

_decode: Final = msgspec.json.Decoder(Definition).decode


class AchievementAt(msgspec.Struct, frozen=True):
    """An achievement as of `size`, with one of its definitions, which is version `revision`.

    It was defined at `defined` and last changed at `position`; `flags` are that definition's.
    """

    size: int
    achievement: str
    provider: str
    status: AchievementStatus
    revision: int
    definition: Definition
    defined: int
    position: int
    flags: tuple[str, ...]


def fold(cohort: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each event about an achievement."""
    provider = known.organizations[cohort.header.payload.iss]
    revisions: dict[str, int] = {}
    for event, flags, row in _streams.rows(cohort):
        name = event.achievement
        definition = None
        if isinstance(event, e.AchievementDefined):
            known.achievements[name] = row["position"]
            definition, revisions[name] = event.definition, 1
        elif isinstance(event, e.AchievementRevised):
            definition, revisions[name] = event.definition, event.version
        else:
            # Nothing follows the retirement, so the register has the last revision.
            revisions[name] = len(known.register.achievements[name].definitions)
        row |= {
            "flags": mask(flags),
            "revision": revisions[name],
            "definition": definition and msgspec.json.encode(definition).decode(),
            "provider": provider if row["version"] == 1 else None,
        }
        rows[_streams.insertion].append(row)


def _told(row: Row[Any], size: int) -> AchievementAt:
    return AchievementAt(
        size=size,
        achievement=uuid_text(row.key),
        provider=row.did,
        status=AchievementStatus(row.status),
        revision=row.revision,
        definition=_decode(row.definition),
        defined=row.granted,
        position=row.position,
        flags=names(row.flags),
    )


# Every revision is an event of its own, and the first one is the first event: the definition
# of revision r came with version r of the stream.
_published: Final = ACHIEVEMENTS.alias("published")
_DEFINED: Final = (
    _streams.standing.add_columns(
        DIDS.c.did,
        _published.c.version.label("revision"),
        _published.c.definition,
        _published.c.flags,
    )
    .join(DIDS, DIDS.c.number == _streams.first.c.provider)
    .join(_published, _published.c.achievement == _streams.first.c.achievement)
)
_ACHIEVEMENT: Final = _DEFINED.where(_published.c.version == _streams.last.c.revision)
_ONE: Final = _streams.one(_ACHIEVEMENT)
_ONE_REVISION: Final = _streams.one(_DEFINED).where(
    _published.c.version == bindparam("revision"),
    _published.c.position < bindparam("size"),
    _published.c.definition.is_not(None),
)
_OF_PROVIDER: Final = Pages(
    _ACHIEVEMENT.where(DIDS.c.did == bindparam("did")), _streams.first.c.position, _told
)
_DEFINITION: Final = select(ACHIEVEMENTS.c.definition).where(
    ACHIEVEMENTS.c.achievement == bindparam("key"),
    ACHIEVEMENTS.c.version == bindparam("revision"),
    ACHIEVEMENTS.c.position < bindparam("size"),
)
_DEFINITIONS: Final = (
    select(ACHIEVEMENTS.c.achievement, ACHIEVEMENTS.c.definition)
    .where(ACHIEVEMENTS.c.definition.is_not(None), ACHIEVEMENTS.c.position < bindparam("size"))
    .order_by(ACHIEVEMENTS.c.achievement, ACHIEVEMENTS.c.version)
)


def achievement_at(
    connection: Connection, achievement: str, size: int, *, revision: int | None = None
) -> AchievementAt | None:
    """Return an achievement with its newest definition, or with version `revision` of it.

    `None` if it was not defined, or that version not published, by then.
    """
    asked = {"key": uuid_bytes(achievement), "size": size, "revision": revision}
    statement = _ONE if revision is None else _ONE_REVISION
    row = connection.execute(statement, asked).one_or_none()
    return None if row is None else _told(row, size)


def definition_at(
    connection: Connection, achievement: str, revision: int, size: int
) -> Definition | None:
    """Return version `revision` of a definition, or `None` if it was not published by then."""
    asked = {"key": uuid_bytes(achievement), "revision": revision, "size": size}
    text = connection.scalar(_DEFINITION, asked)
    return None if text is None else _decode(text)


def achievements_of(
    connection: Connection, provider: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[AchievementAt]:
    """Return what `provider` ever defined; `after` is the position of a definition."""
    return _OF_PROVIDER.page(connection, size, after, limit, did=provider)


def achievement_history(
    connection: Connection, achievement: str, size: int, *, after: int = 0, limit: int = 100
) -> Page[StreamEvent]:
    """Return the events of an achievement; `after` is a version."""
    return _streams.history(connection, achievement, size, after, limit)


def load(connection: Connection, known: Known, size: int) -> None:
    """Put the achievements as of `size`, with all their definitions, into `known`."""
    definitions: defaultdict[bytes, list[Definition]] = defaultdict(list)
    for key, text in connection.execute(_DEFINITIONS, {"size": size}):
        definitions[key].append(_decode(text))
    for row in connection.execute(_ACHIEVEMENT, {"size": size}):
        name = uuid_text(row.key)
        known.achievements[name] = row.granted
        known.register.achievements[name] = Achievement(
            id=name,
            provider=row.did,
            definitions=tuple(definitions[row.key]),
            status=AchievementStatus(row.status),
            version=row.version,
        )
