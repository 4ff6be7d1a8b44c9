"""What providers award: each achievement, its definitions and whether it is still awarded.

Each version of a definition is a thing of its own and stands without the others. The flags of one
show whether it has the elements that it should have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from projections.defined import Version, defined, versions
from projections.histories import Logged, events_at, history, thing_text
from projections.lookups import LookUps
from projections.page import WHOLE, Page, Stretch, filled
from projections.standing import Happened, Standing, standing, told
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition
from testamur.catalogue.table import TABLE, Kind
from testamur.catalogue.touched import History, Thing
from testamur.errors import Refuted
from testamur.rules import register as rules
from testamur.rules.flags import Flag, Flags
from testamur.rules.register import Register
from testamur.rules.said import Signed

_VERSIONS_AT_ONCE: Final = 1_000  # in memory: an achievement may have thousands
_encode: Final = msgspec.json.Encoder().encode


class AchievementAt(msgspec.Struct, frozen=True):
    """An achievement as of `size`, with version `revision` of its definition.

    That version is written at `written`, `flags` are those of that entry, `defined` is where the
    achievement was first defined. `position` is that of the last change that counts. Where no
    version counts, the status is None and the version is the highest ever written.
    """

    size: int
    achievement: str
    provider: str
    revision: int
    definition: Definition
    defined: int
    written: int
    position: int
    flags: Flags
    standing: Standing


def achievement_at(
    connection: Connection, achievement: str, size: int, *, revision: int | None = None
) -> AchievementAt | None:
    """Return an achievement with its newest definition, or with version `revision` of it.

    `None` if it was not written, or that version not, by then.
    """
    look_ups = LookUps(connection, size)
    return next(_achievements(look_ups, look_ups.register(), [achievement], revision), None)


def definition_at(
    connection: Connection, achievement: str, revision: int, size: int
) -> Definition | None:
    """Return version `revision` of a definition, or `None` if it was not written by then."""
    thing = Thing(History.ACHIEVEMENT, f"{achievement}/{revision}")
    for said in LookUps(connection, size).history(thing):
        if isinstance(said.event, e.AchievementDefined | e.AchievementRevised):
            return said.event.definition  # every entry of a version says the same
    return None


def achievements(
    connection: Connection,
    size: int,
    *,
    marks: Sequence[str] = (),
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[AchievementAt]:
    """Return what was ever defined and has the `marks`; `after` is where one was defined."""
    look_ups = LookUps(connection, size)
    register = look_ups.register()

    def made(names: Sequence[str]) -> list[AchievementAt]:
        return list(_achievements(look_ups, register, names))

    page = defined(connection, size, marks=marks, after=after, limit=limit, within=within)
    return filled(page, made, _weight)


def achievement_history(
    connection: Connection,
    achievement: str,
    size: int,
    *,
    flag: Flag | None = None,
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[Happened]:
    """Return what was said of an achievement and its versions; `after` is a position."""
    beginning = thing_text(Thing(History.ACHIEVEMENT, f"{achievement}/"))
    page = history(
        connection,
        [Thing(History.ACHIEVEMENT, achievement)],
        size,
        beginning=beginning,
        flag=flag,
        after=after,
        limit=limit,
        within=within,
    )
    look_ups = LookUps(connection, size)
    written = versions(connection, achievement, size)
    thing = _thing(look_ups, achievement, written) if written else None
    return told(page, look_ups.register(), thing)


def _achievements(
    look_ups: LookUps, register: Register, names: Sequence[str], revision: int | None = None
) -> Iterator[AchievementAt]:
    """Yield those of these achievements that were written, in the order of the names."""
    written: dict[str, list[Version]] = {}
    for name in names:
        written[name] = versions(look_ups.connection, name, look_ups.size)
        if sum(map(len, written.values())) >= _VERSIONS_AT_ONCE:
            yield from _together(look_ups, register, written, revision)
            written = {}
    yield from _together(look_ups, register, written, revision)


def _together(
    look_ups: LookUps,
    register: Register,
    written: Mapping[str, Sequence[Version]],
    revision: int | None,
) -> Iterator[AchievementAt]:
    """Yield the achievements of which these versions were written; what they need is read once."""
    look_ups.prefetch(Thing(History.ACHIEVEMENT, name) for name in written)
    signers = {each.signed.organization for found in written.values() for each in found}
    look_ups.prefetch_organizations(signers)
    shown = {name: _shown(register, found, revision) for name, found in written.items()}
    definitions = events_at(look_ups.connection, [each.position for each in shown.values() if each])
    for name, version in shown.items():
        if version is not None:
            entry = definitions.get(version.position)
            yield _achievement(look_ups, register, name, written[name], version, entry)


def _achievement(
    look_ups: LookUps,
    register: Register,
    name: str,
    written: Sequence[Version],
    shown: Version,
    entry: Logged | None,
) -> AchievementAt:
    if entry is None or not isinstance(
        entry.said.event, e.AchievementDefined | e.AchievementRevised
    ):
        raise Refuted(f"the tables call entry {shown.position} a definition, and it is not")
    thing = _thing(look_ups, name, written)
    found = standing(register, Kind.ACHIEVEMENT, thing, map(_entry, written))
    counting = [each.position for each in written if register.counts(each.signed)]
    changes = [*counting, *(act.said.position for act in found.acts)]
    return AchievementAt(
        size=look_ups.size,
        achievement=name,
        provider=thing.owner,
        revision=shown.number,
        definition=entry.said.event.definition,
        defined=written[0].position if found.began is None else found.began,
        written=shown.position,
        position=max(changes, default=shown.position),
        flags=entry.flags,
        standing=found,
    )


def _shown(register: Register, written: Sequence[Version], revision: int | None) -> Version | None:
    """Return the first counting entry of the version asked for, or of the highest that counts.

    Where none counts, it is the first entry of that version, or of the highest.
    """
    asked = [each for each in written if revision in (None, each.number)]
    counting = [each for each in asked if register.counts(each.signed)]
    highest = max((each.number for each in counting or asked), default=None)
    return next((each for each in counting or asked if each.number == highest), None)


def _thing(look_ups: LookUps, achievement: str, written: Iterable[Version]) -> rules.Achievement:
    by_number: dict[int, list[Version]] = {}
    for each in written:
        by_number.setdefault(each.number, []).append(each)
    return rules.Achievement(
        definitions=tuple(
            rules.Definition(
                version=number,
                facets="",
                place=first.position - first.signed.position,
                signed=first.signed,
                again=tuple((each.position, each.signed) for each in again),
            )
            for number, (first, *again) in sorted(by_number.items())
        ),
        stream=tuple(look_ups.history(Thing(History.ACHIEVEMENT, achievement))),
    )


def _entry(version: Version) -> tuple[int, str, Signed]:
    kind = e.AchievementDefined if version.number == 1 else e.AchievementRevised
    return version.position, TABLE[kind].name, version.signed


def _weight(found: AchievementAt) -> int:
    return len(_encode(found.definition))
