"""Open Badges 3.0 credentials: read into a small `Badge`, and written from a definition.

`read_badge` takes what is published in the field, of both data models (VC 1.1 and 2.0), where
one object may stand for an array of one and a string for an issuer; it refuses, by JSON path
and value, what is wrong in anything it reads. It does not check proofs (`data_integrity.py`),
never fetches a context, and does not validate the members it has no use for.

Sources: 1EdTech Open Badges 3.0, W3C VC Data Model 1.1 and 2.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

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
from testamur.badges.nodes import Node, Wording
from testamur.badges.object_types import check_types
from testamur.badges.other_files import recognised, recognised_json
from testamur.canonical import MAX_DOCUMENT, MAX_VALUES, parse_strict
from testamur.catalogue.members import CredentialFormat, Definition
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
BADGE_TYPES: Final = {"OpenBadgeCredential", "AchievementCredential"}


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """Who awarded it, in its own words."""

    id: str
    names: tuple[Wording, ...] = ()
    country: str | None = None  # ISO 3166-1 alpha-2, else the region as written

    @property
    def name(self) -> str | None:
        """The first of its names."""
        return self.names[0].text if self.names else None


class Achievement(msgspec.Struct, frozen=True, kw_only=True):
    """What was awarded. An Open Badge of version 3 has an id and a name; a Blockcert may not."""

    id: str | None
    names: tuple[Wording, ...]
    achievement_type: str | None = None
    alignments: tuple[Alignment, ...] = ()
    criteria_narrative: str | None = None
    criteria_url: str | None = None
    field_of_study: str | None = None
    languages: tuple[str, ...] = ()
    version: str | None = None

    @property
    def name(self) -> str | None:
        """The first of its names."""
        return self.names[0].text if self.names else None


class Badge(msgspec.Struct, frozen=True, kw_only=True):
    """A badge, as far as a register has use for it: nothing of its subject but `Elements`."""

    id: str
    achievement: Achievement
    data_model: Literal["1.1", "2.0", "Open Badges 2.0"]
    elements: Elements
    issuer: Issuer
    suites: tuple[str, ...]
    valid_from: datetime
    credits_available: Decimal | None = None
    credits_earned: Decimal | None = None
    format: CredentialFormat = "OpenBadgeCredential/3.0"
    names: tuple[Wording, ...] = ()
    valid_until: datetime | None = None


def parse_credential(data: bytes, *, max_bytes: int = MAX_DOCUMENT) -> dict[str, Any]:
    """Return the one JSON object that a credential file holds.

    Raises `Refusal`: those of `parse_strict`, those of `other_files.py` for what else a file may
    be, `not-an-open-badge` when it is no object.
    """
    other = recognised(data)
    if other is None:
        document = parse_strict(data, max_bytes=max_bytes, max_values=MAX_BADGE_VALUES)
        other = None if isinstance(document, list) else recognised_json(document)
    if other is not None:
        remedy = other.remedy or "a badge to prepare is a JSON file, which the issuer of this has"
        raise Refusal(other.rule, f"this is {other.what}; {remedy}")
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
    root = Node(dict(credential))
    data_model = _data_model(root)
    _check_credential_type(root)
    _check_context(root)
    check_types(root)
    issuer = read_issuer(root.need("issuer").one())
    subject = root.need("credentialSubject").one()
    achievement = _achievement(subject.need("achievement").one())
    available = _credits(subject.need("achievement").one(), "creditsAvailable")
    earned = _credits(subject, "creditsEarned")
    valid_from, valid_until = validity_in(root, data_model)
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
        suites=suites_in(root),
        valid_from=valid_from,
        credits_available=available,
        credits_earned=earned,
        names=_wordings(root, "name"),
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


def _data_model(root: Node) -> Literal["1.1", "2.0"]:
    contexts = root.need("@context").many()
    first = contexts[0].value if contexts else None
    if first == VC_2:
        return "2.0"
    if first == VC_1:
        return "1.1"
    raise Refusal("ob-context", f"$.@context must begin with {VC_2} or {VC_1}", value=first)


def _check_credential_type(root: Node) -> None:
    types = root.need("type").texts()
    if "EndorsementCredential" in types:
        root.need("type").refuse("is an endorsement, not an award", "not-an-open-badge")
    if "VerifiableCredential" not in types or not BADGE_TYPES.intersection(types):
        root.need("type").refuse(
            "must hold VerifiableCredential and OpenBadgeCredential or AchievementCredential",
            "not-an-open-badge",
        )


def _check_context(root: Node) -> None:
    contexts = root.need("@context")
    names = [item.value for item in contexts.many() if isinstance(item.value, str)]
    if not any(_OB_CONTEXT.fullmatch(name) for name in names):
        contexts.refuse(f"holds no Open Badges 3.0 context, such as {OB_3}", "ob-context")


def read_issuer(node: Node) -> Issuer:
    """Return the issuer: an object, or a URI alone."""
    if isinstance(node.value, str):
        return Issuer(id=node.uri())
    address = node.get("address")
    return Issuer(
        id=node.need("id").uri(),
        names=_wordings(node, "name"),
        country=_country(address.one()) if address else None,
    )


def _country(address: Node) -> str | None:
    code = _optional_text(address, "addressCountryCode")
    if code is not None and not re.fullmatch(r"[A-Za-z]{2}", code):
        address.need("addressCountryCode").refuse("must be an ISO 3166-1 alpha-2 code")
    return code.upper() if code else _optional_text(address, "addressRegion")


def _achievement(node: Node) -> Achievement:
    criteria, alignments = node.get("criteria"), node.get("alignment")
    criteria = criteria.one() if criteria else None
    return Achievement(
        id=node.need("id").uri(),
        names=node.need("name").wordings(),
        achievement_type=_optional_text(node, "achievementType"),
        alignments=tuple(map(_alignment, alignments.many())) if alignments else (),
        criteria_narrative=_first(criteria, "narrative") if criteria else None,
        criteria_url=_optional_text(criteria, "id") if criteria else None,
        field_of_study=_label(node, "fieldOfStudy"),
        languages=_languages(node),
        version=_label(node, "version"),
    )


def _alignment(node: Node) -> Alignment:
    names = [each.text for each in node.need("targetName").wordings()]
    return Alignment(
        name=names[0],
        other_names=tuple(names[1:]),
        url=node.need("targetUrl").text(),
        code=_label(node, "targetCode"),
        framework=_optional_text(node, "targetFramework"),
        kind=_optional_text(node, "targetType"),
    )


def validity_in(root: Node, data_model: Literal["1.1", "2.0"]) -> tuple[datetime, datetime | None]:
    """Return the first and the last moment, of which that without end is None."""
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


def suites_in(root: Node) -> tuple[str, ...]:
    """Return the suites of the proofs in a verifiable credential, in order."""
    proof = root.get("proof")
    proofs = proof.many() if proof else []
    if proof and len(proofs) > MAX_PROOFS:
        raise Refusal("ob-member", f"$.proof holds more than {MAX_PROOFS}", value=len(proofs))
    for item in proofs:
        if not isinstance(item.value, dict):
            item.refuse("must be an object")
    return tuple(suite_of(item.value) for item in proofs)


def _learner(subject: Node) -> Learner | None:
    identity = subject.get("id")
    if identity and identity.text():
        return "id"
    identifiers = subject.get("identifier")
    if identifiers is None or not identifiers.many():
        return None
    for identifier in identifiers.many():
        identifier.need("identityHash").text()
    return "identifier"


def _credits(node: Node, name: str) -> Decimal | None:
    stated = node.get(name)
    if stated and stated.number() < 0:
        stated.refuse("must not be negative")
    return stated.number() if stated else None


def _languages(achievement: Node) -> tuple[str, ...]:
    found = achievement.get("inLanguage")
    return () if found is None or found.value == "" else tuple(found.texts())


def _wordings(node: Node, name: str) -> tuple[Wording, ...]:
    found = node.get(name)
    return () if found is None or found.value == "" else found.wordings()


def _first(node: Node, name: str) -> str | None:
    found = _wordings(node, name)
    return found[0].text if found else None


def _label(node: Node, name: str) -> str | None:
    found = node.get(name)
    return None if found is None or found.value == "" else found.label()


def _optional_text(node: Node, name: str) -> str | None:
    found = node.get(name)
    return None if found is None or found.value == "" else found.text()
