"""Questions about who acts for whom: the successors of an organization, and its predecessors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from fastapi import APIRouter, Response

from api.questions import links as at
from api.questions.answerer import View
from api.questions.links import Links
from api.questions.moment import PageOf, When
from api.questions.question import (
    Asking,
    Did,
    Listed,
    Shape,
    answered,
    described,
    listed,
)
from projections import organizations, successions
from projections.successions import Named
from testamur.catalogue.submission import format_time
from testamur.rules.succession import closed_in_words

routes: Final = APIRouter(tags=["organizations"])


class _Naming(Shape, frozen=True, gc=False, kw_only=True):
    """What an answer tells of an organization at the other end of a naming."""

    did: str
    by: str
    position: int
    recorded_at: str
    in_effect: bool
    links: Links
    closed: int | None = None


class Successor(_Naming, frozen=True, gc=False, kw_only=True):
    """Who may act for an organization that closed, or from 30 days after the naming.

    `by` named it at `position`: the organization itself, or an accreditor of it, for credentials
    under that one's accreditations and for those whose trust anchors lead to it. `in_effect` says
    whether the time has come. `closed` is where the successor closed itself, if it did.
    """


class Predecessor(_Naming, frozen=True, gc=False, kw_only=True):
    """An organization of which one was named the successor, told as in `Successor`.

    `closed` is where the predecessor closed, if it did.
    """


_Told = TypeVar("_Told", Successor, Predecessor)

SHAPES: Final = (Listed[Predecessor],)


def successor(found: Named) -> Successor:
    """Return a successor as an answer tells it."""
    return _told(Successor, found.naming.successor, found)


def predecessor(found: Named) -> Predecessor:
    """Return a predecessor as an answer tells it."""
    return _told(Predecessor, found.naming.organization, found)


def _told(kind: type[_Told], did: str, found: Named) -> _Told:
    naming = found.naming
    return kind(
        did=did,
        by=naming.by,
        position=naming.said.position,
        recorded_at=format_time(naming.said.signed.recorded_at),
        in_effect=naming.in_effect,
        links={"organization": at.organization(did), "by": at.organization(naming.by)},
        closed=found.closed,
    )


def closing_sentence(who: str, closed: int | None, named: Iterable[Named]) -> str | None:
    """Return that an organization closed, and which successors act for it; None if it is open.

    A successor that closed itself acts for nobody.
    """
    if closed is None:
        return None
    acting = (
        each.naming.successor for each in named if each.naming.in_effect and each.closed is None
    )
    return closed_in_words(who, closed, acting)


@routes.get(
    "/organizations/{did}/predecessors",
    summary="The organizations of which one was named the successor.",
    description="In the order of the namings. One that does not count, or that the organization "
    "objected to, is left out.",
    responses=described(Listed[Predecessor]),
)
async def predecessors(asker: Asking, when: When, page: PageOf, did: Did) -> Response:
    def find(view: View) -> Listed[Predecessor]:
        view.known("organization", did, organizations.organization_at)
        found = successions.predecessors(view.connection, did, view.size, **page.options())
        return listed(view, page, found, predecessor)

    return await answered(asker, when, Listed[Predecessor], find)
