"""The elements that a micro-credential must state are written and found again."""

from __future__ import annotations

from datetime import date
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.badges import elements
from testamur.badges.openbadges import (
    achievement_object,
    read_badge,
)
from testamur.catalogue.members import (
    Assessment,
    Definition,
    Level,
    Outcome,
    Participation,
    Workload,
)
from tests.badges.test_openbadges import ACHIEVEMENT, changed
from tests.harness.shared_vectors import SHARED, load, needs_shared

# --- The elements of a micro-credential ---

DEFINITIONS = st.builds(
    Definition,
    name=st.just("Applied Data Ethics"),
    achievement_type=st.sampled_from(["MicroCredential", "Course"]),
    assessment=st.sets(st.sampled_from(sorted({*get_args(Assessment)} - {"none"}))).map(
        lambda words: tuple(sorted(words))
    ),
    participation=st.sets(st.sampled_from(get_args(Participation))).map(
        lambda words: tuple(sorted(words))
    ),
    quality_assurance=st.sets(st.sampled_from(["institutional", "programme"])).map(
        lambda words: tuple(sorted(words))
    ),
    supervision=st.none()
    | st.sampled_from(["none", "supervised", "supervisedOnline", "supervisedOnSiteWithIdentity"]),
    level=st.none()
    | st.builds(Level, framework=st.just("EQF"), value=st.integers(1, 8))
    | st.builds(Level, framework=st.just("QF-EHEA"), value=st.integers(0, 3)),
    workload=st.none()
    | st.builds(
        Workload, amount=st.integers(1, 100_000), unit=st.sampled_from(["hour", "tenthOfEcts"])
    ),
    outcomes=st.none()
    | st.lists(
        st.builds(
            Outcome,
            name=st.text("abcé ", min_size=1).map(lambda text: f"x{text}x"),
            framework=st.none() | st.sampled_from(["CASE", "CTDL-ASN", "ESCO"]),
            url=st.none() | st.just("http://data.europa.eu/esco/skill/1"),
        )
    ).map(tuple),
)


def offered(definition: Definition, **more: Any) -> dict[str, Any]:
    return achievement_object(
        "urn:uuid:1",
        definition,
        description="A short course.",
        criteria="Pass.",
        version=3,
        **more,
    )


@given(DEFINITIONS, st.none() | st.just("https://register.example/accreditations/1"))
def test_the_elements_that_are_written_are_found_again(
    definition: Definition, accreditation_url: str | None
) -> None:
    made = offered(definition, accreditation_url=accreditation_url)
    badge = read_badge(changed(**{ACHIEVEMENT: made}))
    found = badge.elements
    assert found.title == definition.name
    assert found.assessment == definition.assessment
    assert found.participation == definition.participation
    assert found.quality_assurance == definition.quality_assurance
    assert found.supervision == definition.supervision
    assert found.level == definition.level
    assert found.workload == definition.workload
    outcomes = definition.outcomes or ()
    assert [a.name for a in found.outcomes] == [o.name for o in outcomes if o.url]
    assert all(
        outcome.name in (badge.achievement.criteria_narrative or "")
        for outcome in outcomes
        if not outcome.url
    )
    assert (badge.achievement.version, badge.achievement.achievement_type) == (
        "3",
        definition.achievement_type,
    )


@pytest.mark.parametrize(
    ("credits_available", "url", "workload"),
    [
        (3.0, "http://data.europa.eu/snb/education-credit/6fcec5c5af", (30, "tenthOfEcts")),
        ("2.5", "http://data.europa.eu/snb/education-credit/6fcec5c5af", (25, "tenthOfEcts")),
        (84, "http://qudt.org/vocab/unit/HR", (84, "hour")),
        (0, "http://qudt.org/vocab/unit/HR", None),
        (0.25, "http://data.europa.eu/snb/education-credit/6fcec5c5af", None),
        (1.5, "http://qudt.org/vocab/unit/HR", None),
        (3, "https://credits.example/own-points", None),
    ],
)
def test_credits_are_a_workload_only_with_a_unit_that_we_can_count(
    credits_available: object, url: str, workload: tuple[int, str] | None
) -> None:
    alignment = {"targetName": "credits", "targetUrl": url, "targetType": "ext:CreditSystem"}
    found = read_badge(
        changed(
            **{
                f"{ACHIEVEMENT}.creditsAvailable": credits_available,
                f"{ACHIEVEMENT}.alignment": [alignment],
            }
        )
    ).elements.workload
    assert (found and (found.amount, found.unit)) == workload


@pytest.mark.parametrize(
    "alignment",
    [
        {"targetUrl": "http://data.europa.eu/snb/eqf/9", "targetType": "ext:EQF"},
        {"targetUrl": "http://data.europa.eu/snb/eqf/66"},
        {"targetUrl": "https://elsewhere.example", "targetCode": "6"},
        {"targetUrl": "https://elsewhere.example", "targetCode": "4", "targetType": "ext:QF-EHEA"},
        {"targetUrl": "http://data.europa.eu/snb/assessment/0000000000"},
        {"targetUrl": "http://data.europa.eu/snb/learning-assessment/4f03b91c0e"},
        {"targetUrl": "https://elsewhere.example", "targetType": "ext:QualityAssurance"},
        {"targetUrl": "https://elsewhere.example", "targetCode": "portfolio"},
    ],
)
def test_what_no_code_list_knows_counts_as_absent(alignment: dict[str, str]) -> None:
    alignments = [{"targetName": "something", **alignment}]
    found = read_badge(changed(**{f"{ACHIEVEMENT}.alignment": alignments})).elements
    assert found.missing() == (
        "notionalWorkload",
        "level",
        "assessmentType",
        "participationForm",
        "qualityAssuranceType",
    )


@needs_shared
def test_a_badge_with_all_eleven_elements_misses_none() -> None:
    cases = load("derived-credentials/signed-credentials.json")["cases"]
    credential = next(c["credential"] for c in cases if c["name"] == "microcredential-jcs")
    found = read_badge(credential).elements
    assert found.missing() == ()
    assert found.learner == "identifier"
    assert found.country == "NL"
    assert found.issued == date(2026, 2, 27)
    assert [outcome.name for outcome in found.outcomes] == ["evaluates bias in a data set"]
    assert found.workload == Workload(amount=30, unit="tenthOfEcts")
    assert found.level == Level(framework="EQF", value=6)
    assert found.assessment == ("portfolio",)
    assert found.participation == ("blended",)
    assert found.quality_assurance == ("programme",)


@needs_shared
def test_the_code_lists_are_those_of_the_european_learning_model() -> None:
    elm = load("derived-credentials/enumerations.json")["elm"]
    for kind, prefix, name in (
        ("assessmentType", "assessmentType", "assessment"),
        ("mode", "mode", "participation"),
        ("accreditationType", "accreditationType", "quality_assurance"),
    ):
        for code, label in elm[kind].items():
            alignment = {"targetName": label, "targetUrl": elm["uriPrefixes"][prefix] + code}
            for said in (alignment, {**alignment, "targetName": "in another language"}):
                badge = read_badge(changed(**{f"{ACHIEVEMENT}.alignment": [said]}))
                assert len(getattr(badge.elements, name)) == 1, label


# --- The code lists ---


def _published(name: str) -> dict[str, str]:
    """Return the entries of a code list of the European Learning Model: URL, and label."""
    schema = ET.parse(SHARED / "european-learning-model" / "cv" / name)  # noqa: S314
    space = "{http://www.w3.org/2001/XMLSchema}"
    return {
        entry.attrib["value"]: " ".join("".join(entry.itertext()).split())
        for entry in schema.iter(f"{space}enumeration")
    }


@needs_shared
@pytest.mark.parametrize(
    ("codes", "name"),
    [
        (elements._ASSESSMENT, "europass-learning-assessment-types.xsd"),
        (elements._PARTICIPATION, "europass-modes.xsd"),
        (elements._QUALITY, "europass-accreditation-types.xsd"),
    ],
)
def test_a_code_and_its_label_are_those_of_the_published_list(codes: Any, name: str) -> None:
    known = {codes.url + code: label for code, label in codes.entries.values()}
    known |= {codes.url + code: label for _, code, label in codes.also}

    assert known == _published(name)


@needs_shared
def test_levels_and_credits_are_named_as_published() -> None:
    assert _published("credit-points.xsd")[elements._ECTS] == "European Credit Transfer System"
    levels = {f"{elements._EQF}{level}" for level in range(1, 9)}
    assert levels == set(_published("eqf.xsd"))
