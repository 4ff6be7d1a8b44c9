"""Questions about what an accreditor answers for: its providers side by side, with numbers."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, cast

from fastapi import APIRouter, Response

from api.questions import links as at
from api.questions.answerer import View
from api.questions.filters import FlagOfAccreditation, ListOf, all_of, flag_of, parties_of
from api.questions.links import Links
from api.questions.moment import When
from api.questions.numbers import STATUS, Counts, counts
from api.questions.question import Asking, Did, Listed, Shape, answered, described, listed
from projections import accreditations, counted
from projections.accreditations import GrantAt
from projections.page import Page
from projections.tallies import Of
from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import AccreditationStatus
from testamur.catalogue.table import Kind
from testamur.rules import Flags

routes: Final = APIRouter(tags=["accreditations"])


class ProviderLine(Shape, frozen=True, gc=False, kw_only=True):
    """A provider under one accreditation, and the numbers of what it issued under that.

    `name` is what the accreditor vouches for. A provider that was accredited twice has two lines.
    """

    provider: str
    name: str
    accreditation: str
    decision: str
    status: AccreditationStatus | None
    valid_from: date
    valid_until: date | None = None
    review_by: date | None = None
    granted: int
    flags: Flags
    counts: Counts
    links: Links


SHAPES: Final = (Listed[ProviderLine],)


def providers(view: View, did: str, marks: list[str], **page: Any) -> Page[tuple[GrantAt, Counts]]:
    """Return the accreditations that an organization granted, each with its numbers.

    Raises `TooLong` where too many keys signed under them.
    """
    asked = all_of(parties_of(view, by=did), marks)
    found = accreditations.granted(
        view.connection, Kind.ACCREDITATION, view.size, marks=asked, **page
    )
    things = [each.grant.grants[0].position for each in found.items]
    under = counted.in_all(view.connection, Of.ACCREDITATION, things, STATUS, view.size)
    items = tuple(
        (each, counts(under[thing])) for each, thing in zip(found.items, things, strict=True)
    )
    return Page(found.size, items, found.next)


def provider_line(item: tuple[GrantAt, Counts]) -> ProviderLine:
    """Return a provider under an accreditation, as an answer tells it."""
    found, under = item
    terms = cast("e.AccreditationGranted", found.grant.event)
    status = found.standing.status
    return ProviderLine(
        provider=terms.provider,
        name=found.vouched.name,
        accreditation=found.id,
        decision=terms.decision,
        status=None if status is None else AccreditationStatus(status),
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        review_by=getattr(found.vouched, "review_by", None),
        granted=found.granted,
        flags=found.flags,
        counts=under,
        links={
            "provider": at.organization(terms.provider),
            "accreditation": at.accreditation(found.id),
        },
    )


@routes.get(
    "/organizations/{did}/providers",
    summary="The providers that an organization accredited, side by side.",
    description="A line for each accreditation that it ever granted, with how much was issued "
    "under it, how much of that was flagged, and what became of it.",
    responses=described(Listed[ProviderLine]),
)
async def providers_of(
    asker: Asking, when: When, page: ListOf, did: Did, flag: FlagOfAccreditation = None
) -> Response:
    marks = flag_of(flag, Kind.ACCREDITATION)

    def find(view: View) -> Listed[ProviderLine]:
        found = providers(view, did, marks, **page.options(view))
        return listed(view, page, found, provider_line)

    return await answered(asker, when, Listed[ProviderLine], find)
