"""The closed set of events: what can be said on the log, member by member.

Every event is a frozen struct with a literal wire name and version, such as
`"credential.issued/1"`; a new meaning is a new name, never a changed one. Decoding is
strict: what does not re-encode to the very same bytes is refused, and so is a set whose
members are not in order, so one fact has one spelling and one leaf hash. The members leave
no room for a person: no free text, no subject, only coded reasons and commitments. Whether
an event may *happen* is decided in `rules/`; this module only says what it may look like.

To add an event: a struct here and its place in one of the unions below (`EVENTS` follows), its
steps in `lifecycle.py`, its rule in `rules/`, its fold in `projections/`, its part in `bearing.py`.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from testamur.catalogue.ids import Uuid7, all_uuid7
from testamur.errors import Refusal, detached, first_difference
from testamur.schema import explained, pattern_of
from testamur.tlog.tiles import MAX_ENTRY

# `$` alone would let a final LF through in Python; the look-ahead reads alike everywhere.
Did = Annotated[
    str, Meta(pattern=r"^did:[a-z0-9]{1,32}:[A-Za-z0-9._:%-]{1,200}$(?!\n)", max_length=240)
]
# Only the length here: an id is judged in full where it is created (`CREATED`), and a
# reference to it must match one that was.
Id = Annotated[str, Meta(min_length=36, max_length=36)]
KeyId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,128}$(?!\n)")]
Multikey = Annotated[str, Meta(pattern=r"^z[1-9A-HJ-NP-Za-km-z]{40,64}$(?!\n)")]
# No control characters, and none that reorder what a reader sees (Unicode UAX #9).
Name = Annotated[
    str,
    Meta(
        pattern=r"^(?! )[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+"
        r"(?<! )$(?!\n)",
        min_length=1,
        max_length=200,
    ),
]
Url = Annotated[str, Meta(pattern=r"^https?://[!-~]+$(?!\n)", max_length=500)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
# What a key may be named (C2SP signed-note: no space, no plus), in ASCII.
Origin = Annotated[str, Meta(pattern=r"^[!-*,-~]{1,255}$(?!\n)")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$(?!\n)")]  # ISO 3166-1 or -2
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$(?!\n)", max_length=35)]
IscedField = Annotated[str, Meta(pattern=r"^[0-9]{2,4}$(?!\n)")]  # ISCED-F 2013
FORMS: Final = {
    pattern_of(Uuid7): "an id such as 019a3b1c-7f00-7abc-8def-0123456789ab",
    pattern_of(Did): "a DID such as did:web:college.example",
    pattern_of(KeyId): "a name of letters, digits and ._- such as 2026-key-1",
    pattern_of(Multikey): "a public Multikey such as z6Mk...",
    pattern_of(Name): "a name: text without control characters or spaces at its ends",
    pattern_of(Url): "a URL such as https://college.example",
    pattern_of(Country): "a country code such as NL (ISO 3166)",
    pattern_of(Language): "a language tag such as en",
    pattern_of(IscedField): "a field of ISCED-F 2013 such as 061",
}
"""What a text of each pattern must be, in words."""
Position = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Version = Annotated[int, Meta(ge=1, le=10_000)]

Role = Literal["accreditor", "authority", "endorser", "provider"]
AchievementType = Annotated[str, Meta(pattern=r"^(ext:)?[A-Za-z][A-Za-z0-9]{0,63}$(?!\n)")]
Assessment = Literal[
    "artefact",
    "attendance",
    "continuous",
    "groupPerformance",
    "markedAssignment",
    "none",
    "oralExamination",
    "peerAssessment",
    "portfolio",
    "practical",
    "problemBased",
    "project",
    "quiz",
    "writtenExamination",
]
Participation = Literal["blended", "online", "presential", "projectBased", "research", "workbased"]
# Council Recommendation 2022/C 243/02, Annex I: supervision and identity verification.
Supervision = Literal["none", "supervised", "supervisedOnline", "supervisedOnSiteWithIdentity"]
QualityAssurance = Literal["institutional", "programme", "none"]
CredentialFormat = Literal["OpenBadgeCredential/3.0", "VerifiableCredential/2.0"]
Suite = Literal[
    "eddsa-jcs-2022",
    "eddsa-rdfc-2022",
    "ecdsa-rdfc-2019",
    "ecdsa-jcs-2019",
    "ecdsa-sd-2023",
    "Ed25519Signature2020",
    "vc+jwt",
    "none",
]
Reason = Literal[
    "accreditationWithdrawn",
    "administrative",
    "cessationOfOperation",
    "duplicate",
    "fraudulentIssuance",
    "holderRequest",
    "issuedInError",
    "keyCompromise",
    "misconduct",
    "requirementsNotMet",
    "superseded",
    "unspecified",
]
SanctionReason = Literal[
    "administrative",
    "cessationOfOperation",
    "conditionsNotMet",
    "misconduct",
    "qualityConcern",
    "unspecified",
    "voluntary",
]


def _up_to(most: int) -> Meta:
    return Meta(min_length=1, max_length=most)


class _Part(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
    kw_only=True,
):
    """A value inside an event. What is not said is left out: never null, never an empty list."""


# In these lists the order tells something: what a provider puts first.
_LISTS: Final = frozenset({"outcomes"})


class _WithSets(_Part, frozen=True, gc=False, kw_only=True):
    """A part whose lists are sets, but for `_LISTS`: members sorted by their bytes, none twice.

    The bytes are those of a member's canonical JSON.
    """

    def __post_init__(self) -> None:
        """Raise `Refusal` (rule `set-order`) for any other spelling of a set."""
        for name, written in zip(
            self.__struct_fields__, self.__struct_encode_fields__, strict=True
        ):
            value = getattr(self, name)
            if type(value) is not tuple or name in _LISTS:
                continue
            for before, after in pairwise(map(_encoder.encode, value)):
                if before >= after:
                    raise Refusal(
                        "set-order",
                        f"{written} is a set: sorted, and nothing twice; "
                        f"{_excerpt(before)} comes before",
                        value=_excerpt(after),
                    )


class _Event(_Part, frozen=True, gc=False, tag_field="type", kw_only=True):
    """A fact, caused by the organization that signs the submission it comes in."""


class Key(_Part, frozen=True, gc=False, kw_only=True):
    """A verification key: the fragment of its DID URL, and its Multikey text."""

    id: KeyId
    public_key_multibase: Multikey


class Authority(_Part, frozen=True, gc=False, kw_only=True):
    """An organization that is in the register without a sponsor."""

    country: Country
    keys: Annotated[tuple[Key, ...], Meta(min_length=1, max_length=16)]
    name: Name
    organization: Did


class Identifier(_Part, frozen=True, gc=False, kw_only=True):
    """What another public register calls this organization."""

    scheme: Literal["CTID", "DAPIP", "DEQARINST", "ROR"]
    value: Annotated[str, Meta(pattern=r"^[!-~]{1,100}$(?!\n)")]


class Level(_Part, frozen=True, gc=False, kw_only=True):
    """A level of a qualifications framework: EQF 1 to 8, QF-EHEA cycles 0 (short) to 3."""

    framework: Literal["EQF", "QF-EHEA"]
    value: Annotated[int, Meta(ge=0, le=8)]

    def __post_init__(self) -> None:
        """Raise `ValueError` for a level that the framework does not have."""
        lowest, highest = (1, 8) if self.framework == "EQF" else (0, 3)
        if not lowest <= self.value <= highest:
            raise ValueError(f"{self.framework} has levels {lowest} to {highest}")


class Workload(_Part, frozen=True, gc=False, kw_only=True):
    """Notional workload. ECTS go by halves and tenths, so they are counted in tenths."""

    amount: Annotated[int, Meta(ge=1, le=100_000)]
    unit: Literal["hour", "tenthOfEcts"]


class Outcome(_Part, frozen=True, gc=False, kw_only=True):
    """A skill or learning outcome, named in a public framework where there is one."""

    name: Name
    framework: Literal["CASE", "CTDL-ASN", "ESCO"] | None = None
    url: Url | None = None


class Document(_Part, frozen=True, gc=False, kw_only=True):
    """A published document: where it is, and SHA-256 of its bytes."""

    digest: Digest
    url: Url


class Scope(_WithSets, frozen=True, gc=False, kw_only=True):
    """What a recognition or accreditation covers. An absent member covers everything."""

    achievement_types: Annotated[tuple[AchievementType, ...], _up_to(64)] | None = None
    achievements: Annotated[tuple[Uuid7, ...], _up_to(1000)] | None = None
    fields: Annotated[tuple[IscedField, ...], _up_to(200)] | None = None
    jurisdictions: Annotated[tuple[Country, ...], _up_to(300)] | None = None
    languages: Annotated[tuple[Language, ...], _up_to(100)] | None = None
    levels: Annotated[tuple[Level, ...], _up_to(12)] | None = None
    participation: Annotated[tuple[Participation, ...], _up_to(6)] | None = None


class Definition(_WithSets, frozen=True, gc=False, kw_only=True):
    """The public definition of an achievement, with the elements of Annex I to 2022/C 243/02."""

    name: Name
    achievement_type: AchievementType
    assessment: Annotated[tuple[Assessment, ...], _up_to(14)] | None = None
    criteria: Document | None = None
    digest: Digest | None = None
    field: IscedField | None = None
    languages: Annotated[tuple[Language, ...], _up_to(20)] | None = None
    level: Level | None = None
    outcomes: Annotated[tuple[Outcome, ...], _up_to(100)] | None = None
    participation: Annotated[tuple[Participation, ...], _up_to(6)] | None = None
    quality_assurance: Annotated[tuple[QualityAssurance, ...], _up_to(3)] | None = None
    supervision: Supervision | None = None
    url: Url | None = None
    workload: Workload | None = None


class LogOpened(_Event, frozen=True, gc=False, kw_only=True, tag="log.opened/1"):
    """The genesis: what this log is called, how it admits, and whom it starts from."""

    admission: Literal["testamur/admission/1"]
    authorities: Annotated[tuple[Authority, ...], Meta(min_length=1, max_length=64)]
    format: Literal["testamur/log/1"]
    origin: Origin


class OrganizationRegistered(
    _Event, _WithSets, frozen=True, gc=False, kw_only=True, tag="organization.registered/1"
):
    """A sponsor brings an organization in; `possession` is the newcomer's own signature."""

    country: Country
    key: Key
    name: Name
    organization: Did
    possession: Signature
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=4)]
    identifiers: Annotated[tuple[Identifier, ...], _up_to(16)] | None = None
    url: Url | None = None


class OrganizationUpdated(
    _Event, _WithSets, frozen=True, gc=False, kw_only=True, tag="organization.updated/1"
):
    """The organization's public particulars, whole, from here on."""

    country: Country
    name: Name
    organization: Did
    identifiers: Annotated[tuple[Identifier, ...], _up_to(16)] | None = None
    url: Url | None = None


class OrganizationClosed(_Event, frozen=True, gc=False, kw_only=True, tag="organization.closed/1"):
    """The organization acts no more."""

    organization: Did


class KeyAdded(_Event, frozen=True, gc=False, kw_only=True, tag="key.added/1"):
    """A further key; `possession` is that key's own signature."""

    key: Key
    organization: Did
    possession: Signature


class KeyRetired(_Event, frozen=True, gc=False, kw_only=True, tag="key.retired/1"):
    """The key signs no more; what it signed before stays good."""

    key: KeyId
    organization: Did


class KeyCompromised(_Event, frozen=True, gc=False, kw_only=True, tag="key.compromised/1"):
    """The key is in other hands: nothing it signed at position `since` or later counts."""

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
    """The achievement is awarded no more."""

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
    """The credential is not to be relied on until reinstated."""

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


OrganizationEvent: TypeAlias = (
    OrganizationRegistered
    | OrganizationUpdated
    | OrganizationClosed
    | KeyAdded
    | KeyRetired
    | KeyCompromised
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
PolicyEvent: TypeAlias = (
    LogOpened | OrganizationEvent | RecognitionEvent | AccreditationEvent | AchievementEvent
)
Event: TypeAlias = PolicyEvent | CredentialEvent

EVENTS: Final[dict[str, type[Event]]] = {
    event.__struct_config__.tag: event for event in get_args(Event)
}
"""Every event type by its wire name."""

CREATED: Final[dict[type, str]] = {
    CredentialIssued: "credential",
    AchievementDefined: "achievement",
    AccreditationGranted: "accreditation",
    RecognitionGranted: "recognition",
}
"""The member by which an event brings a new id into the world.

Such an id is time-ordered, so the index it lands in stays warm."""

_decoder: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)
# Most cohorts are issuances throughout, and where the type is known beforehand it need not be
# searched for: it stands near the end of a line, and finding it there costs half as much again.
_issuances: Final = msgspec.json.Decoder(CredentialIssued)
# For structs with ASCII member names and no floats, sorted msgspec output is RFC 8785
# output: same escapes, same order. A property test holds it to that.
_encoder: Final = msgspec.json.Encoder(order="sorted")
# From so many lines on it is worth seeing whether they are alike.
_COHORT: Final = 8
_BEFORE: Final = b'"commitment":"'
_BETWEEN: Final = b'","credential":"'
_SEXTETS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def wire_name(event: Event) -> str:
    """Return the event's type on the wire, such as `"credential.issued/1"`."""
    return str(event.__struct_config__.tag)


def encode_event(event: Event) -> bytes:
    """Return the event's one canonical line (RFC 8785), without LF."""
    return _encoder.encode(event)


def decode_event(line: bytes) -> Event:
    """Return the event that `line` (without LF) spells.

    Raises `Refusal` (rules `entry-size`, `json`, `event-schema`, `set-order`, `canonical-json`,
    `id-form`).
    """
    if len(line) > MAX_ENTRY:
        raise Refusal(
            "entry-size", f"an entry is at most {MAX_ENTRY} bytes", value=f"{len(line)} bytes"
        )
    try:
        event = _decoder.decode(line)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, Refusal):  # what `_WithSets` found
            raise error.__cause__ from None
        raise _misfit(error, line) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("json", f"not one JSON object: {error}", value=_excerpt(line)) from None
    canonical = _encoder.encode(event)
    if canonical != line:
        at = first_difference(canonical, line)
        raise Refusal(
            "canonical-json",
            f"not RFC 8785 canonical JSON, or a member given twice or at its default: "
            f"differs at byte {at}, where the canonical form has "
            f"{_excerpt(canonical[at : at + 20])}",
            value=_excerpt(line[at : at + 20]),
        )
    member = CREATED.get(type(event))
    if member is not None and not all_uuid7([getattr(event, member)]):
        raise Refusal(
            "id-form",
            f"{member} must be a lower-case UUID of version 7 (RFC 9562)",
            value=getattr(event, member),
        )
    return event


def decode_events(lines: Sequence[bytes]) -> list[Event]:
    """Return the events that `lines` (each without LF) spell, in order.

    What `decode_event` returns for each, or the `Refusal` of the first bad line with its line
    number in the submission (the header being line 1). A cohort is decoded in a few calls into
    C; only when something is wrong is it gone through line by line to say where.
    """
    if len(lines) >= _COHORT and (alike := _alike(lines)) is not None:
        return alike
    body = b"\n".join((*lines, b""))
    try:
        events = _decoded(body)
        # Canonical JSON holds no bare LF, so equality here is equality line by line, unless
        # a "line" held an LF or was empty: then the counts differ.
        sound = (
            len(events) == len(lines)
            and _encoder.encode_lines(events) == body
            and max(map(len, lines)) <= MAX_ENTRY
            and _ids_well_formed(events)
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        sound = False
    if sound:
        return events
    return [_decode_at(number, line) for number, line in enumerate(lines, start=2)]


def _alike(lines: Sequence[bytes]) -> list[Event] | None:
    """Return issuances that differ in commitment and id alone, as cohorts do; None if others.

    The first line is decoded and found canonical. A canonical line is a function of its members,
    so a line that differs in these two values alone is the canonical line of the event that
    differs in them alone, if they are spelt canonically.
    """
    first = lines[0]
    # Inside a string its quotes would be escaped, so this is the member and nothing else.
    at = first.find(_BEFORE)
    if at < 0:
        return None
    start = at + len(_BEFORE)
    end = start + 44 + len(_BETWEEN) + 36
    head, tail = first[:start], first[end:]
    different = [line[start:end] for line in lines if line[:start] == head and line[end:] == tail]
    if len(different) != len(lines):
        return None
    commitments = [each[:44] for each in different]
    names = [each[-36:].decode("latin-1") for each in different]
    if not (
        {each[44:-36] for each in different} == {_BETWEEN}
        and _canonical_digests(commitments)
        and all_uuid7(names)
    ):
        return None
    try:
        event = decode_event(first)
    except Refusal:
        return None
    if type(event) is not CredentialIssued:
        return None
    return [
        replace(event, commitment=a2b_base64(digest), credential=name)
        for digest, name in zip(commitments, names, strict=True)
    ]


def _canonical_digests(texts: Sequence[bytes]) -> bool:
    """Return whether each text of 44 bytes is the standard base64 of 32 bytes (RFC 4648)."""
    joined, count = b"".join(texts), len(texts)
    return (
        joined.translate(None, _SEXTETS) == b"=" * count
        and joined[43::44] == b"=" * count
        # Two bits of the last character stand for nothing, and are zero.
        and not joined[42::44].strip(_SEXTETS[::4])
    )


def _decoded(body: bytes) -> list[Event]:
    try:
        return list[Event](_issuances.decode_lines(body))
    except msgspec.ValidationError:
        return _decoder.decode_lines(body)


def bad_lines(lines: Iterable[bytes]) -> list[Refusal]:
    """Return the refusal of every bad line, for a dry run that lists them all."""
    found = []
    for number, line in enumerate(lines, start=2):
        try:
            _decode_at(number, line)
        except Refusal as refusal:
            found.append(detached(refusal))
    return found


def _decode_at(number: int, line: bytes) -> Event:
    try:
        return decode_event(line)
    except Refusal as refusal:
        raise refusal.at(number) from None


def _ids_well_formed(events: Sequence[Event]) -> bool:
    if set(map(type, events)) == {CredentialIssued}:
        return all_uuid7([event.credential for event in events])  # type: ignore[union-attr]
    return all_uuid7(
        [getattr(event, CREATED[type(event)]) for event in events if type(event) in CREATED]
    )


def _misfit(error: msgspec.ValidationError, line: bytes) -> Refusal:
    try:
        document = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    detail, value = explained(error, document, FORMS)
    return Refusal("event-schema", detail, value=_excerpt(line) if value is None else value)


def _excerpt(data: bytes) -> str:
    return data[:60].decode("utf-8", "backslashreplace")
