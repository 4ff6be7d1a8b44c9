"""Questions about who vouches for whom: accreditations and recognitions, and their history."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response

from api.questions.answerer import View
from api.questions.moment import PageOf, When
from api.questions.question import (
    Answering,
    Did,
    HistoryLine,
    Listed,
    Shape,
    Uuid,
    answered,
    described,
    listed,
    stream_line,
)
from projections import accreditations, organizations
from projections.accreditations import AccreditationAt, RecognitionAt
from testamur.catalogue.lifecycle import AccreditationStatus, RecognitionStatus
from testamur.catalogue.members import Scope
from testamur.rules import Flags

routes: Final = APIRouter(tags=["accreditations"])


class AccreditationAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """An accreditation, granted at position `granted`, last changed at `position`."""

    id: str
    accreditor: str
    provider: str
    decision: str
    kind: str
    status: AccreditationStatus
    valid_from: date
    granted: int
    position: int
    version: int
    flags: Flags
    size: int
    recorded_at: str | None
    scope: Scope | None = None
    valid_until: date | None = None


class RecognitionAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """A recognition, granted at position `granted`, last changed at `position`."""

    id: str
    authority: str
    accreditor: str
    status: RecognitionStatus
    valid_from: date
    granted: int
    position: int
    version: int
    size: int
    recorded_at: str | None
    scope: Scope | None = None
    valid_until: date | None = None


SHAPES: Final = (
    AccreditationAnswer,
    RecognitionAnswer,
    Listed[AccreditationAnswer],
    Listed[RecognitionAnswer],
)


def _accreditation(found: AccreditationAt, recorded_at: str | None) -> AccreditationAnswer:
    terms = found.accreditation
    return AccreditationAnswer(
        id=terms.id,
        accreditor=terms.accreditor,
        provider=terms.provider,
        decision=terms.decision,
        kind=terms.kind,
        status=terms.status,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        scope=terms.scope,
        granted=found.granted,
        position=found.position,
        version=terms.version,
        flags=found.flags,
        size=found.size,
        recorded_at=recorded_at,
    )


def _recognition(found: RecognitionAt, recorded_at: str | None) -> RecognitionAnswer:
    terms = found.recognition
    return RecognitionAnswer(
        id=terms.id,
        authority=terms.authority,
        accreditor=terms.accreditor,
        status=terms.status,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        scope=terms.scope,
        granted=found.granted,
        position=found.position,
        version=terms.version,
        size=found.size,
        recorded_at=recorded_at,
    )


@routes.get(
    "/accreditations/{accreditation}",
    summary="An accreditation of a provider.",
    responses=described(AccreditationAnswer),
)
async def one_accreditation(answerer: Answering, when: When, accreditation: Uuid) -> Response:
    def find(view: View) -> AccreditationAnswer:
        found = view.known("accreditation", accreditation, accreditations.accreditation_at)
        return _accreditation(found, view.recorded_at)

    return await answered(answerer, when, find)


@routes.get(
    "/accreditations/{accreditation}/history",
    summary="Everything that happened to an accreditation.",
    responses=described(Listed[HistoryLine]),
)
async def accreditation_history(
    answerer: Answering, when: When, page: PageOf, accreditation: Uuid
) -> Response:
    def find(view: View) -> Listed[HistoryLine]:
        view.known("accreditation", accreditation, accreditations.accreditation_at)
        events = accreditations.accreditation_history(
            view.connection, accreditation, view.size, **page.options
        )
        return listed(view, page, events, stream_line)

    return await answered(answerer, when, find)


@routes.get(
    "/organizations/{did}/accreditations",
    summary="The accreditations an organization was granted, or with by=accreditor granted.",
    responses=described(Listed[AccreditationAnswer]),
)
async def accreditations_of(
    answerer: Answering,
    when: When,
    page: PageOf,
    did: Did,
    by: Annotated[Literal["provider", "accreditor"], Query()] = "provider",
) -> Response:
    granted = {
        "provider": accreditations.accreditations_of,
        "accreditor": accreditations.accreditations_by,
    }[by]

    def find(view: View) -> Listed[AccreditationAnswer]:
        view.known("organization", did, organizations.organization_at)
        found = granted(view.connection, did, view.size, **page.options)
        return listed(view, page, found, lambda each: _accreditation(each, view.recorded_at))

    return await answered(answerer, when, find)


@routes.get(
    "/recognitions/{recognition}",
    summary="A recognition of an accreditor.",
    responses=described(RecognitionAnswer),
)
async def one_recognition(answerer: Answering, when: When, recognition: Uuid) -> Response:
    def find(view: View) -> RecognitionAnswer:
        found = view.known("recognition", recognition, accreditations.recognition_at)
        return _recognition(found, view.recorded_at)

    return await answered(answerer, when, find)


@routes.get(
    "/recognitions/{recognition}/history",
    summary="Everything that happened to a recognition.",
    responses=described(Listed[HistoryLine]),
)
async def recognition_history(
    answerer: Answering, when: When, page: PageOf, recognition: Uuid
) -> Response:
    def find(view: View) -> Listed[HistoryLine]:
        view.known("recognition", recognition, accreditations.recognition_at)
        events = accreditations.recognition_history(
            view.connection, recognition, view.size, **page.options
        )
        return listed(view, page, events, stream_line)

    return await answered(answerer, when, find)


@routes.get(
    "/organizations/{did}/recognitions",
    summary="The recognitions an accreditor was granted.",
    responses=described(Listed[RecognitionAnswer]),
)
async def recognitions_of(answerer: Answering, when: When, page: PageOf, did: Did) -> Response:
    def find(view: View) -> Listed[RecognitionAnswer]:
        view.known("organization", did, organizations.organization_at)
        found = accreditations.recognitions_of(view.connection, did, view.size, **page.options)
        return listed(view, page, found, lambda each: _recognition(each, view.recorded_at))

    return await answered(answerer, when, find)
