"""Questions about achievements: what may be awarded, in which versions, and what became of it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import StringConstraints

from api.http import examples
from api.questions import links as at
from api.questions.answerer import View
from api.questions.described import Described
from api.questions.filters import (
    FlagOfAchievement,
    ListOf,
    ListRequest,
    NameAsked,
    Provider,
    all_of,
    check_flag,
    flag_of,
    name_of,
    parties_of,
)
from api.questions.links import Links
from api.questions.moment import UUID, Moment, When
from api.questions.numbers import STATUS, Counts, counts
from api.questions.question import (
    Asker,
    Asking,
    Did,
    HistoryLine,
    Listed,
    NotCounted,
    Shape,
    Uuid,
    answered,
    described,
    history_line,
    listed,
    not_counted,
)
from projections import achievements, counted, defined
from projections.achievements import AchievementAt
from projections.tallies import Of
from testamur.catalogue.lifecycle import AchievementStatus
from testamur.catalogue.members import Definition
from testamur.catalogue.table import Kind
from testamur.rules import Flags

routes: Final = APIRouter(tags=["achievements"])

MOST_COMPARED: Final = 4
Ids = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=UUID)], ...],
    Query(
        alias="id",
        min_length=1,
        max_length=MOST_COMPARED,
        description=f"The id of an achievement; repeated for each, up to {MOST_COMPARED} times.",
        examples=[[examples.ID]],
    ),
]


class AchievementAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """An achievement with version `version` of its definition, whose flags are `flags`.

    That version stands at position `written`. The status is None where no version counts, and the
    newest version is the highest that counts. `not_counted` are entries that do not count.
    """

    id: str
    provider: str
    status: AchievementStatus | None
    version: int
    definition: Definition
    defined: int
    written: int
    position: int
    flags: Flags
    size: int
    recorded_at: str | None
    links: Links
    not_counted: tuple[NotCounted, ...] = ()


class ComparedAchievement(Shape, frozen=True, gc=False, kw_only=True):
    """An achievement in its newest version, and how often it was awarded."""

    achievement: AchievementAnswer
    counts: Counts


class Compared(Shape, frozen=True, gc=False, kw_only=True):
    """Achievements side by side, in the order in which they were asked for."""

    size: int
    recorded_at: str | None
    items: tuple[ComparedAchievement, ...]


SHAPES: Final = (AchievementAnswer, Listed[AchievementAnswer], Compared)


def _achievement(found: AchievementAt, recorded_at: str | None) -> AchievementAnswer:
    status = found.standing.status
    return AchievementAnswer(
        id=found.achievement,
        provider=found.provider,
        status=None if status is None else AchievementStatus(status),
        version=found.revision,
        definition=found.definition,
        defined=found.defined,
        written=found.written,
        position=found.position,
        flags=found.flags,
        size=found.size,
        recorded_at=recorded_at,
        links=at.below(at.achievement(found.achievement), "history", "credentials", "numbers")
        | {"provider": at.organization(found.provider)},
        not_counted=not_counted(found.standing.fallen),
    )


@routes.get(
    "/achievements/compare",
    summary=f"Up to {MOST_COMPARED} achievements side by side.",
    description="Each in its newest version, with how often it was awarded and what became of it.",
    responses=described(Compared),
)
async def compared(asker: Asking, when: When, id_: Ids) -> Response:
    def find(view: View) -> Compared:
        names = list(dict.fromkeys(id_))
        found = [view.known("achievement", name, achievements.achievement_at) for name in names]
        places = defined.positions(view.connection, names, view.size)
        issued = counted.in_all(view.connection, Of.ACHIEVEMENT, places.values(), STATUS, view.size)
        return Compared(
            size=view.size,
            recorded_at=view.recorded_at,
            items=tuple(
                ComparedAchievement(
                    achievement=_achievement(each, view.recorded_at),
                    counts=counts(issued[places[name]]),
                )
                for name, each in zip(names, found, strict=True)
            ),
        )

    return await answered(asker, when, Compared, find)


@routes.get(
    "/achievements/{achievement}",
    summary="An achievement, in its newest version or the one asked for.",
    description="The definition as its provider published it. The newest version is the highest "
    "that counts.",
    responses=described(AchievementAnswer),
)
async def one_achievement(
    asker: Asking,
    when: When,
    achievement: Uuid,
    version: Annotated[
        int | None,
        Query(
            ge=1,
            le=10_000,
            description="This version of the definition, not the newest.",
            examples=[1],
        ),
    ] = None,
) -> Response:
    def find(view: View) -> AchievementAnswer:
        found = view.known("achievement", achievement, achievements.achievement_at)
        if version is not None:
            revised = achievements.achievement_at(
                view.connection, achievement, view.size, revision=version
            )
            if revised is None:
                raise view.missing("achievement-version", str(version))
            found = revised
        return _achievement(found, view.recorded_at)

    return await answered(asker, when, AchievementAnswer, find)


@routes.get(
    "/achievements/{achievement}/history",
    summary="Everything that happened to an achievement.",
    description="In log order, with who signed each event, whether it counts, and what it did to "
    "the status.",
    responses=described(Listed[HistoryLine]),
)
async def achievement_history(
    asker: Asking, when: When, page: ListOf, achievement: Uuid, flag: FlagOfAchievement = None
) -> Response:
    check_flag(flag, Kind.ACHIEVEMENT)

    def find(view: View) -> Listed[HistoryLine]:
        view.known("achievement", achievement, achievements.achievement_at)
        events = achievements.achievement_history(
            view.connection, achievement, view.size, flag=flag, **page.options(view)
        )
        return listed(view, page, events, history_line)

    return await answered(asker, when, Listed[HistoryLine], find)


@routes.get(
    "/achievements",
    summary="Achievements, in the order in which they were first defined.",
    description="All of them, or those that the filters leave. `flag`, `skill`, `level`, `field` "
    "and `workload` are about any version, `since`, `until` and `after` about the first.",
    responses=described(Listed[AchievementAnswer]),
)
async def every_achievement(
    asker: Asking,
    when: When,
    page: ListOf,
    stated: Described,
    provider: Provider = None,
    name: NameAsked = None,
    flag: FlagOfAchievement = None,
) -> Response:
    wanted = all_of(name_of(name), stated.marks(), flag_of(flag, Kind.ACHIEVEMENT))
    return await _achievements(asker, when, page, provider, wanted)


@routes.get(
    "/organizations/{did}/achievements",
    summary="What an organization ever defined.",
    description="In the order of the first definitions, retired ones included.",
    responses=described(Listed[AchievementAnswer]),
)
async def achievements_of(
    asker: Asking,
    when: When,
    page: ListOf,
    did: Did,
    name: NameAsked = None,
    flag: FlagOfAchievement = None,
) -> Response:
    wanted = all_of(name_of(name), flag_of(flag, Kind.ACHIEVEMENT))
    return await _achievements(asker, when, page, did, wanted)


async def _achievements(
    asker: Asker, when: Moment, page: ListRequest, provider: str | None, wanted: list[str]
) -> Response:
    def find(view: View) -> Listed[AchievementAnswer]:
        marks = all_of(parties_of(view, by=provider), wanted)
        found = achievements.achievements(
            view.connection, view.size, marks=marks, **page.options(view)
        )
        return listed(view, page, found, lambda each: _achievement(each, view.recorded_at))

    return await answered(asker, when, Listed[AchievementAnswer], find)
