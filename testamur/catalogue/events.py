"""The closed set of events: what can be said on the log, member by member.

Every event is a frozen struct with a literal wire name and version, such as
`"credential.issued/1"`; a new meaning is a new name, never a changed one. The members leave no
room for a person: no free text, no subject, only coded reasons and commitments. What each event
is about and does is in `table.py`, how it is spelt in `lines.py`. Whether it may *happen* is
decided in `rules/`. How to add one is in `CONTRIBUTING.md`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal, TypeAlias, get_args

from msgspec import Meta

from testamur.catalogue.members import (
    Assessment,
    Authority,
    Country,
    CredentialFormat,
    Definition,
    Did,
    Digest,
    Document,
    Id,
    Identifier,
    Key,
    KeyId,
    Name,
    Origin,
    Part,
    Participation,
    Position,
    Reason,
    Role,
    SanctionReason,
    Scope,
    Signature,
    Suite,
    Supervision,
    Url,
    Version,
    WithSets,
    up_to,
)


class _Event(Part, frozen=True, gc=False, tag_field="type", kw_only=True):
    """A fact, caused by the organization that signs the submission it comes in."""


class LogOpened(_Event, frozen=True, gc=False, kw_only=True, tag="log.opened/1"):
    """The genesis: the log's name, its rules of admission, and its root authorities."""

    admission: Literal["testamur/admission/1"]
    authorities: Annotated[tuple[Authority, ...], Meta(min_length=1, max_length=64)]
    format: Literal["testamur/log/1"]
    origin: Origin


class OrganizationRegistered(
    _Event, WithSets, frozen=True, gc=False, kw_only=True, tag="organization.registered/1"
):
    """A sponsor registers an organization; `possession` is a signature by the new key."""

    country: Country
    key: Key
    name: Name
    organization: Did
    possession: Signature
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=4)]
    identifiers: Annotated[tuple[Identifier, ...], up_to(16)] | None = None
    url: Url | None = None


class OrganizationUpdated(
    _Event, WithSets, frozen=True, gc=False, kw_only=True, tag="organization.updated/1"
):
    """The organization's public particulars, all of them, from here on."""

    country: Country
    name: Name
    organization: Did
    identifiers: Annotated[tuple[Identifier, ...], up_to(16)] | None = None
    url: Url | None = None


class OrganizationClosed(_Event, frozen=True, gc=False, kw_only=True, tag="organization.closed/1"):
    """The organization closes: it can cause no further event."""

    organization: Did


class KeyAdded(_Event, frozen=True, gc=False, kw_only=True, tag="key.added/1"):
    """A further key; `possession` is that key's own signature."""

    key: Key
    organization: Did
    possession: Signature


class KeyRetired(_Event, frozen=True, gc=False, kw_only=True, tag="key.retired/1"):
    """The key may sign no longer; its earlier signatures stay valid."""

    key: KeyId
    organization: Did


class KeyCompromised(_Event, frozen=True, gc=False, kw_only=True, tag="key.compromised/1"):
    """The key is compromised: nothing that it signed at position `since` or later counts."""

    key: KeyId
    organization: Did
    since: Position


class RecognitionGranted(_Event, frozen=True, gc=False, kw_only=True, tag="recognition.granted/1"):
    """An authority recognises an accreditor."""

    accreditor: Did
    recognition: Id
    valid_from: date
    scope: Scope | None = None
    valid_until: date | None = None


class RecognitionWithdrawn(
    _Event, frozen=True, gc=False, kw_only=True, tag="recognition.withdrawn/1"
):
    """The recognition ends."""

    reason: SanctionReason
    recognition: Id


class AccreditationGranted(
    _Event, frozen=True, gc=False, kw_only=True, tag="accreditation.granted/1"
):
    """An accreditor accredits a provider."""

    accreditation: Id
    decision: Literal["conditional", "positive"]
    kind: Literal["institutional", "programme"]
    provider: Did
    valid_from: date
    evidence: Document | None = None
    obligation: Literal["obligatory", "voluntary"] | None = None
    review_by: date | None = None
    scope: Scope | None = None
    valid_until: date | None = None


class AccreditationSuspended(
    _Event, frozen=True, gc=False, kw_only=True, tag="accreditation.suspended/1"
):
    """The accreditation is out of force until reinstated."""

    accreditation: Id
    reason: SanctionReason


class AccreditationReinstated(
    _Event, frozen=True, gc=False, kw_only=True, tag="accreditation.reinstated/1"
):
    """The suspension is lifted."""

    accreditation: Id


class AccreditationWithdrawn(
    _Event, frozen=True, gc=False, kw_only=True, tag="accreditation.withdrawn/1"
):
    """The accreditation ends."""

    accreditation: Id
    reason: SanctionReason


class AchievementDefined(_Event, frozen=True, gc=False, kw_only=True, tag="achievement.defined/1"):
    """A provider defines an achievement; this is its version 1."""

    achievement: Id
    definition: Definition


class AchievementRevised(_Event, frozen=True, gc=False, kw_only=True, tag="achievement.revised/1"):
    """A new version of the definition; `version` counts on by one."""

    achievement: Id
    definition: Definition
    version: Version


class AchievementRetired(_Event, frozen=True, gc=False, kw_only=True, tag="achievement.retired/1"):
    """The provider no longer awards the achievement."""

    achievement: Id


class CredentialIssued(_Event, frozen=True, gc=False, kw_only=True, tag="credential.issued/1"):
    """A credential was awarded. The log holds a blinded commitment to it, nothing of it."""

    achievement: Id
    achievement_version: Version
    commitment: Digest
    credential: Id
    format: CredentialFormat
    valid_from: date
    accreditation: Id | None = None
    assessment: Assessment | None = None
    participation: Participation | None = None
    suite: Suite | None = None
    supervision: Supervision | None = None
    valid_until: date | None = None


class CredentialSuspended(
    _Event, frozen=True, gc=False, kw_only=True, tag="credential.suspended/1"
):
    """Nobody should rely on the credential until it is reinstated."""

    credential: Id
    reason: Reason
    effective_at: date | None = None


class CredentialReinstated(
    _Event, frozen=True, gc=False, kw_only=True, tag="credential.reinstated/1"
):
    """The suspension is lifted."""

    credential: Id
    effective_at: date | None = None


class CredentialRevoked(_Event, frozen=True, gc=False, kw_only=True, tag="credential.revoked/1"):
    """The credential is void, for good."""

    credential: Id
    reason: Reason
    effective_at: date | None = None


class CredentialSuperseded(
    _Event, frozen=True, gc=False, kw_only=True, tag="credential.superseded/1"
):
    """Another credential of the same provider takes this one's place, for good."""

    credential: Id
    successor: Id


KeyEvent: TypeAlias = KeyAdded | KeyRetired | KeyCompromised
OrganizationEvent: TypeAlias = (
    OrganizationRegistered | OrganizationUpdated | OrganizationClosed | KeyEvent
)
RecognitionEvent: TypeAlias = RecognitionGranted | RecognitionWithdrawn
AccreditationEvent: TypeAlias = (
    AccreditationGranted | AccreditationSuspended | AccreditationReinstated | AccreditationWithdrawn
)
AchievementEvent: TypeAlias = AchievementDefined | AchievementRevised | AchievementRetired
CredentialStatusEvent: TypeAlias = (
    CredentialSuspended | CredentialReinstated | CredentialRevoked | CredentialSuperseded
)
CredentialEvent: TypeAlias = CredentialIssued | CredentialStatusEvent
RegisterEvent: TypeAlias = (
    LogOpened | OrganizationEvent | RecognitionEvent | AccreditationEvent | AchievementEvent
)
Event: TypeAlias = RegisterEvent | CredentialEvent

EVENTS: Final[dict[str, type[Event]]] = {
    event.__struct_config__.tag: event for event in get_args(Event)
}
"""Every event type by its wire name."""


def wire_name(event: Event) -> str:
    """Return the event's type on the wire, such as `"credential.issued/1"`."""
    return str(event.__struct_config__.tag)
