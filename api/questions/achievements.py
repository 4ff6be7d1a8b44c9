"""Questions about achievements: what may be awarded, in which versions, and what became of it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from api.questions.answerer import View
from api.questions.moment import PageOf, When
from api.questions.question import (
    Answering,
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
from projections import achievements, organizations
from projections.achievements import AchievementAt
from testamur.catalogue.lifecycle import AchievementStatus
from testamur.catalogue.members import Definition
from testamur.rules import Flags

routes: Final = APIRouter(tags=["achievements"])


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
    not_counted: tuple[NotCounted, ...] = ()


SHAPES: Final = (AchievementAnswer, Listed[AchievementAnswer])


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
        not_counted=not_counted(found.standing.fallen),
    )


@routes.get(
    "/achievements/{achievement}",
    summary="An achievement, in its newest version or the one asked for.",
    responses=described(AchievementAnswer),
)
async def one_achievement(
    answerer: Answering,
    when: When,
    achievement: Uuid,
    version: Annotated[int | None, Query(ge=1, le=10_000)] = None,
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

    return await answered(answerer, when, find)


@routes.get(
    "/achievements/{achievement}/history",
    summary="Everything that happened to an achievement.",
    responses=described(Listed[HistoryLine]),
)
async def achievement_history(
    answerer: Answering, when: When, page: PageOf, achievement: Uuid
) -> Response:
    def find(view: View) -> Listed[HistoryLine]:
        view.known("achievement", achievement, achievements.achievement_at)
        events = achievements.achievement_history(
            view.connection, achievement, view.size, **page.options
        )
        return listed(view, page, events, history_line)

    return await answered(answerer, when, find)


@routes.get(
    "/organizations/{did}/achievements",
    summary="What an organization ever defined.",
    responses=described(Listed[AchievementAnswer]),
)
async def achievements_of(answerer: Answering, when: When, page: PageOf, did: Did) -> Response:
    def find(view: View) -> Listed[AchievementAnswer]:
        view.known("organization", did, organizations.organization_at)
        found = achievements.achievements_of(view.connection, did, view.size, **page.options)
        return listed(view, page, found, lambda each: _achievement(each, view.recorded_at))

    return await answered(answerer, when, find)
