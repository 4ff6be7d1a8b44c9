"""Questions about who vouches for whom: accreditations and recognitions, and their history."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from fastapi import APIRouter, Query, Response

from api.questions.answerer import View
from api.questions.moment import PageOf, When
from api.questions.question import (
    Act,
    Answering,
    Did,
    HistoryLine,
    Listed,
    NotCounted,
    Shape,
    Uuid,
    act,
    answered,
    described,
    history_line,
    listed,
    not_counted,
)
from projections import accreditations, organizations
from projections.accreditations import GrantAt
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AccreditationStatus, RecognitionStatus
from testamur.catalogue.members import Document, Scope, Vouched
from testamur.catalogue.table import Kind
from testamur.rules import Flags

routes: Final = APIRouter(tags=["accreditations"])


class Words(Shape, frozen=True, gc=False, kw_only=True):
    """What the signer of a grant vouches for about the organization that it names."""

    name: str
    country: str
    other_names: tuple[str, ...] | None = None
    other_ids: tuple[str, ...] | None = None
    url: str | None = None


class AccreditationAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """An accreditation, granted at position `granted`, last changed at `position`.

    The status is None where no entry that grants it counts. `vouched` is what the accreditor
    vouches for now. `acts` set the status; `not_counted` are entries about it that do not count.
    """

    id: str
    accreditor: str
    provider: str
    decision: str
    kind: str
    status: AccreditationStatus | None
    valid_from: date
    vouched: Words
    granted: int
    position: int
    version: int
    flags: Flags
    size: int
    recorded_at: str | None
    scope: Scope | None = None
    valid_until: date | None = None
    review_by: date | None = None
    obligation: str | None = None
    evidence: Document | None = None
    acts: tuple[Act, ...] = ()
    not_counted: tuple[NotCounted, ...] = ()


class RecognitionAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """A recognition of `organization` as an accreditor or an authority, by `authority`.

    The other members are those of an accreditation.
    """

    id: str
    authority: str
    organization: str
    as_: str = msgspec.field(name="as")
    status: RecognitionStatus | None
    valid_from: date
    vouched: Words
    granted: int
    position: int
    version: int
    flags: Flags
    size: int
    recorded_at: str | None
    scope: Scope | None = None
    valid_until: date | None = None
    acts: tuple[Act, ...] = ()
    not_counted: tuple[NotCounted, ...] = ()


SHAPES: Final = (
    AccreditationAnswer,
    RecognitionAnswer,
    Listed[AccreditationAnswer],
    Listed[RecognitionAnswer],
)


def words_of(vouched: Vouched) -> Words:
    """Return what is vouched for, as an answer tells it."""
    return Words(
        name=vouched.name,
        country=vouched.country,
        other_names=vouched.other_names,
        other_ids=vouched.other_ids,
        url=vouched.url,
    )


def _accreditation(found: GrantAt, recorded_at: str | None) -> AccreditationAnswer:
    terms = cast("e.AccreditationGranted", found.grant.event)
    return AccreditationAnswer(
        accreditor=found.grant.owner,
        provider=terms.provider,
        decision=terms.decision,
        kind=terms.kind,
        review_by=getattr(found.vouched, "review_by", None),
        obligation=terms.obligation,
        evidence=terms.evidence,
        **_granted(found, recorded_at),
    )


def _recognition(found: GrantAt, recorded_at: str | None) -> RecognitionAnswer:
    terms = cast("e.RecognitionGranted", found.grant.event)
    return RecognitionAnswer(
        authority=found.grant.owner,
        organization=terms.organization,
        as_=terms.as_,
        **_granted(found, recorded_at),
    )


def _granted(found: GrantAt, recorded_at: str | None) -> dict[str, Any]:
    """Return what the answers about both kinds of grants tell."""
    terms = found.grant.event
    return {
        "id": found.id,
        "status": found.standing.status,
        "valid_from": terms.valid_from,
        "valid_until": terms.valid_until,
        "scope": terms.scope,
        "vouched": words_of(found.vouched),
        "granted": found.granted,
        "position": found.position,
        "version": found.grant.entries,
        "flags": found.flags,
        "size": found.size,
        "recorded_at": recorded_at,
        "acts": tuple(map(act, found.standing.acts)),
        "not_counted": not_counted(found.standing.fallen),
    }


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
        events = accreditations.grant_history(
            view.connection, Kind.ACCREDITATION, accreditation, view.size, **page.options
        )
        return listed(view, page, events, history_line)

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
    granted = {"provider": accreditations.granted_to, "accreditor": accreditations.granted_by}[by]

    def find(view: View) -> Listed[AccreditationAnswer]:
        view.known("organization", did, organizations.organization_at)
        found = granted(view.connection, Kind.ACCREDITATION, did, view.size, **page.options)
        return listed(view, page, found, lambda each: _accreditation(each, view.recorded_at))

    return await answered(answerer, when, find)


@routes.get(
    "/recognitions/{recognition}",
    summary="A recognition of an accreditor or an authority.",
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
        events = accreditations.grant_history(
            view.connection, Kind.RECOGNITION, recognition, view.size, **page.options
        )
        return listed(view, page, events, history_line)

    return await answered(answerer, when, find)


@routes.get(
    "/organizations/{did}/recognitions",
    summary="The recognitions an organization was granted, or with by=authority granted.",
    responses=described(Listed[RecognitionAnswer]),
)
async def recognitions_of(
    answerer: Answering,
    when: When,
    page: PageOf,
    did: Did,
    by: Annotated[Literal["organization", "authority"], Query()] = "organization",
) -> Response:
    granted = {"organization": accreditations.granted_to, "authority": accreditations.granted_by}

    def find(view: View) -> Listed[RecognitionAnswer]:
        view.known("organization", did, organizations.organization_at)
        found = granted[by](view.connection, Kind.RECOGNITION, did, view.size, **page.options)
        return listed(view, page, found, lambda each: _recognition(each, view.recorded_at))

    return await answered(answerer, when, find)
