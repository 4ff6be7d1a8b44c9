"""Questions about what was submitted, by whom and with which key, and whether it counts."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from api.questions.answerer import View
from api.questions.moment import DID, MULTIKEY, PageOf, PageRequest, When
from api.questions.question import (
    Answering,
    BecauseOf,
    Did,
    Listed,
    Shape,
    answered,
    because_of,
    described,
    listed,
)
from projections import keys, organizations, submissions
from projections.submissions import SubmissionAt
from testamur.catalogue.submission import format_time
from testamur.rules import Flags, key_table

routes: Final = APIRouter(tags=["submissions"])

Key = Annotated[
    str | None, Query(pattern=MULTIKEY, description="Only what this key signed: its Multikey.")
]


class SubmissionLine(Shape, frozen=True, gc=False, kw_only=True):
    """A submission: its header is entry `position`, its events the `events` entries after it.

    Where `counts` is false, `because_of` says why.
    """

    position: int
    events: int
    issuer: str
    jti: str
    key: str
    recorded_at: str
    flags: Flags
    counts: bool
    because_of: BecauseOf | None = None


SHAPES: Final = (Listed[SubmissionLine],)


def _line(found: SubmissionAt, why: key_table.NotCounted | None) -> SubmissionLine:
    return SubmissionLine(
        position=found.signed.position,
        events=found.events,
        issuer=found.signed.organization,
        jti=found.jti,
        key=found.signed.key,
        recorded_at=format_time(found.signed.recorded_at),
        flags=found.flags,
        counts=why is None,
        because_of=because_of(why),
    )


def _submitted(view: View, page: PageRequest, did: str, key: str | None) -> Listed[SubmissionLine]:
    view.known("organization", did, organizations.organization_at)
    found = submissions.submissions_of(view.connection, did, view.size, key=key, **page.options)
    signed = [each.signed for each in found.items]
    reasons = keys.not_counted(view.connection, signed, view.size)
    return listed(view, page, found, lambda each: _line(each, reasons.get(each.signed.position)))


@routes.get(
    "/submissions",
    summary="What an organization submitted, with any key or with one.",
    responses=described(Listed[SubmissionLine]),
)
async def submissions_by(
    answerer: Answering,
    when: When,
    page: PageOf,
    organization: Annotated[str, Query(pattern=DID)],
    key: Key = None,
) -> Response:
    return await answered(answerer, when, lambda view: _submitted(view, page, organization, key))


@routes.get(
    "/organizations/{did}/submissions",
    summary="What an organization submitted, with any key or with one.",
    responses=described(Listed[SubmissionLine]),
)
async def submissions_of(
    answerer: Answering, when: When, page: PageOf, did: Did, key: Key = None
) -> Response:
    return await answered(answerer, when, lambda view: _submitted(view, page, did, key))
