"""What may happen to a credential, and which issuances are flagged."""

from __future__ import annotations

from datetime import date, timedelta
from operator import attrgetter
from typing import Final, assert_never

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import (
    CREDENTIAL,
    AchievementStatus,
    CredentialStatus,
    status_after,
)
from testamur.errors import Refusal
from testamur.rules.accreditation import accreditor_flags
from testamur.rules.achievements import missing_elements
from testamur.rules.flags import Flag, Flags
from testamur.rules.identity import taken
from testamur.rules.occurrence import Occurrence
from testamur.rules.register import Credentials, CredentialState, Register
from testamur.rules.scope import uncovered

BACKDATED_AFTER: Final = timedelta(days=30)
POSTDATED_AFTER: Final = timedelta(days=1)

# With the register and the day, these members decide the flags of an issuance.
_terms: Final = attrgetter(
    "achievement", "achievement_version", "accreditation", "valid_from", "valid_until"
)


class Issuance:
    """The rules for issuing, for one issuer at one place in the log.

    A cohort names few achievements and accreditations but many credentials, so the flags are
    worked out once for each distinct set of terms.
    """

    __slots__ = ("_day", "_flags", "_issued", "_issuer", "_named", "_register")

    def __init__(self, register: Register, issuer: str, day: date) -> None:
        organization = register.organizations[issuer]
        if "provider" not in organization.roles:
            raise Refusal("role", f"{issuer} must be a provider", value=list(organization.roles))
        self._register = register
        self._named = register.named
        self._issuer = issuer
        self._day = day
        self._issued = CredentialState(issuer, CredentialStatus.ACTIVE, 1)
        self._flags: dict[object, Flags] = {}

    def issue(self, credentials: Credentials, event: e.CredentialIssued) -> Flags:
        """Admit one credential and return its flags."""
        if event.credential in credentials:
            raise Refusal(
                "already-issued",
                "a credential with this id was issued before",
                value=event.credential,
            )
        if event.credential in self._named:
            raise taken(event.credential, self._named[event.credential])
        terms = _terms(event)
        flags = self._flags.get(terms)
        if flags is None:
            flags = issuance_flags(self._register, self._issuer, self._day, event)
            self._flags[terms] = flags
        credentials[event.credential] = self._issued
        return flags


def issuance_flags(register: Register, issuer: str, day: date, event: e.CredentialIssued) -> Flags:
    """Return the flags of an issuance; raises `Refusal` when it names what it may not."""
    achievement = register.achievements.get(event.achievement)
    if achievement is None:
        raise Refusal(
            "unknown-achievement",
            "no achievement with this id was defined",
            value=event.achievement,
        )
    if achievement.provider != issuer:
        raise Refusal(
            "achievement-of-another",
            f"defined by {achievement.provider}, not by {issuer}",
            value=event.achievement,
        )
    if event.achievement_version > len(achievement.definitions):
        raise Refusal(
            "achievement-version",
            f"{achievement.id} has {len(achievement.definitions)} versions",
            value=event.achievement_version,
        )
    if event.valid_until is not None and event.valid_until < event.valid_from:
        raise Refusal(
            "dates",
            f"validUntil lies before validFrom {event.valid_from}",
            value=str(event.valid_until),
        )
    definition = achievement.definitions[event.achievement_version - 1]
    flags = list(accreditation_flags(register, issuer, day, event))
    if achievement.status is AchievementStatus.RETIRED:
        flags.append(Flag.ACHIEVEMENT_RETIRED)
    if event.achievement_version < len(achievement.definitions):
        flags.append(Flag.ACHIEVEMENT_VERSION_OUTDATED)
    if day - event.valid_from > BACKDATED_AFTER:
        flags.append(Flag.BACKDATED)
    if event.valid_from - day > POSTDATED_AFTER:
        flags.append(Flag.POSTDATED)
    if missing_elements(definition):
        flags.append(Flag.ELEMENTS_MISSING)
    return tuple(flags)


def accreditation_flags(
    register: Register, issuer: str, day: date, event: e.CredentialIssued
) -> Flags:
    """Return the flags of the accreditation that an issuance claims, or of claiming none."""
    if event.accreditation is None:
        return (Flag.NO_ACCREDITATION_CLAIMED,)
    accreditation = register.accreditations.get(event.accreditation)
    if accreditation is None:
        raise Refusal(
            "unknown-accreditation",
            "no accreditation with this id was granted",
            value=event.accreditation,
        )
    if accreditation.provider != issuer:
        raise Refusal(
            "accreditation-of-another",
            f"granted to {accreditation.provider}, not to {issuer}",
            value=event.accreditation,
        )
    definition = register.achievements[event.achievement].definitions[event.achievement_version - 1]
    country = register.organizations[issuer].country
    flags = []
    if not accreditation.in_force(day):
        flags.append(Flag.ACCREDITATION_NOT_IN_FORCE)
    if uncovered(accreditation.scope, event.achievement, definition, country):
        flags.append(Flag.OUTSIDE_ACCREDITED_SCOPE)
    flags += accreditor_flags(register, accreditation.accreditor, issuer, day)
    return tuple(flags)


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
