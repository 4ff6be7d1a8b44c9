"""Numbers as pages show them: plots with their titles, and each flag with its share and remedy."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from markupsafe import Markup

from api.questions.achievements import AchievementAnswer
from api.questions.answerer import View
from api.questions.numbers import NumbersAnswer, numbers
from api.questions.periods import Unit
from api.web.pictures.plot import columns
from projections import defined
from projections.tallies import Of
from projections.too_long import TooLong
from testamur.rules import Flag

_PLOTTED: Final = (("issued", "Issued"), ("revoked", "Revoked"))


class Plot(NamedTuple):
    """A plot, and what it is of."""

    title: str
    picture: Markup


class FlagRow(NamedTuple):
    """A flag, how many issuances have it, and what share of all that is, in words."""

    flag: Flag
    times: int
    share: str


def numbers_of_achievement(view: View, found: AchievementAnswer) -> NumbersAnswer | None:
    """Return the numbers of an achievement; None where too many keys signed to count them here."""
    (thing,) = defined.positions(view.connection, [found.id], view.size).values()
    try:
        return numbers(view, Of.ACHIEVEMENT, thing, {"self": found.links["numbers"]})
    except TooLong:
        return None


def plots(found: NumbersAnswer) -> list[Plot]:
    """Return the plots of what was issued and revoked, unless there is nothing to plot."""
    labels = [period_name(each.begins, found.unit) for each in found.items]
    drawn = []
    for name, title in _PLOTTED:
        values = [getattr(each.counts, name) for each in found.items]
        if any(values):
            whole = f"{title} by {found.unit}"
            drawn.append(Plot(whole, columns(name, whole, _told(labels, values), labels, values)))
    return drawn


def flag_rows(found: NumbersAnswer) -> list[FlagRow]:
    """Return the flags of issuances, the most frequent first."""
    rows = sorted(found.flags, key=lambda each: -each.count)
    return [FlagRow(each.flag, each.count, share(each.count, found.in_all.issued)) for each in rows]


def share(part: int, whole: int) -> str:
    """Return a share in per cent: what is there is never 0 %, nor is less than all of it 100 %."""
    if part == 0 or whole == 0:
        return "0 %"
    percent = 100 * part / whole
    if percent < 0.1:
        return "less than 0.1 %"
    if part < whole and percent > 99.9:
        return "more than 99.9 %"
    return f"{percent:.1f} %".replace(".0 %", " %")


def period_name(begins: date, unit: Unit) -> str:
    """Return the name of a period for people."""
    match unit:
        case "day":
            return f"{begins.day} {begins:%b %Y}"
        case "month":
            return f"{begins:%b %Y}"
        case "quarter":
            return f"Q{(begins.month + 2) // 3} {begins.year}"
        case _:
            return str(begins.year)


def _told(labels: list[str], values: list[int]) -> str:
    """Return in words what a plot shows; all its numbers are in the table."""
    most = max(range(len(values)), key=values.__getitem__)
    return (
        f"{sum(values):,} from {labels[0]} to {labels[-1]}; most in {labels[most]}: "
        f"{values[most]:,}. The table beneath has every number."
    )
