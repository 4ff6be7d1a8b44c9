"""What the register answers over HTTP: the JSON shapes, and how they come of the projections.

Every answer names the tree size it holds for and the register's own time at that size, so it can
be asked again later and compared. It is what the register states: whoever needs it proven takes
the evidence of a credential, or replays the log. No shape has room for personal data.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Generic, TypeVar

import msgspec

from projections.accreditations import AccreditationAt, RecognitionAt
from projections.achievements import AchievementAt
from projections.credentials import CredentialAt, CredentialEvent
from projections.organizations import OrganizationAt, OrganizationEvent
from projections.submissions import SubmissionAt
from projections.versions import StreamEvent
from testamur.catalogue.events import CredentialIssued, Definition, Identifier, Scope
from testamur.catalogue.lifecycle import (
    AccreditationStatus,
    AchievementStatus,
    CredentialStatus,
    KeyStatus,
    OrganizationStatus,
    RecognitionStatus,
)
from testamur.catalogue.submission import format_time
from testamur.rules.register import KeyState

T = TypeVar("T")


class _Shape(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, rename="camel"
):
    """A JSON object; a member that has no value is left out."""


class Listed(_Shape, Generic[T], frozen=True, gc=False, kw_only=True):
    """A page of a list in log order; `next` is the address of the next page, if there is one."""

    size: int
    as_of: str | None
    items: tuple[T, ...]
    next: str | None = None


class Named(_Shape, frozen=True, gc=False, kw_only=True):
    """An organization and the name it went by."""

    did: str
    name: str


class Awarded(_Shape, frozen=True, gc=False, kw_only=True):
    """The achievement a credential was issued for, in the version it was issued for."""

    id: str
    version: int
    name: str


class Occurred(_Shape, frozen=True, gc=False, kw_only=True):
    """An event: its wire name, its position and the register's time of it."""

    event: str
    position: int
    recorded_at: str
    reason: str | None = None


class CredentialAnswer(_Shape, frozen=True, gc=False, kw_only=True):
    """A credential. Status is what its events led to; dates are for the reader to compare.

    `flags` are the policy breaches of its issuance.
    """

    id: str
    status: CredentialStatus
    issuer: Named
    achievement: Awarded
    valid_from: date
    issued: Occurred
    last_event: Occurred
    version: int
    flags: tuple[str, ...]
    size: int
    as_of: str | None
    accreditation: str | None = None
    valid_until: date | None = None
    successor: str | None = None


class CredentialLine(_Shape, frozen=True, gc=False, kw_only=True):
    """A credential in a list."""

    id: str
    status: CredentialStatus
    issuer: str
    achievement: str
    position: int
    recorded_at: str
    flags: tuple[str, ...]
    accreditation: str | None = None


class HistoryLine(_Shape, frozen=True, gc=False, kw_only=True):
    """One event of a stream and the status after it; `submission` is its header's position."""

    event: str
    version: int
    position: int
    status: str | None = None
    submission: int | None = None
    recorded_at: str | None = None
    flags: tuple[str, ...] = ()
    reason: str | None = None
    successor: str | None = None


class SubmissionLine(_Shape, frozen=True, gc=False, kw_only=True):
    """A submission: its header is entry `position`, its events the `events` entries after it."""

    position: int
    events: int
    issuer: str
    jti: str
    key: str
    recorded_at: str
    flags: tuple[str, ...]


class KeyAnswer(_Shape, frozen=True, gc=False, kw_only=True):
    """A key and the positions that bound it: it may sign from `added` to before `until`."""

    id: str
    public_key_multibase: str
    status: KeyStatus
    added: int
    until: int | None = None


class OrganizationAnswer(_Shape, frozen=True, gc=False, kw_only=True):
    """An organization. `position` is that of its last change, `sponsor` who brought it in."""

    did: str
    name: str
    country: str
    roles: tuple[str, ...]
    status: OrganizationStatus
    keys: tuple[KeyAnswer, ...]
    registered: int
    position: int
    version: int
    size: int
    as_of: str | None
    sponsor: str | None = None
    identifiers: tuple[Identifier, ...] | None = None
    url: str | None = None


class AchievementAnswer(_Shape, frozen=True, gc=False, kw_only=True):
    """An achievement with version `version` of its definition, whose flags are `flags`."""

    id: str
    provider: str
    status: AchievementStatus
    version: int
    definition: Definition
    defined: int
    position: int
    flags: tuple[str, ...]
    size: int
    as_of: str | None


class AccreditationAnswer(_Shape, frozen=True, gc=False, kw_only=True):
    """An accreditation, granted at position `granted`, last changed at `position`."""

    id: str
    accreditor: str
    provider: str
    decision: str
    kind: str
    status: AccreditationStatus
    valid_from: date
    granted: int
    position: int
    version: int
    flags: tuple[str, ...]
    size: int
    as_of: str | None
    scope: Scope | None = None
    valid_until: date | None = None


class RecognitionAnswer(_Shape, frozen=True, gc=False, kw_only=True):
    """A recognition, granted at position `granted`, last changed at `position`."""

    id: str
    authority: str
    accreditor: str
    status: RecognitionStatus
    valid_from: date
    granted: int
    position: int
    version: int
    size: int
    as_of: str | None
    scope: Scope | None = None
    valid_until: date | None = None


def credential_answer(
    found: CredentialAt,
    issued: CredentialIssued,
    last: CredentialEvent,
    *,
    issuer: str,
    achievement: str,
    as_of: str | None,
) -> CredentialAnswer:
    """Return the answer; `issuer` and `achievement` are the names they went by."""
    return CredentialAnswer(
        id=found.credential,
        status=found.status,
        issuer=Named(did=found.issuer, name=issuer),
        achievement=Awarded(
            id=found.achievement, version=issued.achievement_version, name=achievement
        ),
        valid_from=issued.valid_from,
        valid_until=issued.valid_until,
        issued=Occurred(
            event="credential.issued/1",
            position=found.issued,
            recorded_at=format_time(found.issued_at),
        ),
        last_event=Occurred(
            event=last.event,
            position=last.position,
            recorded_at=format_time(last.recorded_at),
            reason=last.reason,
        ),
        version=found.version,
        flags=found.flags,
        accreditation=found.accreditation,
        successor=found.successor,
        size=found.size,
        as_of=as_of,
    )


def credential_line(found: CredentialAt) -> CredentialLine:
    """Return a credential as a list shows it."""
    return CredentialLine(
        id=found.credential,
        status=found.status,
        issuer=found.issuer,
        achievement=found.achievement,
        accreditation=found.accreditation,
        position=found.issued,
        recorded_at=format_time(found.issued_at),
        flags=found.flags,
    )


def credential_event(found: CredentialEvent) -> HistoryLine:
    """Return one event of a credential."""
    return HistoryLine(
        event=found.event,
        version=found.version,
        position=found.position,
        submission=found.submission,
        status=found.status.value,
        recorded_at=format_time(found.recorded_at),
        flags=found.flags,
        reason=found.reason,
        successor=found.successor,
    )


def stream_event(found: StreamEvent) -> HistoryLine:
    """Return one event of an achievement, accreditation or recognition."""
    return HistoryLine(
        event=found.event, version=found.version, position=found.position, status=found.status
    )


def organization_event(found: OrganizationEvent) -> HistoryLine:
    """Return one event of an organization."""
    return HistoryLine(
        event=found.event, version=found.version, position=found.position, flags=found.flags
    )


def submission_line(found: SubmissionAt) -> SubmissionLine:
    """Return a submission as a list shows it."""
    return SubmissionLine(
        position=found.position,
        events=found.events,
        issuer=found.issuer,
        jti=found.jti,
        key=found.key_id,
        recorded_at=format_time(found.recorded_at),
        flags=found.flags,
    )


def key_answer(key: KeyState) -> KeyAnswer:
    """Return a key of an organization."""
    return KeyAnswer(
        id=key.id,
        public_key_multibase=key.multikey,
        status=key.status,
        added=key.added,
        until=key.until,
    )


def organization_answer(found: OrganizationAt, as_of: str | None) -> OrganizationAnswer:
    """Return an organization and its keys."""
    organization = found.organization
    return OrganizationAnswer(
        did=organization.did,
        name=organization.name,
        country=organization.country,
        roles=organization.roles,
        status=organization.status,
        keys=tuple(map(key_answer, organization.keys)),
        registered=organization.registered,
        position=found.position,
        version=organization.version,
        sponsor=organization.sponsor,
        identifiers=organization.identifiers,
        url=organization.url,
        size=found.size,
        as_of=as_of,
    )


def achievement_answer(found: AchievementAt, as_of: str | None) -> AchievementAnswer:
    """Return an achievement with the definition that was found."""
    return AchievementAnswer(
        id=found.achievement,
        provider=found.provider,
        status=found.status,
        version=found.revision,
        definition=found.definition,
        defined=found.defined,
        position=found.position,
        flags=found.flags,
        size=found.size,
        as_of=as_of,
    )


def accreditation_answer(found: AccreditationAt, as_of: str | None) -> AccreditationAnswer:
    """Return an accreditation."""
    terms = found.accreditation
    return AccreditationAnswer(
        id=terms.id,
        accreditor=terms.accreditor,
        provider=terms.provider,
        decision=terms.decision,
        kind=terms.kind,
        status=terms.status,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        scope=terms.scope,
        granted=found.granted,
        position=found.position,
        version=terms.version,
        flags=found.flags,
        size=found.size,
        as_of=as_of,
    )


def recognition_answer(found: RecognitionAt, as_of: str | None) -> RecognitionAnswer:
    """Return a recognition."""
    terms = found.recognition
    return RecognitionAnswer(
        id=terms.id,
        authority=terms.authority,
        accreditor=terms.accreditor,
        status=terms.status,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        scope=terms.scope,
        granted=found.granted,
        position=found.position,
        version=terms.version,
        size=found.size,
        as_of=as_of,
    )


SHAPES: Final = (
    AccreditationAnswer,
    AchievementAnswer,
    CredentialAnswer,
    OrganizationAnswer,
    RecognitionAnswer,
    Listed[AccreditationAnswer],
    Listed[AchievementAnswer],
    Listed[CredentialLine],
    Listed[HistoryLine],
    Listed[KeyAnswer],
    Listed[OrganizationAnswer],
    Listed[RecognitionAnswer],
    Listed[SubmissionLine],
)
"""What is described in the OpenAPI document."""
