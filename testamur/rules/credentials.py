"""What may happen to a credential, and which issuances are flagged."""

from __future__ import annotations

from datetime import date, timedelta
from operator import attrgetter
from typing import Final, NamedTuple, assert_never

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import (
    CREDENTIAL,
    AchievementStatus,
    CredentialStatus,
    status_after,
)
from testamur.catalogue.members import Scope
from testamur.errors import Refusal
from testamur.rules.accreditation import accreditor_flags
from testamur.rules.facets import Facets
from testamur.rules.flags import Flag, Flags
from testamur.rules.identity import taken
from testamur.rules.occurrence import Occurrence
from testamur.rules.register import Credentials, CredentialState, Register
from testamur.rules.scope import uncovered

BACKDATED_AFTER: Final = timedelta(days=30)
POSTDATED_AFTER: Final = timedelta(days=1)

_BACKDATED: Final[Flags] = (Flag.BACKDATED,)
_POSTDATED: Final[Flags] = (Flag.POSTDATED,)
_INCOMPLETE: Final[Flags] = (Flag.ELEMENTS_MISSING,)
_NOT_IN_FORCE: Final[Flags] = (Flag.ACCREDITATION_NOT_IN_FORCE,)

# With the register and the day, these members decide the flags of an issuance.
_terms: Final = attrgetter(
    "achievement", "achievement_version", "accreditation", "valid_from", "valid_until"
)


class _Awarded(NamedTuple):
    """A version of an achievement: its facets, and its flags on either side of those of dates."""

    facets: Facets
    before: Flags
    after: Flags


class _Claimed(NamedTuple):
    """An accreditation: its scope, and its flags on either side of that of the scope."""

    scope: Scope | None
    before: Flags
    after: Flags


class Issuance:
    """The rules for issuing, for one issuer at one place in the log.

    A cohort names few achievements and accreditations but many credentials, so the flags are
    worked out once for each distinct set of terms. Terms that differ in their dates alone, or
    name a known achievement with another accreditation, cost what is new in them.
    """

    __slots__ = (
        "_awarded",
        "_claimed",
        "_country",
        "_day",
        "_flags",
        "_issued",
        "_issuer",
        "_pairs",
        "_register",
        "_taken",
    )

    def __init__(self, register: Register, issuer: str, day: date) -> None:
        organization = register.organizations[issuer]
        if "provider" not in organization.roles:
            raise Refusal("role", f"{issuer} must be a provider", value=list(organization.roles))
        self._register = register
        self._taken = (register.achievements, register.accreditations, register.recognitions)
        self._issuer = organization.did  # one string for all its credentials
        self._country = organization.country
        self._day = day
        self._issued = CredentialState(self._issuer, CredentialStatus.ACTIVE, 1)
        self._flags: dict[object, Flags] = {}
        self._awarded: dict[tuple[str, int], _Awarded] = {}
        self._claimed: dict[str, _Claimed] = {}
        self._pairs: dict[tuple[str, int, str], Flags] = {}

    def issue(self, credentials: Credentials, event: e.CredentialIssued) -> Flags:
        """Admit one credential and return its flags."""
        credential = event.credential
        if credential in credentials:
            raise Refusal(
                "already-issued", "a credential with this id was issued before", value=credential
            )
        achievements, accreditations, recognitions = self._taken
        if credential in achievements or credential in accreditations or credential in recognitions:
            raise taken(credential, self._register.creator(credential))
        terms = _terms(event)
        flags = self._flags.get(terms)
        if flags is None:
            flags = self._flags[terms] = self._judge(event)
        credentials[credential] = self._issued
        return flags

    def _judge(self, event: e.CredentialIssued) -> Flags:
        """Return the flags of an issuance; raises `Refusal` when it names what it may not."""
        named = event.achievement, event.achievement_version
        awarded = self._awarded.get(named)
        if awarded is None:
            awarded = self._awarded[named] = self._award(*named)
        dates = self._date_flags(event)
        if event.accreditation is None:
            return (Flag.NO_ACCREDITATION_CLAIMED, *awarded.before, *dates, *awarded.after)
        pair = (*named, event.accreditation)
        claimed = self._pairs.get(pair)
        if claimed is None:
            claimed = self._pairs[pair] = self._claim(event.achievement, awarded.facets, pair[2])
        return (*claimed, *awarded.before, *dates, *awarded.after)

    def _award(self, id_: str, version: int) -> _Awarded:
        achievement = self._register.achievements.get(id_)
        if achievement is None:
            raise Refusal(
                "unknown-achievement", "no achievement with this id was defined", value=id_
            )
        if achievement.provider != self._issuer:
            raise Refusal(
                "achievement-of-another",
                f"defined by {achievement.provider}, not by {self._issuer}",
                value=id_,
            )
        if version > achievement.revision:
            raise Refusal(
                "achievement-version",
                f"{achievement.id} has {achievement.revision} versions",
                value=version,
            )
        facets = self._register.facets(achievement, version)
        before = []
        if achievement.status is AchievementStatus.RETIRED:
            before.append(Flag.ACHIEVEMENT_RETIRED)
        if version < achievement.revision:
            before.append(Flag.ACHIEVEMENT_VERSION_OUTDATED)
        return _Awarded(facets, tuple(before), () if facets.complete else _INCOMPLETE)

    def _date_flags(self, event: e.CredentialIssued) -> Flags:
        if event.valid_until is not None and event.valid_until < event.valid_from:
            raise Refusal(
                "dates",
                f"validUntil lies before validFrom {event.valid_from}",
                value=str(event.valid_until),
            )
        if self._day - event.valid_from > BACKDATED_AFTER:
            return _BACKDATED
        return _POSTDATED if event.valid_from - self._day > POSTDATED_AFTER else ()

    def _claim(self, achievement: str, facets: Facets, accreditation: str) -> Flags:
        """Return the flags of an accreditation that is claimed for an achievement."""
        claimed = self._claimed.get(accreditation)
        if claimed is None:
            claimed = self._claimed[accreditation] = self._accreditation(accreditation)
        if uncovered(claimed.scope, achievement, facets, self._country):
            return (*claimed.before, Flag.OUTSIDE_ACCREDITED_SCOPE, *claimed.after)
        return claimed.before + claimed.after

    def _accreditation(self, id_: str) -> _Claimed:
        accreditation = self._register.accreditations.get(id_)
        if accreditation is None:
            raise Refusal(
                "unknown-accreditation", "no accreditation with this id was granted", value=id_
            )
        if accreditation.provider != self._issuer:
            raise Refusal(
                "accreditation-of-another",
                f"granted to {accreditation.provider}, not to {self._issuer}",
                value=id_,
            )
        before = () if accreditation.in_force(self._day) else _NOT_IN_FORCE
        after = accreditor_flags(self._register, accreditation.accreditor, self._issuer, self._day)
        return _Claimed(accreditation.scope, before, tuple(after))


def change_credential(
    credentials: Credentials, at: Occurrence, event: e.CredentialStatusEvent
) -> CredentialState:
    """Let the issuer suspend, reinstate, revoke or supersede; return the state that follows."""
    before = _own(credentials, at, event.credential)
    match event:
        case e.CredentialSuperseded():
            _check_successor(credentials, at, event)
        case e.CredentialSuspended() | e.CredentialReinstated() | e.CredentialRevoked():
            pass  # the lifecycle alone decides
        case _:
            assert_never(event)
    status = status_after(CREDENTIAL, before.status, event, event.credential)
    after = CredentialState(before.issuer, status, before.version + 1)
    credentials[event.credential] = after
    return after


def _check_successor(
    credentials: Credentials, at: Occurrence, event: e.CredentialSuperseded
) -> None:
    if event.successor == event.credential:
        raise Refusal("successor", "nothing supersedes itself", value=event.successor)
    successor = _own(credentials, at, event.successor)
    # Else two credentials could supersede each other, and following successors would never end.
    if successor.status in (CredentialStatus.REVOKED, CredentialStatus.SUPERSEDED):
        raise Refusal("successor", f"it is itself {successor.status}", value=event.successor)


def _own(credentials: Credentials, at: Occurrence, credential: str) -> CredentialState:
    state = credentials.get(credential)
    if state is None:
        raise Refusal(
            "unknown-credential", "no credential with this id was issued", value=credential
        )
    if state.issuer != at.actor:
        raise Refusal(
            "credential-of-another",
            f"issued by {state.issuer}, not by {at.actor}",
            value=credential,
        )
    return state
