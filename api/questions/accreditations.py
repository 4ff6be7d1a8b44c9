"""Questions about who vouches for whom: accreditations and recognitions, and their history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, NamedTuple, cast

import msgspec
from fastapi import APIRouter, Query, Response

from api.http.problems import Problem
from api.questions import links as at
from api.questions.answerer import View
from api.questions.filters import (
    Accreditor,
    Authority,
    FlagOfAccreditation,
    FlagOfRecognition,
    ListOf,
    ListRequest,
    NameAsked,
    Provider,
    Recognised,
    all_of,
    check_flag,
    flag_of,
    name_of,
    parties_of,
)
from api.questions.links import Links
from api.questions.moment import Moment, When
from api.questions.question import (
    Act,
    Asker,
    Asking,
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
from projections import accreditations
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
    links: Links
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
    links: Links
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
    parties = {
        "accreditor": at.organization(found.grant.owner),
        "provider": at.organization(terms.provider),
    }
    return AccreditationAnswer(
        links=at.below(at.accreditation(found.id), "history") | parties,
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
    parties = {
        "authority": at.organization(found.grant.owner),
        "organization": at.organization(terms.organization),
    }
    return RecognitionAnswer(
        links=at.below(at.recognition(found.id), "history") | parties,
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
    description="Its terms, its status, and what the accreditor vouches for about the provider "
    "now.",
    responses=described(AccreditationAnswer),
)
async def one_accreditation(asker: Asking, when: When, accreditation: Uuid) -> Response:
    def find(view: View) -> AccreditationAnswer:
        found = view.known("accreditation", accreditation, accreditations.accreditation_at)
        return _accreditation(found, view.recorded_at)

    return await answered(asker, when, AccreditationAnswer, find)


@routes.get(
    "/accreditations/{accreditation}/history",
    summary="Everything that happened to an accreditation.",
    description="In log order, with who signed each event, whether it counts, and what it did to "
    "the status.",
    responses=described(Listed[HistoryLine]),
)
async def accreditation_history(
    asker: Asking, when: When, page: ListOf, accreditation: Uuid, flag: FlagOfAccreditation = None
) -> Response:
    check_flag(flag, Kind.ACCREDITATION)

    def find(view: View) -> Listed[HistoryLine]:
        view.known("accreditation", accreditation, accreditations.accreditation_at)
        events = accreditations.grant_history(
            view.connection,
            Kind.ACCREDITATION,
            accreditation,
            view.size,
            flag=flag,
            **page.options(view),
        )
        return listed(view, page, events, history_line)

    return await answered(asker, when, Listed[HistoryLine], find)


@routes.get(
    "/accreditations",
    summary="Accreditations, in the order in which they were granted.",
    description="All of them, or those that the filters leave. `name` is one that the "
    "accreditor vouches for, or once did.",
    responses=described(Listed[AccreditationAnswer]),
)
async def every_accreditation(
    asker: Asking,
    when: When,
    page: ListOf,
    provider: Provider = None,
    accreditor: Accreditor = None,
    name: NameAsked = None,
    flag: FlagOfAccreditation = None,
) -> Response:
    wanted = all_of(name_of(name), flag_of(flag, Kind.ACCREDITATION))
    parties = {"by": accreditor, "to": provider}
    return await _granted_list(asker, when, page, _ACCREDITATIONS, parties, wanted)


@routes.get(
    "/organizations/{did}/accreditations",
    summary="The accreditations an organization was granted, or with by=accreditor granted.",
    description="`provider` or `accreditor` is the other organization.",
    responses=described(Listed[AccreditationAnswer]),
)
async def accreditations_of(
    asker: Asking,
    when: When,
    page: ListOf,
    did: Did,
    by: Annotated[
        Literal["provider", "accreditor"],
        Query(description="As what the organization is part of them.", examples=["accreditor"]),
    ] = "provider",
    provider: Provider = None,
    accreditor: Accreditor = None,
    flag: FlagOfAccreditation = None,
) -> Response:
    own = {"provider": provider, "accreditor": accreditor}
    parties = _parties(did, by, own, by="accreditor", to="provider")
    wanted = flag_of(flag, Kind.ACCREDITATION)
    return await _granted_list(asker, when, page, _ACCREDITATIONS, parties, wanted)


def _parties(
    did: str, part: str, asked: Mapping[str, str | None], **parties: str
) -> dict[str, str | None]:
    """Return who granted and who was granted, by `by` and `to`, of an organization's own list.

    `did` is its own part; `asked` are filters by their names, which `parties` gives for both
    parts. Raises a 422 `Problem` for a filter on its own part that names another organization.
    """
    if asked[part] not in (None, did):
        detail = f"this list is of that of {did}, which is its {part} itself"
        raise Problem(422, "parameter", detail, value=asked[part])
    return {each: did if name == part else asked[name] for each, name in parties.items()}


@routes.get(
    "/recognitions/{recognition}",
    summary="A recognition of an accreditor or an authority.",
    description="Its terms, its status, and what the authority vouches for about the organization "
    "now.",
    responses=described(RecognitionAnswer),
)
async def one_recognition(asker: Asking, when: When, recognition: Uuid) -> Response:
    def find(view: View) -> RecognitionAnswer:
        found = view.known("recognition", recognition, accreditations.recognition_at)
        return _recognition(found, view.recorded_at)

    return await answered(asker, when, RecognitionAnswer, find)


@routes.get(
    "/recognitions/{recognition}/history",
    summary="Everything that happened to a recognition.",
    description="In log order, with who signed each event, whether it counts, and what it did to "
    "the status.",
    responses=described(Listed[HistoryLine]),
)
async def recognition_history(
    asker: Asking, when: When, page: ListOf, recognition: Uuid, flag: FlagOfRecognition = None
) -> Response:
    check_flag(flag, Kind.RECOGNITION)

    def find(view: View) -> Listed[HistoryLine]:
        view.known("recognition", recognition, accreditations.recognition_at)
        events = accreditations.grant_history(
            view.connection,
            Kind.RECOGNITION,
            recognition,
            view.size,
            flag=flag,
            **page.options(view),
        )
        return listed(view, page, events, history_line)

    return await answered(asker, when, Listed[HistoryLine], find)


@routes.get(
    "/recognitions",
    summary="Recognitions, in the order in which they were granted.",
    description="All of them, or those that the filters leave. `name` is one that the "
    "authority vouches for, or once did.",
    responses=described(Listed[RecognitionAnswer]),
)
async def every_recognition(
    asker: Asking,
    when: When,
    page: ListOf,
    organization: Recognised = None,
    authority: Authority = None,
    name: NameAsked = None,
    flag: FlagOfRecognition = None,
) -> Response:
    wanted = all_of(name_of(name), flag_of(flag, Kind.RECOGNITION))
    parties = {"by": authority, "to": organization}
    return await _granted_list(asker, when, page, _RECOGNITIONS, parties, wanted)


@routes.get(
    "/organizations/{did}/recognitions",
    summary="The recognitions an organization was granted, or with by=authority granted.",
    description="`organization` or `authority` is the other organization.",
    responses=described(Listed[RecognitionAnswer]),
)
async def recognitions_of(
    asker: Asking,
    when: When,
    page: ListOf,
    did: Did,
    by: Annotated[
        Literal["organization", "authority"],
        Query(description="As what the organization is part of them.", examples=["authority"]),
    ] = "organization",
    organization: Recognised = None,
    authority: Authority = None,
    flag: FlagOfRecognition = None,
) -> Response:
    own = {"organization": organization, "authority": authority}
    parties = _parties(did, by, own, by="authority", to="organization")
    wanted = flag_of(flag, Kind.RECOGNITION)
    return await _granted_list(asker, when, page, _RECOGNITIONS, parties, wanted)


class _Listing(NamedTuple):
    """Which grants a list holds, and how each is shown."""

    kind: Kind
    shape: Any
    shown: Callable[[GrantAt, str | None], Any]


_ACCREDITATIONS: Final = _Listing(Kind.ACCREDITATION, Listed[AccreditationAnswer], _accreditation)
_RECOGNITIONS: Final = _Listing(Kind.RECOGNITION, Listed[RecognitionAnswer], _recognition)


async def _granted_list(
    asker: Asker,
    when: Moment,
    page: ListRequest,
    listing: _Listing,
    parties: Mapping[str, str | None],
    wanted: list[str],
) -> Response:
    """Return the grants between `parties` (DIDs by `by` and `to`) that have the marks `wanted`."""

    def find(view: View) -> Listed[Any]:
        marks = all_of(parties_of(view, **parties), wanted)
        found = accreditations.granted(
            view.connection, listing.kind, view.size, marks=marks, **page.options(view)
        )
        return listed(view, page, found, lambda each: listing.shown(each, view.recorded_at))

    return await answered(asker, when, listing.shape, find)
