"""Who an issuer is, its accreditor says: nobody else is heard on names, addresses and country."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue.members import Scope
from testamur.verification.report import Basis, Report
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import altered, on_terms, refuted, unchecked
from tests.harness.story import Party, party

FAMOUS = "https://famous.example"


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


def restates(issued: IssuedLog, **words: Any) -> int:
    """Have the accreditor restate its words on the provider; return the entry's position."""
    restated = msgspec.structs.replace(issued.story.accreditation_restated("Soil College"), **words)
    return issued.says(issued.story.accreditor, restated) + 1


def named(issued: IssuedLog, **members: Any) -> Report:
    """Return the report on a credential that names its issuer so."""
    return issued.report(award(issued, **members))


def award(issued: IssuedLog, **members: Any) -> HolderFile:
    prepared = altered(awards(issued.story, 1), lambda c: c["issuer"].update(members))
    return issued.award(prepared)[0]


# --- Names ---


def test_the_name_that_the_accreditor_vouches_for_holds_and_says_where(issued: IssuedLog) -> None:
    at = restates(issued)

    report = named(issued, name="Soil College")

    assert report.exit_code == 0
    check = report.check("issuer")
    assert check.basis is Basis.ATTESTED
    assert f"for which An Organization vouched at {at}" in check.detail
    assert report.subject["issuer"] == "Soil College"


@pytest.mark.parametrize("name", ["SOIL  college", "Soil \uff23ollege", "Der Bodenkundler"])
def test_other_names_case_width_and_spaces_are_the_same_issuer(
    issued: IssuedLog, name: str
) -> None:
    restates(issued, other_names=("Der Bodenkundler",))

    assert named(issued, name=name).exit_code == 0


@pytest.mark.parametrize("name", ["Famous University", "Soil Colleges", "Soil \u0421ollege"])
def test_a_name_that_nobody_vouches_for_is_refuted(issued: IssuedLog, name: str) -> None:
    at = restates(issued)

    report = named(issued, name=name)

    assert refuted(report) == {"issuer"}
    detail = report.check("issuer").detail
    assert f"vouched at {at} for the name Soil College" in detail
    assert ("without U+0421 CYRILLIC CAPITAL LETTER ES" in detail) == (not name.isascii())


def test_the_word_in_force_at_the_issuance_is_the_one(issued: IssuedLog) -> None:
    before = award(issued, name="An Organization")
    restates(issued)
    after = award(issued, name="An Organization")

    assert issued.report(before).exit_code == 0
    assert refuted(issued.report(after)) == {"issuer"}


def test_a_restatement_by_a_thief_of_the_accreditor_is_not_heard(issued: IssuedLog) -> None:
    story = issued.story
    at = restates(issued, name="Famous University")
    stolen = story.key_compromised(story.accreditor, at - 1)
    issued.says(story.accreditor.founding, stolen)

    assert refuted(named(issued, name="Famous University")) == {"issuer"}
    assert named(issued, name="An Organization").exit_code == 0


# --- Ids ---


@pytest.mark.parametrize("claimed", [FAMOUS, "did:web:soil.example", "https://soil.example"])
def test_an_address_or_did_that_the_accreditor_vouches_for_holds(
    issued: IssuedLog, claimed: str
) -> None:
    restates(
        issued,
        name="An Organization",
        other_ids=("did:web:soil.example", "https://soil.example"),
        url=FAMOUS,
    )

    assert named(issued, id=claimed).exit_code == 0


@pytest.mark.parametrize("claimed", [FAMOUS, "did:web:famous.example", party("another").did])
def test_an_id_that_nobody_vouches_for_could_not_be_checked(
    issued: IssuedLog, claimed: str
) -> None:
    report = named(issued, id=claimed)

    assert unchecked(report) == {"issuer"}
    assert "does not vouch" in report.check("issuer").detail


def test_nobody_vouches_that_the_did_of_another_is_that_of_the_issuer(issued: IssuedLog) -> None:
    """It would say of a famous organization, in the accreditor's word, what it did not sign."""
    story = issued.story
    own = f"did:key:{story.provider.key_id}"
    ids = (*sorted((own, story.authority.did, party("another").did)),)
    restates(issued, name="An Organization", other_ids=ids)

    for claimed in (story.authority.did, party("another").did):
        report = named(issued, id=claimed)
        assert unchecked(report) == {"issuer"}
        assert "a key that did not sign the issuance" in report.check("issuer").detail
    assert named(issued, id=own).exit_code == 0


def test_an_address_that_only_the_issuer_itself_claims_is_not_believed(issued: IssuedLog) -> None:
    """Else anybody could call itself by the address of a famous university."""
    claimed = msgspec.structs.replace(issued.story.updated("Famous University"), url=FAMOUS)
    issued.says(issued.story.provider, claimed)

    assert unchecked(named(issued, id=FAMOUS)) == {"issuer"}
    assert refuted(named(issued, name="Famous University")) == {"issuer"}


def test_nor_one_that_the_sponsor_wrote_into_the_registration(issued: IssuedLog) -> None:
    """The registration is its own word, whatever sponsor submitted it."""
    story, mill = issued.story, party("mill")
    registered = story.registration(
        mill, "provider", sponsor=story.accreditor.did, name="Famous University"
    )
    issued.says(story.accreditor, registered)
    holder = _of(issued, mill, by=story.accreditor, name="Famous University")

    assert refuted(issued.report(holder)) == {"issuer"}


# --- Who is heard ---


def _of(
    issued: IssuedLog, provider: Party, *, by: Party, name: str = "An Organization"
) -> HolderFile:
    """Return a credential by a provider that `by` accredited as An Organization."""
    story, achievement, accreditation = issued.story, issued.story.new_id(), issued.story.new_id()
    issued.says(by, story.accredited(accreditation, of=provider))
    issued.says(provider, story.defined(achievement))
    prepared = altered(awards(story, 1), lambda c: c["issuer"].update(id=provider.did, name=name))
    terms = {"achievement": achievement, "accreditation": accreditation}
    return issued.award(on_terms(prepared, **terms), by=provider)[0]


def test_only_the_accreditation_that_the_credential_names_is_heard(issued: IssuedLog) -> None:
    """Another accreditor may vouch for anything: a mill would find one."""
    story, friend = issued.story, party("a friend")
    issued.says(
        story.authority,
        story.registered(story.authority, friend, "accreditor"),
        story.recognised(story.new_id(), of=friend),
    )
    vouching = msgspec.structs.replace(
        story.accredited(story.new_id()), name="Famous University", url=FAMOUS
    )
    issued.says(friend, vouching)

    assert refuted(named(issued, name="Famous University")) == {"issuer"}
    assert unchecked(named(issued, id=FAMOUS)) == {"issuer"}


def test_an_accreditor_that_leads_to_no_anchor_is_not_heard(issued: IssuedLog) -> None:
    report = issued.report(issued.holders[0], anchors=[party("somebody else")])

    assert refuted(report) == {"recognition"}
    assert "issuer" in unchecked(report)
    assert "by its own word" in report.subject["issuer"]


def test_what_an_organization_calls_itself_is_quoted_as_its_own_word(issued: IssuedLog) -> None:
    restates(issued)
    report = named(issued, name="Soil College")

    assert f"Soil College ({issued.story.provider.did}) calls itself An Organization" in (
        report.notes
    )


# --- Jurisdictions ---


def test_a_jurisdiction_is_judged_by_the_country_that_the_accreditor_vouches_for(
    issued: IssuedLog,
) -> None:
    story, accreditation = issued.story, issued.story.new_id()
    dutch = msgspec.structs.replace(
        story.accredited(accreditation), scope=Scope(jurisdictions=("BE",))
    )
    issued.says(story.accreditor, dutch)
    issued.says(story.provider, story.updated(country="BE"))
    (before,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))
    restated = msgspec.structs.replace(
        story.accreditation_restated("An Organization", "BE"), accreditation=accreditation
    )
    issued.says(story.accreditor, restated)
    (after,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    report = issued.report(before)
    assert refuted(report) == {"accreditation"}
    assert "did not cover Soil Science (jurisdictions)" in report.check("accreditation").detail
    assert issued.report(after).exit_code == 0
