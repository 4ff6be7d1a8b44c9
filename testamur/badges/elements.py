"""The eleven elements that a micro-credential must state, where an Open Badge states them.

Annex I of Council Recommendation 2022/C 243/02 names the elements; Open Badges 3.0 has no
members for most of them, so they are stated as alignments to the code lists of the European
Learning Model where it has one; each `targetType` that begins with `ext:` is our own word.
What `alignment_objects` writes of a definition, `read_elements` finds again. Whether a
statement is true is for auditors: here it only counts whether it is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, get_args

import msgspec

from testamur.catalogue.members import (
    Assessment,
    Definition,
    Level,
    Outcome,
    Participation,
    QualityAssurance,
    Supervision,
    Workload,
)

# The code lists that the European Learning Model publishes: credit-points.xsd, eqf.xsd, and
# those of the `_CodeList`s below, each with its codes and the labels that Europass shows.
_SNB: Final = "http://data.europa.eu/snb/"
_EQF: Final = _SNB + "eqf/"
_ECTS: Final = _SNB + "education-credit/6fcec5c5af"
# The model counts no hours; this is the unit's name in QUDT, the vocabulary of units.
_HOUR: Final = "http://qudt.org/vocab/unit/HR"
# The framework has no code list. This is the page that the European quality assurance register
# (DEQAR) refers to; what tells the cycle is the code, which is ours: 0 (short) to 3.
_QF_EHEA: Final = "https://www.ehea.info/page-qualification-frameworks"
_ESCO: Final = "http://data.europa.eu/esco/"
# The recommendation itself. For supervision it names four forms and no codes: those are ours.
# The model has a list (snb/supervision-verification), whose codes we have not seen.
_RECOMMENDATION: Final = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:32022H0627(02)"


@dataclass(frozen=True)
class _CodeList:
    """A code list of the European Learning Model, and our words for its entries."""

    url: str
    framework: str
    kind: str  # the targetType that says an alignment is to this list
    entries: dict[str, tuple[str, str]]  # our word: code, and the label Europass shows
    also: tuple[tuple[str, str, str], ...] = ()  # codes told apart there and not by us

    @cached_property
    def words(self) -> dict[str, set[str]]:
        """Our words, by each text that names them: the word itself, the code, the label."""
        found: dict[str, set[str]] = {}
        entries = [(word, *entry) for word, entry in self.entries.items()]
        for word, code, label in (*entries, *self.also):
            for text in (word.casefold(), code, label.casefold()):
                found.setdefault(text, set()).add(word)
        return found


_ASSESSMENT: Final = _CodeList(
    _SNB + "assessment/",
    "Europass learning assessment types",
    "ext:AssessmentType",
    {
        "artefact": ("de4d165a6c", "artefact assessment"),
        "attendance": ("7331eb4762", "level of attendance"),
        "continuous": ("3484bd7e51", "continuous evaluation"),
        "groupPerformance": ("56539a6507", "group performance"),
        "markedAssignment": ("2939dae15f", "marked assignment"),
        "oralExamination": ("d30284d7df", "oral examination"),
        "peerAssessment": ("19a2e5e671", "peer assessment"),
        "portfolio": ("4f03b91c0e", "portfolio"),
        "practical": ("6a4db9f11d", "practical assessment"),
        "problemBased": ("c4256a2726", "problem based learning"),
        "project": ("795dac4096", "project work"),
        "quiz": ("b1b68f6735", "quiz"),
        "writtenExamination": ("6e6cb2cc78", "written examination"),
    },
    (("peerAssessment", "812e3b0ae1", "peer review"),),
)
_PARTICIPATION: Final = _CodeList(
    _SNB + "learning-assessment/",
    "Europass modes of learning",
    "ext:ParticipationForm",
    {
        "blended": ("e92d221e4d", "Blended"),
        "online": ("920fbb3cbe", "Online"),
        "presential": ("9191af2ed9", "Presential"),
        "projectBased": ("7813801c77", "Project based"),
        "research": ("ed4c557045", "Research-Lab based"),
        "workbased": ("729f3bed4b", "Workbased"),
    },
)
_QUALITY: Final = _CodeList(
    _SNB + "accreditation/",
    "Europass accreditation types",
    "ext:QualityAssurance",
    {
        "institutional": ("bb4618238e", "Institutional Quality Assurance"),
        "programme": ("820101cba6", "Program Quality Assurance"),
    },
    (
        ("institutional", "003293d2ce", "Institutional License"),
        ("programme", "e57dddfcf3", "Program License"),
    ),
)

# Names of the frameworks of levels, as issuers write them.
_LEVEL_NAMES: Final[dict[Literal["EQF", "QF-EHEA"], re.Pattern[str]]] = {
    "EQF": re.compile(r"\bEQF\b|European Qualifications? Framework", re.IGNORECASE),
    "QF-EHEA": re.compile(r"\bQF-EHEA\b|European Higher Education Area", re.IGNORECASE),
}
_LEVEL_NUMBER: Final = re.compile(
    r"(?:level|cycle|EQF|EHEA|Framework|Area)[^0-9]{0,10}([0-9])(?![0-9])", re.IGNORECASE
)
_LONGEST: Final = 1000

Learner = Literal["id", "identifier"]


class Alignment(msgspec.Struct, frozen=True, kw_only=True):
    """What an achievement is aligned to: a skill, a level, an entry of a code list."""

    name: str
    url: str
    code: str | None = None
    framework: str | None = None
    kind: str | None = None  # targetType
    other_names: tuple[str, ...] = ()  # in other languages

    @property
    def names(self) -> tuple[str, ...]:
        """Its name in each language."""
        return (self.name, *self.other_names)


class Elements(msgspec.Struct, frozen=True, kw_only=True):
    """The elements of Annex I to 2022/C 243/02 that a badge states where they can be checked.

    A value outside the code lists counts as absent.
    """

    awarding_body: str | None
    country: str | None
    issued: date
    learner: Learner | None
    title: str | None
    assessment: tuple[Assessment, ...] = ()
    level: Level | None = None
    outcomes: tuple[Alignment, ...] = ()
    outcomes_narrative: bool = False
    participation: tuple[Participation, ...] = ()
    quality_assurance: tuple[QualityAssurance, ...] = ()
    supervision: Supervision | None = None  # optional in Annex I
    workload: Workload | None = None

    def missing(self) -> tuple[str, ...]:
        """Return the names of the mandatory elements that the badge does not state."""
        found = {
            "learnerIdentification": self.learner,
            "title": self.title,
            "countryOrRegionOfIssuer": self.country,
            "awardingBody": self.awarding_body,
            "dateOfIssuing": self.issued,
            "learningOutcomes": self.outcomes or self.outcomes_narrative,
            "notionalWorkload": self.workload,
            "level": self.level,
            "assessmentType": self.assessment,
            "participationForm": self.participation,
            "qualityAssuranceType": self.quality_assurance,
        }
        return tuple(name for name, value in found.items() if not value)


def read_elements(
    alignments: tuple[Alignment, ...],
    *,
    awarding_body: str | None,
    country: str | None,
    credits_stated: Decimal | None,
    issued: date,
    learner: Learner | None,
    outcomes_narrative: bool,
    title: str | None,
) -> Elements:
    """Return the elements that a badge states: its plain members, and its alignments.

    `credits_stated` is the badge's number of credits, which has no unit but by alignment.
    """
    supervision = [
        word
        for word in get_args(Supervision)
        if any(a.kind == "ext:Supervision" and a.code == word for a in alignments)
    ]
    return Elements(
        awarding_body=awarding_body,
        country=country,
        issued=issued,
        learner=learner,
        title=title,
        assessment=_stated(_ASSESSMENT, alignments),
        level=next(filter(None, map(_level, alignments)), None),
        outcomes=tuple(filter(_is_outcome, alignments)),
        outcomes_narrative=outcomes_narrative,
        participation=_stated(_PARTICIPATION, alignments),
        quality_assurance=_stated(_QUALITY, alignments),
        supervision=supervision[0] if supervision else None,
        workload=None if credits_stated is None else _workload(credits_stated, alignments),
    )


class Claims(NamedTuple):
    """All that one alignment says of the elements, by address, code, kind, framework or name."""

    levels: frozenset[Level]
    assessment: tuple[Assessment, ...]
    participation: tuple[Participation, ...]
    quality_assurance: tuple[QualityAssurance, ...]
    supervision: tuple[Supervision, ...]
    fields: tuple[str, ...]
    units: tuple[Literal["hour", "tenthOfEcts"], ...]
    outcome: bool


def read_claims(alignment: Alignment) -> Claims:
    """Return what an alignment says to a reader, who sees its name before its address.

    `read_elements` takes what is stated for certain; here a word in the name counts, too.
    """
    one = (alignment,)
    words = (alignment.framework or "", *alignment.names)
    text = " ".join(each[:_LONGEST] for each in words)
    code = (alignment.code or "").strip()
    levels = {level for level in (_level(alignment),) if level is not None}
    for framework, named in _LEVEL_NAMES.items():
        if named.search(text):
            names = " ".join(each[:_LONGEST] for each in alignment.names)
            numbers = {code, *_LEVEL_NUMBER.findall(names)}
            levels |= {
                Level(framework=framework, value=int(each))
                for each in numbers
                if re.fullmatch("[1-8]" if framework == "EQF" else "[0-3]", each)
            }
    ects = alignment.url == _ECTS or (alignment.kind == "ext:CreditSystem" and code == "ECTS")
    units: list[Literal["hour", "tenthOfEcts"]] = []
    if ects or (alignment.kind == "ext:CreditSystem" and re.search(r"\bECTS\b", text)):
        units.append("tenthOfEcts")
    if alignment.url == _HOUR:
        units.append("hour")
    return Claims(
        frozenset(levels),
        _stated(_ASSESSMENT, one),
        _stated(_PARTICIPATION, one),
        _stated(_QUALITY, one),
        tuple(
            word
            for word in get_args(Supervision)
            if alignment.kind == "ext:Supervision" and code == word
        ),
        (code,) if "ISCED" in text.upper() and re.fullmatch("[0-9]{2,4}", code) else (),
        tuple(units),
        _is_outcome(alignment),
    )


def alignment_objects(
    definition: Definition, accreditation_url: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the OB 3.0 Alignment objects that state the elements of `definition`.

    `accreditation_url` is where the accreditation itself is on record, if it is. An outcome
    without a URL has no alignment, since one must link somewhere.
    """
    for outcome in definition.outcomes or ():
        if outcome.url is not None:
            yield _outcome_object(outcome, outcome.url)
    if definition.level:
        yield _level_object(definition.level)
    yield from _entries(_ASSESSMENT, definition.assessment)
    yield from _entries(_PARTICIPATION, definition.participation)
    if definition.workload:
        yield _workload_object(definition.workload)
    yield from _entries(_QUALITY, definition.quality_assurance, accreditation_url)
    if definition.supervision:
        yield _entry(
            "Supervision and identity verification",
            _RECOMMENDATION,
            "2022/C 243/02 Annex I",
            definition.supervision,
            "ext:Supervision",
        )


def credits_of(workload: Workload) -> int | float:
    """Return the number that states `workload` in `creditsAvailable`: ECTS, or hours."""
    if workload.unit == "hour":
        return workload.amount
    return workload.amount // 10 if workload.amount % 10 == 0 else workload.amount / 10


def _stated(codes: _CodeList, alignments: tuple[Alignment, ...]) -> tuple[Any, ...]:
    """Return our words, sorted, for the entries of `codes` that some alignment names."""
    found: set[str] = set()
    for alignment in alignments:
        if not (alignment.url.startswith(codes.url) or alignment.kind == codes.kind):
            continue
        texts = (alignment.url.removeprefix(codes.url), alignment.code, *alignment.names)
        for text in filter(None, texts):
            found |= codes.words.get(text.strip().casefold(), set())
    return tuple(sorted(found))


def _level(alignment: Alignment) -> Level | None:
    if alignment.url.startswith(_EQF) or alignment.kind == "ext:EQF":
        digit = alignment.url.removeprefix(_EQF)
        digit = digit if re.fullmatch("[1-8]", digit) else alignment.code or ""
        if re.fullmatch("[1-8]", digit):
            return Level(framework="EQF", value=int(digit))
    if alignment.kind == "ext:QF-EHEA" and re.fullmatch("[0-3]", alignment.code or ""):
        return Level(framework="QF-EHEA", value=int(alignment.code or ""))
    return None


def _workload(number: Decimal, alignments: tuple[Alignment, ...]) -> Workload | None:
    systems = [a for a in alignments if a.kind == "ext:CreditSystem" or a.url in (_ECTS, _HOUR)]
    if any(a.url == _ECTS or a.code == "ECTS" for a in systems):
        return _whole(number * 10, "tenthOfEcts")
    if any(a.url == _HOUR for a in systems):
        return _whole(number, "hour")
    return None  # a number without a unit says nothing


def _whole(amount: Decimal, unit: Literal["hour", "tenthOfEcts"]) -> Workload | None:
    if amount != amount.to_integral_value() or not 1 <= amount <= 100_000:
        return None
    return Workload(amount=int(amount), unit=unit)


def _is_outcome(alignment: Alignment) -> bool:
    return (
        alignment.kind in ("CFItem", "ceasn:Competency", "ext:LearningOutcome")
        or alignment.url.startswith(_ESCO)
        or (alignment.framework or "").upper() in ("ESCO", "CASE", "CTDL-ASN")
    )


def _entries(
    codes: _CodeList, words: tuple[str, ...] | None, url: str | None = None
) -> Iterator[dict[str, Any]]:
    for word in words or ():
        if word in codes.entries:
            code, label = codes.entries[word]
            yield _entry(label, url or codes.url + code, codes.framework, code, codes.kind)


def _entry(name: str, url: str, framework: str, code: str, kind: str) -> dict[str, Any]:
    return {
        "type": ["Alignment"],
        "targetName": name,
        "targetUrl": url,
        "targetFramework": framework,
        "targetCode": code,
        "targetType": kind,
    }


def _outcome_object(outcome: Outcome, url: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": ["Alignment"], "targetName": outcome.name, "targetUrl": url}
    if outcome.framework:
        found["targetFramework"] = outcome.framework
    kinds = {"CASE": "CFItem", "CTDL-ASN": "ceasn:Competency", None: "ext:LearningOutcome"}
    if outcome.framework in kinds:
        found["targetType"] = kinds[outcome.framework]
    return found


def _level_object(level: Level) -> dict[str, Any]:
    code = str(level.value)
    if level.framework == "EQF":
        framework = "European Qualifications Framework"
        return _entry(f"EQF level {code}", _EQF + code, framework, code, "ext:EQF")
    framework = "Framework of Qualifications of the European Higher Education Area"
    return _entry(f"QF-EHEA cycle {code}", _QF_EHEA, framework, code, "ext:QF-EHEA")


def _workload_object(workload: Workload) -> dict[str, Any]:
    if workload.unit == "hour":
        return _entry("Hours of notional workload", _HOUR, "QUDT units", "HR", "ext:CreditSystem")
    framework = "Europass education credit systems"
    return _entry("European Credit Transfer System", _ECTS, framework, "ECTS", "ext:CreditSystem")
