"""Questions about what was submitted, by whom and with which key."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from api.questions.answerer import View
from api.questions.moment import PageOf, When
from api.questions.question import Answering, Did, Listed, Shape, answered, described, listed
from projections import organizations, submissions
from projections.submissions import SubmissionAt
from testamur.catalogue.submission import format_time
from testamur.rules import Flags

routes: Final = APIRouter(tags=["submissions"])


class SubmissionLine(Shape, frozen=True, gc=False, kw_only=True):
    """A submission: its header is entry `position`, its events the `events` entries after it."""

    position: int
    events: int
    issuer: str
    jti: str
    key: str
    recorded_at: str
    flags: Flags


SHAPES: Final = (Listed[SubmissionLine],)


def _line(found: SubmissionAt) -> SubmissionLine:
    return SubmissionLine(
        position=found.position,
        events=found.events,
        issuer=found.issuer,
        jti=found.jti,
        key=found.key_id,
        recorded_at=format_time(found.recorded_at),
        flags=found.flags,
    )


@routes.get(
    "/organizations/{did}/submissions",
    summary="What an organization submitted.",
    responses=described(Listed[SubmissionLine]),
)
async def submissions_of(answerer: Answering, when: When, page: PageOf, did: Did) -> Response:
    def find(view: View) -> Listed[SubmissionLine]:
        view.known("organization", did, organizations.organization_at)
        found = submissions.submissions_of(view.connection, did, view.size, **page.options)
        return listed(view, page, found, _line)

    return await answered(answerer, when, find)
