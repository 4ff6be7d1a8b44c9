"""What the page of an organization tells besides the answer: what it was granted and what it did.

Everything is as of the view, and bounded: the first of each list, with a link to all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from api.questions import links as at
from api.questions.answerer import View
from api.questions.numbers import NumbersAnswer, numbers
from api.questions.organizations import OrganizationAnswer
from api.questions.providers import ProviderLine, provider_line, providers
from api.questions.recognised import RecognisedAnswer, recognised_by
from api.web.names import names_of
from api.web.numbers_page import flag_rows, plots
from api.web.pictures.timeline import Bar, timeline
from api.web.pictures.tree import Node, tree
from projections import accreditations, achievements, counted, defined, dids
from projections.accreditations import GrantAt
from projections.achievements import AchievementAt
from projections.marks import party_mark
from projections.page import Page
from projections.tallies import Of, What
from projections.too_long import TooLong
from testamur.catalogue import events as e
from testamur.catalogue.table import Kind

_GRANTS: Final = 24
_FIRST: Final = 12
_SANCTIONS: Final = (
    e.AccreditationSuspended,
    e.AccreditationReinstated,
    e.AccreditationWithdrawn,
    e.RecognitionWithdrawn,
)


class Sanction(NamedTuple):
    """What an organization did to a grant of this one: event, reason, by whom, where and when."""

    event: str
    reason: str | None
    by: str
    position: int
    recorded_at: int
    grant: str


class Awarded(NamedTuple):
    """An achievement, and how often it was awarded; None if that is not counted."""

    found: AchievementAt
    issued: int | None


def organization_facts(view: View, found: OrganizationAnswer) -> dict[str, Any]:
    """Return what the template of an organization needs besides the answer."""
    connection, size, did = view.connection, view.size, found.did
    granted: dict[str, Page[GrantAt]] = {
        kind.value: accreditations.granted_to(connection, kind, did, size, limit=_GRANTS)
        for kind in (Kind.ACCREDITATION, Kind.RECOGNITION)
    }
    told = _numbers(view, found)
    awards, more_awards = _awards(view, did)
    below, more_providers = _providers(view, did)
    branches = recognised_by(view, did)
    return {
        "granted": granted,
        "line": _line(view, granted["accreditation"].items),
        "sanctions": [*_sanctions(granted)],
        "numbers": told,
        "flag_rows": flag_rows(told) if told is not None else [],
        "plots": plots(told) if told is not None else [],
        "awards": awards,
        "more_awards": more_awards,
        "providers": below,
        "more_providers": more_providers,
        "recognised": branches,
        "tree": recognised_tree(found.did, found.name, branches),
        "names": names_of(view, _named(found, granted)),
    }


def _named(found: OrganizationAnswer, granted: dict[str, Page[GrantAt]]) -> Iterable[str | None]:
    yield from (found.sponsor, found.did)
    for page in granted.values():
        for each in page.items:
            yield each.grant.owner
            yield from (act.said.actor for act in each.standing.acts)
    for named in (*found.successors, *found.predecessors):
        yield from (named.did, named.by)
    yield from (each.by for each in found.vouched)


# --- What it was granted ---


def _line(view: View, granted: Sequence[GrantAt]) -> Markup | None:
    """Return the accreditations on a line of time; None if there are none."""
    if not granted or view.recorded_at is None:
        return None
    owners = names_of(view, [each.grant.owner for each in granted])
    bars = [_bar(each, owners.get(each.grant.owner, each.grant.owner)) for each in granted]
    today = date.fromisoformat(view.recorded_at[:10])
    return timeline("accreditations-line", "Accreditations over time", bars, today)


def _bar(found: GrantAt, by: str) -> Bar:
    terms = found.grant.event
    ends, withdrawn, suspended = terms.valid_until, False, list[tuple[date, date | None]]()
    for act in found.standing.acts:
        day = act.said.signed.day
        match act.said.event:
            case e.AccreditationSuspended():
                suspended.append((day, None))
            case e.AccreditationReinstated() if suspended:
                suspended[-1] = (suspended[-1][0], day)
            case e.AccreditationWithdrawn():
                ends, withdrawn = min(day, ends or day), True
    status = found.standing.status or "does not count"
    return Bar(f"{by} ({status})", terms.valid_from, ends, tuple(suspended), withdrawn)


def _sanctions(granted: dict[str, Page[GrantAt]]) -> Iterable[Sanction]:
    for kind, page in granted.items():
        address = at.accreditation if kind == Kind.ACCREDITATION.value else at.recognition
        for each in page.items:
            for act in each.standing.acts:
                if isinstance(act.said.event, _SANCTIONS):
                    yield Sanction(
                        event=e.wire_name(act.said.event).partition("/")[0],
                        reason=getattr(act.said.event, "reason", None),
                        by=act.said.actor,
                        position=act.said.position,
                        recorded_at=act.said.signed.recorded_at,
                        grant=address(each.id),
                    )


# --- What it did ---


def _numbers(view: View, found: OrganizationAnswer) -> NumbersAnswer | None:
    """Return its numbers as a provider; None where too many keys signed to count them here."""
    number = dids.number_of(view.connection, found.did, view.size)
    if number is None:
        return None
    try:
        return numbers(view, Of.PROVIDER, number, {"self": found.links["numbers"]})
    except TooLong:
        return None


def _awards(view: View, did: str) -> tuple[list[Awarded], bool]:
    connection, size = view.connection, view.size
    number = dids.number_of(connection, did, size)
    page = achievements.achievements(
        connection, size, marks=[party_mark("by", number or 0)], limit=_FIRST
    )
    places = defined.positions(connection, [each.achievement for each in page.items], size)
    try:
        issued = counted.in_all(connection, Of.ACHIEVEMENT, places.values(), [What.ISSUED], size)
    except TooLong:
        issued = {}
    found = [
        Awarded(each, issued[places[each.achievement]].get(What.ISSUED, 0) if issued else None)
        for each in page.items
    ]
    return found, page.next is not None


def _providers(view: View, did: str) -> tuple[list[ProviderLine], bool]:
    try:
        page = providers(view, did, [], limit=_FIRST)
    except TooLong:
        return [], True
    return [provider_line(each) for each in page.items], page.next is not None


def recognised_tree(did: str, name: str, found: RecognisedAnswer) -> Markup | None:
    """Return the tree below an organization as a picture; None if it recognised nobody."""
    if not found.items:
        return None
    nodes = [Node(0, name, at.organization(did), "recognises")]
    nodes += (
        Node(
            depth=each.depth + 1,
            name=each.name,
            address=each.links["organization"],
            note=f"{each.as_}, {each.status or 'does not count'}" + (", and more" * each.cut),
            off=each.status != "active",
        )
        for each in found.items
    )
    if found.cut:
        nodes.append(Node(1, "and more", found.links["all"], "all of them", off=True))
    return tree("recognised-tree", f"Whom {name} recognises", nodes)
