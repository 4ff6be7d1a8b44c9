"""The credential in the reader's hand says what the log says, and what it adds is named."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from testamur.badges.elements import alignment_objects
from testamur.catalogue.members import Definition, Level, Workload
from testamur.verification.report import Report
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import altered, refuted, unchecked

Change = Callable[[dict[str, Any]], None]
OTHER = "01a1fd8c-6900-7000-8000-0000000000ff"


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> IssuedLog:
    """A log whose provider awards a micro-credential of EQF level 6 and 5 ECTS, in English."""
    return IssuedLog(tmp_path_factory.mktemp("claims") / "log")


def judged(issued: IssuedLog, change: Change) -> Report:
    """Return the report on a credential that its provider made otherwise from the start."""
    (holder,) = issued.award(altered(awards(issued.story, 1), change))
    return issued.report(holder)


def achievement(**members: Any) -> Change:
    return lambda credential: credential["credentialSubject"]["achievement"].update(members)


def aligned(*more: dict[str, Any]) -> Change:
    def change(credential: dict[str, Any]) -> None:
        credential["credentialSubject"]["achievement"]["alignment"] += more

    return change


def alignment(name: str, url: str = "https://framework.example/x", **more: str) -> dict[str, Any]:
    return {"type": ["Alignment"], "targetName": name, "targetUrl": url, **more}


def restated(**members: Any) -> Change:
    """Return the change that writes the elements of another definition, as `prepare` would."""
    other = Definition(name="Soil Science", achievement_type="MicroCredential", **members)
    return aligned(*alignment_objects(other))


def test_a_doctoral_degree_is_not_the_micro_credential_that_was_logged(issued: IssuedLog) -> None:
    """With the name of an accredited course, it once held in every check."""

    def doctor(credential: dict[str, Any]) -> None:
        stated = credential["credentialSubject"]["achievement"]
        stated.update(achievementType="DoctoralDegree", creditsAvailable=360)
        text = json.dumps(stated["alignment"])
        stated["alignment"] = json.loads(text.replace("eqf/6", "eqf/8").replace('"6"', '"8"'))

    report = judged(issued, doctor)

    assert refuted(report) == {"achievement"}
    detail = report.check("achievement").detail
    for both in (
        "achievementType DoctoralDegree in the credential, MicroCredential on the log",
        "level EQF 8 in the credential, EQF 6 on the log",
        "creditsAvailable 360 in the credential, 5 ECTS on the log",
    ):
        assert both in detail
    assert report.why == report.check("achievement").detail


def said(text: str, language: str) -> dict[str, str]:
    return {"@value": text, "@language": language}


CONTRADICTIONS: dict[str, tuple[Change, str]] = {
    "two names": (achievement(name=["Soil Science", "Medicine"]), "'Medicine'"),
    "two names in one language": (
        achievement(name=[said("Soil Science", "en"), said("Medicine", "EN")]),
        "'Medicine'",
    ),
    "two names in one language of two countries": (
        achievement(name=[said("Soil Science", "en"), said("Medicine", "en-US")]),
        "'Medicine'",
    ),
    "a name in no language": (
        achievement(name=[said("Soil Science", "en"), said("Medicine", "und")]),
        "'Medicine'",
    ),
    "a name in a language that is none": (
        achievement(name=[said("Soil Science", "en"), said("Medicine", "x-doctor")]),
        "'Medicine'",
    ),
    "a name beside one in a language": (
        achievement(name=[said("Soil Science", "en"), "Medicine"]),
        "'Medicine'",
    ),
    "a translation of another name": (achievement(name=said("Geneeskunde", "nl")), "'Geneeskunde'"),
    "a version that is a number": (achievement(version=2), "version 2"),
    "a language more": (achievement(inLanguage=["en", "nl"]), "inLanguage nl"),
    "a level that is a number": (
        aligned(alignment("EQF level 6") | {"targetCode": 8, "targetType": "ext:EQF"}),
        "EQF 8",
    ),
    "a level in another language": (
        aligned(
            alignment("EQF level 6")
            | {"targetName": [said("EQF level 6", "en"), said("EQF level 8", "de")]}
        ),
        "EQF 8",
    ),
    "another name": (achievement(name="Brain Surgery"), "'Brain Surgery'"),
    "another type": (achievement(achievementType="Degree"), "achievementType Degree"),
    "another version": (achievement(version="2"), "version 2"),
    "another version, written otherwise": (achievement(version="v02.0"), "version v02.0"),
    "the id of another achievement": (achievement(id=f"urn:uuid:{OTHER}"), OTHER),
    "the same in capitals": (achievement(id=f"URN:UUID:{OTHER.upper()}"), OTHER.upper()),
    "the id of another credential": (lambda c: c.update(id=f"urn:uuid:{OTHER}"), f"id {OTHER}"),
    "more credits": (achievement(creditsAvailable=5.5), "creditsAvailable 5.5"),
    "more credits as text": (achievement(creditsAvailable="360"), "creditsAvailable 360"),
    "more credits earned": (
        lambda c: c["credentialSubject"].update(creditsEarned=6),
        "creditsEarned 6",
    ),
    "credits of another kind": (restated(workload=Workload(amount=5, unit="hour")), "hours"),
    "another language": (achievement(inLanguage="fr"), "inLanguage fr"),
    "a field of its own": (achievement(fieldOfStudy="0911"), "fieldOfStudy 0911"),
    "another level": (restated(level=Level(framework="EQF", value=8)), "EQF 8"),
    "a level of another framework": (
        restated(level=Level(framework="QF-EHEA", value=3)),
        "QF-EHEA 3",
    ),
    "a level in words": (aligned(alignment("EQF level 8")), "EQF 8"),
    "a level in the framework's name": (
        aligned(
            alignment(
                "Doctorate", targetFramework="European Qualifications Framework", targetCode="8"
            )
        ),
        "EQF 8",
    ),
    "a better name at the level's address": (
        aligned(alignment("EQF level 8", "http://data.europa.eu/snb/eqf/6")),
        "EQF 8",
    ),
    "another examination": (
        restated(assessment=("oralExamination",)),
        "assessment oralExamination",
    ),
    "an examination with another's label": (
        aligned(
            alignment("written examination", "http://data.europa.eu/snb/assessment/d30284d7df")
        ),
        "assessment oralExamination",
    ),
    "another form": (restated(participation=("online",)), "participation online"),
    "another quality assurance": (restated(quality_assurance=("programme",)), "programme"),
    "less supervision": (restated(supervision="none"), "supervision none"),
    "another field of ISCED": (
        aligned(alignment("Medicine", targetFramework="ISCED-F 2013", targetCode="0912")),
        "field 0912",
    ),
    "another outcome": (
        aligned(alignment("Performs brain surgery", targetType="ext:LearningOutcome")),
        "outcome 'Performs brain surgery'",
    ),
    "another accreditation": (
        aligned(
            alignment(
                "Institutional",
                f"urn:uuid:{OTHER}",
                targetType="ext:QualityAssurance",
                targetCode="bb4618238e",
            )
        ),
        f"accreditation {OTHER}",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_credential_that_contradicts_the_log_is_refuted_with_both_values(
    issued: IssuedLog, what: str
) -> None:
    change, said = CONTRADICTIONS[what]
    report = judged(issued, change)

    assert refuted(report) == {"achievement"}
    assert said in report.check("achievement").detail
    assert "on the log" in report.check("achievement").detail


READ_OTHERWISE: dict[str, Change] = {
    "two achievements": lambda c: c["credentialSubject"].update(
        achievement=[c["credentialSubject"]["achievement"]] * 2
    ),
    "two subjects": lambda c: c.update(credentialSubject=[c["credentialSubject"]] * 2),
    "a name in several languages": achievement(name={"en": "Soil Science", "nl": "Geneeskunde"}),
    "a list of types": achievement(achievementType=["MicroCredential", "DoctoralDegree"]),
    "a list of versions": achievement(version=["1", "2"]),
    "a language that is a number": achievement(name={"@value": "Soil Science", "@language": 7}),
    "a text of a type of its own": achievement(name={"@value": "Soil Science", "@type": "x:y"}),
    "a version that is true": achievement(version=True),
    "credits that are no number": achievement(creditsAvailable={"ECTS": 360}),
    "a level that is a list": aligned(alignment("EQF level 8") | {"targetCode": [6, 8]}),
}


@pytest.mark.parametrize("what", READ_OTHERWISE)
def test_what_can_be_read_in_two_ways_is_not_compared_and_does_not_hold(
    issued: IssuedLog, what: str
) -> None:
    report = judged(issued, READ_OTHERWISE[what])

    assert report.exit_code == 2
    assert "achievement" in unchecked(report)


AGREEING: dict[str, Change] = {
    "as it was made": lambda _: None,
    "case, width and spaces": achievement(name="  soil   SCIENCE "),
    "fewer credits earned": lambda c: c["credentialSubject"].update(creditsEarned=2.5),
    "a language of a country": achievement(inLanguage="en-GB"),
    "a name with its language": achievement(name=said("Soil Science", "en")),
    "a name in several languages": achievement(
        name=[said("Bodenkunde", "de"), said("Soil Science", "en"), said("Bodemkunde", "nl")]
    ),
    "a name in two scripts": achievement(
        name=[said("Soil Science", "en"), said("土壤学", "zh-Hans"), said("土壤學", "zh-Hant-TW")]
    ),
    "a version that is a number": achievement(version=1),
    "a list of one language": achievement(inLanguage=["en"]),
    "a foreign member that is called as one of the standard": lambda c: c.update(
        {"ext:exam": {"type": ["Exam"], "source": {"type": ["Book"]}, "result": [{"type": "Mark"}]}}
    ),
    "a version with a fraction of nothing": achievement(version="1.0"),
    "the elements left out": lambda c: c["credentialSubject"]["achievement"].pop("alignment"),
    "one object for a list of one": lambda c: c.update(
        credentialSubject=[c["credentialSubject"]], type=[*c["type"]]
    ),
}


@pytest.mark.parametrize("what", AGREEING)
def test_a_credential_that_agrees_holds_however_it_is_written(issued: IssuedLog, what: str) -> None:
    report = judged(issued, AGREEING[what])

    assert report.exit_code == 0, report.why


ADDED: dict[str, tuple[Change, str]] = {
    "a translation": (
        achievement(name=[said("Soil Science", "en"), said("Geneeskunde", "nl")]),
        "achievement.name in nl",
    ),
    "an extension": (lambda c: c.update({"ext:exam": {"result": 1}}), "ext:exam"),
    "a grand title": (lambda c: c.update(name="Doctor of Medicine"), "name"),
    "a result": (
        lambda c: c["credentialSubject"].update(result=[{"type": ["Result"]}]),
        "credentialSubject.result",
    ),
    "a creator": (
        achievement(creator={"id": "https://famous.example", "type": ["Profile"]}),
        "achievement.creator",
    ),
    "a member that no standard has": (
        achievement(educationLevel="Doctorate"),
        "achievement.educationLevel",
    ),
    "a further type": (
        lambda c: c.update(type=[*c["type"], "DoctoralDegree"]),
        "type DoctoralDegree",
    ),
    "a further type of the achievement": (
        achievement(type=["Achievement", "DoctoralDegree"]),
        "achievement.type DoctoralDegree",
    ),
    "a second date, ten years earlier": (
        lambda c: c.update(issuanceDate="2016-11-20T00:00:00Z"),
        "issuanceDate",
    ),
    "a description of the level": (
        lambda c: c["credentialSubject"]["achievement"]["alignment"][0].update(
            targetDescription="the level of a doctorate"
        ),
        "achievement.alignment.targetDescription",
    ),
    "an address of the issuer": (
        lambda c: c["issuer"].update(url="https://famous.example"),
        "issuer.url",
    ),
    "another day": (lambda c: c.update(awardedDate="2016-01-01T00:00:00Z"), "awardedDate"),
    "a skill framework": (
        aligned(alignment("Doctorate level")),
        "achievement.alignment Doctorate level",
    ),
    "an edition": (achievement(version="second edition"), "achievement.version"),
    "an address": (achievement(id="https://famous.example/medicine"), "achievement.id"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", ADDED)
def test_what_a_credential_adds_is_named_as_said_by_its_issuer_alone(
    issued: IssuedLog, what: str
) -> None:
    change, path = ADDED[what]
    plain, report = judged(issued, lambda _: None), judged(issued, change)

    assert report.exit_code == 0, report.why
    assert path in report.issuer_only
    assert path not in plain.issuer_only


UNEXAMINED: dict[str, tuple[Change, str]] = {
    "a status list of its own": (
        lambda c: c.update(credentialStatus={"type": "BitstringStatusListEntry"}),
        "credentialStatus",
    ),
    "an endorsement": (
        achievement(endorsement=[{"type": ["EndorsementCredential"]}]),
        "achievement.endorsement",
    ),
    "terms of use": (lambda c: c.update(termsOfUse=[{"type": "Terms"}]), "termsOfUse"),
    "a schema": (lambda c: c.update(credentialSchema={"type": "JsonSchema"}), "credentialSchema"),
    "a place for newer ones": (lambda c: c.update(refreshService={"type": "x"}), "refreshService"),
    "related files": (lambda c: c.update(relatedResource=[{"id": "https://a"}]), "relatedResource"),
    "an endorsement of the issuer": (
        lambda c: c["issuer"].update(endorsementJwt=["eyJ"]),
        "issuer.endorsementJwt",
    ),
    "an endorsement far below": (
        lambda c: c["issuer"].update(parentOrg={"id": "urn:a", "endorsement": {}}),
        "issuer.parentOrg.endorsement",
    ),
    "evidence of a result": (
        lambda c: c["credentialSubject"].update(result=[{"type": "Result", "evidence": {}}]),
        "credentialSubject.result.evidence",
    ),
    "a context that could mean anything": (
        lambda c: c["@context"].append({"name": "https://evil.example/not-a-name"}),
        "@context beyond those of the two standards",
    ),
}


@pytest.mark.parametrize("what", UNEXAMINED)
def test_what_a_credential_carries_and_nobody_examined_is_named(
    issued: IssuedLog, what: str
) -> None:
    change, path = UNEXAMINED[what]
    report = judged(issued, change)

    assert path in report.unexamined
    assert path not in judged(issued, lambda _: None).unexamined


def test_what_nobody_examined_is_named_of_a_credential_that_cannot_be_read(
    issued: IssuedLog,
) -> None:
    def two(credential: dict[str, Any]) -> None:
        credential["credentialSubject"] = [credential["credentialSubject"]] * 2
        credential["credentialStatus"] = {"type": "BitstringStatusListEntry"}

    report = judged(issued, two)

    assert report.verdict == "could-not-tell"
    assert report.unexamined == ("credentialStatus",)


def test_no_value_of_a_credential_is_in_what_is_named(issued: IssuedLog) -> None:
    """Whom it was awarded to is nobody's business who keeps a report."""

    def ada(credential: dict[str, Any]) -> None:
        credential["credentialSubject"]["name"] = "Ada Lovelace"

    report = judged(issued, ada)

    assert "credentialSubject.name" in report.issuer_only
    assert b"Ada Lovelace" not in report.to_json()


def test_a_credential_that_is_not_the_logged_one_is_not_taken_apart(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    holder.credential["name"] = "Doctor"
    report = issued.report(holder)
    del holder.credential["name"]

    assert refuted(report) == {"commitment"}
    assert (report.issuer_only, report.unexamined) == ((), ())


def test_a_credential_full_of_alignments_is_compared_within_a_second(issued: IssuedLog) -> None:
    many = [alignment(f"Skill {n}", targetType="CFItem") for n in range(4000)]
    (holder,) = issued.award(altered(awards(issued.story, 1), aligned(*many)))
    evidence = issued.evidence(holder)
    started = time.process_time()
    report = issued.report(holder, evidence)

    assert time.process_time() - started < 1
    assert refuted(report) == {"achievement"}
    assert "more" in report.check("achievement").detail
