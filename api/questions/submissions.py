"""Questions about what was submitted, by whom and with which key, and whether it counts."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Query, Response

from api.http import examples
from api.http.problems import Problem
from api.questions import links as at
from api.questions.answerer import View
from api.questions.filters import FlagOfCredential, ListOf, ListRequest, did_query, number_of
from api.questions.links import Links
from api.questions.moment import MULTIKEY, Moment, When
from api.questions.question import (
    Asker,
    Asking,
    BecauseOf,
    Did,
    Listed,
    Shape,
    answered,
    because_of,
    described,
    listed,
)
from projections import keys, submissions
from projections.submissions import SubmissionAt
from testamur.catalogue.submission import format_time
from testamur.rules import Flag, Flags, key_table

routes: Final = APIRouter(tags=["submissions"])

Key = Annotated[
    str | None,
    Query(
        pattern=MULTIKEY,
        description="Only what this key signed: its Multikey.",
        examples=[examples.KEY],
    ),
]


class Choice(NamedTuple):
    """Which of the submissions are asked for: those of a key, those with a flag."""

    key: str | None
    flag: Flag | None


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
    links: Links
    because_of: BecauseOf | None = None


SHAPES: Final = (Listed[SubmissionLine],)


class Found(NamedTuple):
    """A submission, and why it does not count as of the size asked about, if so."""

    submission: SubmissionAt
    why: key_table.NotCounted | None


def submission_of(view: View, issuer: str, jti: str) -> Found:
    """Return a submission by its names; raises a 404 `Problem` if it was not recorded by then."""
    found = submissions.known_as(view.connection, issuer, jti, view.size)
    if found is None:
        raise view.missing("submission", jti)
    reasons = keys.not_counted(view.connection, [found.signed], view.size)
    return Found(found, reasons.get(found.signed.position))


def submission_line(found: SubmissionAt, why: key_table.NotCounted | None) -> SubmissionLine:
    """Return a submission, as a list tells it; `why` it does not count, if so."""
    return SubmissionLine(
        position=found.signed.position,
        events=found.events,
        issuer=found.signed.organization,
        jti=found.jti,
        key=found.signed.key,
        recorded_at=format_time(found.signed.recorded_at),
        flags=found.flags,
        counts=why is None,
        links={
            "self": at.submission(found.signed.organization, found.jti),
            "entry": at.entry(found.signed.position),
            **at.signer(found.signed.organization, found.signed.position, "issuer"),
        },
        because_of=because_of(why),
    )


@routes.get(
    "/submissions",
    summary="What was submitted, in log order.",
    description="All of it, or what an organization submitted, with any key or with one, or what "
    "holds an event with a flag.",
    responses=described(Listed[SubmissionLine]),
)
async def submissions_by(
    asker: Asking,
    when: When,
    page: ListOf,
    organization: Annotated[
        str | None, did_query("Only what this organization submitted: its DID.")
    ] = None,
    key: Key = None,
    flag: FlagOfCredential = None,
) -> Response:
    if key is not None and organization is None:
        raise Problem(422, "parameter", "name the organization whose key it is too", value=key)
    return await _submissions(asker, when, page, organization, Choice(key, flag))


@routes.get(
    "/organizations/{did}/submissions",
    summary="What an organization submitted, with any key or with one.",
    description="In log order, with the flags of all events of each together. This is where an "
    "owner of a key looks for what it did not sign.",
    responses=described(Listed[SubmissionLine]),
)
async def submissions_of(
    asker: Asking,
    when: When,
    page: ListOf,
    did: Did,
    key: Key = None,
    flag: FlagOfCredential = None,
) -> Response:
    return await _submissions(asker, when, page, did, Choice(key, flag))


async def _submissions(
    asker: Asker, when: Moment, page: ListRequest, did: str | None, choice: Choice
) -> Response:
    def find(view: View) -> Listed[SubmissionLine]:
        found = submissions.submissions(
            view.connection,
            view.size,
            issuer=number_of(view, did),
            key=choice.key,
            flag=choice.flag,
            **page.options(view, start=-1),
        )
        signed = [each.signed for each in found.items]
        reasons = keys.not_counted(view.connection, signed, view.size)
        return listed(
            view, page, found, lambda each: submission_line(each, reasons.get(each.signed.position))
        )

    return await answered(asker, when, Listed[SubmissionLine], find)
