"""Questions about how much: what was issued, ended and flagged, in all and period by period.

They count events in submissions that count as of the size, not states: a credential that was
suspended twice is two. The numbers of a period change only if a key that signed in it is declared
compromised, or such a declaration falls.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from fastapi import APIRouter, Response

from api.questions import links as at
from api.questions.answerer import View
from api.questions.links import Links
from api.questions.moment import When
from api.questions.periods import Unit, choices
from api.questions.question import Asking, Did, Shape, Uuid, answered, described
from projections import achievements, counted, defined, dids, submissions
from projections.counted import Counted
from projections.tallies import Of, What, of_flag
from projections.too_long import TooLong
from testamur.rules import Flag

routes: Final = APIRouter()

STATUS: Final = tuple(map(int, What))
_FLAGS: Final = {of_flag(flag): flag for flag in Flag}


class Counts(Shape, frozen=True, gc=False, kw_only=True):
    """Events about credentials: issuances, `flagged` ones among them, and changes of status."""

    issued: int
    flagged: int
    revoked: int
    superseded: int
    suspended: int
    reinstated: int


class Period(Shape, frozen=True, gc=False, kw_only=True):
    """What was recorded in a period that begins on that day (UTC), to the next one's beginning."""

    begins: date
    counts: Counts


class FlagCount(Shape, frozen=True, gc=False, kw_only=True):
    """How many issuances were given a flag when they were admitted."""

    flag: Flag
    count: int


class NumbersAnswer(Shape, frozen=True, gc=False, kw_only=True):
    """Numbers of a provider or an achievement: `in_all`, and in `items` by period.

    The periods are as fine as fits. `flags` are told of a provider.
    """

    size: int
    recorded_at: str | None
    unit: Unit
    in_all: Counts
    flags: tuple[FlagCount, ...]
    items: tuple[Period, ...]
    links: Links


SHAPES: Final = (NumbersAnswer,)


def counts(found: Counted) -> Counts:
    """Return what was counted, as an answer tells it."""
    return Counts(**{what.name.lower(): found.get(what, 0) for what in What})


def numbers(view: View, of: Of, thing: int, links: Links) -> NumbersAnswer:
    """Return the numbers of a provider (by its number) or achievement; raises `TooLong`."""
    whats: list[int] = [*STATUS, *(_FLAGS if of is Of.PROVIDER else ())]
    in_all = counted.in_all(view.connection, of, [thing], whats, view.size)[thing]
    unit, items = _by_period(view, of, thing)
    return NumbersAnswer(
        size=view.size,
        recorded_at=view.recorded_at,
        unit=unit,
        in_all=counts(in_all),
        flags=tuple(
            FlagCount(flag=flag, count=in_all[what])
            for what, flag in _FLAGS.items()
            if in_all.get(what)
        ),
        items=items,
        links=links,
    )


def _by_period(view: View, of: Of, thing: int) -> tuple[Unit, tuple[Period, ...]]:
    connection, size = view.connection, view.size
    first = counted.first_header(connection, of, thing, STATUS, size)
    if first is None:
        return "day", ()
    begun = submissions.last_before(connection, first + 1)
    ended = submissions.last_before(connection, size)
    if begun is None or ended is None:
        return "day", ()
    *finer, coarsest = choices(begun.recorded_at, ended.recorded_at)
    for periods in finer:
        try:
            return periods.unit, _told(view, of, thing, periods)
        except TooLong:
            continue
    return coarsest.unit, _told(view, of, thing, coarsest)


def _told(view: View, of: Of, thing: int, periods: Any) -> tuple[Period, ...]:
    connection, size = view.connection, view.size
    bounds = [*counted.positions_of(connection, periods.bounds, size), size]
    found = counted.between(connection, of, thing, STATUS, bounds, size)
    return tuple(
        Period(begins=day, counts=counts(each))
        for day, each in zip(periods.beginnings, found, strict=True)
    )


_DESCRIPTION: Final = (
    "Events in submissions that count as of the size, in all and by day, month, quarter or year "
    "(UTC), as fine as fits. As CSV a row for each period."
)


@routes.get(
    "/organizations/{did}/numbers",
    summary="How much an organization issued, and what became of it, over time.",
    description=_DESCRIPTION + " Flags are those of its issuances.",
    responses=described(NumbersAnswer),
    tags=["organizations"],
)
async def numbers_of_organization(asker: Asking, when: When, did: Did) -> Response:
    def find(view: View) -> NumbersAnswer:
        number = view.known("organization", did, dids.number_of)
        path = at.organization(did)
        return numbers(view, Of.PROVIDER, number, {"self": f"{path}/numbers", "organization": path})

    return await answered(asker, when, NumbersAnswer, find)


@routes.get(
    "/achievements/{achievement}/numbers",
    summary="How often an achievement was awarded, and what became of it, over time.",
    description=_DESCRIPTION,
    responses=described(NumbersAnswer),
    tags=["achievements"],
)
async def numbers_of_achievement(asker: Asking, when: When, achievement: Uuid) -> Response:
    def find(view: View) -> NumbersAnswer:
        view.known("achievement", achievement, achievements.achievement_at)
        (thing,) = defined.positions(view.connection, [achievement], view.size).values()
        path = at.achievement(achievement)
        return numbers(
            view, Of.ACHIEVEMENT, thing, {"self": f"{path}/numbers", "achievement": path}
        )

    return await answered(asker, when, NumbersAnswer, find)
