"""The paths of submissions in the framework, and what the OpenAPI document says of all of them."""

from __future__ import annotations

from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Path, Request, Response

from api.http import conditional, examples, openapi
from api.http.endings import check_ending
from api.questions.answerer import View
from api.questions.moment import DID, NOW, UUID, When
from api.questions.question import Asking
from api.questions.submissions import submission_of
from api.submissions.endpoint import Submissions
from api.submissions.receipts import Counted
from api.web.routes import likes_pages, page_of
from testamur.catalogue import dry_run
from testamur.catalogue.submission import MEDIA_TYPE
from testamur.http.check_report import CheckReport
from testamur.verification.receipt import Receipt


def _submissions(request: Request) -> Submissions:
    return cast("Submissions", request.app.state.submissions)


Submitting = Annotated[Submissions, Depends(_submissions)]
routes: Final = APIRouter(tags=["submissions"])

SHAPES: Final = (CheckReport, Receipt)
"""What the OpenAPI document describes."""

_SUBMISSION: Final = f"eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoi...\n{examples.LINE}\n"
_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": "The submission file; Content-Encoding gzip is taken too.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _SUBMISSION}},
    }
}
_DRY_RUN: Final = {
    "requestBody": {
        "required": True,
        "description": "The dry run: signed like a submission, of another typ and without jti, so "
        "that it can never be admitted. Content-Encoding gzip is taken too.",
        "content": {dry_run.MEDIA_TYPE: {"schema": {"type": "string"}, "example": _SUBMISSION}},
    }
}
_REFUSALS: Final = openapi.problems(
    p400="The body is not what its headers say.",
    p403="The signer is not entitled to this.",
    p408="The body did not arrive in time.",
    p409="The issuer used this jti for another submission.",
    p413="A limit on sizes is exceeded.",
    p415="Another media type or content coding.",
    p422="A rule is broken: which, on which line, by what value.",
    p503="Not now. Retry-After says when to send the same submission again.",
)


_RECEIPT: Final = openapi.answer(Receipt, "The receipt, in the state that was asked for.")
_RECEIPT_FOUND: Final = openapi.answer(
    Receipt, "The receipt, in the furthest state that holds now.", sized=True
)
_RECORDED_BEFORE: Final = {
    **_RECEIPT,
    "description": "It was recorded before; this is its receipt.",
}

SUBMIT_PATH: Final[openapi.Json] = {
    "/submissions": {
        "post": {
            "tags": ["submissions"],
            "summary": "Submit events; the answer is a receipt.",
            "description": "All of them are recorded, or none. Sent again after a 503, or no "
            "answer, the same bytes get the same receipt.",
            "operationId": "submit",
            "parameters": [
                {
                    "name": "wait",
                    "in": "query",
                    "description": "How far it must have come before the answer.",
                    "schema": {
                        "type": "string",
                        "enum": ["durable", "published", "witnessed"],
                        "default": "published",
                    },
                    "example": "published",
                },
                {
                    "name": "flags",
                    "in": "query",
                    "description": "Whether flags that the sender can mend stop the submission. "
                    "With `refuse` it is refused whole, nothing is recorded, and the problem "
                    "(rule `flags-refused`) lists its flags with what each is about and its "
                    "remedy. Flags that somebody else has to mend never stop it. A submission "
                    "that was recorded before gets its receipt all the same.",
                    "schema": {"type": "string", "enum": ["admit", "refuse"], "default": "admit"},
                    "example": "refuse",
                },
            ],
            **_BODY,
            "responses": {
                "201": _RECEIPT,
                "200": _RECORDED_BEFORE,
                **{str(status): problem for status, problem in _REFUSALS.items()},
            },
        }
    }
}
"""What the OpenAPI document says of the path that is served beneath the framework."""


@routes.post(
    "/submissions/check",
    summary="What signed events would meet with; nothing is recorded.",
    description="The dry run is judged as a submission would be at this moment, event by event, "
    "and every refusal and flag is listed with its line. What is accepted here may be "
    "refused later.",
    openapi_extra=_DRY_RUN,
    responses={200: openapi.answer(CheckReport, "Everything that is wrong."), **_REFUSALS},
)
async def check(submissions: Submitting, request: Request) -> Response:
    found = await submissions.check(request.scope, request.receive)
    return Response(found, media_type="application/json", headers={"Cache-Control": "no-store"})


@routes.get(
    "/submissions/{issuer}/{jti}",
    summary="The receipt of a submission recorded before.",
    description="Made from the log each time, so asking again cannot give another one. It says "
    "whether the submission still counts; asked about a moment, whether it did then, and names "
    "the size in `asOf`. Its proof leads to the newest checkpoint all the same.",
    responses={
        200: _RECEIPT_FOUND,
        **openapi.problems(
            p308="An id is in another spelling: the receipt is at `Location`.",
            p404="No such submission here, or none yet as of the moment asked about.",
            p406="A receipt is no table: it has no form `.csv`.",
            p422="Not a DID or not a UUID, or a question about the future.",
            p503="The projections have not reached that size yet, or the server is busy.",
        ),
    },
)
async def receipt_of(
    submissions: Submitting,
    request: Request,
    asker: Asking,
    when: When,
    issuer: Annotated[
        str,
        Path(
            pattern=DID,
            max_length=240,
            description="The DID of the organization that signed it.",
            examples=[examples.DID],
        ),
    ],
    jti: Annotated[
        str,
        Path(
            pattern=UUID,
            description="The id that its signer gave it.",
            examples=[examples.ID],
        ),
    ],
) -> Response:
    if likes_pages(asker.headers):
        pages = request.app.state.log_pages

        def page(view: View) -> Response:
            found = submission_of(view, issuer, jti)
            return page_of(pages.submission(view, found, asker), asker.headers)

        return await asker.answerer.ask(when, page)
    check_ending(request.scope, ".json")
    headers = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Encoding"}
    then = None
    if when != NOW:  # the receipt of now waits for no projection
        then = await asker.answerer.ask(when, lambda view: _counted(view, issuer, jti))
        headers["Testamur-Size"] = str(then.size)
    found = await submissions.find(issuer, jti, then)
    return conditional.answer(found, "application/json", headers, asker.held)


def _counted(view: View, issuer: str, jti: str) -> Counted:
    return Counted(view.size, submission_of(view, issuer, jti).why is None)
