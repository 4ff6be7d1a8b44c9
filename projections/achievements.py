"""What providers award: each achievement, its definitions and whether it is still awarded.

A definition is kept with the event that published it; versions before the newest stay. Whether
a definition has the elements it should have is told by its flags.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Index, String, Table, Text, bindparam, select

from projections.flags import mask, names
from projections.organizations import DIDS
from projections.page import Page, bounded
from projections.tables import (
    METADATA,
    NUMBER,
    POSITION,
    UUID_BYTES,
    Known,
    Rows,
    located,
    uuid_bytes,
    uuid_text,
)
from projections.versions import StreamEvent, history_of, standing
from testamur import events as e
from testamur.events import Definition
from testamur.lifecycle import ACHIEVEMENT, AchievementStatus
from testamur.replay import Cohort
from testamur.rules.register import Achievement

ACHIEVEMENTS: Final = Table(
    "achievements",
    METADATA,
    Column("achievement", UUID_BYTES, primary_key=True),
    Column("version", NUMBER, primary_key=True, autoincrement=False),
    Column("position", POSITION, nullable=False, unique=True),
    Column("event", String, nullable=False),
    Column("status", String, nullable=False),
    Column("flags", NUMBER, nullable=False),
    Column("revision", NUMBER, nullable=False),  # the newest definition's version
    Column("definition", Text),  # NULL when the event published none
    Column("provider", NUMBER),  # of version 1 alone
    sqlite_with_rowid=False,
)
Index("achievement_of_provider", ACHIEVEMENTS.c.provider, ACHIEVEMENTS.c.position)

_STATUS: Final = {event: status for (_, event), status in ACHIEVEMENT.items()}
_EVENTS: Final = frozenset(_STATUS)
_decode: Final = msgspec.json.Decoder(Definition).decode


class AchievementAt(msgspec.Struct, frozen=True):
    """An achievement as of `size`, with its newest definition, which is version `revision`.

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


def fold(cohort: Cohort, known: Known, rows: Rows) -> None:
    """Add a row for each event about an achievement."""
    provider = known.organizations[cohort.header.payload.iss]
    revisions: dict[str, int] = {}
    for position, event, version, flags in located(cohort, _EVENTS):
        name = event.achievement
        definition = None
        if isinstance(event, e.AchievementDefined):
            known.achievements[name] = position
            definition, revisions[name] = event.definition, 1
        elif isinstance(event, e.AchievementRevised):
            definition, revisions[name] = event.definition, event.version
        else:
            # Nothing follows the retirement, so the register has the last revision.
            revisions[name] = len(known.register.achievements[name].definitions)
        rows[ACHIEVEMENTS].append(
            {
                "achievement": uuid_bytes(name),
                "version": version,
                "position": position,
                "event": e.wire_name(event),
                "status": _STATUS[type(event)].value,
                "flags": mask(flags),
                "revision": revisions[name],
                "definition": definition and msgspec.json.encode(definition).decode(),
                "provider": provider if version == 1 else None,
            }
        )


_stream: Final = standing(ACHIEVEMENTS, ACHIEVEMENTS.c.achievement)
_published: Final = ACHIEVEMENTS.alias("published")
_last: Final = _stream.last
_WITH_DEFINITION: Final = (
    _stream.all.add_columns(
        DIDS.c.did, _last.c.revision, _published.c.definition, _published.c.flags
    )
    .join(DIDS, DIDS.c.number == _stream.first.c.provider)
    .join(
        _published,
        (_published.c.achievement == _stream.first.c.achievement)
        & (_published.c.revision == _last.c.revision)
        & _published.c.definition.is_not(None),
    )
)
_ONE: Final = _WITH_DEFINITION.where(_stream.first.c.achievement == bindparam("key"))
_OF_PROVIDER: Final = (
    _WITH_DEFINITION.where(
        DIDS.c.did == bindparam("did"), _stream.first.c.position > bindparam("after")
    )
    .order_by(_stream.first.c.position)
    .limit(bindparam("limit"))
)
_DEFINITION: Final = select(ACHIEVEMENTS.c.definition).where(
    ACHIEVEMENTS.c.achievement == bindparam("key"),
    ACHIEVEMENTS.c.revision == bindparam("revision"),
    ACHIEVEMENTS.c.definition.is_not(None),
    ACHIEVEMENTS.c.position < bindparam("size"),
)
