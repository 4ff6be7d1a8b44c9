"""Which organizations are in the register, what each says of itself, and what others vouch for.

An organization stands by its own registration, and is closed or not. What it is called, and
where it is, is its own word; what others vouch for is in the grants that name it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from projections.accreditations import GrantAt, granted_to
from projections.dids import dids
from projections.histories import history, thing_text
from projections.lookups import LookUps
from projections.page import WHOLE, Page, Stretch, filled
from projections.standing import Happened, told
from testamur.catalogue import events as e
from testamur.catalogue.table import Kind
from testamur.catalogue.touched import History, Thing
from testamur.rules.flags import Flag, Flags
from testamur.rules.register import Organization, Particulars, Register
from testamur.rules.said import Said
from testamur.rules.status import closing

MAX_VOUCHED: Final = 32
"""Grants of each kind that an organization's answer shows: the first ones, so that no crowd of
strangers can push one out. The lists of grants have all."""

_OWN: Final = (History.KEYS, History.ORGANIZATION, History.PARTICULARS)
_encode: Final = msgspec.json.Encoder().encode


class OrganizationAt(msgspec.Struct, frozen=True):
    """An organization as of `size`; `position` is that of the last change that counts.

    `own` is what it last said of itself, at `told` or in its registration if that is None, and
    `flags` are those of that event. `registration` is the event by which it entered, `closed` that
    by which it closed.
    """

    size: int
    organization: Organization
    position: int
    own: Particulars
    told: int | None
    flags: Flags
    registration: e.OrganizationRegistered
    closed: Said | None


def organization_at(connection: Connection, did: str, size: int) -> OrganizationAt | None:
    """Return an organization, or `None` if it was not registered by then."""
    look_ups = LookUps(connection, size)
    return _organization(look_ups, look_ups.register(), did)


def names(connection: Connection, dids: Collection[str], size: int) -> dict[str, str]:
    """Return what each of these organizations calls itself, of those registered by then."""
    look_ups = LookUps(connection, size)
    register = look_ups.register()
    look_ups.prefetch(Thing(kind, did) for did in sorted(dids) for kind in _OWN)
    found = {did: _organization(look_ups, register, did) for did in dids}
    return {did: each.own.name for did, each in found.items() if each is not None}


def organizations(
    connection: Connection,
    size: int,
    *,
    marks: Sequence[str] = (),
    after: int = -1,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[OrganizationAt]:
    """Return organizations that have the `marks`, in the order they came in.

    `after` is a page's `next`.
    """
    look_ups = LookUps(connection, size)
    register = look_ups.register()

    def made(names: Sequence[str]) -> list[OrganizationAt]:
        look_ups.prefetch(Thing(kind, did) for did in names for kind in _OWN)
        found = (_organization(look_ups, register, did) for did in names)
        return [each for each in found if each is not None]

    page = dids(connection, size, marks=marks, after=after, limit=limit, within=within)
    return filled(page, made, _weight)


def vouched_for(connection: Connection, did: str, size: int) -> Iterator[GrantAt]:
    """Yield the first grants to an organization, accreditations first, that are in no way ended."""
    for kind in (Kind.ACCREDITATION, Kind.RECOGNITION):
        for found in granted_to(connection, kind, did, size, limit=MAX_VOUCHED).items:
            if found.standing.status == "active":
                yield found


def organization_history(
    connection: Connection,
    did: str,
    size: int,
    *,
    flag: Flag | None = None,
    after: int = 0,
    limit: int = 100,
    within: Stretch = WHOLE,
) -> Page[Happened]:
    """Return what was said of an organization, by itself or as to its succession, and its keys.

    `after` is a position.
    """
    named = thing_text(Thing(History.SUCCESSION, f"{did} "))
    things = [Thing(kind, did) for kind in _OWN]
    page = history(
        connection,
        things,
        size,
        beginning=named,
        flag=flag,
        after=after,
        limit=limit,
        within=within,
    )
    return told(page, LookUps(connection, size).register(), None)


def _organization(look_ups: LookUps, register: Register, did: str) -> OrganizationAt | None:
    organization = register.organizations.get(did)
    if organization is None:
        return None
    updates = look_ups.logged(Thing(History.PARTICULARS, did))
    said = (*organization.said, *(each.said for each in updates))
    changes = [each for each in said if register.counts(each.signed)]
    told = [
        each
        for each in updates
        if isinstance(each.said.event, e.OrganizationUpdated) and register.counts(each.said.signed)
    ]
    entered = look_ups.logged(Thing(History.KEYS, did))[0]
    return OrganizationAt(
        size=look_ups.size,
        organization=organization,
        position=max((entered.position, *_positions(organization, changes))),
        own=_particulars(told[-1].said.event) if told else organization.registration,
        told=told[-1].position if told else None,
        flags=(told[-1] if told else entered).flags,
        registration=_registration(entered.said.event, did),
        closed=closing(register, organization),
    )


def _registration(event: e.Event, did: str) -> e.OrganizationRegistered:
    """Return the registration of an organization, which the genesis may hold among others."""
    found = event.authorities if isinstance(event, e.LogOpened) else (event,)
    for each in found:
        if isinstance(each, e.OrganizationRegistered) and each.organization == did:
            return each
    raise TypeError(f"{e.wire_name(event)} does not register {did}")


def _positions(organization: Organization, changes: Sequence[Said]) -> Iterator[int]:
    yield from (said.position for said in changes)
    keys = organization.keys
    for submission in keys.history:
        if keys.counts(submission.key, submission.position, submission.recorded_at):
            yield submission.end - 1


def _particulars(event: e.Event) -> Particulars:
    if not isinstance(event, e.OrganizationUpdated):
        raise TypeError(f"{e.wire_name(event)} states no particulars")
    return Particulars(event.name, event.country, event.identifiers, event.url)


def _weight(found: OrganizationAt) -> int:
    stated = len(_encode(found.own)) + len(_encode(found.registration))
    return stated + len(_encode(found.organization.keys.history)) // 8
