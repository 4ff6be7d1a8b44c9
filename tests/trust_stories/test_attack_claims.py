"""What a credential, or a name on the log, claims beyond what its accreditor vouched for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from testamur.badges.openbadges import achievement_object
from testamur.rules import Flag
from tests.trust_model.cast import accredit, begun, change, define, issue, mill, registered
from tests.trust_model.events import Definition, Updated, Words
from tests.trust_stories.conftest import OnLog, codes
from tests.trust_stories.holders import Alteration
from tests.trust_stories.naming import id_of
from tests.trust_stories.rendering import definition


def called(name: str, url: str | None = None) -> Alteration:
    """Return what lets a credential name its issuer otherwise."""

    def alter(credential: dict[str, Any]) -> None:
        credential["issuer"] = {**credential["issuer"], "name": name}
        if url is not None:
            credential["issuer"]["url"] = url

    return alter


def under(id_: str) -> Alteration:
    """Return what lets a credential give its issuer another id."""

    def alter(credential: dict[str, Any]) -> None:
        credential["issuer"] = {**credential["issuer"], "id": id_}

    return alter


def awarding(facts: Definition) -> Alteration:
    """Return what lets a credential state other facts under the same name."""

    def alter(credential: dict[str, Any]) -> None:
        credential["credentialSubject"]["achievement"] = achievement_object(
            f"urn:uuid:{id_of('soil')}",
            definition("soil", facts),
            description="What it is about.",
            criteria="Pass the examination.",
            version=1,
        )

    return alter


def test_a_mill_entered_as_a_famous_university_is_not_one(on_log: OnLog) -> None:
    register = begun()
    words = Words("Famous University", url="https://famous.example")
    famous = replace(accredit("zf", "Mill"), words=words)
    register.submit("Mint", "Mint/s1", famous, by="stranger")
    register.submit("Mill", "Mill/s1", Updated("Famous University"), by="stranger")
    register.submit("Agency", "Agency/s1", accredit("z2", "Mill"))
    for name in ("m1", "m2", "m3"):
        mill(register, name, "z2")
    alterations = {
        "m2": called("Famous University"),
        "m3": under("https://famous.example"),
    }
    published = on_log(register, alterations)
    assert codes(published, "m1", "m2", "m3") == [0, 1, 2]
    assert str(published.report("m2").check("issuer").verdict) == "refuted"
    assert str(published.report("m3").check("issuer").verdict) == "could not check"


@pytest.mark.parametrize(
    "facts",
    [Definition(8), Definition(6, "DoctoralDegree"), Definition(6, workload=3600)],
    ids=["level", "type", "credits"],
)
def test_a_doctoral_degree_under_a_logged_micro_credential_is_refuted(
    facts: Definition, on_log: OnLog
) -> None:
    register = begun()
    register.submit("College", "College/s1", issue("c2"))
    published = on_log(register, {"c2": awarding(facts)})
    assert codes(published, "c1", "c2") == [0, 1]
    assert str(published.report("c2").check("achievement").verdict) == "refuted"


def test_the_flags_of_the_issuance_are_in_the_report(on_log: OnLog) -> None:
    register = begun()
    register.submit("College", "College/s1", change("retire", "soil"))
    register.submit("College", "College/s1", issue("c2"), days=3650)
    published = on_log(register)
    report = published.report("c2")
    assert report.exit_code == 0, "no flag alone changes a verdict"
    flags = {flag.code for flag in report.flags}
    assert {Flag.BACKDATED, Flag.ACHIEVEMENT_RETIRED} <= flags


@pytest.mark.slow
def test_no_number_of_names_keeps_their_owners_out(on_log: OnLog) -> None:
    register = begun()
    names = [f"University of {number}" for number in range(200)]
    for first in range(0, 200, 50):
        some = names[first : first + 50]
        entries = [registered(f"Squatter {name}", "Rogue", "provider") for name in some]
        register.submit("Rogue", "Rogue/s1", *entries, by="stranger")
    forged = replace(registered("University of 7", "Rogue", "provider"), signed_by="Rogue")
    assert register.attempt("Rogue", "Rogue/s1", forged, by="stranger") == "signature"
    entry = registered("University of 7", "Agency", "provider")
    register.submit("Agency", "Agency/s1", entry, accredit("z2", "University of 7"))
    who = "University of 7"
    register.submit(who, f"{who}/s1", define("art"), issue("c2", "z2", "art"))
    assert codes(on_log(register, thoroughly=False), "c1", "c2") == [0, 0]
