"""What providers award: each achievement, its definitions and whether it is still awarded.

A definition is kept with the event that published it, and older versions stay. Its flags show
whether it has the elements that it should have.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Index, Row, Text, bindparam, select, text

from projections.flags import mask, names
from projections.organizations import DIDS
from projections.page import Page, Pages
from projections.tables import NUMBER, Known, Rows, uuid_bytes, uuid_text
from projections.versions import StreamEvent, Streams
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AchievementStatus
from testamur.catalogue.members import Definition
from testamur.catalogue.table import Kind
from testamur.rules import Flags
from testamur.rules.facets import write_facets
from testamur.rules.register import Achievement
from testamur.verification.replay import ReplayedSubmission

_streams: Final = Streams(
    Kind.ACHIEVEMENT,
    Column("flags", NUMBER, nullable=False),
    Column("revision", NUMBER, nullable=False),  # the version of the newest definition
    Column("definition", Text),  # NULL when the event published none
    Column("provider", NUMBER),  # of version 1 alone
)
ACHIEVEMENTS: Final = _streams.table
Index("achievement_of_provider", ACHIEVEMENTS.c.provider, ACHIEVEMENTS.c.position)
_PUBLISHED: Final = text("definition IS NOT NULL")
Index(
    "achievement_definition",
    ACHIEVEMENTS.c.achievement,
    ACHIEVEMENTS.c.revision,
    unique=True,
    sqlite_where=_PUBLISHED,
    postgresql_where=_PUBLISHED,
)

_PUBLISHING: Final = (e.AchievementDefined, e.AchievementRevised)
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
    flags: Flags


def fold(submission: ReplayedSubmission, known: Known, rows: Rows) -> None:
    """Add a row for each event about an achievement."""
    provider = known.organizations[submission.header.payload.iss]
    changes = list(_streams.rows(submission))
    # The register is as this submission left it: these definitions were still to come.
    ahead = Counter(event.achievement for event, _, _ in changes if isinstance(event, _PUBLISHING))
    for event, flags, row in changes:
        name = event.achievement
        definition = None
        if isinstance(event, _PUBLISHING):
            definition = event.definition
            ahead[name] -= 1
        if isinstance(event, e.AchievementDefined):
            known.achievements[name] = row["position"]
        row |= {
            "flags": mask(flags),
            "revision": known.register.achievements[name].revision - ahead[name],
            "definition": definition and msgspec.json.encode(definition).decode(),
            "provider": provider if row["version"] == 1 else None,
        }
        rows[_streams.insertion].append(row)


def _from_row(row: Row[Any], size: int) -> AchievementAt:
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


_published: Final = ACHIEVEMENTS.alias("published")
_DEFINED: Final = (
    _streams.states.add_columns(
        DIDS.c.did,
        _published.c.revision,
        _published.c.definition,
        _published.c.flags,
    )
    .join(DIDS, DIDS.c.number == _streams.first.c.provider)
    .join(
        _published,
        (_published.c.achievement == _streams.first.c.achievement)
        & _published.c.definition.is_not(None),
    )
)
_ACHIEVEMENT: Final = _DEFINED.where(_published.c.revision == _streams.last.c.revision)
_ONE: Final = _streams.one(_ACHIEVEMENT)
_ONE_REVISION: Final = _streams.one(_DEFINED).where(
    _published.c.revision == bindparam("revision"),
    _published.c.position < bindparam("size"),
)
_OF_PROVIDER: Final = Pages(
    _ACHIEVEMENT.where(DIDS.c.did == bindparam("did")), _streams.first.c.position, _from_row
)
_DEFINITION: Final = select(ACHIEVEMENTS.c.definition).where(
    ACHIEVEMENTS.c.achievement == bindparam("key"),
    ACHIEVEMENTS.c.revision == bindparam("revision"),
    ACHIEVEMENTS.c.definition.is_not(None),
    ACHIEVEMENTS.c.position < bindparam("size"),
)
_DEFINITIONS: Final = (
    select(ACHIEVEMENTS.c.achievement, ACHIEVEMENTS.c.revision, ACHIEVEMENTS.c.definition)
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
    return None if row is None else _from_row(row, size)


def definition_at(
    connection: Connection, achievement: str, revision: int, size: int
) -> Definition | None:
    """Return version `revision` of a definition, or `None` if it was not published by then."""
    asked = {"key": uuid_bytes(achievement), "revision": revision, "size": size}
    found = connection.scalar(_DEFINITION, asked)
    return None if found is None else _decode(found)


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
    """Put the achievements as of `size`, with the facets of all definitions, into `known`."""
    register = known.register
    for row in connection.execute(_ACHIEVEMENT, {"size": size}):
        name = uuid_text(row.key)
        known.achievements[name] = row.granted
        register.achievements[name] = Achievement(
            id=name,
            provider=register.organizations[row.did].did,  # one string for all of them
            facets="",
            revision=row.revision,
            status=AchievementStatus(row.status),
            version=row.version,
        )
    for key, revision, definition in connection.execute(_DEFINITIONS, {"size": size}):
        name, facets = uuid_text(key), write_facets(_decode(definition))
        if revision == 1:
            first = msgspec.structs.replace(register.achievements[name], facets=facets)
            register.achievements[name] = first
        else:
            register.revisions[f"{name}/{revision}"] = facets
