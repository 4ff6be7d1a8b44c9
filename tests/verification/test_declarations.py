"""What a stolen key signed counts for nothing once that is declared, and the report says so."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.rules import MAX_AHEAD
from testamur.verification.report import EvidenceFrom, Report
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import issued_by, on_terms, refuted, unchecked, verdicts
from tests.harness.story import Party, party

DAY = 24 * 3600


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


def declares(issued: IssuedLog, owner: Party, since: int, *kept: tuple[int, int]) -> int:
    """Have the founding key declare the signing key compromised; return the entry's position."""
    declared = issued.story.key_compromised(owner, since, kept or None)
    return issued.says(owner.founding, declared) + 1


def recovers(issued: IssuedLog, owner: Party) -> Party:
    """Return the organization signing with a fresh key that its founding key listed."""
    fresh = owner.with_key("fresh")
    issued.says(owner.founding, issued.story.key_listed(fresh))
    return fresh


def unlawful(issued: IssuedLog, holder: HolderFile, by: Party, *events: e.Event) -> Report:
    """Return the report after a submission that no gate admits, but an operator wrote down."""
    issued.publish()
    positions = issued.positions(issued.holders[0].id)
    at = issued.says(by, *events)
    shown = [*positions, (at, [at + 1 + number for number in range(len(events))])]
    return issued.report(holder, issued.evidence(holder, positions=shown))


# --- The issuance ---


def test_an_issuance_by_a_thief_is_refuted_with_who_declared_what_where(issued: IssuedLog) -> None:
    at = declares(issued, issued.story.provider, 10)

    report = issued.report(issued.holders[0])

    assert refuted(report) == {"signature"}
    (position,) = issued.positions(issued.holders[0].id)[-2][1]
    said = f"was issued at {position}; An Organization declared at {at} that the key"
    assert said in report.check("signature").detail
    assert report.first_line.startswith(f"Not valid: the credential {said}")
    assert "compromised since 10" in report.why


def test_nothing_that_rests_on_a_stolen_key_is_told(issued: IssuedLog) -> None:
    declares(issued, issued.story.provider, 10)

    report = issued.report(issued.holders[0])

    held = {name for name, verdict in verdicts(report).items() if verdict == "holds"}
    assert held == {"commitment", "submission", "inclusion", "checkpoint"}
    assert (report.subject, report.flags) == ({}, ())


def test_what_the_owner_signed_before_or_keeps_stands(issued: IssuedLog) -> None:
    story = issued.story
    (later,) = issued.award(awards(story, 1))
    (last,) = issued.award(awards(story, 1))
    declares(issued, story.provider, 14, (16, 16))

    assert issued.report(issued.holders[0]).exit_code == 0
    assert refuted(issued.report(later)) == {"signature"}
    assert issued.report(last).exit_code == 0


def test_a_declaration_cuts_off_no_more_than_ninety_days(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    issued.story.now += 91 * DAY
    declares(issued, issued.story.provider, 10)

    assert issued.report(holder).exit_code == 0


def test_a_word_restated_is_the_last_one(issued: IssuedLog) -> None:
    story = issued.story
    declares(issued, story.provider, 10)
    assert refuted(issued.report(issued.holders[0])) == {"signature"}

    declares(issued, story.provider, 14)

    assert issued.report(issued.holders[0]).exit_code == 0


def test_the_same_line_written_again_by_the_owner_counts(issued: IssuedLog) -> None:
    story = issued.story
    prepared = awards(story, 1)
    issued.says(story.provider, *prepared.events)
    declares(issued, story.provider, 14)
    fresh = recovers(issued, story.provider)
    issued.says(fresh, *prepared.events)

    assert issued.report(prepared.holders[0]).exit_code == 0


def test_a_key_that_declares_itself_says_nothing_of_its_past(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(story.provider, story.key_compromised(story.provider))
    assert issued.report(issued.holders[0]).exit_code == 0

    prepared = awards(story, 1)
    report = unlawful(issued, prepared.holders[0], story.provider, *prepared.events)
    assert refuted(report) == {"signature"}


def test_a_retired_key_issues_no_more(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(story.provider.founding, story.key_retired(story.provider))
    prepared = awards(story, 1)

    report = unlawful(issued, prepared.holders[0], story.provider, *prepared.events)

    assert refuted(report) == {"signature"}
    assert "was retired at" in report.check("signature").detail


@pytest.mark.parametrize("signer", ["sponsor", "authority", "signing key"])
def test_nobody_else_cuts_off_a_key(issued: IssuedLog, signer: str) -> None:
    """No sponsor, no authority, and no key beside it has any power over a key."""
    story, other = issued.story, issued.story.provider.with_key("beside it")
    issued.says(story.provider.founding, story.key_listed(other))
    by = {"sponsor": story.accreditor, "authority": story.authority, "signing key": other}[signer]

    report = unlawful(issued, issued.holders[0], by, story.key_compromised(story.provider, 10))

    assert report.exit_code == 0


# --- What came after ---


def revoked_by_a_thief(issued: IssuedLog) -> tuple[HolderFile, int]:
    holder = issued.holders[0]
    revoked = e.CredentialRevoked(credential=holder.id, reason="misconduct")
    return holder, issued.says(issued.story.provider, revoked)


def test_a_revocation_by_a_thief_falls_and_the_verdict_says_why(issued: IssuedLog) -> None:
    holder, header = revoked_by_a_thief(issued)
    at = declares(issued, issued.story.provider, header)

    report = issued.report(holder)

    assert report.exit_code == 0
    assert report.why.endswith(
        f"; the credential was revoked at {header + 1}; An Organization declared at {at} that the "
        f"key was compromised since {header}"
    )
    assert report.subject["status"] == "active"


def test_a_revocation_that_its_owner_keeps_stands(issued: IssuedLog) -> None:
    holder, header = revoked_by_a_thief(issued)
    declares(issued, issued.story.provider, header, (header, header))

    assert refuted(issued.report(holder)) == {"status"}


def test_a_thief_does_not_take_the_place_of_the_owners_own_revocation(issued: IssuedLog) -> None:
    story = issued.story
    holder, header = revoked_by_a_thief(issued)
    fresh = recovers(issued, story.provider)
    again = e.CredentialRevoked(credential=holder.id, reason="issuedInError")
    issued.says(fresh, again)
    declares(issued, story.provider, header)

    assert refuted(issued.report(holder)) == {"status"}


# --- Grants ---


def test_an_accreditation_by_a_thief_accredits_nothing(issued: IssuedLog) -> None:
    story, accreditation = issued.story, issued.story.new_id()
    header = issued.says(story.accreditor, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))
    assert issued.report(holder).exit_code == 0

    at = declares(issued, story.accreditor, header)

    report = issued.report(holder)
    assert refuted(report) == {"accreditation"}
    assert f"was granted at {header + 1}; An Organization (by its own word) declared at {at}" in (
        report.why
    )
    assert issued.report(issued.holders[0]).exit_code == 0


def test_an_accreditation_that_a_thief_withdrew_stands(issued: IssuedLog) -> None:
    story = issued.story
    gone = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct")
    header = issued.says(story.accreditor, gone)
    (holder,) = issued.award(awards(story, 1))
    assert refuted(issued.report(holder)) == {"accreditation"}

    declares(issued, story.accreditor, header)

    report = issued.report(holder)
    assert report.exit_code == 0
    assert f"was withdrawn at {header + 1}; " in report.why


def test_what_a_thief_withdrew_after_the_issuance_changed_nothing_and_is_not_told(
    issued: IssuedLog,
) -> None:
    story = issued.story
    gone = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct")
    header = issued.says(story.accreditor, gone)
    declares(issued, story.accreditor, header)

    report = issued.report(issued.holders[0])

    assert report.exit_code == 0
    assert "withdrawn" not in report.why


def test_a_recognition_by_a_thief_leads_nowhere(issued: IssuedLog) -> None:
    story, other, accreditation = issued.story, party("of a thief"), issued.story.new_id()
    issued.says(story.authority, story.registered(story.authority, other, "accreditor"))
    header = issued.says(story.authority, story.recognised(story.new_id(), of=other))
    issued.says(other, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))
    assert issued.report(holder).exit_code == 0

    declares(issued, story.authority, header)

    assert refuted(issued.report(holder)) == {"recognition"}


def test_a_definition_by_a_thief_is_no_definition(issued: IssuedLog) -> None:
    story, achievement = issued.story, issued.story.new_id()
    header = issued.says(story.provider, story.defined(achievement))
    fresh = recovers(issued, story.provider)
    (holder,) = issued.award(on_terms(awards(story, 1), achievement=achievement), by=fresh)
    assert issued.report(holder).exit_code == 0

    declares(issued, story.provider, header)

    report = issued.report(holder)
    assert refuted(report) == {"achievement"}
    assert "accreditation" in unchecked(report)


def test_who_a_thief_registered_stands_by_its_own_signature(issued: IssuedLog) -> None:
    """Of a submission that does not count one thing is taken: the registrations in it."""
    story, newcomer = issued.story, party("a newcomer")
    header = issued.says(story.accreditor, story.registered(story.accreditor, newcomer, "provider"))
    accreditation, achievement = story.new_id(), story.new_id()
    fresh = recovers(issued, story.accreditor)
    issued.says(fresh, story.accredited(accreditation, of=newcomer))
    declares(issued, story.accreditor, header)
    issued.says(newcomer, story.defined(achievement))
    terms = {"achievement": achievement, "accreditation": accreditation}
    prepared = on_terms(issued_by(awards(story, 1), newcomer), **terms)
    (holder,) = issued.award(prepared, by=newcomer)

    assert issued.report(holder).exit_code == 0


# --- Keys that list keys ---


def test_what_a_key_listed_by_a_stolen_recovery_key_signed_falls_with_it(
    issued: IssuedLog,
) -> None:
    story, provider = issued.story, issued.story.provider
    thiefs = provider.with_key("of the thief")
    header = issued.says(provider.recovery, story.key_listed(thiefs))
    (holder,) = issued.award(awards(story, 1), by=thiefs)
    assert issued.report(holder).exit_code == 0

    recovery = story.key_compromised(provider.recovery, header)
    issued.says(provider.founding, recovery)

    report = issued.report(holder)
    assert refuted(report) == {"signature"}
    assert "was listed at" in report.check("signature").detail
    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_declaration_by_a_thief_falls_and_what_it_cut_off_returns(issued: IssuedLog) -> None:
    story, provider = issued.story, issued.story.provider
    header = issued.says(provider.recovery, story.key_compromised(provider, 10))
    assert refuted(issued.report(issued.holders[0])) == {"signature"}

    issued.says(provider.founding, story.key_compromised(provider.recovery, header))

    assert issued.report(issued.holders[0]).exit_code == 0


def test_what_is_declared_to_a_file_is_no_less_refuted(issued: IssuedLog) -> None:
    declares(issued, issued.story.provider, 10)

    report = issued.report(issued.holders[0], evidence_from=EvidenceFrom.FILE)

    assert report.exit_code == 1


# --- What no declaration touches ---


def test_a_credential_outlives_the_key_it_was_issued_with(issued: IssuedLog) -> None:
    story, provider = issued.story, issued.story.provider
    recovers(issued, provider)
    issued.says(provider.founding, story.key_retired(provider))

    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_credential_outlives_its_accreditation_and_its_issuer(issued: IssuedLog) -> None:
    """Judged at the position of issuance: what ended later does not reach back."""
    story = issued.story
    gone = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="qualityConcern")
    issued.says(story.accreditor, gone)
    issued.says(story.provider, story.closed())
    issued.says(story.accreditor, story.closed())

    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_credential_is_in_force_again_after_a_suspension(issued: IssuedLog) -> None:
    holder, provider = issued.holders[0], issued.story.provider
    suspended = e.CredentialSuspended(credential=holder.id, reason="administrative")
    issued.says(provider, suspended)
    assert refuted(issued.report(holder)) == {"status"}

    issued.says(provider, e.CredentialReinstated(credential=holder.id))

    assert issued.report(holder).exit_code == 0


@pytest.mark.parametrize("ahead", [MAX_AHEAD, MAX_AHEAD + 1])
def test_an_entry_is_not_recorded_in_the_time_to_come(issued: IssuedLog, ahead: int) -> None:
    """Else an accreditation that has not begun could be made to have."""
    now = datetime.fromtimestamp(issued.story.now - ahead, UTC)
    at = datetime.fromtimestamp(issued.story.now, UTC)

    report = issued.report(issued.holders[0], now=now, at=at)

    assert refuted(report) == set()
    assert unchecked(report) == (set() if ahead <= MAX_AHEAD else {"signature"})
    assert report.verdict == ("valid" if ahead <= MAX_AHEAD else "could-not-tell")
    assert ahead <= MAX_AHEAD or "if it is yours, set it and verify again" in report.why
