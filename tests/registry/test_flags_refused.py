"""Flags that a sender can mend stop its submission if it asks for that: those of its admission."""

from __future__ import annotations

from datetime import date

import msgspec

from registry.outcomes import FlagsRefused, Outcome, Recorded
from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from tests.harness.gates import OPENING, Desk
from tests.harness.story import Story


def asked(desk: Desk, *bodies: bytes) -> list[Outcome]:
    """Return what becomes of submissions in one group whose senders ask for it."""
    checked = [desk.gate.check(body, refuse_flags=True) for body in bodies]
    return desk.gate._committer.commit(checked)


def refused(desk: Desk, body: bytes) -> FlagsRefused:
    (outcome,) = asked(desk, body)
    assert isinstance(outcome, FlagsRefused), outcome
    return outcome


def details(desk: Desk, body: bytes) -> dict[str, tuple[str, ...]]:
    return dict(desk.gate.details(desk.gate.check(body, refuse_flags=True)))


def test_flags_that_the_sender_can_mend_refuse_it_whole(desk: Desk, story: Story) -> None:
    good, bad = story.issued(), story.issued(accredited=False)
    refusal = refused(desk, story.submission(story.provider, good, bad, bad_day(story)))
    assert (refusal.rule, refusal.line, refusal.value) == (
        "flags-refused",
        3,
        "no-accreditation-claimed",
    )
    assert refusal.flags == ((3, "no-accreditation-claimed"), (4, "backdated"))
    assert desk.committed() == OPENING
    # Nothing of it stayed behind: the same credentials are issued by another submission.
    desk.record(story.submission(story.provider, good, bad))


def bad_day(story: Story) -> e.CredentialIssued:
    return msgspec.structs.replace(story.issued(), valid_from=date(2026, 1, 2))


def test_without_flags_it_is_recorded_as_ever(desk: Desk, story: Story) -> None:
    (outcome,) = asked(desk, story.cohort(3))
    assert isinstance(outcome, Recorded)
    assert outcome.position == OPENING


def test_one_that_is_refused_spoils_no_other_of_its_group(desk: Desk, story: Story) -> None:
    """Not even one that the register has to be drafted for, or that issues what it issues."""
    achievement, credential = story.new_id(), story.issued()
    incomplete = e.AchievementDefined(
        achievement=achievement,
        definition=msgspec.structs.replace(story.definition(), assessment=None),
    )
    provider = story.provider
    outcomes = asked(
        desk,
        story.cohort(2),
        story.submission(provider, incomplete),
        story.submission(provider, credential, story.issued(accredited=False)),
        story.submission(provider, story.issued(achievement=achievement)),
        story.submission(provider, credential),
    )
    assert [type(each).__name__ for each in outcomes] == [
        "Recorded",
        "FlagsRefused",
        "FlagsRefused",
        "Refusal",
        "Recorded",
    ]
    assert getattr(outcomes[3], "rule", "") == "unknown-achievement"
    desk.examine()
    assert desk.committed() == OPENING + 3 + 2


def test_what_was_recorded_before_gets_its_receipt_with_its_flags(desk: Desk, story: Story) -> None:
    body = story.submission(story.provider, story.issued(accredited=False))
    first = desk.record(body)
    (again,) = asked(desk, body)
    assert isinstance(again, Recorded)
    assert (again.position, again.flags, again.repeated) == (first.position, first.flags, True)


def test_the_flags_are_those_of_the_admission_not_of_an_earlier_look(
    desk: Desk, story: Story
) -> None:
    """The accreditation is suspended between the dry run and the submission, in its group even."""
    body = story.submission(story.provider, story.issued())
    assert desk.gate.dry_run(story.rehearsed(body)).flags == ()
    suspended = e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern")
    outcomes = asked(desk, story.submission(story.accreditor, suspended), body)
    assert isinstance(outcomes[0], Recorded)
    assert isinstance(outcomes[1], FlagsRefused)
    (told,) = details(desk, body)["accreditation-not-in-force"]
    assert told.endswith(" is suspended")
    assert story.accreditor.did in told


def test_an_accreditor_that_nobody_recognises_any_more_stops_no_provider(
    desk: Desk, story: Story
) -> None:
    withdrawn = e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary")
    desk.record(story.submission(story.authority, withdrawn))
    body = story.submission(story.provider, story.issued())
    assert list(details(desk, body)) == ["accreditor-not-recognised"]
    (outcome,) = asked(desk, body)
    assert isinstance(outcome, Recorded)
    assert outcome.flags == ((2, "accreditor-not-recognised"),)


def test_what_is_said_again_as_it_was_cannot_be_mended(desk: Desk, story: Story) -> None:
    """After a theft its owner says again what fell, line by line the same."""
    achievement = story.new_id()
    incomplete = msgspec.structs.replace(story.definition(), assessment=None)
    events = (
        e.AchievementDefined(achievement=achievement, definition=incomplete),
        e.AchievementRevised(achievement=achievement, definition=incomplete, version=2),
        bad_day(story),
    )
    second = story.provider.with_key("second")
    desk.record(story.submission(story.provider.recovery, story.key_listed(second)))
    said = desk.record(story.submission(second, *events))
    assert {code for _, code in said.flags} == {"elements-missing", "backdated"}
    declared = story.key_compromised(second, said.position)
    desk.record(story.submission(story.provider.recovery, declared))
    body = story.submission(story.provider, *events)
    assert desk.gate.dry_run(story.rehearsed(body)).to_mend == frozenset()
    fresh = story.submission(story.provider, *events, bad_day(story))
    assert desk.gate.dry_run(story.rehearsed(fresh)).to_mend == {"backdated"}
    assert refused(desk, fresh).line == 5
    (outcome,) = asked(desk, body)
    assert isinstance(outcome, Recorded)
    assert {code for _, code in outcome.flags} == {code for _, code in said.flags}


# --- What a flag is about ---


def test_a_missing_element_is_named(desk: Desk, story: Story) -> None:
    achievement = story.new_id()
    definition = msgspec.structs.replace(
        story.definition(), assessment=None, quality_assurance=None
    )
    defined = e.AchievementDefined(achievement=achievement, definition=definition)
    here = story.submission(story.provider, defined, story.issued(achievement=achievement))
    expected = ("assessment, qualityAssurance", f"achievement {achievement}, version 1: ")
    about = details(desk, here)["elements-missing"]
    assert about == (expected[0], expected[1] + expected[0])
    # The same when the definition is on the log, and not in the submission.
    desk.record(story.submission(story.provider, defined))
    later = story.submission(story.provider, story.issued(achievement=achievement))
    assert details(desk, later)["elements-missing"] == (expected[1] + expected[0],)


def test_the_scope_is_named_with_what_lies_outside_it(desk: Desk, story: Story) -> None:
    narrow = story.new_id()
    granted = msgspec.structs.replace(
        story.accredited(narrow), scope=Scope(fields=("0611", "0612"), levels=None)
    )
    desk.record(story.submission(story.accreditor, granted))
    issued = msgspec.structs.replace(story.issued(), accreditation=narrow)
    (told,) = details(desk, story.submission(story.provider, issued, bad_day(story)))[
        "outside-accredited-scope"
    ]
    assert told.startswith(f"accreditation {narrow} by accreditor ")
    assert told.endswith(" leaves out: fields (0811 is not within 0611, 0612)")


def test_a_cohort_that_shares_a_flag_is_told_of_it_once(desk: Desk, story: Story) -> None:
    body = story.submission(story.provider, *(story.issued(accredited=False) for _ in range(9)))
    assert details(desk, body) == {
        "no-accreditation-claimed": (f"achievement {story.achievement}",)
    }


def test_days_are_counted(desk: Desk, story: Story) -> None:
    body = story.submission(story.provider, bad_day(story))
    (told,) = details(desk, body)["backdated"]
    assert "valid from 2026-01-02, " in told
    assert " days before " in told


def test_who_had_a_key_first_is_named(desk: Desk, story: Story) -> None:
    listed = story.key_listed(story.accreditor)
    body = story.submission(story.provider.recovery, listed)
    (told,) = details(desk, body)["key-shared"]
    assert told.startswith(f"{listed.key}, which ")
    assert story.accreditor.did in told
