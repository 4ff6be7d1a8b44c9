"""Questions about organizations: who is in the register, with which keys, and their history."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from api.questions.answerer import View
from api.questions.moment import PageOf, When
from api.questions.question import (
    Answering,
    Did,
    HistoryLine,
    Listed,
    Shape,
    answered,
    described,
    listed,
)
from projections import organizations
from projections.organizations import OrganizationAt, OrganizationEvent
from testamur.catalogue.lifecycle import KeyStatus, OrganizationStatus
from testamur.catalogue.members import Identifier
from testamur.rules.register import KeyState

routes: Final = APIRouter(tags=["organizations"])


class KeyAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """A key and the positions that bound it: it may sign from `added` to before `until`."""

    id: str
    public_key_multibase: str
    status: KeyStatus
    added: int
    until: int | None = None


class OrganizationAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """An organization. `position` is that of its last change; `sponsor` registered it."""

    did: str
    name: str
    country: str
    roles: tuple[str, ...]
    status: OrganizationStatus
    keys: tuple[KeyAnswer, ...]
    registered: int
    position: int
    version: int
    size: int
    recorded_at: str | None
    sponsor: str | None = None
    identifiers: tuple[Identifier, ...] | None = None
    url: str | None = None


SHAPES: Final = (OrganizationAnswer, Listed[KeyAnswer], Listed[OrganizationAnswer])


def _key(key: KeyState) -> KeyAnswer:
    return KeyAnswer(
        id=key.id,
        public_key_multibase=key.multikey,
        status=key.status,
        added=key.added,
        until=key.until,
    )


def _organization(found: OrganizationAt, recorded_at: str | None) -> OrganizationAnswer:
    organization = found.organization
    return OrganizationAnswer(
        did=organization.did,
        name=organization.name,
        country=organization.country,
        roles=organization.roles,
        status=organization.status,
        keys=tuple(map(_key, organization.keys)),
        registered=organization.registered,
        position=found.position,
        version=organization.version,
        sponsor=organization.sponsor,
        identifiers=organization.identifiers,
        url=organization.url,
        size=found.size,
        recorded_at=recorded_at,
    )


def _history_line(found: OrganizationEvent) -> HistoryLine:
    return HistoryLine(
        event=found.event, version=found.version, position=found.position, flags=found.flags
    )


@routes.get(
    "/organizations",
    summary="Every organization, in the order of registration.",
    responses=described(Listed[OrganizationAnswer]),
)
async def every_organization(answerer: Answering, when: When, page: PageOf) -> Response:
    def find(view: View) -> Listed[OrganizationAnswer]:
        found = organizations.organizations(view.connection, view.size, **page.options)
        return listed(view, page, found, lambda each: _organization(each, view.recorded_at))

    return await answered(answerer, when, find)


@routes.get(
    "/organizations/{did}",
    summary="An organization and its keys.",
    responses=described(OrganizationAnswer),
)
async def one_organization(answerer: Answering, when: When, did: Did) -> Response:
    def find(view: View) -> OrganizationAnswer:
        found = view.known("organization", did, organizations.organization_at)
        return _organization(found, view.recorded_at)

    return await answered(answerer, when, find)


@routes.get(
    "/organizations/{did}/keys",
    summary="The keys of an organization, and from and to which position each may sign.",
    responses=described(Listed[KeyAnswer]),
)
async def keys(answerer: Answering, when: When, did: Did) -> Response:
    def find(view: View) -> Listed[KeyAnswer]:
        found = view.known("organization", did, organizations.organization_at)
        items = tuple(map(_key, found.organization.keys))
        return Listed(size=view.size, recorded_at=view.recorded_at, items=items)

    return await answered(answerer, when, find)


@routes.get(
    "/organizations/{did}/history",
    summary="Everything that happened to an organization and its keys.",
    responses=described(Listed[HistoryLine]),
)
async def organization_history(answerer: Answering, when: When, page: PageOf, did: Did) -> Response:
    def find(view: View) -> Listed[HistoryLine]:
        view.known("organization", did, organizations.organization_at)
        events = organizations.history(view.connection, did, view.size, **page.options)
        return listed(view, page, events, _history_line)

    return await answered(answerer, when, find)
