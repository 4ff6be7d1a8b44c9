"""Questions about who vouches for whom: accreditations and recognitions, and their history."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from api.questions import answers
from api.questions.asking import ListOf, OneThing, Uuid, described, of
from projections import accreditations

routes: Final = APIRouter(tags=["accreditations"])


@routes.get(
    "/accreditations/{accreditation}",
    summary="An accreditation of a provider.",
    responses=described(answers.AccreditationAnswer),
)
async def one_accreditation(asked: OneThing, accreditation: Uuid) -> Response:
    return await asked.thing(
        "accreditation",
        accreditation,
        accreditations.accreditation_at,
        answers.accreditation_answer,
    )


@routes.get(
    "/accreditations/{accreditation}/history",
    summary="Everything that happened to an accreditation.",
    responses=described(answers.Listed[answers.HistoryLine]),
)
async def accreditation_history(asked: ListOf, accreditation: Uuid) -> Response:
    events = of(
        "accreditation",
        accreditation,
        accreditations.accreditation_at,
        accreditations.accreditation_history,
    )
    return await asked.lines(events, answers.stream_event)


@routes.get(
    "/recognitions/{recognition}",
    summary="A recognition of an accreditor.",
    responses=described(answers.RecognitionAnswer),
)
async def one_recognition(asked: OneThing, recognition: Uuid) -> Response:
    return await asked.thing(
        "recognition", recognition, accreditations.recognition_at, answers.recognition_answer
    )


@routes.get(
    "/recognitions/{recognition}/history",
    summary="Everything that happened to a recognition.",
    responses=described(answers.Listed[answers.HistoryLine]),
)
async def recognition_history(asked: ListOf, recognition: Uuid) -> Response:
    events = of(
        "recognition",
        recognition,
        accreditations.recognition_at,
        accreditations.recognition_history,
    )
    return await asked.lines(events, answers.stream_event)
