"""Which answers have a page, and what more each page tells: a line for each shape of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from api.questions.accreditations import AccreditationAnswer, RecognitionAnswer
from api.questions.achievements import AchievementAnswer, Compared
from api.questions.answerer import View
from api.questions.credentials import CredentialAnswer, CredentialLine
from api.questions.described import LEVELS
from api.questions.numbers import NumbersAnswer
from api.questions.organizations import KeyAnswer, OrganizationAnswer
from api.questions.providers import ProviderLine
from api.questions.question import Asker, HistoryLine, Listed, PageMaker, history_line
from api.questions.recognised import RecognisedAnswer
from api.questions.submissions import SubmissionLine
from api.web.moments import moments_of
from api.web.names import names_of
from api.web.numbers_page import flag_rows, numbers_of_achievement, plots
from api.web.organization_page import organization_facts, recognised_tree
from api.web.rendering import render
from projections import accreditations, achievements, credentials
from projections.described import Load

_OF_THIS_PAGE: Final = frozenset({"lang"})
_FIRST: Final = 12  # items of each list that a page about one thing shows


class Told(NamedTuple):
    """A template, and what it tells besides the answer itself."""

    template: str
    more: Callable[[View, Any], Mapping[str, Any]]


def pages(origin: str) -> dict[Any, PageMaker]:
    """Return what makes the page of each shape of answer, on the log of this `origin`."""
    return {shape: _maker(told, origin) for shape, told in _PAGES.items()}


def _maker(told: Told, origin: str) -> PageMaker:
    def make(view: View, found: Any, asker: Asker) -> bytes:
        facts = {**shared(origin, asker.address, view), "found": found, **told.more(view, found)}
        return render(told.template, facts, asker.language)

    return make


def shared(origin: str, address: str, view: View) -> dict[str, Any]:
    """Return the facts that every page tells of its view: how far it goes, and where else it is."""
    split = urlsplit(address)
    given = parse_qsl(split.query, keep_blank_values=True)
    asked = [pair for pair in given if pair[0] not in _OF_THIS_PAGE]
    return {
        "origin": origin,
        "moments": moments_of(address),
        "path": split.path,
        "asked": dict(asked),
        "query": f"?{urlencode(asked, safe=':')}" if asked else "",
        "size": view.size,
        "recorded_at": view.recorded_at,
    }


def _credential(view: View, found: CredentialAnswer) -> dict[str, Any]:
    accreditation = None
    if found.accreditation is not None:
        accreditation = accreditations.accreditation_at(
            view.connection, found.accreditation, view.size
        )
    events = credentials.credential_history(view.connection, found.id, view.size, limit=_FIRST)
    history = tuple(map(history_line, events.items))
    accreditor = None if accreditation is None else accreditation.grant.owner
    acting = (did for line in history for did in (line.by, *line.acted_for, line.successor))
    return {
        "accreditation": accreditation,
        "accreditor": accreditor,
        "definition": achievements.definition_at(
            view.connection, found.achievement.id, found.achievement.version, view.size
        ),
        "history": history,
        "more_history": events.next is not None,
        "names": names_of(view, (found.issuer.did, accreditor, *acting)),
    }


def _numbers(view: View, found: NumbersAnswer) -> dict[str, Any]:
    owner = found.links.get("organization") or found.links["achievement"]
    id_ = owner.rpartition("/")[2]
    if "organization" in found.links:
        name = names_of(view, [id_]).get(id_, id_)
    else:
        achievement = achievements.achievement_at(view.connection, id_, view.size)
        name = id_ if achievement is None else achievement.definition.name
    return {
        "plots": plots(found),
        "flag_rows": flag_rows(found),
        "names": {},
        "owner": owner,
        "name": name,
    }


def _recognised(view: View, found: RecognisedAnswer) -> dict[str, Any]:
    did = found.organization
    names = names_of(view, (did, *(each.by for each in found.items)))
    return {"names": names, "tree": recognised_tree(did, names.get(did, did), found)}


def _achievement(view: View, found: AchievementAnswer) -> dict[str, Any]:
    events = achievements.achievement_history(view.connection, found.id, view.size, limit=_FIRST)
    told = numbers_of_achievement(view, found)
    return {
        "numbers": told,
        "plots": [] if told is None else plots(told),
        "history": tuple(map(history_line, events.items)),
        "more_history": events.next is not None,
        "names": names_of(view, (found.provider,)),
    }


def _achievements(view: View, found: Listed[AchievementAnswer]) -> dict[str, Any]:
    return {**_list_of("provider")(view, found), "levels": LEVELS, "loads": tuple(Load)}


def _compared(view: View, found: Compared) -> dict[str, Any]:
    return {"names": names_of(view, [each.achievement.provider for each in found.items])}


def _grant(view: View, found: AccreditationAnswer | RecognitionAnswer) -> dict[str, Any]:
    if isinstance(found, AccreditationAnswer):
        by, to = found.accreditor, found.provider
    else:
        by, to = found.authority, found.organization
    acting = (did for each in found.acts for did in (each.by, *each.acted_for))
    return {"by": by, "to": to, "names": names_of(view, (by, to, *acting))}


def _list_of(*members: str) -> Callable[[View, Any], dict[str, Any]]:
    """Return what names the organizations in these members of the items of a list."""

    def more(view: View, found: Listed[Any]) -> dict[str, Any]:
        dids = (getattr(each, member, None) for each in found.items for member in members)
        return {"names": names_of(view, dids)}

    return more


_PAGES: Final[Mapping[Any, Told]] = {
    CredentialAnswer: Told("credential.html", _credential),
    OrganizationAnswer: Told("organization.html", organization_facts),
    NumbersAnswer: Told("numbers.html", _numbers),
    RecognisedAnswer: Told("recognised.html", _recognised),
    AchievementAnswer: Told("achievement.html", _achievement),
    AccreditationAnswer: Told("grant.html", _grant),
    RecognitionAnswer: Told("grant.html", _grant),
    Listed[OrganizationAnswer]: Told("organizations.html", _list_of("sponsor")),
    Listed[AchievementAnswer]: Told("achievements.html", _achievements),
    Compared: Told("compare.html", _compared),
    Listed[AccreditationAnswer]: Told("grants.html", _list_of("accreditor", "provider")),
    Listed[ProviderLine]: Told("providers.html", _list_of("provider")),
    Listed[RecognitionAnswer]: Told("grants.html", _list_of("authority", "organization")),
    Listed[CredentialLine]: Told("credentials.html", _list_of("issuer")),
    Listed[HistoryLine]: Told("history.html", _list_of("by")),
    Listed[KeyAnswer]: Told("keys.html", _list_of()),
    Listed[SubmissionLine]: Told("submissions.html", _list_of("issuer")),
}
