"""Credentials as people publish them, and as nobody does: changed at random in a few places."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any, Final

from tests.harness.shared_vectors import SHARED
from tests.vectors.make_evidence import FOLDER

_SNB: Final = "http://data.europa.eu/snb/"
_ACHIEVEMENT: Final = "urn:uuid:01a1fd8c-6900-7000-8000-000000000003"
TEXTS: Final = (
    *("", " ", "a", "Soil Science", "SOIL  science", "\uff33oil Science", "soil \u017fcience"),
    *("stra\u00dfe", "STRASSE", "\u0131", "\u0130", "\u13a0", "\uab70", "e\u0301", "\u00e9"),
    *("\x1c", "\u2028", "\ufeffa", "a\x85b", "Bodemkunde", "EQF level 6", "EQF level 8"),
    *("European Qual\u0131fications Framework: 5", "QF-EHEA cycle 2", "ISCED-F", "0811", "081"),
    *("ECTS", "5 ECTS points", "\u00e9cts", "ESCO", "CASE", "6", "7", "HR", "1", "v1", "2.0"),
    *("1.0.0", "v01", "en", "en-GB", "EN", "fr", "und", "none", "supervised", _ACHIEVEMENT),
    *("URN:UUID:01A1FD8C-6900-7000-8000-000000000004", "did:example:learner", "no uri", "a:b"),
    *("https://a.example/x", f"{_SNB}eqf/7", f"{_SNB}education-credit/6fcec5c5af", "CFItem"),
    *("http://qudt.org/vocab/unit/HR", "http://data.europa.eu/esco/skill/1", "ext:EQF"),
    *("ext:QF-EHEA", "ext:CreditSystem", "ext:AssessmentType", "ext:ParticipationForm"),
    *("ext:QualityAssurance", "ext:Supervision", "ext:LearningOutcome", "MicroCredential"),
    *("Achievement", "Profile", "IdentityObject", "VerifiableCredential", "Assertion"),
    *("OpenBadgeCredential", "AchievementCredential", "BlockcertsCredential"),
    *("https://www.w3.org/ns/credentials/v2", "https://www.w3.org/2018/credentials/v1"),
    *("https://purl.imsglobal.org/spec/ob/v3p0/context.json", "https://w3id.org/blockcerts/v3.1"),
    *("https://w3id.org/blockcerts/v2", "MerkleProof2017", "MerkleProof2019", "eddsa-jcs-2022"),
    *("DataIntegrityProof", "assertionMethod", "z3u2abcdefghijklmnopqrstuvw", "PRIVATE KEY x"),
    *("2026-11-20T00:00:00Z", "2026-11-20T00:00:00.1234567+05:30", "2026-02-30T00:00:00Z"),
    *("2026-11-20", "2026-11-20T24:00:00Z", "2026-11-20T00:00:60Z", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31T23:59:59-14:00", "2026-11-20T00:00:00-00:00", "2026-11-20T00:00:00+23:59"),
    *("2026-11-20T00:00:00+05:60", "0000-01-01T00:00:00Z", "2024-02-29T12:00:00.000Z"),
    *("ada@example.org", "mailto:ada@example.org", "mailto:%C3%A9%ff@x?y", "ada@b\u00fccher.nl"),
    *("sha256$" + "0" * 64, "md5$" + "1" * 32, "emailAddress", "identifier", "name", "email"),
    *("x" * 130, "\u00e9" * 700, "\U0001f600" * 130, "\u202e", "\u200b", "\ue000"),
)
NUMBERS: Final = (
    *(0, 1, 5, -1, 50, 999_999_999_999, 10**13, 0.5, 5.0, 50.0, 2.0, -0.0, 0.1),
    *(1e5, 1e-5, 1e-7, 0.00012, 1e22, 1.5e300, 3.14159265358979),
)
OTHERS: Final[tuple[Any, ...]] = (
    *(None, True, False, [], {}, [[]], [None]),
    {"@value": "Soil Science"},
)
MEMBERS: Final = (
    *("id", "type", "name", "@context", "issuer", "credentialSubject", "achievement", "version"),
    *("achievementType", "alignment", "criteria", "creditsAvailable", "creditsEarned", "proof"),
    *("inLanguage", "fieldOfStudy", "validFrom", "validUntil", "issuanceDate", "expirationDate"),
    *("awardedDate", "evidence", "credentialStatus", "endorsement", "identifier", "identityHash"),
    *("hashed", "salt", "identityType", "targetName", "targetUrl", "targetCode", "targetType"),
    *("targetFramework", "narrative", "address", "addressCountryCode", "addressRegion", "result"),
    *("image", "description", "creator", "source", "signature", "recipient", "badge", "claim"),
    *("resultDescription", "rubricCriterionLevel", "parentOrg", "otherIdentifier", "termsOfUse"),
    *("issuedOn", "expires", "identity", "@value", "@language"),
)


def published() -> list[Any]:
    """Return credentials of the vectors, and the published ones where there are some."""
    found = [
        json.loads(path.read_text("utf-8"))["holder"]["credential"]
        for path in sorted(FOLDER.glob("*.json"))
    ]
    for path in sorted(SHARED.rglob("*.json")) if SHARED.is_dir() else ():
        if path.stat().st_size < 20_000:
            try:
                document = json.loads(path.read_text("utf-8"))
            except ValueError:
                continue
            if isinstance(document, dict) and document.keys() & {"credentialSubject", "badge"}:
                found.append(document)
    return [json.loads(text) for text in dict.fromkeys(map(json.dumps, found))]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every member and item of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        yield (*path, name)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, name))


def bent(credential: Any, draw: random.Random, changes: int = 3) -> Any:
    """Return a credential with one to so many changes."""
    other = copy.deepcopy(credential)
    for _ in range(draw.randint(1, changes)):
        _change(other, draw)
    return other


def _change(other: Any, draw: random.Random) -> None:
    found = [*places(other)]
    if not found:
        return
    *path, last = draw.choice(found)
    within = other
    for name in path:
        within = within[name]
    value = within[last]
    match draw.randrange(8):
        case 0:
            del within[last]
        case 1:
            within[last] = [value]
        case 2 if isinstance(value, list) and value:
            value.append(copy.deepcopy(draw.choice(value)))
        case 3 if isinstance(value, str):
            within[last] = in_language(draw, value)
        case 4 if isinstance(value, dict):
            value[draw.choice(MEMBERS)] = _value(draw)
        case 5 if isinstance(value, dict) and value.get("name"):
            value["alignment"] = [alignment(draw) for _ in range(draw.randint(1, 3))]
        case _:
            within[last] = _value(draw)


def _value(draw: random.Random) -> Any:
    match draw.randrange(6):
        case 0:
            return draw.choice(NUMBERS)
        case 1:
            return copy.deepcopy(draw.choice(OTHERS))
        case 2:
            return [draw.choice(TEXTS), in_language(draw, draw.choice(TEXTS))]
    return draw.choice(TEXTS)


def in_language(draw: random.Random, text: str) -> dict[str, str]:
    return {"@value": text, "@language": draw.choice(TEXTS)}


# --- Achievements that say again what was logged ---

_LISTS: Final = (
    ("assessment/6e6cb2cc78", "written examination", "writtenExamination", "ext:AssessmentType"),
    ("assessment/812e3b0ae1", "peer review", "peerAssessment", "ext:AssessmentType"),
    ("learning-assessment/e92d221e4d", "Blended", "blended", "ext:ParticipationForm"),
    ("learning-assessment/920fbb3cbe", "Online", "online", "ext:ParticipationForm"),
    ("accreditation/bb4618238e", "Institutional Quality Assurance", "institutional", "ext:Other"),
    ("accreditation/820101cba6", "Program License", "programme", "ext:QualityAssurance"),
    ("eqf/7", "EQF level 7", "7", "ext:EQF"),
    ("isced-f/0812", "ISCED-F", "0812", "ext:Field"),
    ("supervision/x", "Supervision", "supervised", "ext:Supervision"),
    ("esco/skill", "Reads a map", "x", "CFItem"),
    ("education-credit/6fcec5c5af", "Credits", "ECTS", "ext:CreditSystem"),
)


def alignment(draw: random.Random) -> dict[str, Any]:
    """Return an alignment to a list, by address, label, word or code, or to something else."""
    address, label, word, kind = draw.choice(_LISTS)
    some, code = draw.choice(TEXTS) or "a:b", address.rpartition("/")[2]
    found = {
        "type": ["Alignment"],
        "targetName": draw.choice([label, label.upper(), word, some]),
        "targetUrl": draw.choice([_SNB + address, _SNB, _ACHIEVEMENT, some]),
        "targetCode": draw.choice([code, f" {code} ", word, word, some, draw.choice(NUMBERS)]),
        "targetFramework": draw.choice([label, "ESCO", some]),
        "targetType": draw.choice([kind, kind, some]),
    }
    for name in draw.sample(["targetCode", "targetFramework", "targetType"], draw.randint(0, 2)):
        del found[name]
    return found


def restating(draw: random.Random) -> Any:
    """Return a credential that says again, truly or not, much of what a definition may say."""
    vector = FOLDER / "a-good-credential.json"
    credential = json.loads(vector.read_text("utf-8"))["holder"]["credential"]
    name = {"@value": "Soil Science", "@language": "en"}
    addresses = ["https://a.example/x", "https://a.example/y"]
    said: dict[str, Any] = {
        "name": draw.choice(
            [
                "soil  SCIENCE",
                [name, in_language(draw, "Bodemkunde")],
                in_language(draw, "Bodemkunde"),
                "Other",
            ]
        ),
        "achievementType": draw.choice(["MicroCredential", "microcredential", "ext:Other"]),
        "id": draw.choice([_ACHIEVEMENT, _ACHIEVEMENT.replace("3", "4"), *addresses]),
        "alignment": [alignment(draw) for _ in range(draw.randint(1, 4))],
        "creditsAvailable": draw.choice([5, 5.0, "5.0", "5", 1.5, "0.0000001", 50, "007"]),
        "version": draw.choice(["1", "v1", "2", 1, 1.0, "one"]),
        "inLanguage": draw.choice(["en", "en-GB", "EN", "fr", "eng"]),
        "fieldOfStudy": draw.choice(["0811", "0812", 811, "Soil"]),
        "criteria": {"id": draw.choice(addresses)},
    }
    subject = credential["credentialSubject"]
    subject["achievement"] |= {name: said[name] for name in said if draw.random() < 0.6}
    if draw.random() < 0.3:
        subject["creditsEarned"] = draw.choice([1, 5, 6, "6.5"])
    return credential
