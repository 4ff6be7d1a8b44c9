"""Questions about a credential: its status, its history, and the evidence that proves both."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from api.http.openapi import problems
from api.questions import answers
from api.questions.asking import Answering, ListOf, OneThing, Uuid, described, of
from api.questions.moment import When
from api.questions.register import View
from projections import achievements, credentials, organizations
from testamur.verification.evidence import FILE_ENDING, Evidence

routes: Final = APIRouter(tags=["credentials"])


@routes.get(
    "/credentials/{credential}",
    summary="A credential and its status.",
    responses=described(answers.CredentialAnswer),
)
async def one_credential(register: Answering, asked: OneThing, credential: Uuid) -> Response:
    def find(view: View) -> answers.CredentialAnswer:
        connection, size = view.connection, view.size
        found = view.known("credential", credential, credentials.status)
        issued = register.issuance(found.issued, size)
        organization = organizations.organization_at(connection, found.issuer, size)
        definition = achievements.definition_at(
            connection, found.achievement, issued.achievement_version, size
        )
        last = credentials.history(connection, credential, size, after=found.version - 1, limit=1)
        return answers.credential_answer(
            found,
            issued,
            last.items[0],
            issuer="" if organization is None else organization.organization.name,
            achievement="" if definition is None else definition.name,
            as_of=view.as_of,
        )

    return await asked.answer(find)


@routes.get(
    "/credentials/{credential}/history",
    summary="Everything that happened to a credential.",
    responses=described(answers.Listed[answers.HistoryLine]),
)
async def credential_history(asked: ListOf, credential: Uuid) -> Response:
    events = of("credential", credential, credentials.status, credentials.history)
    return await asked.lines(events, answers.credential_event)


@routes.get(
    "/credentials/{credential}/evidence",
    summary="What a verifier needs to judge a credential offline.",
    responses=described(Evidence)
    | problems(p413="More bears on this credential than evidence may hold: replay the log."),
)
async def credential_evidence(register: Answering, credential: Uuid, when: When) -> Response:
    file, size = await register.evidence(credential, when)
    return Response(
        file,
        media_type="application/json",
        headers={
            "Testamur-Size": str(size),
            "Content-Disposition": f'attachment; filename="{credential}{FILE_ENDING}"',
            "Cache-Control": "no-cache",
        },
    )
