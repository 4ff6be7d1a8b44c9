"""What an accreditor decided beside its scope is told, and judges nothing; nor does a suite."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.catalogue.members import Document
from testamur.verification.report import Basis, EvidenceFrom, Report
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import on_terms, refuted, signed
from tests.harness.story import Story, private_key

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
DOCUMENT = Document(digest=bytes(range(32)), url="https://agency.example/decision.pdf")


class Decided(Story):
    """A story whose accreditor decides on terms of its own."""

    terms: dict[str, Any]

    def accredited(self, *args: Any, **options: Any) -> e.AccreditationGranted:
        return msgspec.structs.replace(super().accredited(*args, **options), **self.terms)


def decided(folder: Path, **terms: Any) -> IssuedLog:
    story = Decided()
    story.terms = terms
    return IssuedLog(folder / "log", story)


def restated(issued: IssuedLog, review_by: date | None) -> None:
    event = msgspec.structs.replace(
        issued.story.accreditation_restated("An Organization"), review_by=review_by
    )
    issued.says(issued.story.accreditor, event)


def reviews(report: Report) -> list[str]:
    return [each for each in report.notes if "the review of the accreditation" in each]


def codes(report: Report) -> list[str]:
    return [flag.code for flag in report.flags]


def test_kind_obligation_and_condition_are_told(tmp_path: Path) -> None:
    issued = decided(tmp_path, decision="conditional", kind="programme", obligation="voluntary")

    detail = issued.report(issued.holders[0]).check("accreditation").detail

    assert "conditionally accredited the issuer for it (programme, voluntary)" in detail


def test_the_document_of_a_decision_is_named_with_its_digest(tmp_path: Path) -> None:
    issued = decided(tmp_path, evidence=DOCUMENT)

    (note,) = [each for each in issued.report(issued.holders[0]).notes if "SHA-256" in each]

    assert DOCUMENT.url in note
    assert DOCUMENT.digest.hex() in note


def test_a_review_missed_before_the_issuance_is_flagged_and_told(tmp_path: Path) -> None:
    issued = decided(tmp_path, review_by=TODAY - DAY)

    report = issued.report(issued.holders[0])

    assert report.exit_code == 0
    assert codes(report) == ["review-overdue"]
    assert report.flags[0].basis is Basis.REGISTER  # a later day could have been left out
    assert reviews(report) == [
        "the review of the accreditation was due by 2026-11-20, before the issuance"
    ]


def test_a_review_missed_since_is_told_and_not_flagged(tmp_path: Path) -> None:
    issued = decided(tmp_path, review_by=TODAY)

    later = datetime(2026, 11, 22, 1, tzinfo=UTC)
    report = issued.report(issued.holders[0], now=later)

    assert codes(report) == []
    told = "the review of the accreditation was due by 2026-11-21, and its accreditor states no"
    assert reviews(report) == [f"{told} later day"]
    assert reviews(issued.report(issued.holders[0])) == []


def test_a_later_day_that_was_restated_says_that_the_review_was_done(tmp_path: Path) -> None:
    issued = decided(tmp_path, review_by=TODAY - DAY)
    restated(issued, TODAY + DAY)
    (holder,) = issued.award(awards(issued.story, 1))

    assert codes(issued.report(holder)) == []
    assert reviews(issued.report(holder)) == []
    assert codes(issued.report(issued.holders[0])) == ["review-overdue"]  # it came too late


def test_of_a_file_a_missed_review_is_the_bearers_word(tmp_path: Path) -> None:
    issued = decided(tmp_path, review_by=TODAY - DAY)

    report = issued.report(issued.holders[0], evidence_from=EvidenceFrom.FILE)

    assert [flag.basis for flag in report.flags] == [Basis.BEARER]


def test_why_an_accreditation_was_suspended_is_told(tmp_path: Path) -> None:
    issued = decided(tmp_path)
    story = issued.story
    sanction = e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern")
    issued.says(story.accreditor, sanction)
    (holder,) = issued.award(awards(story, 1))

    report = issued.report(holder)

    assert refuted(report) == {"accreditation"}
    assert "was suspended (qualityConcern) at" in report.check("accreditation").detail


def test_how_it_was_awarded_is_told(tmp_path: Path) -> None:
    issued = decided(tmp_path)

    detail = issued.report(issued.holders[0]).check("achievement").detail

    assert detail == (
        "Soil Science, version 1 (assessment writtenExamination, participation blended, "
        "supervision supervisedOnSiteWithIdentity)"
    )


# --- The suite ---


def suites(report: Report) -> list[str]:
    return [each for each in report.notes if "in the credential itself" in each]


def with_suite(issued: IssuedLog, suite: str | None) -> HolderFile:
    (holder,) = issued.award(on_terms(awards(issued.story, 1), suite=suite))
    return holder


OURS = "eddsa-jcs-2022"


@pytest.mark.parametrize(
    ("stated", "carried", "told"),
    [
        ("none", None, None),
        (None, None, None),
        (None, OURS, None),
        (OURS, OURS, None),
        ("none", OURS, ("no proof", f"one of suite {OURS}")),
        (OURS, None, (f"a proof of suite {OURS}", "none")),
        ("ecdsa-sd-2023", OURS, ("a proof of suite ecdsa-sd-2023", f"one of suite {OURS}")),
    ],
)
def test_another_suite_than_was_logged_is_told(
    tmp_path: Path, stated: str | None, carried: str | None, told: tuple[str, str] | None
) -> None:
    issued = decided(tmp_path)
    holder = with_suite(issued, stated)
    if carried is not None:
        holder = signed(holder, issued.story.provider.key)

    report = issued.report(holder)

    assert report.exit_code == 0
    assert suites(report) == [
        f"the issuance states {logged} in the credential itself, and the credential carries {found}"
        for logged, found in ([told] if told else [])
    ]


def test_the_suite_of_another_credential_is_not_compared(tmp_path: Path) -> None:
    issued = decided(tmp_path)
    other = signed(issued.holders[1], private_key("somebody"))
    holder = msgspec.structs.replace(issued.holders[0], credential=other.credential)

    assert suites(issued.report(holder)) == []
