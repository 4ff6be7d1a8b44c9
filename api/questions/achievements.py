"""Questions about an achievement: its definitions, its history, and who was awarded it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Query, Response

from api.questions import answers
from api.questions.asking import Finding, Flagged, ListOf, OneThing, Uuid, described, of
from api.questions.register import View
from projections import achievements, credentials
from projections.page import Page

Item = TypeVar("Item")

routes: Final = APIRouter(tags=["achievements"])


def _of(achievement: str, listed: Callable[..., Page[Item]]) -> Finding[Item]:
    return of("achievement", achievement, achievements.achievement_at, listed)


@routes.get(
    "/achievements/{achievement}",
    summary="An achievement, in its newest version or the one asked for.",
    responses=described(answers.AchievementAnswer),
)
async def one_achievement(
    asked: OneThing,
    achievement: Uuid,
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    def find(view: View) -> answers.AchievementAnswer:
        found = view.known("achievement", achievement, achievements.achievement_at)
        if version is not None:
            connection, size = view.connection, view.size
            asked_for = achievements.achievement_at(connection, achievement, size, revision=version)
            if asked_for is None:
                raise view.missing("achievement-version", str(version))
            found = asked_for
        return answers.achievement_answer(found, view.as_of)

    return await asked.answer(find)


@routes.get(
    "/achievements/{achievement}/history",
    summary="Everything that happened to an achievement.",
    responses=described(answers.Listed[answers.HistoryLine]),
)
async def achievement_history(asked: ListOf, achievement: Uuid) -> Response:
    events = _of(achievement, achievements.achievement_history)
    return await asked.lines(events, answers.stream_event)


@routes.get(
    "/achievements/{achievement}/credentials",
    summary="What was issued for an achievement, or with flagged=true what broke policy.",
    responses=described(answers.Listed[answers.CredentialLine]),
)
async def credentials_for(
    asked: ListOf, achievement: Uuid, *, flagged: Flagged = False
) -> Response:
    issued = _of(achievement, partial(credentials.credentials_for, flagged=flagged))
    return await asked.lines(issued, answers.credential_line, flagged=flagged)
