"""What bears on a credential leads to the verdict that the whole log leads to, and no less does."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from projections.evidence import evidence_positions
from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.policy import Log, Policy
from testamur.verification.bearing import Bearing
from testamur.verification.evidence import Evidence, build_evidence
from testamur.verification.replay import Replayer, replay
from testamur.verification.report import EvidenceFrom, Report, Verdict
from testamur.verification.verify import verify
from tests.harness.awards import awards
from tests.harness.chronicle import Chronicle
from tests.harness.published_log import PublishedLog
from tests.harness.random_submissions import RandomSubmissions
from tests.harness.story import Story, party


class Register:
    """A log of real credentials, told about after each submission."""

    def __init__(self, root: Path) -> None:
        self.story = Story()
        self.log = PublishedLog(root, self.story)
        self.log.append(*self.story.opening())
        prepared = awards(self.story, 3)
        self.holders = prepared.holders
        self.provider_says(*prepared.events)

    def provider_says(self, *events: e.Event) -> None:
        self.log.append(self.story.submission(self.story.provider, *events))

    def positions(self, credential: str, *others: str) -> list[tuple[int, list[int]]]:
        self.log.publish()
        bearing = Bearing([credential, *others])
        replay(self.log.source(), self.log.key, on_submission=bearing.read)
        return bearing.positions(credential)

    def evidence(self, positions: list[tuple[int, list[int]]], holder: HolderFile) -> Evidence:
        note = self.log.source().fetch("checkpoint")
        return build_evidence(self.log.reader(), note, holder.id, positions)

    def report(self, evidence: Evidence, holder: HolderFile) -> Report:
        return verify(
            holder,
            evidence,
            Policy((Log(self.log.key),), (), (), None),
            anchors=frozenset({self.story.authority.did}),
            now=datetime.fromtimestamp(self.story.now, UTC),
            evidence_from=EvidenceFrom.REPLAY,
        )

    def judged(self, holder: HolderFile, *others: str) -> Report:
        return self.report(self.evidence(self.positions(holder.id, *others), holder), holder)


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path / "log")


def verdicts(report: Report) -> dict[str, str]:
    return {check.name: f"{check.verdict}: {check.detail}" for check in report.checks}


def test_a_good_credential_holds_by_what_bears_on_it_alone(register: Register) -> None:
    holder = register.holders[0]
    found = register.positions(holder.id)
    assert sum(len(events) for _, events in found) == 7  # of 10 on the log
    assert register.judged(holder).exit_code == 0, verdicts(register.judged(holder))


def test_an_issuance_alone_in_its_cohort_is_shown(register: Register) -> None:
    positions = [register.positions(holder.id)[-1] for holder in register.holders]
    assert [header for header, _ in positions] == [10, 10, 10]
    assert sorted(event for _, (event,) in positions) == [11, 12, 13]


def test_no_submission_that_bears_on_it_can_be_left_out(register: Register) -> None:
    holder = register.holders[0]
    found = register.positions(holder.id)
    for left_out in range(len(found)):
        shown = found[:left_out] + found[left_out + 1 :]
        report = register.report(register.evidence(shown, holder), holder)
        assert report.exit_code == 2, (left_out, verdicts(report))


def test_what_was_revoked_is_shown_to_be(register: Register) -> None:
    holder = register.holders[0]
    register.provider_says(e.CredentialSuspended(credential=holder.id, reason="administrative"))
    register.provider_says(e.CredentialRevoked(credential=holder.id, reason="issuedInError"))
    assert register.judged(holder).check("status").verdict is Verdict.REFUTED
    assert register.judged(register.holders[1]).exit_code == 0


def test_what_superseded_a_credential_is_shown_with_it(register: Register) -> None:
    old, new, _ = register.holders
    register.provider_says(e.CredentialSuperseded(credential=old.id, successor=new.id))
    register.provider_says(e.CredentialRevoked(credential=new.id, reason="misconduct"))
    report = register.judged(old, new.id)
    assert "superseded" in report.check("status").detail
    assert report.check("signature").verdict is Verdict.HOLDS


def test_a_successor_that_was_not_read_is_named_as_missing(register: Register) -> None:
    old, new, _ = register.holders
    register.provider_says(e.CredentialSuperseded(credential=old.id, successor=new.id))
    register.log.publish()
    bearing = Bearing([old.id])
    replay(register.log.source(), register.log.key, on_submission=bearing.read)
    assert bearing.missing == {new.id}


def test_keys_that_came_and_went_are_followed(register: Register) -> None:
    story = register.story
    fresh = story.provider.with_key("key-2")
    register.provider_says(story.key_added(story.provider, fresh))
    retired = e.KeyRetired(key=story.provider.key_id, organization=story.provider.did)
    register.log.append(story.submission(fresh, retired))
    prepared = awards(story, 1)
    register.log.append(story.submission(fresh, *prepared.events))
    assert register.judged(prepared.holders[0]).exit_code == 0


def test_a_withdrawn_recognition_is_shown(register: Register) -> None:
    story = register.story
    gone = e.RecognitionWithdrawn(reason="qualityConcern", recognition=story.recognition)
    register.log.append(story.submission(story.authority, gone))
    prepared = awards(story, 1)
    register.provider_says(*prepared.events)
    assert register.judged(prepared.holders[0]).check("recognition").verdict is Verdict.REFUTED
    # Recognised when it was issued: that still stands.
    assert register.judged(register.holders[0]).exit_code == 0


def test_who_issued_without_accreditation_is_still_followed_to_the_genesis(
    register: Register,
) -> None:
    prepared = awards(register.story, 1)
    (event,), (holder,) = prepared.events, prepared.holders
    register.provider_says(msgspec.structs.replace(event, accreditation=None))
    report = register.judged(holder)
    assert report.check("signature").verdict is Verdict.HOLDS
    assert report.check("accreditation").verdict is Verdict.REFUTED


def test_an_organization_that_is_not_involved_is_left_out(register: Register) -> None:
    story = register.story
    stranger = party("a stranger")
    register.log.append(
        story.submission(story.authority, story.registered(story.authority, stranger, "accreditor"))
    )
    register.provider_says(story.defined(story.new_id()))
    other = e.RecognitionGranted(
        accreditor=stranger.did, recognition=story.new_id(), valid_from=date(2026, 1, 1)
    )
    register.log.append(story.submission(story.authority, other))
    found = register.positions(register.holders[0].id)
    assert max(header for header, _ in found) == 10


def test_a_credential_that_was_never_issued_has_nothing(register: Register) -> None:
    assert register.positions(register.story.new_id()) == []


# A seed does not shrink to a simpler story.
@pytest.mark.slow
@settings(max_examples=10, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_replay_and_tables_find_the_same_to_bear_on_every_credential(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """At a third, two thirds and the end of a wild story: found by reading, and by asking."""
    told = Chronicle.opened(tmp_path_factory.mktemp("wild") / "log")
    wild = RandomSubmissions(told, seed)
    wild.issued = told.issued(6)  # so that there is something to change from the start
    wild.go(150)
    entries = told.log.entries
    cohorts = Replayer(told.log.log_key).feed(entries, leaf_hashes(entries))
    ends = [cohort.position + 1 + len(cohort.events) for cohort in cohorts]
    with told.answers() as connection:
        for size in (ends[len(ends) // 3], ends[2 * len(ends) // 3], ends[-1]):
            bearing = Bearing(wild.issued)
            for cohort in cohorts:
                if cohort.position < size:
                    bearing.read(cohort)
            for credential in wild.issued:
                asked = evidence_positions(connection, credential, size)
                assert bearing.positions(credential) == asked, (credential, size)
