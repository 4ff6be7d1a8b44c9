"""Open Badges 3.0 credentials: read into a small `Badge`, and written from a definition.

`read_badge` takes what is published in the field, of both data models (VC 1.1 and 2.0), where
one object may stand for an array of one and a string for an issuer; it refuses, by JSON path
and value, what is wrong in anything it reads. It does not check proofs (`data_integrity.py`),
never fetches a context, and does not validate the members it has no use for.

Sources: 1EdTech Open Badges 3.0, W3C VC Data Model 1.1 and 2.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NoReturn

import msgspec

from testamur.badges.data_integrity import MAX_PROOFS, suite_of
from testamur.badges.elements import (
    Alignment,
    Elements,
    Learner,
    alignment_objects,
    credits_of,
    read_elements,
)
from testamur.canonical import MAX_DOCUMENT, MAX_VALUES, parse_strict
from testamur.catalogue.members import Definition
from testamur.errors import Refusal

VC_1: Final = "https://www.w3.org/2018/credentials/v1"
VC_2: Final = "https://www.w3.org/ns/credentials/v2"
OB_3: Final = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"

# Room for a proof that repeats the @context in what `read_holder_file` reads.
MAX_BADGE_VALUES: Final = MAX_VALUES // 2 - 100
"""As `MAX_VALUES`, of a badge to be prepared."""
_OB_CONTEXT: Final = re.compile(
    r"https://purl\.imsglobal\.org/spec/ob/v3p0/context(-3\.[0-9]+\.[0-9]+)?\.json"
)
_BADGE_TYPES: Final = {"OpenBadgeCredential", "AchievementCredential"}
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>\"{}|\\^`]+")
# XML Schema dateTimeStamp: the zone is mandatory (VC Data Model 2.0 section 4.9).
_DATE_TIME_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_COMPACT_JWS: Final = re.compile(rb"\s*eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*|~)")
_SVG: Final = re.compile(rb"\s*<(\?xml|!DOCTYPE|!--|svg)")

# Which `type` the objects under these members have (Open Badges 3.0 appendix B).
_TYPE_OF: Final = {
    "achievement": "Achievement",
    "address": "Address",
    "alignment": "Alignment",
    "creator": "Profile",
    "credentialSubject": "AchievementSubject",
    "evidence": "Evidence",
    "identifier": "IdentityObject",
    "issuer": "Profile",
    "otherIdentifier": "IdentifierEntry",
    "parentOrg": "Profile",
    "result": "Result",
    "resultDescription": "ResultDescription",
    "rubricCriterionLevel": "RubricCriterionLevel",
    "source": "Profile",
}
# Endorsements are credentials of other issuers, with subjects and rules of their own.
_NOT_OURS: Final = {"endorsement", "endorsementJwt", "proof"}


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """Who awarded it, in its own words."""

    id: str
    name: str | None = None
    country: str | None = None  # ISO 3166-1 alpha-2, else the region as written


class Achievement(msgspec.Struct, frozen=True, kw_only=True):
    """What was awarded."""

    id: str
    name: str
    achievement_type: str | None = None
    alignments: tuple[Alignment, ...] = ()
    criteria_narrative: str | None = None
    criteria_url: str | None = None
    description: str | None = None
    field_of_study: str | None = None
    language: str | None = None
    version: str | None = None


class Badge(msgspec.Struct, frozen=True, kw_only=True):
    """An Open Badge, as far as a register has use for it: nothing of its subject but `Elements`."""

    id: str
    achievement: Achievement
    data_model: Literal["1.1", "2.0"]
    elements: Elements
    issuer: Issuer
    suites: tuple[str, ...]
    valid_from: datetime
    credits_available: Decimal | None = None
    credits_earned: Decimal | None = None
    name: str | None = None
    valid_until: datetime | None = None


def parse_credential(data: bytes, *, max_bytes: int = MAX_DOCUMENT) -> dict[str, Any]:
    """Return the one JSON object that a credential file holds.

    Raises `Refusal`: those of `parse_strict`, `vc-jwt` and `baked-badge` for forms that are not
    read here, `not-an-open-badge` when it is no object.
    """
    if data.startswith(b"\x89PNG"):
        raise Refusal(
            "baked-badge",
            "a PNG image; take the JSON out of its iTXt chunk `openbadgecredential` first",
        )
    if _SVG.match(data):
        raise Refusal(
            "baked-badge", "an SVG image; take the JSON out of <openbadges:credential> first"
        )
    if _COMPACT_JWS.match(data):
        raise Refusal("vc-jwt", "a credential in JWT form (VC-JWT, SD-JWT) is not supported yet")
    document = parse_strict(data, max_bytes=max_bytes, max_values=MAX_BADGE_VALUES)
    if not isinstance(document, dict):
        raise Refusal(
            "not-an-open-badge",
            "a credential is one JSON object; several go one to a line, in an .ndjson file",
            value=type(document).__name__,
        )
    return document


def read_badge(credential: Mapping[str, Any]) -> Badge:
    """Return what `credential`, a parsed document, says.

    Raises `Refusal` with the JSON path and the value: `not-an-open-badge`, `ob-context`,
    `ob-member` (missing, or of the wrong kind), `ob-type`, `ob-date`, `ob-validity`.
    """
    root = _Node(dict(credential))
    data_model = _data_model(root)
    _check_credential_type(root)
    _check_context(root)
    _check_types(root)
    issuer = _issuer(root.need("issuer").one())
    subject = root.need("credentialSubject").one()
    achievement = _achievement(subject.need("achievement").one())
    available = _credits(subject.need("achievement").one(), "creditsAvailable")
    earned = _credits(subject, "creditsEarned")
    valid_from, valid_until = _validity(root, data_model)
    awarded = root.get("awardedDate")
    return Badge(
        id=root.need("id").uri(),
        achievement=achievement,
        data_model=data_model,
        elements=read_elements(
            achievement.alignments,
            awarding_body=issuer.name,
            country=issuer.country,
            credits_stated=available if available is not None else earned,
            issued=(awarded.date_time() if awarded else valid_from).date(),
            learner=_learner(subject),
            outcomes_narrative=achievement.criteria_narrative is not None,
            title=achievement.name,
        ),
        issuer=issuer,
        suites=_suites(root),
        valid_from=valid_from,
        credits_available=available,
        credits_earned=earned,
        name=_optional_text(root, "name"),
        valid_until=valid_until,
    )


def achievement_object(
    achievement_id: str,
    definition: Definition,
    *,
    description: str,
    criteria: str,
    version: int,
    accreditation_url: str | None = None,
) -> dict[str, Any]:
    """Return the OB 3.0 Achievement that states `definition`, its elements as alignments.

    `achievement_id` is a URI; `criteria` is Markdown; `accreditation_url` is where the
    accreditation itself is on record, if it is. A value without a word in the code lists ("none")
    is stated by absence. Arrays stand wherever the strict json-ld schema wants them.
    """
    named = [outcome.name for outcome in definition.outcomes or () if outcome.url is None]
    if named:
        # An alignment must link somewhere; an outcome without a URL is stated in words.
        criteria += "\n\nLearning outcomes:\n" + "".join(f"\n- {name}" for name in named)
    found: dict[str, Any] = {
        "id": achievement_id,
        "type": ["Achievement"],
        "achievementType": definition.achievement_type,
        "name": definition.name,
        "description": description,
        "criteria": {"narrative": criteria},
        "version": str(version),
        "alignment": list(alignment_objects(definition, accreditation_url)),
    }
    if definition.criteria:
        found["criteria"]["id"] = definition.criteria.url
    if definition.workload:
        found["creditsAvailable"] = credits_of(definition.workload)
    # One language is what the schema has room for.
    if definition.languages and re.fullmatch(r"[a-z]{2,4}(-[A-Z]{2})?", definition.languages[0]):
        found["inLanguage"] = definition.languages[0]
    return found


class _Node:
    """A place in the document: a value, and from where and by which step it is reached."""

    __slots__ = ("above", "step", "value")

    def __init__(self, value: Any, above: _Node | None = None, step: str = "$") -> None:
        self.value, self.above, self.step = value, above, step

    @property
    def path(self) -> str:
        """The JSON path that leads here, built only when an error shows it."""
        steps: list[str] = []
        node: _Node | None = self
        while node is not None:
            steps.append(node.step)
            node = node.above
        return "".join(reversed(steps))

    def refuse(self, detail: str, rule: str = "ob-member") -> NoReturn:
        raise Refusal(rule, f"{self.path} {detail}", value=self.value)

    def get(self, name: str) -> _Node | None:
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        # JSON-LD takes null for absence (JSON-LD 1.1 section 4.1), and so do issuers.
        value = self.value.get(name)
        return None if value is None else _Node(value, self, f".{name}")

    def need(self, name: str) -> _Node:
        found = self.get(name)
        if found is None:
            raise Refusal("ob-member", f"{self.path}.{name} is missing")
        return found

    def many(self) -> list[_Node]:
        if isinstance(self.value, list):
            return [_Node(item, self, f"[{i}]") for i, item in enumerate(self.value)]
        return [self]

    def objects(self) -> Iterator[_Node]:
        """Yield those of `many` that are objects."""
        if isinstance(self.value, dict):
            yield self
        elif isinstance(self.value, list):
            for i, item in enumerate(self.value):
                if isinstance(item, dict):
                    yield _Node(item, self, f"[{i}]")

    def one(self) -> _Node:
        """The value, or the only item of an array: both are in use, and mean the same."""
        items = self.many()
        if len(items) != 1:
            self.refuse(f"must be one, found {len(items)}: one credential is one award")
        return items[0]

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse("must be text that is not empty")
        return self.value

    def texts(self) -> list[str]:
        return [item.text() for item in self.many()]

    def uri(self) -> str:
        if not _URI.fullmatch(self.text()):
            self.refuse("must be a URI")
        return self.text()

    def number(self) -> Decimal:
        # JSON numbers, and the same as text, which some issuers write.
        text = self.value if isinstance(self.value, str) else repr(self.value)
        if isinstance(self.value, bool) or not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,9})?", text):
            self.refuse("must be a number")
        return Decimal(text)

    def date_time(self) -> datetime:
        text = self.text()
        try:
            if _DATE_TIME_STAMP.fullmatch(text) is None:
                raise ValueError(text)  # noqa: TRY301  # Python reads more than XML Schema
            # In UTC, since a day on the log must mean the same day to everybody.
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            self.refuse("must be a date and time with a zone: 2026-11-21T00:00:00Z", "ob-date")


def _data_model(root: _Node) -> Literal["1.1", "2.0"]:
    contexts = root.need("@context").many()
    first = contexts[0].value if contexts else None
    if first == VC_2:
        return "2.0"
    if first == VC_1:
        return "1.1"
    raise Refusal("ob-context", f"$.@context must begin with {VC_2} or {VC_1}", value=first)


def _check_credential_type(root: _Node) -> None:
    types = root.need("type").texts()
    if "EndorsementCredential" in types:
        root.need("type").refuse("is an endorsement, not an award", "not-an-open-badge")
    if "VerifiableCredential" not in types or not _BADGE_TYPES.intersection(types):
        root.need("type").refuse(
            "must hold VerifiableCredential and OpenBadgeCredential or AchievementCredential",
            "not-an-open-badge",
        )


def _check_context(root: _Node) -> None:
    contexts = root.need("@context")
    names = [item.value for item in contexts.many() if isinstance(item.value, str)]
    if not any(_OB_CONTEXT.fullmatch(name) for name in names):
        contexts.refuse(f"holds no Open Badges 3.0 context, such as {OB_3}", "ob-context")


def _check_types(node: _Node) -> None:
    """Refuse an object, wherever in the badge, whose `type` is not what its member asks for."""
    for name, value in node.value.items():
        if name in _NOT_OURS:
            continue
        for item in _Node(value, node, f".{name}").objects():
            found = item.get("type")
            if name in _TYPE_OF and found and _TYPE_OF[name] not in found.texts():
                found.refuse(f"must be {_TYPE_OF[name]}", "ob-type")
            _check_types(item)


def _issuer(node: _Node) -> Issuer:
    if isinstance(node.value, str):
        return Issuer(id=node.uri())
    address = node.get("address")
    return Issuer(
        id=node.need("id").uri(),
        name=_optional_text(node, "name"),
        country=_country(address.one()) if address else None,
    )


def _country(address: _Node) -> str | None:
    code = _optional_text(address, "addressCountryCode")
    if code is not None and not re.fullmatch(r"[A-Za-z]{2}", code):
        address.need("addressCountryCode").refuse("must be an ISO 3166-1 alpha-2 code")
    return code.upper() if code else _optional_text(address, "addressRegion")


def _achievement(node: _Node) -> Achievement:
    criteria, alignments = node.get("criteria"), node.get("alignment")
    criteria = criteria.one() if criteria else None
    return Achievement(
        id=node.need("id").uri(),
        name=node.need("name").text(),
        achievement_type=_optional_text(node, "achievementType"),
        alignments=tuple(map(_alignment, alignments.many())) if alignments else (),
        criteria_narrative=_optional_text(criteria, "narrative") if criteria else None,
        criteria_url=_optional_text(criteria, "id") if criteria else None,
        description=_optional_text(node, "description"),
        field_of_study=_optional_text(node, "fieldOfStudy"),
        language=_optional_text(node, "inLanguage"),
        version=_optional_text(node, "version"),
    )


def _alignment(node: _Node) -> Alignment:
    return Alignment(
        name=node.need("targetName").text(),
        url=node.need("targetUrl").text(),
        code=_optional_text(node, "targetCode"),
        framework=_optional_text(node, "targetFramework"),
        kind=_optional_text(node, "targetType"),
    )


def _validity(root: _Node, data_model: Literal["1.1", "2.0"]) -> tuple[datetime, datetime | None]:
    names = [("validFrom", "validUntil"), ("issuanceDate", "expirationDate")]
    if data_model == "1.1":
        names.reverse()
    (first, last), (older_first, older_last) = names
    start = (root.get(first) or root.get(older_first) or root.need(first)).date_time()
    until = root.get(last) or root.get(older_last)
    if until is None:
        return start, None
    end = until.date_time()
    if end < start:
        until.refuse(f"must not be before {start.isoformat()}", "ob-validity")
    return start, end


def _suites(root: _Node) -> tuple[str, ...]:
    proof = root.get("proof")
    proofs = proof.many() if proof else []
    if proof and len(proofs) > MAX_PROOFS:
        raise Refusal("ob-member", f"$.proof holds more than {MAX_PROOFS}", value=len(proofs))
    for item in proofs:
        if not isinstance(item.value, dict):
            item.refuse("must be an object")
    return tuple(suite_of(item.value) for item in proofs)


def _learner(subject: _Node) -> Learner | None:
    identity = subject.get("id")
    if identity and identity.text():
        return "id"
    identifiers = subject.get("identifier")
    if identifiers is None or not identifiers.many():
        return None
    for identifier in identifiers.many():
        identifier.need("identityHash").text()
    return "identifier"


def _credits(node: _Node, name: str) -> Decimal | None:
    stated = node.get(name)
    if stated and stated.number() < 0:
        stated.refuse("must not be negative")
    return stated.number() if stated else None


def _optional_text(node: _Node, name: str) -> str | None:
    found = node.get(name)
    return None if found is None or found.value == "" else found.text()
