"""Questions about an organization: its keys, and all that it granted, was granted, or did."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, Literal, TypeVar

from fastapi import APIRouter, Query, Response

from api.questions import answers
from api.questions.asking import Did, Finding, Flagged, ListOf, OneThing, described, of
from api.questions.moment import Turned
from api.questions.register import View
from projections import accreditations, achievements, credentials, organizations, submissions
from projections.page import Page

Item = TypeVar("Item")

routes: Final = APIRouter(tags=["organizations"])


def _of(did: str, listed: Callable[..., Page[Item]]) -> Finding[Item]:
    return of("organization", did, organizations.organization_at, listed)


@routes.get(
    "/organizations",
    summary="Every organization, in the order they came in.",
    responses=described(answers.Listed[answers.OrganizationAnswer]),
)
async def every_organization(asked: ListOf) -> Response:
    def find(view: View, turned: Turned) -> Page[organizations.OrganizationAt]:
        return organizations.organizations(view.connection, view.size, **turned.options)

    return await asked.answers(find, answers.organization_answer)


@routes.get(
    "/organizations/{did}",
    summary="An organization and its keys.",
    responses=described(answers.OrganizationAnswer),
)
async def one_organization(asked: OneThing, did: Did) -> Response:
    return await asked.thing(
        "organization", did, organizations.organization_at, answers.organization_answer
    )


@routes.get(
    "/organizations/{did}/keys",
    summary="The keys of an organization, and from and to which position each may sign.",
    responses=described(answers.Listed[answers.KeyAnswer]),
)
async def keys(asked: OneThing, did: Did) -> Response:
    def find(view: View) -> answers.Listed[answers.KeyAnswer]:
        found = view.known("organization", did, organizations.organization_at)
        items = tuple(map(answers.key_answer, found.organization.keys))
        return answers.Listed(size=view.size, as_of=view.as_of, items=items)

    return await asked.answer(find)


@routes.get(
    "/organizations/{did}/history",
    summary="Everything that happened to an organization and its keys.",
    responses=described(answers.Listed[answers.HistoryLine]),
)
async def organization_history(asked: ListOf, did: Did) -> Response:
    return await asked.lines(_of(did, organizations.history), answers.organization_event)


@routes.get(
    "/organizations/{did}/accreditations",
    summary="The accreditations an organization was granted, or with by=accreditor granted.",
    responses=described(answers.Listed[answers.AccreditationAnswer]),
)
async def accreditations_of(
    asked: ListOf,
    did: Did,
    by: Annotated[Literal["provider", "accreditor"], Query()] = "provider",
) -> Response:
    granted = {
        "provider": accreditations.accreditations_of,
        "accreditor": accreditations.accreditations_by,
    }
    return await asked.answers(_of(did, granted[by]), answers.accreditation_answer, by=by)


@routes.get(
    "/organizations/{did}/recognitions",
    summary="The recognitions an accreditor was granted.",
    responses=described(answers.Listed[answers.RecognitionAnswer]),
)
async def recognitions_of(asked: ListOf, did: Did) -> Response:
    granted = _of(did, accreditations.recognitions_of)
    return await asked.answers(granted, answers.recognition_answer)


@routes.get(
    "/organizations/{did}/achievements",
    summary="What an organization ever defined.",
    responses=described(answers.Listed[answers.AchievementAnswer]),
)
async def achievements_of(asked: ListOf, did: Did) -> Response:
    defined = _of(did, achievements.achievements_of)
    return await asked.answers(defined, answers.achievement_answer)


@routes.get(
    "/organizations/{did}/credentials",
    summary="What an organization issued, or with flagged=true what of it broke policy.",
    responses=described(answers.Listed[answers.CredentialLine]),
)
async def credentials_of(asked: ListOf, did: Did, *, flagged: Flagged = False) -> Response:
    issued = _of(did, partial(credentials.credentials_of, flagged=flagged))
    return await asked.lines(issued, answers.credential_line, flagged=flagged)


@routes.get(
    "/organizations/{did}/submissions",
    summary="What an organization submitted.",
    responses=described(answers.Listed[answers.SubmissionLine]),
)
async def submissions_of(asked: ListOf, did: Did) -> Response:
    return await asked.lines(_of(did, submissions.submissions_of), answers.submission_line)
