"""A report says from which day a change of status holds, why, and that the past stays as it was."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from testamur.catalogue import events as e
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import refuted

TODAY = date(2026, 11, 21)
EARLIER = date(2026, 9, 1)


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    return IssuedLog(tmp_path / "log")


def revoked(issued: IssuedLog, day: date | None) -> int:
    """Revoke the first credential with effect from a day; return the entry's position."""
    event = e.CredentialRevoked(
        credential=issued.holders[0].id, reason="issuedInError", effective_at=day
    )
    return issued.says(issued.story.provider, event) + 1


def test_a_revocation_is_told_with_its_day_its_record_and_its_reason(issued: IssuedLog) -> None:
    at = revoked(issued, EARLIER)

    report = issued.report(issued.holders[0])

    assert refuted(report) == {"status"}
    told = (
        f"was revoked at {at} by its issuer (issuedInError), with effect from 2026-09-01, "
        "recorded 2026-11-21"
    )
    assert told in report.check("status").detail
    assert told in report.why


def test_who_relied_on_it_in_between_is_told_that_the_log_did_not_say_so(
    issued: IssuedLog,
) -> None:
    before = issued.evidence(issued.holders[0])
    at = revoked(issued, EARLIER)

    (note,) = [each for each in issued.report(issued.holders[0]).notes if "in between" in each]
    assert f"from 2026-09-01 until the record at {at} the log did not say so" in note
    assert issued.report(issued.holders[0], before).exit_code == 0


@pytest.mark.parametrize("day", [TODAY, date(2026, 11, 22), None])
def test_a_day_that_is_not_before_the_record_leaves_nothing_in_between(
    issued: IssuedLog, day: date | None
) -> None:
    revoked(issued, day)

    report = issued.report(issued.holders[0])

    assert [each for each in report.notes if "in between" in each] == []
    assert ("with effect from" in report.check("status").detail) == (day is not None)


def test_a_suspension_that_was_lifted_with_effect_from_an_earlier_day_is_told(
    issued: IssuedLog,
) -> None:
    story, credential = issued.story, issued.holders[0].id
    issued.says(story.provider, e.CredentialSuspended(credential=credential, reason="duplicate"))
    lifted = e.CredentialReinstated(credential=credential, effective_at=EARLIER)
    issued.says(story.provider, lifted)

    report = issued.report(issued.holders[0])

    assert report.exit_code == 0
    assert "with effect from 2026-09-01, recorded" in report.check("status").detail
    assert any("was reinstated with effect from 2026-09-01" in each for each in report.notes)


def test_a_credential_that_took_its_place_is_named(issued: IssuedLog) -> None:
    first, second = issued.holders[:2]
    superseded = e.CredentialSuperseded(credential=first.id, successor=second.id)
    issued.says(issued.story.provider, superseded)

    detail = issued.report(first).check("status").detail

    assert f"by its issuer, credential {second.id} takes its place" in detail
