"""What an unsigned file leaves out is its bearer's word, and no word of the bearer's holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.catalogue.members import Scope
from testamur.rules import Flag
from testamur.verification.evidence import Evidence
from testamur.verification.flags import reported
from testamur.verification.report import Basis, EvidenceFrom, Report, Verdict
from testamur.verification.verify import verify
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import issued_by, logged_as, on_terms, verdicts
from tests.harness.story import NOW, party

OFFLINE = (
    "everything in the file holds; whether it was revoked since could not be told "
    "offline: add --url"
)
ABSENT = {"signature", "status", "accreditation", "recognition"}


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


def _revoked(issued: IssuedLog) -> tuple[HolderFile, int]:
    holder = issued.holders[0]
    revoked = e.CredentialRevoked(credential=holder.id, reason="misconduct")
    return holder, issued.says(issued.story.provider, revoked)


def _withdrawn(issued: IssuedLog) -> tuple[HolderFile, int]:
    story = issued.story
    gone = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct")
    position = issued.says(story.accreditor, gone)
    return issued.award(awards(story, 1))[0], position


def _unrecognised(issued: IssuedLog) -> tuple[HolderFile, int]:
    story = issued.story
    gone = e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    position = issued.says(story.authority, gone)
    return issued.award(awards(story, 1))[0], position


def _cut_off(issued: IssuedLog) -> tuple[HolderFile, int]:
    provider = issued.story.provider
    stolen = issued.story.key_compromised(provider, 10)
    return issued.holders[0], issued.says(provider.founding, stolen)


def _without(evidence: Evidence, position: int) -> Evidence:
    kept = tuple(each for each in evidence.submissions if each.position != position)
    assert len(kept) == len(evidence.submissions) - 1
    return msgspec.structs.replace(evidence, submissions=kept)


def _from_file(issued: IssuedLog, holder: HolderFile, evidence: Evidence) -> Report:
    return issued.report(holder, evidence, evidence_from=EvidenceFrom.FILE)


@pytest.mark.parametrize("story", [_revoked, _withdrawn, _cut_off])
def test_a_bearer_who_deletes_one_thing_from_a_file_gains_no_verdict_that_holds(
    issued: IssuedLog, story: Callable[[IssuedLog], tuple[HolderFile, int]]
) -> None:
    holder, position = story(issued)
    whole = issued.evidence(holder)
    assert _from_file(issued, holder, whole).exit_code == 1

    report = _from_file(issued, holder, _without(whole, position))

    assert report.exit_code == 2
    # Of an accreditation that was withdrawn, evidence shows no chain either.
    assert report.why == OFFLINE or "no recognition" in report.why
    # And what was issued in good faith looks the same: that is what a file can say.
    assert issued.report(holder, whole, evidence_from=EvidenceFrom.REGISTER).exit_code == 1


def test_that_nothing_leads_to_an_anchor_is_no_less_the_bearers_word(issued: IssuedLog) -> None:
    holder, _ = _unrecognised(issued)

    assert _from_file(issued, holder, issued.evidence(holder)).exit_code == 2
    assert issued.report(holder, evidence_from=EvidenceFrom.REGISTER).exit_code == 1


@pytest.mark.parametrize("evidence_from", [EvidenceFrom.REGISTER, EvidenceFrom.REPLAY])
def test_what_the_verifier_itself_asked_or_read_holds_as_stated_by_the_register(
    issued: IssuedLog, evidence_from: EvidenceFrom
) -> None:
    report = issued.report(issued.holders[0], evidence_from=evidence_from)

    assert report.exit_code == 0
    assert report.why.startswith(f"every check holds as of size {report.size}")
    assert {c.name for c in report.checks if c.basis is Basis.REGISTER} == ABSENT
    for name in ABSENT:
        assert "stated by the register, not proven" in report.check(name).detail  # type: ignore[arg-type]


def test_of_a_file_it_is_said_what_is_proven_and_what_only_the_bearer_says(
    issued: IssuedLog,
) -> None:
    report = _from_file(issued, issued.holders[0], issued.evidence(issued.holders[0]))

    assert {name for name, verdict in verdicts(report).items() if verdict != "holds"} == ABSENT
    for check in report.checks:
        due = Basis.BEARER if check.name in ABSENT else Basis.PROVEN
        attested = check.name in {"checkpoint", "issuer"}
        assert check.basis is (Basis.ATTESTED if attested else due)
        if check.name in ABSENT:
            assert check.verdict is Verdict.UNCHECKED
            assert check.detail.endswith("is the bearer's word, not proven")
    # No program takes the bearer's word for that of the register.
    assert report.subject["status"] == "active by the bearer's word"


def test_nobody_says_so_by_mistake_that_evidence_is_complete(issued: IssuedLog) -> None:
    """A caller who does not say where the evidence is from has it from a file."""
    holder = issued.holders[0]
    report = verify(
        holder,
        issued.evidence(holder),
        issued.policy(),
        anchors=frozenset({issued.story.authority.did}),
        now=datetime.fromtimestamp(NOW, UTC),
    )

    assert (report.verdict, report.why) == ("could-not-tell", OFFLINE)


@pytest.mark.parametrize("evidence_from", EvidenceFrom)
def test_a_revocation_that_is_shown_is_proven_wherever_it_is_from(
    issued: IssuedLog, evidence_from: EvidenceFrom
) -> None:
    holder, _ = _revoked(issued)

    report = issued.report(holder, evidence_from=evidence_from)

    assert report.exit_code == 1
    assert report.check("status").basis is Basis.PROVEN
    assert report.first_line.startswith("Not valid: the credential is revoked")
    assert report.subject["status"] == "revoked"


def test_the_verdict_names_the_first_check_that_could_not_be_made(issued: IssuedLog) -> None:
    stranger = [party("a stranger")]
    report = issued.report(issued.holders[0], anchors=stranger, evidence_from=EvidenceFrom.FILE)

    assert report.first_line.startswith("Could not tell: no recognition in force")
    assert report.why.endswith("; not checked either: issuer")


# --- Flags of the issuance ---


def test_the_flags_of_the_issuance_are_words_in_the_report(issued: IssuedLog) -> None:
    """Awarded ten years back, for an achievement that is awarded no more."""
    story = issued.story
    issued.says(story.provider, e.AchievementRetired(achievement=story.achievement))
    prepared = awards(story, 1)
    backdated = msgspec.structs.replace(
        prepared.events[0], valid_from=prepared.events[0].valid_from.replace(year=2016)
    )
    (holder,) = issued.award(logged_as(prepared, backdated))

    for evidence_from in EvidenceFrom:
        report = issued.report(holder, evidence_from=evidence_from)
        flags = {flag.code: flag for flag in report.flags}
        assert {"backdated", "achievement-retired"} <= flags.keys()
        assert flags["backdated"].basis is Basis.PROVEN
        assert "30 days" in flags["backdated"].meaning
        assert [note for note in report.notes if note.startswith("further flags")]


STATED = (Flag.ACCREDITOR_CLOSED, Flag.BACKDATED)


@pytest.mark.parametrize("evidence_from", EvidenceFrom)
def test_what_the_register_states_of_further_flags_counts_for_who_asked_it(
    issued: IssuedLog, evidence_from: EvidenceFrom
) -> None:
    report = issued.report(issued.holders[0], evidence_from=evidence_from, stated=STATED)

    bases = {flag.code: flag.basis for flag in report.flags}
    asked = evidence_from is not EvidenceFrom.FILE
    assert bases == (dict.fromkeys(map(str, STATED), Basis.REGISTER) if asked else {})
    further = [note for note in report.notes if note.startswith("further flags")]
    assert bool(further) != asked


def test_no_flag_changes_a_verdict(issued: IssuedLog) -> None:
    stated = tuple(flag for flag in Flag if e.CredentialIssued in flag.on)

    report = issued.report(issued.holders[0], stated=stated)

    assert len(report.flags) == len(stated)
    assert verdicts(report) == verdicts(issued.report(issued.holders[0]))


def test_what_is_flagged_for_a_lack_is_no_more_proven_than_the_lack(issued: IssuedLog) -> None:
    holder, _ = _withdrawn(issued)

    report = _from_file(issued, holder, issued.evidence(holder))

    bases = {flag.code: flag.basis for flag in report.flags}
    assert bases["accreditation-not-in-force"] is Basis.BEARER


def test_flags_that_follow_from_the_entries_are_those_of_admission(issued: IssuedLog) -> None:
    """As of the issuance: what came later flags nothing."""
    story, holder = issued.story, issued.holders[0]
    issued.says(story.provider, e.AchievementRetired(achievement=story.achievement))
    gone = e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct")
    issued.says(story.accreditor, gone)

    assert issued.report(holder).flags == ()


def test_of_each_flag_it_is_known_whether_it_follows_from_a_lack() -> None:
    """One that follows from what is not shown is never *proven*."""
    flags = tuple(flag for flag in Flag if e.CredentialIssued in flag.on)
    bases = {flag.code: flag.basis for flag in reported(flags, None, EvidenceFrom.FILE)}
    of_a_lack = {code for code, basis in bases.items() if basis is Basis.BEARER}
    assert of_a_lack == {"accreditation-not-in-force", "review-overdue"}


def test_of_an_issuance_by_a_thief_no_flags_are_told(issued: IssuedLog) -> None:
    holder, _ = _cut_off(issued)

    assert issued.report(holder).flags == ()


# --- What a file leaves out refutes nothing ---


def _suspended(issued: IssuedLog) -> tuple[HolderFile, int]:
    story, holder = issued.story, issued.holders[0]
    issued.says(
        story.provider, e.CredentialSuspended(credential=holder.id, reason="administrative")
    )
    return holder, issued.says(story.provider, e.CredentialReinstated(credential=holder.id))


def _suspended_accreditation(issued: IssuedLog) -> tuple[HolderFile, int]:
    story, id_ = issued.story, issued.story.accreditation
    issued.says(story.accreditor, e.AccreditationSuspended(accreditation=id_, reason="misconduct"))
    position = issued.says(story.accreditor, e.AccreditationReinstated(accreditation=id_))
    return issued.award(awards(story, 1))[0], position


def _renamed(issued: IssuedLog) -> tuple[HolderFile, int]:
    story = issued.story
    position = issued.says(story.accreditor, story.accreditation_restated("A College"))
    return issued.award(issued_by(awards(story, 1), story.provider, name="A College"))[0], position


def _moved(issued: IssuedLog) -> tuple[HolderFile, int]:
    story, id_ = issued.story, issued.story.new_id()
    granted = msgspec.structs.replace(story.accredited(id_), scope=Scope(jurisdictions=("BE",)))
    issued.says(story.accreditor, granted)
    position = issued.says(
        story.accreditor,
        e.AccreditationRestated(accreditation=id_, country="BE", name="An Organization"),
    )
    return issued.award(on_terms(awards(story, 1), accreditation=id_))[0], position


@pytest.mark.parametrize("story", [_suspended, _suspended_accreditation, _renamed, _moved])
def test_what_an_entry_left_out_of_a_file_would_mend_is_not_refuted(
    issued: IssuedLog, story: Callable[[IssuedLog], tuple[HolderFile, int]]
) -> None:
    """Else a person who passes a file on could spoil a good credential."""
    holder, position = story(issued)
    whole = issued.evidence(holder)
    assert issued.report(holder, whole).exit_code == 0

    report = _from_file(issued, holder, _without(whole, position))

    assert report.exit_code == 2
    assert report.verdict == "could-not-tell"
    assert not any(check.verdict is Verdict.REFUTED for check in report.checks)
    # A register that shows as little states that there is no more.
    asked = issued.report(holder, _without(whole, position), evidence_from=EvidenceFrom.REGISTER)
    assert asked.exit_code == 1


def test_a_suspension_in_a_file_is_the_status_by_the_bearers_word(issued: IssuedLog) -> None:
    holder, position = _suspended(issued)

    report = _from_file(issued, holder, _without(issued.evidence(holder), position))

    assert report.check("status").basis is Basis.BEARER
    assert report.subject["status"] == "suspended by the bearer's word"
