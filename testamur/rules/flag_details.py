"""What exactly a flag is about: what is missing, beyond which scope, by how many days, by whom.

A flag is a code that follows from the rules. These words are for the person who mends it or writes
to somebody about it. They follow from the register that the events would leave, are never stored,
and judge nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Level, Vouched
from testamur.catalogue.table import Kind
from testamur.errors import printable
from testamur.rules.accreditors import Accreditors
from testamur.rules.chain import Moment
from testamur.rules.facets import Facets, missing_elements
from testamur.rules.flags import FLAGS, Flag
from testamur.rules.register import Grant, Register, identifier_claims
from testamur.rules.registrations import keys_in
from testamur.rules.review import review_by
from testamur.rules.said import Signed
from testamur.rules.scope import exceeding, sets_of, uncovered
from testamur.rules.status import FIRST, status
from testamur.rules.vouching import particulars, words

MOST: Final = 5
"""Details that are told of one flag."""
_LOOKED_AT: Final = 200
_LONGEST: Final = 400  # characters of one
_NAMED: Final = 5

DefinitionAt: TypeAlias = Callable[[str, int], Definition | None]
"""Returns a version of an achievement's definition, if there is one."""


class Flagged(NamedTuple):
    """A submission whose events were flagged, and the register `before` and `after` it."""

    before: Register
    after: Register
    signed: Signed
    events: Sequence[e.Event]
    definition_at: DefinitionAt


def details(flagged: Flagged, flags: Iterable[tuple[int, str]]) -> dict[str, tuple[str, ...]]:
    """Return by code what the flags are about, each sentence once; `flags` are (line, code).

    Of each flag the first `MOST` are told, from the first lines on, the header being line 1.
    """
    found: dict[str, dict[str, None]] = {}
    looked_at: dict[str, int] = {}
    seen: set[object] = set()
    for line, code in flags:
        event = flagged.events[line - 2]
        same = code, _terms(event, line)
        told = found.setdefault(code, {})
        if same in seen or len(told) >= MOST or looked_at.get(code, 0) >= _LOOKED_AT:
            continue
        seen.add(same)
        looked_at[code] = looked_at.get(code, 0) + 1
        detail = _detail(flagged, FLAGS[code], event, flagged.signed.position + line - 1)
        if detail is not None:
            told[printable(detail, _LONGEST)] = None
    return {code: tuple(told) for code, told in found.items()}


def _terms(event: e.Event, line: int) -> object:
    """Return what the flags of an issuance follow from; other events stand for themselves."""
    if not isinstance(event, e.CredentialIssued):
        return line
    return event.achievement, event.achievement_version, event.accreditation, event.valid_from


def _detail(flagged: Flagged, flag: Flag, event: e.Event, position: int) -> str | None:
    if isinstance(event, e.CredentialIssued):
        return _of_issuance(flagged, flag, event, position)
    did = flagged.signed.organization
    match event:
        case e.AccreditationGranted() if flag is Flag.OUTSIDE_RECOGNITION:
            return _beyond(flagged, event, position)
        case e.AccreditationGranted() | e.RecognitionGranted() if flag is not Flag.DID_OF_ANOTHER:
            return _named(flagged.after, "", did)
        case e.AchievementDefined() | e.AchievementRevised():
            return ", ".join(missing_elements(event.definition)) or None
        case e.OrganizationUpdated() if flag is Flag.COUNTRY_CHANGED:
            return _moved(flagged, event)
        case _:
            return _of_claims(flagged, flag, event)


def _vouched_dids(register: Register, words: Vouched) -> str:
    """Return the keys among its DIDs, each with the organization that listed it first."""
    listed = [(key, register.claimed[key]) for key in keys_in(words) if key in register.claimed]
    return "; ".join(f"did:key:{key} is of {_named(register, '', did)}" for key, did in listed)


def _of_claims(flagged: Flagged, flag: Flag, event: e.Event) -> str | None:
    """Return what another organization stated or listed first."""
    if isinstance(event, Vouched):
        return _vouched_dids(flagged.after, event)
    claims: Sequence[str] = ()
    did = flagged.signed.organization
    if isinstance(event, e.KeyListed):
        claims = [event.key]
    elif isinstance(event, e.OrganizationRegistered | e.OrganizationUpdated):
        did = getattr(event, "organization", did)
        claims = identifier_claims(event.identifiers)
        if flag is Flag.KEY_SHARED and isinstance(event, e.OrganizationRegistered):
            claims = [did.removeprefix("did:key:"), *event.recovery_keys, *event.signing_keys]
    for claim in claims:
        first = flagged.after.claimed.get(claim, did)
        if first != did:
            return f"{claim}, which {_named(flagged.after, '', first)} had first"
    return None


def _of_issuance(
    flagged: Flagged, flag: Flag, event: e.CredentialIssued, position: int
) -> str | None:
    register = flagged.after
    named = f"achievement {event.achievement}"
    match flag:
        case Flag.NO_ACCREDITATION_CLAIMED | Flag.ACHIEVEMENT_RETIRED:
            return named
        case Flag.ACHIEVEMENT_VERSION_OUTDATED:
            highest = register.achievements[event.achievement].highest
            return f"{named}: version {event.achievement_version}, and {highest} is the latest"
        case Flag.BACKDATED | Flag.POSTDATED:
            days = (flagged.signed.day - event.valid_from).days
            far = f"{days:,} days before" if days > 0 else f"{-days:,} days after"
            return f"valid from {event.valid_from}, {far} {flagged.signed.day}"
        case Flag.ELEMENTS_MISSING:
            definition = flagged.definition_at(event.achievement, event.achievement_version)
            missing = missing_elements(definition) if definition else []
            members = f": {', '.join(missing)}" if missing else ""
            return f"{named}, version {event.achievement_version}{members}"
    granted = register.accreditations.get(event.accreditation or "")
    return None if granted is None else _of_accreditation(flagged, flag, event, granted, position)


def _of_accreditation(
    flagged: Flagged, flag: Flag, event: e.CredentialIssued, granted: Grant, position: int
) -> str | None:
    register, spoken = flagged.after, words(flagged.after, granted)
    by = _named(register, "accreditor", granted.owner)
    named = f"accreditation {event.accreditation} by {by}"
    if flag is Flag.ACCREDITATION_NOT_IN_FORCE:
        return f"{named} {_why_not_in_force(flagged, granted, position)}"
    if flag is Flag.OUTSIDE_ACCREDITED_SCOPE:
        facets = register.facets(event.achievement, event.achievement_version)
        scope = granted.event.scope
        members = uncovered(scope, event.achievement, facets, spoken.country)
        if scope is None or not members:
            return named
        asked = _asked(event.achievement, facets, spoken.country)
        allowed = sets_of(scope).names._asdict()
        said = [
            f"{member} ({_list(asked[member])} is not within {_list(allowed[_snake(member)])})"
            for member in members
        ]
        return f"{named} leaves out: {'; '.join(said)}"
    if flag is Flag.REVIEW_OVERDUE:
        return f"{named} was to be reviewed by {review_by(spoken)}"
    return by


def _why_not_in_force(flagged: Flagged, granted: Grant, position: int) -> str:
    now = status(flagged.after, Kind.ACCREDITATION, granted, before=position)
    if now is not FIRST[Kind.ACCREDITATION]:
        return f"is {now or 'not counted'}"
    if flagged.signed.day < granted.event.valid_from:
        return f"begins on {granted.event.valid_from}"
    return f"was over on {granted.event.valid_until}"


def _beyond(flagged: Flagged, event: e.AccreditationGranted, position: int) -> str | None:
    accreditors = Accreditors(flagged.after, Moment(position, flagged.signed.day))
    recognised = [grant.event for grant in accreditors.recognised(flagged.signed.organization)]
    beyond = [(exceeding(event.scope, each.scope), each) for each in recognised]
    if not beyond:
        return None
    members, nearest = min(beyond, key=lambda each: len(each[0]))
    name = getattr(nearest, "recognition", "")
    return f"recognition {name} is narrower in {', '.join(members)}"


def _moved(flagged: Flagged, event: e.OrganizationUpdated) -> str:
    before = flagged.before.organizations[flagged.signed.organization]
    return f"{particulars(flagged.before, before).country} became {event.country}"


def _named(register: Register, role: str, did: str) -> str:
    """Return an organization in words: its role, its own word for its name, and its DID."""
    organization = register.organizations[did]
    return f"{role} {particulars(register, organization).name} ({did})".lstrip()


def _asked(achievement: str, facets: Facets, country: str) -> dict[str, Collection[str]]:
    """Return what a scope is asked about an issuance, by the members of the scope."""
    return {
        "achievementTypes": (facets.achievement_type,),
        "achievements": (achievement,),
        "fields": (facets.field,) if facets.field else (),
        "jurisdictions": (country,),
        "languages": facets.languages or (),
        "levels": (_level(facets.level),) if facets.level else (),
        "participation": facets.participation or (),
    }


def _snake(member: str) -> str:
    return "achievement_types" if member == "achievementTypes" else member


def _list(names: Collection[object] | None) -> str:
    found = sorted(_level(each) if isinstance(each, Level) else str(each) for each in names or ())
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more if found else "what is not stated"


def _level(level: Level) -> str:
    return f"{level.framework} {level.value}"
