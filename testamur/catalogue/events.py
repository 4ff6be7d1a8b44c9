"""The closed set of events: what can be said on the log, member by member.

Every event is a frozen struct with a literal wire name and version, such as
`"credential.issued/1"`; a new meaning is a new name, never a changed one. The members leave no
room for a person: no free text, no subject, only coded reasons and commitments. What each event
is about and does is in `table.py`, how it is spelt in `lines.py`. Whether it may *happen* is
decided in `rules/`. How to add one is in `CONTRIBUTING.md`.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from testamur.catalogue.members import (
    Assessment,
    Country,
    CredentialFormat,
    Definition,
    Did,
    Digest,
    Document,
    Id,
    Identifier,
    KeyUse,
    Multikey,
    Name,
    Origin,
    Part,
    Participation,
    Position,
    Range,
    Reason,
    RecognisedAs,
    Role,
    SanctionReason,
    Scope,
    Signature,
    Sponsor,
    Suite,
    Supervision,
    Url,
    Version,
    Vouched,
    WithSets,
    up_to,
)
from testamur.errors import Refusal


class _Event(Part, frozen=True, gc=False, tag_field="type", kw_only=True):
    """A fact, caused by the organization that signs the submission it comes in."""


class OrganizationRegistered(
    _Event, WithSets, frozen=True, gc=False, kw_only=True, tag="organization.registered/1"
):
    """An organization enters the register, by the signature of its founding key.

    `recovery_keys` are in rank order and leave the founding key out. `signature` is described in
    `registration.py`. `until` is the last UTC day on which a log admits the registration.
    """

    country: Country
    name: Name
    organization: Did
    origin: Origin
    recovery_keys: Annotated[tuple[Multikey, ...], Meta(max_length=8)]
    roles: Annotated[tuple[Role, ...], up_to(4)]
    signature: Signature
    signing_keys: Annotated[tuple[Multikey, ...], Meta(max_length=16)]
    sponsor: Sponsor
    until: date
    identifiers: Annotated[tuple[Identifier, ...], up_to(16)] | None = None
    url: Url | None = None


class LogOpened(_Event, frozen=True, gc=False, kw_only=True, tag="log.opened/1"):
    """The genesis: the log's name, its rules of admission, and its root authorities.

    The authorities have no sponsor in the register: each names the log's origin as its sponsor.
    """

    admission: Literal["testamur/admission/1"]
    authorities: Annotated[tuple[OrganizationRegistered, ...], up_to(64)]
    format: Literal["testamur/log/1"]
    origin: Origin


class OrganizationUpdated(
    _Event, WithSets, frozen=True, gc=False, kw_only=True, tag="organization.updated/1"
):
    """The signer's public particulars, all of them, from here on."""

    country: Country
    name: Name
    identifiers: Annotated[tuple[Identifier, ...], up_to(16)] | None = None
    url: Url | None = None


class OrganizationClosed(_Event, frozen=True, gc=False, kw_only=True, tag="organization.closed/1"):
    """The signer closes: from here on it can only retire keys and declare them compromised."""


class OrganizationSucceeded(
    _Event, frozen=True, gc=False, kw_only=True, tag="organization.succeeded/1"
):
    """`successor` may act for `organization` on what that issued and granted.

    Said by the organization itself of all of it; said by an accreditor of the credentials that
    name its accreditation.
    """

    organization: Did
    successor: Did


class OrganizationObjected(
    _Event, frozen=True, gc=False, kw_only=True, tag="organization.objected/1"
):
    """The signer ends every succession that others stated about it before."""


class KeyListed(_Event, frozen=True, gc=False, kw_only=True, tag="key.listed/1"):
    """From here on the key signs for the signer. A key is named by its Multikey."""

    as_: KeyUse = msgspec.field(name="as")
    key: Multikey


class KeyRetired(_Event, frozen=True, gc=False, kw_only=True, tag="key.retired/1"):
    """The key signs no more; its earlier submissions still count."""

    key: Multikey


class KeyCompromised(_Event, frozen=True, gc=False, kw_only=True, tag="key.compromised/1"):
    """Nothing that the key signed at position `since` or later counts, but for `kept`.

    `kept` are the submissions from `since` on that the owner signed, by ranges of their header
    positions. A key that declares itself compromised states neither.
    """

    key: Multikey
    since: Position | None = None
    kept: Annotated[tuple[Range, ...], up_to(1000)] | None = None

    def __post_init__(self) -> None:
        """Raise `Refusal` (rule `kept-ranges`) unless the ranges have their one spelling."""
        if self.kept is None:
            return
        if self.since is None:
            raise Refusal("kept-ranges", "kept needs since: it lists exceptions to it")
        # A position below `since` needs no exception, so the ranges begin there.
        bounds = [bound for each in self.kept for bound in each]
        in_order = all(first <= last for first, last in self.kept) and all(
            before < after for (_, before), (after, _) in pairwise(self.kept)
        )
        if not in_order or bounds[0] < self.since:
            raise Refusal(
                "kept-ranges",
                f"kept lists disjoint ranges [from, to] in order, from {self.since} (since) on",
                value=list(self.kept[:8]),
            )


class RecognitionGranted(
    _Event, Vouched, frozen=True, gc=False, kw_only=True, tag="recognition.granted/1"
):
    """An authority makes an organization an accreditor or an authority."""

    as_: RecognisedAs = msgspec.field(name="as")
    organization: Did
    recognition: Id
    valid_from: date
    scope: Scope | None = None
    valid_until: date | None = None


class RecognitionRestated(
    _Event, Vouched, frozen=True, gc=False, kw_only=True, tag="recognition.restated/1"
):
    """What the authority vouches for about the organization, all of it, from here on."""

    recognition: Id


class RecognitionWithdrawn(
    _Event, frozen=True, gc=False, kw_only=True, tag="recognition.withdrawn/1"
):
    """The recognition ends."""

    reason: SanctionReason
    recognition: Id


class AccreditationGranted(
    _Event, Vouched, frozen=True, gc=False, kw_only=True, tag="accreditation.granted/1"
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


class AccreditationRestated(
    _Event, Vouched, frozen=True, gc=False, kw_only=True, tag="accreditation.restated/1"
):
    """What the accreditor vouches for about the provider, all of it, from here on."""

    accreditation: Id
    review_by: date | None = None


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
    """A credential that the signer issued takes this one's place, for good."""

    credential: Id
    successor: Id


KeyEvent: TypeAlias = KeyListed | KeyRetired | KeyCompromised
OrganizationEvent: TypeAlias = (
    OrganizationRegistered
    | OrganizationUpdated
    | OrganizationClosed
    | OrganizationSucceeded
    | OrganizationObjected
    | KeyEvent
)
RecognitionEvent: TypeAlias = RecognitionGranted | RecognitionRestated | RecognitionWithdrawn
AccreditationEvent: TypeAlias = (
    AccreditationGranted
    | AccreditationRestated
    | AccreditationSuspended
    | AccreditationReinstated
    | AccreditationWithdrawn
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

KEY_EVENTS: Final = frozenset[type](get_args(KeyEvent))
"""The types of the events that are about the signer's keys."""


def wire_name(event: Event) -> str:
    """Return the event's type on the wire, such as `"credential.issued/1"`."""
    return str(event.__struct_config__.tag)
