"""What a badge says again of what was logged for it, and what it adds.

A reader has the badge in hand, and an accreditor vouched for the definition on the log. So what
both state must agree; what only the badge states is its issuer's word, and is named as such. Where
a badge states something is known here; that the two are of one credential is not shown here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple, get_args

from testamur.badges.blockcert_versions import Version
from testamur.badges.elements import Claims, alignment_objects, read_claims
from testamur.badges.nodes import Wording
from testamur.badges.openbadges import Badge
from testamur.badges.unexamined import MEANINGS
from testamur.catalogue.events import CredentialIssued
from testamur.catalogue.ids import UUID7_PATTERN
from testamur.catalogue.members import Definition, Level, Workload

# Far beyond what the log takes for a name, however it is normalised.
_LONGEST: Final = 4000
_UUID7_URN: Final = re.compile(rf"urn:uuid:({UUID7_PATTERN.strip('^$')})", re.IGNORECASE)
# Of a tag in small letters (RFC 5646 section 2.1): the language, and its script.
_TAG: Final = re.compile(r"([a-z]{2,3})(-[a-z]{4})?(?:-[a-z0-9-]+)?")
_NO_LANGUAGE: Final = frozenset({"mis", "mul", "und", "zxx"})
_VERSION: Final = re.compile(r"[vV]?0*([0-9]{1,9})(\.0+)?")


class Difference(NamedTuple):
    """Something that the badge and the log both state, and not alike."""

    what: str
    said: str
    logged: str

    def __str__(self) -> str:
        return f"{self.what} {self.said} in the credential, {self.logged} on the log"


def same_text(one: str, other: str) -> bool:
    """Return whether two texts read the same: case, width and spaces aside."""
    if max(len(one), len(other)) > _LONGEST:
        return one == other
    return _folded(one) == _folded(other)


def is_called(text: str, names: Collection[str]) -> bool:
    """Return whether a text reads the same as one of the names."""
    return any(same_text(text, each) for each in names)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def differences(badge: Badge, event: CredentialIssued, definition: Definition) -> list[Difference]:
    """Return where the badge contradicts the issuance, or the definition that it names."""
    return [
        Difference(what, said[: _LONGEST + 1], logged)
        for what, said, logged in (
            *_ids(badge, event),
            *_plain(badge, event, definition),
            *_credits(badge, definition.workload),
            *_aligned(badge, event, definition),
        )
    ]


def suite_difference(badge: Badge, event: CredentialIssued) -> str | None:
    """Return in words how the badge's own proofs differ from what the issuance states of them.

    None if they do not. A proof is no part of what was committed to, so it may be added later.
    """
    logged, carried = event.suite, ", ".join(dict.fromkeys(badge.suites))
    if logged is None or logged in badge.suites or (logged == "none" and not carried):
        return None
    stated = "no proof" if logged == "none" else f"a proof of suite {logged}"
    found = f"carries one of suite {carried}" if carried else "carries none"
    return f"the issuance states {stated} in the credential itself, and the credential {found}"


def _ids(badge: Badge, event: CredentialIssued) -> Iterator[tuple[str, str, str]]:
    # Other names, such as addresses, are the issuer's own; an id of this form is one on the log.
    # A Blockcert had its id before it came to the log.
    own = None if badge.format in get_args(Version) else badge.id
    for what, uri, logged in (
        ("id", own, event.credential),
        ("achievement.id", badge.achievement.id, event.achievement),
    ):
        found = _UUID7_URN.fullmatch(uri or "")
        if found is not None and found[1].lower() != logged:
            yield what, found[1], logged


def _plain(
    badge: Badge, event: CredentialIssued, definition: Definition
) -> Iterator[tuple[str, str, str]]:
    stated = badge.achievement
    for name in _misnamed(stated.names, definition.name):
        yield "achievement.name", _quoted(name), _quoted(definition.name)
    kind = stated.achievement_type
    if kind is not None and not same_text(kind, definition.achievement_type):
        yield "achievementType", kind, definition.achievement_type
    version = _VERSION.fullmatch(stated.version or "")
    if version is not None and int(version[1]) != event.achievement_version:
        yield "version", version[0], str(event.achievement_version)
    logged = definition.languages
    for language in stated.languages if logged is not None else ():
        if not _spoken(language, logged or ()):
            yield "inLanguage", language, ", ".join(logged or ())
    criteria = definition.criteria
    if criteria is not None and stated.criteria_url not in (None, criteria.url):
        yield "criteria", str(stated.criteria_url), criteria.url
    field = re.fullmatch("[0-9]{2,4}", stated.field_of_study or "")
    if field is not None and definition.field not in (None, field[0]):
        yield "fieldOfStudy", field[0], str(definition.field)


def _misnamed(names: Collection[Wording], logged: str) -> Iterator[str]:
    """Yield the names that contradict the logged one; a translation of it does not.

    A translation is in a language that the badge names, and in which it does not state the logged
    name. There is none unless it states the logged name, too. English is one language wherever it
    is spoken, and of a tag that names none nobody knows.
    """
    stated = {_language(each) for each in names if same_text(each.text, logged)}
    for each in names:
        translated = bool(stated) and _language(each) not in {None, *stated}
        if not translated and not same_text(each.text, logged):
            yield each.text


def _language(wording: Wording) -> str | None:
    """Return the language and script of a text, without region; None if its tag names none."""
    found = _TAG.fullmatch(wording.language or "")
    return None if found is None or found[1] in _NO_LANGUAGE else f"{found[1]}{found[2] or ''}"


def translations(names: Collection[Wording], logged: str) -> list[Wording]:
    """Return the names that are not the logged one, each with its language."""
    return [each for each in names if not same_text(each.text, logged)]


def _quoted(text: str) -> str:
    return f"'{text}'"


def _spoken(language: str, logged: tuple[str, ...]) -> bool:
    said = language.casefold()
    return any(said == each.casefold() or said.startswith(f"{each.casefold()}-") for each in logged)


def _credits(badge: Badge, workload: Workload | None) -> Iterator[tuple[str, str, str]]:
    if workload is None:
        return
    amount = Decimal(workload.amount)
    number = amount / 10 if workload.unit == "tenthOfEcts" else amount
    logged = f"{number} {'ECTS' if workload.unit == 'tenthOfEcts' else 'hours'}"
    if badge.credits_available not in (None, number):
        yield "creditsAvailable", str(badge.credits_available), logged
    # A learner may have earned fewer.
    if badge.credits_earned is not None and badge.credits_earned > number:
        yield "creditsEarned", str(badge.credits_earned), logged
    units = {unit for each in badge.achievement.alignments for unit in read_claims(each).units}
    for unit in sorted(units - {workload.unit}):
        yield "credits in", "ECTS" if unit == "tenthOfEcts" else "hours", logged


def _aligned(
    badge: Badge, event: CredentialIssued, definition: Definition
) -> Iterator[tuple[str, str, str]]:
    outcomes: dict[str, set[str | None]] = {}
    for each in definition.outcomes or ():
        outcomes.setdefault(_folded(each.name), set()).add(each.url)
    for alignment in badge.achievement.alignments:
        claims = read_claims(alignment)
        yield from _coded(claims, definition)
        named = (outcomes.get(_folded(each[:_LONGEST]), set()) for each in alignment.names)
        if claims.outcome and outcomes and not {None, alignment.url} & set().union(*named):
            yield "outcome", _quoted(alignment.name), f"{len(outcomes)} others"
        found = _UUID7_URN.fullmatch(alignment.url)
        if claims.quality_assurance and found and found[1].lower() != event.accreditation:
            yield "accreditation", found[1], event.accreditation or "none"
    for what, one, awarded in (
        ("assessment", event.assessment, badge.elements.assessment),
        ("participation", event.participation, badge.elements.participation),
        ("supervision", event.supervision, _some(badge.elements.supervision)),
    ):
        if one is not None and awarded and one not in awarded:
            yield what, ", ".join(awarded), one


def _coded(claims: Claims, definition: Definition) -> Iterator[tuple[str, str, str]]:
    """Yield where one alignment names another level or code than the definition."""
    # In one order, so that two verifiers say one thing.
    for level in sorted(claims.levels, key=lambda each: (each.framework, each.value)):
        if definition.level not in (None, level):
            yield "level", _level(level), _level(definition.level)
    pairs: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
        ("assessment", claims.assessment, definition.assessment or ()),
        ("participation", claims.participation, definition.participation or ()),
        ("quality assurance", claims.quality_assurance, definition.quality_assurance or ()),
        ("supervision", claims.supervision, _some(definition.supervision)),
        ("field", claims.fields, _some(definition.field)),
    )
    for what, said, logged in pairs:
        for word in said:
            if logged and word not in logged:
                yield what, word, ", ".join(logged)


def _some(word: str | None) -> tuple[str, ...]:
    return () if word is None else (word,)


def _level(level: Level | None) -> str:
    return "none" if level is None else f"{level.framework} {level.value}"


# --- What the badge adds ---

_ROOT: Final = frozenset({"@context", "id", "type", "issuer", "credentialSubject", "proof"})
_DATES: Final = (("validFrom", "issuanceDate"), ("validUntil", "expirationDate"))
"""The names of both data models; of two that stand side by side one is read."""
_TYPES: Final = frozenset({"VerifiableCredential", "OpenBadgeCredential", "AchievementCredential"})
_ALIGNMENT: Final = frozenset(
    {"type", "targetName", "targetUrl", "targetCode", "targetFramework", "targetType"}
)
_ACHIEVEMENT: Final = frozenset(
    {"id", "type", "name", "achievementType", "version", "alignment", "criteria"}
    | {"creditsAvailable", "inLanguage", "fieldOfStudy"}
)


def added(
    credential: Mapping[str, Any],
    badge: Badge,
    event: CredentialIssued,
    definition: Definition,
    names: Collection[str],
) -> tuple[str, ...]:
    """Return what a badge says beyond the log, which its issuer alone says.

    They are paths, since values are personal. `names` are those that its issuer is known by. What
    nobody examined is not among them (`unexamined.py`).
    """
    subject = _one(credential.get("credentialSubject"))
    achievement = _one(subject.get("achievement"))
    places = (
        ("", credential, _ROOT | _dates_read(credential, badge)),
        ("issuer.", _one(credential.get("issuer")), frozenset({"id", "type"})),
        ("credentialSubject.", subject, frozenset({"type", "achievement"})),
        ("achievement.", achievement, _ACHIEVEMENT),
        ("achievement.criteria.", _one(achievement.get("criteria")), frozenset({"id", "type"})),
    )
    paths = [
        (name, f"{place}{name}")
        for place, members, known in places
        for name in members
        if name not in known and members[name] is not None
    ]
    agreed = set(_agreed(badge, definition, names))
    by_issuer = [path for name, path in paths if name not in MEANINGS and path not in agreed]
    by_issuer += _unlogged(badge, event, definition)
    for path, members, known in (
        ("type", credential, _TYPES),
        ("credentialSubject.type", subject, frozenset({"AchievementSubject"})),
        ("achievement.type", achievement, frozenset({"Achievement"})),
    ):
        types = members.get("type")
        found = {each for each in _many(types) if isinstance(each, str)}
        by_issuer += [f"{path} {each[:80]}" for each in sorted(found - known)]
    for each in _many(achievement.get("alignment")):
        more = [name for name in _one(each) if name not in _ALIGNMENT]
        by_issuer += [f"achievement.alignment.{name}" for name in more]
    return tuple(dict.fromkeys(by_issuer))


def _dates_read(credential: Mapping[str, Any], badge: Badge) -> frozenset[str]:
    """Return the names of the dates that were read, and so were compared."""
    pairs = _DATES if badge.data_model == "2.0" else [pair[::-1] for pair in _DATES]
    return frozenset(
        newer if credential.get(newer) is not None else older for newer, older in pairs
    )


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _one(value: Any) -> Mapping[str, Any]:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, dict) else {}


def _agreed(badge: Badge, definition: Definition, names: Collection[str]) -> Iterator[str]:
    """Yield the paths outside `_ACHIEVEMENT` that say again what is on the log."""
    if all(same_text(each.text, definition.name) for each in badge.names):
        yield "name"
    if all(is_called(each.text, names) for each in badge.issuer.names):
        yield "issuer.name"
    if badge.elements.issued == badge.valid_from.date():
        yield "awardedDate"
    if badge.credits_earned is not None and definition.workload is not None:
        yield "credentialSubject.creditsEarned"


def _unlogged(badge: Badge, event: CredentialIssued, definition: Definition) -> Iterator[str]:
    """Yield what the badge states in members that the log could state, and does not."""
    stated = badge.achievement
    if stated.id and not _UUID7_URN.fullmatch(stated.id) and stated.id != definition.url:
        yield "achievement.id"
    for each in translations(stated.names, definition.name):
        yield f"achievement.name in {each.language}"
    if stated.version is not None and not _VERSION.fullmatch(stated.version):
        yield "achievement.version"
    for path, value, logged in (
        ("achievement.creditsAvailable", badge.credits_available, definition.workload),
        ("achievement.inLanguage", stated.languages or None, definition.languages),
        ("achievement.criteria.id", stated.criteria_url, definition.criteria),
    ):
        if value is not None and logged is None:
            yield path
    field = stated.field_of_study
    if field is not None and field != definition.field:
        yield "achievement.fieldOfStudy"
    url = f"urn:uuid:{event.accreditation}" if event.accreditation else None
    written = [
        *alignment_objects(definition, url),
        *alignment_objects(definition),
    ]
    known = {(each["targetName"], each["targetUrl"]) for each in written}
    for alignment in stated.alignments:
        for name in alignment.names:
            if (name, alignment.url) not in known:
                yield f"achievement.alignment {name[:80]}"
