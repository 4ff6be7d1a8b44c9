"""Questions about organizations: who is in the register, with which keys, and their history."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from fastapi import APIRouter, Response

from api.questions import links as at
from api.questions.accreditations import Words, words_of
from api.questions.answerer import View
from api.questions.filters import (
    FlagOfOrganization,
    IdentifierAsked,
    ListOf,
    NameAsked,
    RoleAsked,
    all_of,
    check_flag,
    flag_of,
    identifier_of,
    name_of,
    role_of,
)
from api.questions.links import Links
from api.questions.moment import PageOf, When, is_did
from api.questions.question import (
    Asking,
    Did,
    HistoryLine,
    Listed,
    Shape,
    answered,
    described,
    history_line,
    listed,
)
from api.questions.successions import (
    Predecessor,
    Successor,
    closing_sentence,
    predecessor,
    successor,
)
from projections import keys as projected
from projections import organizations, successions
from projections.accreditations import GrantAt
from projections.keys import DeclaredAt, KeyAt
from projections.organizations import OrganizationAt
from testamur.catalogue import events as e
from testamur.catalogue.members import Identifier, KeyUse, Range
from testamur.catalogue.submission import format_time
from testamur.catalogue.table import Kind
from testamur.rules import Flags
from testamur.rules.key_table import SIGNING
from testamur.rules.reach import Reach

routes: Final = APIRouter(tags=["organizations"])


class Declared(Shape, frozen=True, gc=False, kw_only=True):
    """A declaration at `position`, signed with the key `by`, that a key was compromised.

    What the key signed from position `since` on does not count, but for the submissions in `kept`
    (ranges of header positions) and those recorded before the time `after`. `reach` sums up what
    that changed about the counting of earlier submissions, when it was admitted.
    """

    position: int
    by: str
    since: int
    after: str
    kept: tuple[Range, ...] = ()
    reach: Reach | None = None


class KeyAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """A key, listed at position `listed` by the key `lister`; the founding key has rank 0.

    `counts` says whether its listing counts, `in_force` whether it may sign now.
    """

    key: str
    use: KeyUse
    listed: int
    lister: str
    counts: bool
    in_force: bool
    rank: int | None = None
    retired: int | None = None
    retired_by: str | None = None
    compromised: tuple[Declared, ...] = ()


class KeyInForce(Shape, frozen=True, gc=False, kw_only=True):
    """A key that may sign now: events with a signing key, key events with a recovery key."""

    key: str
    use: KeyUse


class VouchedFor(Shape, frozen=True, gc=False, kw_only=True):
    """What an organization vouches for about another, in a grant that is in no way ended."""

    by: str
    kind: Literal["accreditation", "recognition"]
    id: str
    words: Words


_OWN_WORD: Final = ("country", "identifiers", "name", "url")


class OrganizationAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """An organization. `position` is that of its last change that counts; `sponsor` submitted it.

    `own_word` names the members that it says of itself, and that nobody has checked: since position
    `told`, without that since its `registration`, which its founding key signed. `flags` are those
    of that event. `keys` are those in force. Where one organization is asked for, `vouched` are the
    first grants to it, `successors` and `predecessors` the first namings, and `succession` says in
    a sentence that it closed and who acts for it.
    """

    did: str
    name: str
    country: str
    roles: tuple[str, ...]
    status: Literal["registered", "closed"]
    root: bool
    keys: tuple[KeyInForce, ...]
    registered: int
    registration: e.OrganizationRegistered
    position: int
    size: int
    recorded_at: str | None
    links: Links
    own_word: tuple[str, ...]
    flags: Flags
    sponsor: str | None = None
    identifiers: tuple[Identifier, ...] | None = None
    url: str | None = None
    told: int | None = None
    closed: int | None = None
    succession: str | None = None
    successors: tuple[Successor, ...] = ()
    predecessors: tuple[Predecessor, ...] = ()
    vouched: tuple[VouchedFor, ...] = ()


SHAPES: Final = (OrganizationAnswer, Listed[KeyAnswer], Listed[OrganizationAnswer])


def _declared(found: DeclaredAt) -> Declared:
    return Declared(
        position=found.position,
        by=found.by,
        since=found.since,
        after=format_time(max(0, found.after)),
        kept=found.kept,
        reach=found.reach,
    )


def _key(found: KeyAt) -> KeyAnswer:
    return KeyAnswer(
        key=found.key,
        use=found.use,
        rank=found.rank,
        listed=found.listed,
        lister=found.lister,
        counts=found.counts,
        in_force=found.in_force,
        retired=found.retired,
        retired_by=found.retired_by,
        compromised=tuple(map(_declared, found.compromised)),
    )


def _organization(found: OrganizationAt, recorded_at: str | None) -> OrganizationAnswer:
    organization, own = found.organization, found.own
    return OrganizationAnswer(
        did=organization.did,
        name=own.name,
        country=own.country,
        identifiers=own.identifiers,
        url=own.url,
        told=found.told,
        own_word=tuple(name for name in _OWN_WORD if getattr(own, name) is not None),
        flags=found.flags,
        roles=organization.roles,
        status="registered" if found.closed is None else "closed",
        root=organization.root,
        keys=tuple(
            KeyInForce(key=each.key, use="signing" if each.rank == SIGNING else "recovery")
            for each in organization.keys.keys.values()
            if each.in_force
        ),
        registered=organization.registered,
        registration=found.registration,
        position=found.position,
        sponsor=organization.sponsor,
        closed=None if found.closed is None else found.closed.position,
        size=found.size,
        recorded_at=recorded_at,
        links=_links(organization.did, organization.sponsor),
    )


def _links(did: str, sponsor: str | None) -> Links:
    found = at.below(
        at.organization(did),
        "history",
        "keys",
        "accreditations",
        "recognitions",
        "achievements",
        "credentials",
        "submissions",
        "predecessors",
        "numbers",
        "providers",
        "recognised",
    )
    # A root authority names the log as its sponsor, which is no organization.
    return found | ({"sponsor": at.organization(sponsor)} if is_did(sponsor) else {})


def _vouched(found: GrantAt) -> VouchedFor:
    return VouchedFor(
        by=found.grant.owner,
        kind="accreditation" if found.grant.makes is None else "recognition",
        id=found.id,
        words=words_of(found.vouched),
    )


@routes.get(
    "/organizations",
    summary="Organizations, in the order of registration.",
    description="All of them, or those that the filters leave. `since`, `until` and `after` "
    "are about the registration.",
    responses=described(Listed[OrganizationAnswer]),
)
async def every_organization(
    asker: Asking,
    when: When,
    page: ListOf,
    name: NameAsked = None,
    identifier: IdentifierAsked = None,
    role: RoleAsked = None,
    flag: FlagOfOrganization = None,
) -> Response:
    wanted = all_of(
        identifier_of(identifier),
        name_of(name),
        flag_of(flag, Kind.ORGANIZATION),
        role_of(role),
    )

    def find(view: View) -> Listed[OrganizationAnswer]:
        found = organizations.organizations(
            view.connection, view.size, marks=wanted, **page.options(view, start=-1)
        )
        return listed(view, page, found, lambda each: _organization(each, view.recorded_at))

    return await answered(asker, when, Listed[OrganizationAnswer], find)


@routes.get(
    "/organizations/{did}",
    summary="An organization: its own word, and what others vouch for.",
    description="Name, country, identifiers and address are what the organization says of itself. "
    "What others vouch for is in `vouched`, the first 32 grants of each kind.",
    responses=described(OrganizationAnswer),
)
async def one_organization(asker: Asking, when: When, did: Did) -> Response:
    def find(view: View) -> OrganizationAnswer:
        connection, size = view.connection, view.size
        found = view.known("organization", did, organizations.organization_at)
        vouched = organizations.vouched_for(connection, did, size)
        named = successions.successors(connection, did, size)
        before = successions.predecessors(connection, did, size)
        answer = _organization(found, view.recorded_at)
        return msgspec.structs.replace(
            answer,
            vouched=tuple(map(_vouched, vouched)),
            successors=tuple(map(successor, named)),
            predecessors=tuple(map(predecessor, before.items)),
            succession=closing_sentence("the organization", answer.closed, named),
        )

    return await answered(asker, when, OrganizationAnswer, find)


@routes.get(
    "/organizations/{did}/keys",
    summary="The keys of an organization: when each may sign, who said so, what it cut off.",
    description="Every key that it ever listed, its founding key first. The position of each "
    "event that changed a key is named.",
    responses=described(Listed[KeyAnswer]),
)
async def keys(asker: Asking, when: When, page: PageOf, did: Did) -> Response:
    def find(view: View) -> Listed[KeyAnswer]:
        found = projected.keys_at(view.connection, did, view.size, **page.options())
        if found is None:
            raise view.missing("organization", did)
        return listed(view, page, found, _key)

    return await answered(asker, when, Listed[KeyAnswer], find)


@routes.get(
    "/organizations/{did}/history",
    summary="Everything that happened to an organization and its keys.",
    description="In log order, with who signed each event, whether it counts, and what it did to "
    "the status.",
    responses=described(Listed[HistoryLine]),
)
async def organization_history(
    asker: Asking, when: When, page: ListOf, did: Did, flag: FlagOfOrganization = None
) -> Response:
    check_flag(flag, Kind.ORGANIZATION)

    def find(view: View) -> Listed[HistoryLine]:
        view.known("organization", did, organizations.organization_at)
        events = organizations.organization_history(
            view.connection, did, view.size, flag=flag, **page.options(view)
        )
        return listed(view, page, events, history_line)

    return await answered(asker, when, Listed[HistoryLine], find)
