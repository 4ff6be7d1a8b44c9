"""The types of the members of events: texts, numbers, coded words, and parts made of them.

Every type is closed and bounded. Sets have one spelling: members sorted by their bytes, none
twice. There is no free text but names, and no member for a person.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from testamur.catalogue import names
from testamur.catalogue.ids import Uuid7
from testamur.errors import Refusal
from testamur.schema import Form, pattern_of

_MULTIKEY: Final = r"z[1-9A-HJ-NP-Za-km-z]{40,64}"
_ANY_DID: Final = r"did:[a-z0-9]{1,32}:[A-Za-z0-9._:%-]{1,200}"

# `$` alone would let a final LF through in Python; with the look-ahead all engines agree.
Multikey = Annotated[str, Meta(pattern=rf"^{_MULTIKEY}$(?!\n)")]
# An organization's DID spells its founding key.
Did = Annotated[str, Meta(pattern=rf"^did:key:{_MULTIKEY}$(?!\n)")]
# A key in the header of a submission: its organization's DID, and the key itself.
Kid = Annotated[str, Meta(pattern=rf"^did:key:{_MULTIKEY}#{_MULTIKEY}$(?!\n)")]
AnyDid = Annotated[str, Meta(pattern=rf"^{_ANY_DID}$(?!\n)", max_length=240)]
# A DID or a URL under which others know an organization.
OtherId = Annotated[
    str, Meta(pattern=rf"^({_ANY_DID}|https?://[!-~]{{1,490}})$(?!\n)", max_length=500)
]
# Only the length here: an id is checked in full where it is created (`CREATED`), and a reference
# must equal such an id.
Id = Annotated[str, Meta(min_length=36, max_length=36)]
# Nothing invisible, no mark without a letter, no DID: `names.py` has the ranges.
Name = Annotated[str, Meta(pattern=names.PATTERN, min_length=1, max_length=200)]
Url = Annotated[str, Meta(pattern=r"^https?://[!-~]+$(?!\n)", max_length=500)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
# What a key may be named (C2SP signed-note: no space, no plus), in ASCII.
Origin = Annotated[str, Meta(pattern=r"^[!-*,-~]{1,255}$(?!\n)")]
# The DID of the organization that submits a registration; in the genesis the log's origin.
Sponsor = Origin
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$(?!\n)")]  # ISO 3166-1 or -2
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$(?!\n)", max_length=35)]
IscedField = Annotated[str, Meta(pattern=r"^[0-9]{2,4}$(?!\n)")]  # ISCED-F 2013


def _no_name(text: str | None) -> str:
    why = names.fault_of(text) if text else None
    return "a name" + (f": {why}" if why else ", which is text that can be seen")


FORMS: Final[dict[str, Form]] = {
    pattern_of(Uuid7): "an id such as 019a3b1c-7f00-7abc-8def-0123456789ab",
    pattern_of(Did): "an organization's DID, the did:key of its founding key: did:key:z6Mk...",
    pattern_of(AnyDid): "a DID such as did:web:college.example",
    pattern_of(OtherId): "a DID or a URL, such as did:web:college.example",
    pattern_of(Multikey): "a public Multikey such as z6Mk...",
    pattern_of(Name): _no_name,
    pattern_of(Url): "a URL such as https://college.example",
    pattern_of(
        Country
    ): "a country code in capitals such as NL, or NL-UT for a part of it (ISO 3166)",
    pattern_of(Language): "a language tag such as en or en-GB",
    pattern_of(IscedField): "a field of ISCED-F 2013 such as 061",
}
"""By pattern, what a text that matches it is, in words."""
Position = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Range = tuple[Position, Position]  # header positions from the first to the second, both included
Version = Annotated[int, Meta(ge=1, le=10_000)]

Role = Literal["accreditor", "authority", "endorser", "provider"]
RecognisedAs = Literal["accreditor", "authority"]
KeyUse = Literal["recovery", "signing"]
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
CredentialFormat = Literal[
    "OpenBadgeCredential/3.0", "VerifiableCredential/2.0", "Blockcerts/2", "Blockcerts/3"
]
Suite = Literal[
    "eddsa-jcs-2022",
    "eddsa-rdfc-2022",
    "ecdsa-rdfc-2019",
    "ecdsa-jcs-2019",
    "ecdsa-sd-2023",
    "Ed25519Signature2020",
    "vc+jwt",
    "MerkleProof2017",
    "MerkleProof2019",
    "merkle-proof-2019",
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


def up_to(most: int) -> Meta:
    """Return the bounds of a list that holds something, and at most so many members."""
    return Meta(min_length=1, max_length=most)


# For structs with ASCII member names and no floats, sorted msgspec output is RFC 8785
# output: same escapes, same order. A property test holds it to that.
encoder: Final = msgspec.json.Encoder(order="sorted")
"""Writes a struct of the catalogue in its one spelling."""


class Part(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
    kw_only=True,
):
    """A value inside an event. An absent member is left out: never null, never an empty list.

    Of a registration alone the lists of keys are always written, also if they are empty.
    """


# In these lists the order means something: outcomes by their weight, recovery keys by their rank.
_LISTS: Final = frozenset({"outcomes", "recovery_keys"})


class WithSets(Part, frozen=True, gc=False, kw_only=True):
    """A part whose lists are sets, except those in `_LISTS`.

    A set is sorted by the canonical JSON of its members, and none of them occurs twice.
    """

    def __post_init__(self) -> None:
        """Raise `Refusal` (rule `set-order`) for any other spelling of a set."""
        for name, written in _sets_of(type(self)):
            value = getattr(self, name)
            if value is None or len(value) < 2:
                continue
            for before, after in pairwise(map(encoder.encode, value)):
                if before >= after:
                    raise Refusal(
                        "set-order",
                        f"{written} is a set: sorted, and nothing twice; "
                        f"{excerpt(before)} comes before",
                        value=excerpt(after),
                    )


@cache
def _sets_of(part: type[WithSets]) -> tuple[tuple[str, str], ...]:
    """Return the members of a part that are sets, each by its name here and as written."""
    return tuple(
        (field.name, field.encode_name)
        for field in msgspec.structs.fields(part)
        if field.name not in _LISTS and _holds_tuple(field.type)
    )


def _holds_tuple(hint: Any) -> bool:
    """Return whether a type, or one of those that it unites, is a tuple."""
    return get_origin(hint) is tuple or any(map(_holds_tuple, get_args(hint)))


class Identifier(Part, frozen=True, gc=False, kw_only=True):
    """The name of this organization in another public register."""

    scheme: Literal["CTID", "DAPIP", "DEQARINST", "ETER", "PIC", "ROR"]
    value: Annotated[str, Meta(pattern=r"^[!-~]{1,100}$(?!\n)")]


class Vouched(WithSets, frozen=True, gc=False, kw_only=True):
    """What the signer of a grant vouches for about the organization that it names.

    A credential's issuer may go by `url` or one of `other_ids`, and by any of these names.
    """

    country: Country
    name: Name
    other_ids: Annotated[tuple[OtherId, ...], up_to(8)] | None = None
    other_names: Annotated[tuple[Name, ...], up_to(8)] | None = None
    url: Url | None = None


class Level(Part, frozen=True, gc=False, kw_only=True):
    """A level of a qualifications framework: EQF 1 to 8, QF-EHEA cycles 0 (short) to 3."""

    framework: Literal["EQF", "QF-EHEA"]
    value: Annotated[int, Meta(ge=0, le=8)]

    def __post_init__(self) -> None:
        """Raise `ValueError` for a level that the framework does not have."""
        lowest, highest = (1, 8) if self.framework == "EQF" else (0, 3)
        if not lowest <= self.value <= highest:
            raise ValueError(f"{self.framework} has levels {lowest} to {highest}")


class Workload(Part, frozen=True, gc=False, kw_only=True):
    """Notional workload. ECTS points come in halves and tenths, so they are counted in tenths."""

    amount: Annotated[int, Meta(ge=1, le=100_000)]
    unit: Literal["hour", "tenthOfEcts"]


class Outcome(Part, frozen=True, gc=False, kw_only=True):
    """A skill or learning outcome, named in a public framework where there is one."""

    name: Name
    framework: Literal["CASE", "CTDL-ASN", "ESCO"] | None = None
    url: Url | None = None


class Document(Part, frozen=True, gc=False, kw_only=True):
    """A published document: its address, and the SHA-256 of its bytes."""

    digest: Digest
    url: Url


class Scope(WithSets, frozen=True, gc=True, kw_only=True, dict=True):
    """The extent of a recognition or accreditation. An absent member covers everything.

    It has a `__dict__`, in which `rules/scope.py` keeps what it works out of the members once.
    """

    achievement_types: Annotated[tuple[AchievementType, ...], up_to(64)] | None = None
    achievements: Annotated[tuple[Uuid7, ...], up_to(1000)] | None = None
    fields: Annotated[tuple[IscedField, ...], up_to(200)] | None = None
    jurisdictions: Annotated[tuple[Country, ...], up_to(300)] | None = None
    languages: Annotated[tuple[Language, ...], up_to(100)] | None = None
    levels: Annotated[tuple[Level, ...], up_to(12)] | None = None
    participation: Annotated[tuple[Participation, ...], up_to(6)] | None = None


class Definition(WithSets, frozen=True, gc=False, kw_only=True):
    """The public definition of an achievement, with the elements of Annex I to 2022/C 243/02."""

    name: Name
    achievement_type: AchievementType
    assessment: Annotated[tuple[Assessment, ...], up_to(14)] | None = None
    criteria: Document | None = None
    digest: Digest | None = None
    field: IscedField | None = None
    languages: Annotated[tuple[Language, ...], up_to(20)] | None = None
    level: Level | None = None
    outcomes: Annotated[tuple[Outcome, ...], up_to(100)] | None = None
    participation: Annotated[tuple[Participation, ...], up_to(6)] | None = None
    quality_assurance: Annotated[tuple[QualityAssurance, ...], up_to(3)] | None = None
    supervision: Supervision | None = None
    url: Url | None = None
    workload: Workload | None = None


def excerpt(data: bytes) -> str:
    """Return the beginning of a line as text, to show in a refusal."""
    return data[:60].decode("utf-8", "backslashreplace")
