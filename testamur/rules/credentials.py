"""What may happen to a credential, and which issuances an accreditor will want to see."""

from __future__ import annotations

from datetime import date, timedelta
from operator import attrgetter
from typing import Final, TypeAlias

from testamur.catalogue import events as e
from testamur.catalogue.lifecycle import (
    CREDENTIAL,
    AchievementStatus,
    CredentialStatus,
    status_after,
)
from testamur.errors import Refusal
from testamur.rules.accreditation import standing_flags
from testamur.rules.achievements import missing_elements
from testamur.rules.identity import taken
from testamur.rules.occurrence import Occurrence
from testamur.rules.register import Credentials, CredentialState, Register
from testamur.rules.scope import uncovered

BACKDATED_AFTER: Final = timedelta(days=30)
POSTDATED_AFTER: Final = timedelta(days=1)

Flags: TypeAlias = tuple[str, ...]

# What the flags of an issuance follow from, beside the register and the day.
_terms: Final = attrgetter(
    "achievement", "achievement_version", "accreditation", "valid_from", "valid_until"
)


class Issuance:
    """The rules for issuing, as they stand at one place in the log for one issuer.

    A cohort names few achievements and accreditations but many credentials, so what follows
    from the named terms is worked out once per distinct terms.
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
            raise Refusal("already-issued", "this credential exists", value=event.credential)
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
    """Return the policy breaches in these terms; raises `Refusal` where a reference fails."""
    achievement = register.achievements.get(event.achievement)
    if achievement is None:
        raise Refusal("unknown-achievement", "never defined", value=event.achievement)
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
        flags.append("achievement-retired")
    if event.achievement_version < len(achievement.definitions):
        flags.append("achievement-version-outdated")
    if day - event.valid_from > BACKDATED_AFTER:
        flags.append("backdated")
    if event.valid_from - day > POSTDATED_AFTER:
        flags.append("postdated")
    if missing_elements(definition):
        flags.append("elements-missing")
    return tuple(flags)


def accreditation_flags(
    register: Register, issuer: str, day: date, event: e.CredentialIssued
) -> Flags:
    """Return what is amiss with the accreditation this issuance claims, as of this position."""
    if event.accreditation is None:
        return ("no-accreditation-claimed",)
    accreditation = register.accreditations.get(event.accreditation)
    if accreditation is None:
        raise Refusal("unknown-accreditation", "never granted", value=event.accreditation)
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
        flags.append("accreditation-not-in-force")
    if uncovered(accreditation.scope, event.achievement, definition, country):
        flags.append("outside-accredited-scope")
    flags += standing_flags(register, accreditation.accreditor, issuer, day)
    return tuple(flags)


def change_credential(
    credentials: Credentials, at: Occurrence, event: e.CredentialStatusEvent
) -> int:
    """Let the issuer suspend, reinstate, revoke or supersede; returns the stream's new version."""
    before = _own(credentials, at, event.credential)
    if isinstance(event, e.CredentialSuperseded):
        if event.successor == event.credential:
            raise Refusal("successor", "nothing supersedes itself", value=event.successor)
        successor = _own(credentials, at, event.successor)
        # Else two credentials could point at each other, and who follows them would not end.
        if successor.status in (CredentialStatus.REVOKED, CredentialStatus.SUPERSEDED):
            raise Refusal("successor", f"it is itself {successor.status}", value=event.successor)
    version = before.version + 1
    credentials[event.credential] = CredentialState(
        before.issuer,
        status_after(CREDENTIAL, before.status, event, event.credential),
        version,
    )
    return version


def _own(credentials: Credentials, at: Occurrence, credential: str) -> CredentialState:
    state = credentials.get(credential)
    if state is None:
        raise Refusal("unknown-credential", "never issued", value=credential)
    if state.issuer != at.actor:
        raise Refusal(
            "credential-of-another",
            f"issued by {state.issuer}, not by {at.actor}",
            value=credential,
        )
    return state
