"""What became of accreditor, authority and their grants is told beside a verdict that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest

from testamur.badges.prepare import Prepared
from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from testamur.rules import Flag
from testamur.verification.report import Basis, EvidenceFrom, Report
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import logged_as, on_terms, refuted
from tests.verification.test_declarations import declares, recovers


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    return IssuedLog(tmp_path / "log")


def noted(report: Report, words: str) -> list[str]:
    return [each for each in report.notes if words in each]


def disagreements(report: Report) -> list[str]:
    return noted(report, "as it was admitted")


def _suspends(issued: IssuedLog) -> e.AccreditationSuspended:
    id_ = issued.story.accreditation
    return e.AccreditationSuspended(accreditation=id_, reason="misconduct")


# --- After the issuance ---


@pytest.mark.parametrize("evidence_from", EvidenceFrom)
def test_an_accreditation_suspended_after_the_issuance_is_noted(
    issued: IssuedLog, evidence_from: EvidenceFrom
) -> None:
    at = issued.says(issued.story.accreditor, _suspends(issued)) + 1

    report = issued.report(issued.holders[0], evidence_from=evidence_from)

    assert refuted(report) == set()
    (note,) = noted(report, "after the issuance")
    assert note == (
        f"the accreditation was suspended at {at} by An Organization (misconduct)"
        ", after the issuance; that does not change this verdict"
    )


def test_one_that_was_reinstated_and_withdrawn_since_is_told_in_that_order(
    issued: IssuedLog,
) -> None:
    id_ = issued.story.accreditation
    issued.says(
        issued.story.accreditor, _suspends(issued), e.AccreditationReinstated(accreditation=id_)
    )
    issued.says(
        issued.story.accreditor, e.AccreditationWithdrawn(accreditation=id_, reason="misconduct")
    )

    notes = noted(issued.report(issued.holders[0]), "the accreditation was")

    assert [note.split(" at ")[0].rpartition(" ")[2] for note in notes] == [
        "suspended",
        "reinstated",
        "withdrawn",
    ]


def test_a_recognition_withdrawn_after_the_issuance_is_noted(issued: IssuedLog) -> None:
    story = issued.story
    gone = e.RecognitionWithdrawn(recognition=story.recognition, reason="misconduct")
    at = issued.says(story.authority, gone) + 1

    report = issued.report(issued.holders[0])

    assert report.exit_code == 0
    assert noted(report, f"was withdrawn at {at} by Authority")


def test_many_changes_are_counted_and_the_last_ones_told(issued: IssuedLog) -> None:
    id_ = issued.story.accreditation
    for _ in range(3):
        issued.says(
            issued.story.accreditor,
            _suspends(issued),
            e.AccreditationReinstated(accreditation=id_),
        )

    notes = noted(issued.report(issued.holders[0]), "after the issuance")

    assert "the accreditation was changed 6 times after the issuance" in notes[0]
    assert len(notes) == 6


def test_what_a_thief_said_of_a_grant_is_not_noted(issued: IssuedLog) -> None:
    story = issued.story
    header = issued.says(story.accreditor, _suspends(issued))
    issued.says(story.accreditor.founding, story.key_compromised(story.accreditor, header))

    assert noted(issued.report(issued.holders[0]), "after the issuance") == []


# --- Closings ---


def test_an_accreditor_that_closed_after_the_issuance_is_noted(issued: IssuedLog) -> None:
    at = issued.says(issued.story.accreditor, issued.story.closed()) + 1

    report = issued.report(issued.holders[0], stated=())

    assert report.exit_code == 0
    (note,) = noted(report, f"closed at position {at}, after the issuance")
    assert note.startswith("An Organization (did:key:")
    assert report.flags == ()
    assert disagreements(report) == []


def test_an_accreditor_that_closed_before_the_issuance_is_flagged_too(issued: IssuedLog) -> None:
    at = issued.says(issued.story.accreditor, issued.story.closed()) + 1
    (holder,) = issued.award(awards(issued.story, 1))

    report = issued.report(holder, stated=(Flag.ACCREDITOR_CLOSED,))

    assert report.exit_code == 0
    assert noted(report, f"closed at position {at}, before the issuance")
    assert [(flag.code, flag.basis) for flag in report.flags] == [
        ("accreditor-closed", Basis.PROVEN)
    ]
    assert disagreements(report) == []


def test_an_authority_that_closed_is_noted(issued: IssuedLog) -> None:
    at = issued.says(issued.story.authority, issued.story.closed()) + 1

    report = issued.report(issued.holders[0])

    assert report.exit_code == 0
    assert noted(report, f"closed at position {at}, after the issuance")


# --- The time of logging ---


def test_the_time_of_logging_is_that_of_the_issuance(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    before = issued.report(holder)
    issued.story.now += 3600
    issued.says(
        issued.story.provider,
        e.CredentialRevoked(credential=holder.id, reason="issuedInError"),
    )

    report = issued.report(holder)

    assert before.logged_at == report.logged_at == "2026-11-21T10:00:00.000Z"
    assert report.recorded_at == "2026-11-21T11:00:00.000Z"


def test_nobody_is_told_a_time_of_logging_that_nobody_signed(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(story.provider.founding, story.key_compromised(story.provider, 10))

    report = issued.report(issued.holders[0])

    assert refuted(report) == {"signature"}
    assert report.logged_at is None


# --- Flags that the register states ---


def test_a_flag_that_the_register_states_and_that_does_not_follow_is_told(
    issued: IssuedLog,
) -> None:
    report = issued.report(issued.holders[0], stated=(Flag.BACKDATED, Flag.AUTHORITY_CLOSED))

    assert [flag.code for flag in report.flags] == ["authority-closed", "backdated"]
    (told,) = disagreements(report)
    assert told.startswith("the register states that the issuance was flagged backdated")


def test_a_flag_that_follows_and_that_the_register_does_not_state_is_told(
    issued: IssuedLog,
) -> None:
    story = issued.story
    issued.says(story.provider, e.AchievementRetired(achievement=story.achievement))
    (holder,) = issued.award(awards(story, 1))

    assert disagreements(issued.report(holder)) == [], "nobody was asked"
    (told,) = disagreements(issued.report(holder, stated=()))
    assert told.startswith("achievement-retired follows from what counts now")
    assert disagreements(issued.report(holder, stated=(Flag.ACHIEVEMENT_RETIRED,))) == []


def test_a_flag_by_a_suspension_that_a_thief_signed_is_explained(issued: IssuedLog) -> None:
    """The gate flagged the issuance; then the accreditor declared its key."""
    story = issued.story
    header = issued.says(story.accreditor, _suspends(issued))
    (holder,) = issued.award(awards(story, 1))
    issued.says(story.accreditor.founding, story.key_compromised(story.accreditor, header))

    report = issued.report(holder, stated=(Flag.ACCREDITATION_NOT_IN_FORCE,))

    assert report.exit_code == 0
    assert [flag.basis for flag in report.flags] == [Basis.REGISTER]
    assert len(disagreements(report)) == 1


def test_the_flags_of_a_replay_are_those_of_the_issuance_that_is_judged(issued: IssuedLog) -> None:
    """Written again while the first did not count; then its owner restated that it does."""
    story = issued.story
    prepared = awards(story, 1)
    (holder,) = issued.award(prepared)
    declares(issued, story.provider, 14)
    fresh = recovers(issued, story.provider)
    issued.says(fresh, e.AchievementRetired(achievement=story.achievement))
    issued.says(fresh, *prepared.events)
    issued.publish()
    assert issued.bearing(holder.id).flags(holder.id) == (Flag.ACHIEVEMENT_RETIRED,)

    declares(issued, story.provider, 14, (14, 14))
    issued.publish()

    assert issued.bearing(holder.id).flags(holder.id) == ()
    assert issued.report(holder, stated=()).subject["position"] == "15"


def _retires(issued: IssuedLog) -> Prepared:
    issued.says(issued.story.provider, e.AchievementRetired(achievement=issued.story.achievement))
    return awards(issued.story, 1)


def _suspended_before(issued: IssuedLog) -> Prepared:
    issued.says(issued.story.accreditor, _suspends(issued))
    return awards(issued.story, 1)


def _closed_before(issued: IssuedLog) -> Prepared:
    issued.says(issued.story.accreditor, issued.story.closed())
    return awards(issued.story, 1)


def _overdue(issued: IssuedLog) -> Prepared:
    restated = issued.story.accreditation_restated("An Organization")
    issued.says(
        issued.story.accreditor, msgspec.structs.replace(restated, review_by=date(2026, 11, 1))
    )
    return awards(issued.story, 1)


def _unclaimed(issued: IssuedLog) -> Prepared:
    prepared = awards(issued.story, 1)
    event = msgspec.structs.replace(prepared.events[0], accreditation=None)
    return logged_as(prepared, event)


def _outside(issued: IssuedLog) -> Prepared:
    story, id_ = issued.story, issued.story.new_id()
    narrow = Scope(fields=("0999",))
    issued.says(story.accreditor, msgspec.structs.replace(story.accredited(id_), scope=narrow))
    return on_terms(awards(story, 1), accreditation=id_)


def _on_day(day: date) -> Callable[[IssuedLog], Prepared]:
    def act(issued: IssuedLog) -> Prepared:
        prepared = awards(issued.story, 1)
        return logged_as(prepared, msgspec.structs.replace(prepared.events[0], valid_from=day))

    return act


@pytest.mark.parametrize(
    ("story", "flag"),
    [
        (lambda issued: awards(issued.story, 1), None),
        (_retires, "achievement-retired"),
        (_suspended_before, "accreditation-not-in-force"),
        (_closed_before, "accreditor-closed"),
        (_overdue, "review-overdue"),
        (_unclaimed, "no-accreditation-claimed"),
        (_outside, "outside-accredited-scope"),
        (_on_day(date(2026, 1, 1)), "backdated"),
        (_on_day(date(2027, 1, 1)), "postdated"),
    ],
)
def test_the_flags_that_follow_are_those_of_the_rules(
    issued: IssuedLog, story: Callable[[IssuedLog], Prepared], flag: str | None
) -> None:
    (holder,) = issued.award(story(issued))
    evidence = issued.evidence(holder)

    stated = issued.bearing(holder.id).flags(holder.id)
    report = issued.report(holder, evidence, stated=stated)

    assert flag is None or flag in stated
    assert {each.code for each in report.flags} == set(stated)
    assert disagreements(report) == []
