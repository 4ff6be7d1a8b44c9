"""What bears on a credential leads to the verdict that the whole log leads to, and no less does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.tlog.policy import Log, Policy
from testamur.verification.bearing import Bearing
from testamur.verification.chains import MAX_CHAINS
from testamur.verification.evidence import Evidence, build_evidence
from testamur.verification.replay import replay
from testamur.verification.report import EvidenceFrom, Report, Verdict
from testamur.verification.verify import verify
from tests.harness.awards import awards
from tests.harness.published_log import PublishedLog
from tests.harness.story import Party, Story, party


class Register:
    """A log of real credentials, told about after each submission."""

    def __init__(self, root: Path, story: Story | None = None) -> None:
        self.story = story or Story()
        self.log = PublishedLog(root, self.story)
        self.log.append(*self.story.opening())
        prepared = awards(self.story, 3)
        self.holders = prepared.holders
        self.provider_says(*prepared.events)

    def provider_says(self, *events: e.Event) -> None:
        self.log.append(self.story.submission(self.story.provider, *events))

    def bearing(self, credential: str) -> Bearing:
        self.log.publish()
        bearing = Bearing([credential])
        replay(self.log.source(), self.log.key, on_submission=bearing.read)
        return bearing

    def positions(self, credential: str, *anchors: Party) -> list[tuple[int, list[int]]]:
        asked = [anchor.did for anchor in anchors]
        return self.bearing(credential).positions(credential, asked)

    def evidence(self, positions: list[tuple[int, list[int]]], holder: HolderFile) -> Evidence:
        note = self.log.source().fetch("checkpoint")
        return build_evidence(self.log.reader(), note, holder.id, positions)

    def report(self, evidence: Evidence, holder: HolderFile, anchor: Party | None = None) -> Report:
        return verify(
            holder,
            evidence,
            Policy((Log(self.log.key),), (), (), None),
            anchors=[(anchor or self.story.authority).did],
            now=datetime.fromtimestamp(self.story.now, UTC),
            evidence_from=EvidenceFrom.REPLAY,
        )

    def judged(self, holder: HolderFile) -> Report:
        return self.report(self.evidence(self.positions(holder.id), holder), holder)


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


def test_what_superseded_a_credential_needs_not_be_shown(register: Register) -> None:
    """The issuer said so; what becomes of the other one is another matter."""
    old, new, _ = register.holders
    register.provider_says(e.CredentialSuperseded(credential=old.id, successor=new.id))
    register.provider_says(e.CredentialRevoked(credential=new.id, reason="misconduct"))
    report = register.judged(old)
    assert "superseded" in report.check("status").detail
    assert report.check("signature").verdict is Verdict.HOLDS


def test_a_credential_that_was_not_asked_for_cannot_be_found(register: Register) -> None:
    one, other, _ = register.holders
    bearing = register.bearing(one.id)
    with pytest.raises(KeyError):
        bearing.positions(other.id)


def test_keys_that_came_and_went_are_followed(register: Register) -> None:
    story = register.story
    fresh = story.provider.with_key("key-2")
    listed = story.key_listed(fresh), story.key_retired(story.provider)
    register.log.append(story.submission(story.provider.founding, *listed))
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
    other = story.recognised(story.new_id(), of=stranger)
    register.log.append(story.submission(story.authority, other))
    assert max(header for header, _ in register.positions(register.holders[0].id)) == 10


def test_no_stranger_can_lengthen_evidence(register: Register) -> None:
    """Not by grants of its own, not by naming successors, not by acts that nobody hears."""
    story, stranger, friend = register.story, party("a stranger"), party("its friend")
    holder = register.holders[0]
    before = register.positions(holder.id)
    for body in (
        story.submission(
            story.authority,
            story.registered(story.authority, stranger, "authority", "accreditor"),
            story.registered(story.authority, friend, "accreditor"),
            story.recognised(story.new_id(), as_="authority", of=stranger),
        ),
        story.submission(
            stranger,
            story.recognised(story.new_id()),
            story.recognised(story.new_id(), of=stranger),
            story.recognised(story.new_id(), of=friend, as_="authority"),
        ),
        story.submission(stranger, story.accredited(story.new_id())),
        story.submission(stranger, story.succeeded(story.provider, friend)),
    ):
        register.log.append(body)
    assert register.positions(holder.id) == before


def test_evidence_shows_a_chain_for_each_root_authority_and_each_anchor_asked(
    tmp_path: Path,
) -> None:
    """So that it serves the next verifier, too: with one file, several anchors hold."""
    roots = [party(f"root {number}") for number in range(3)]

    class Seated(Story):
        def genesis(self, *, authorities: Sequence[Party] | None = None) -> bytes:
            return super().genesis(authorities=authorities or [self.authority, *roots])

    register = Register(tmp_path / "log", Seated())
    story, minor = register.story, party("minor")
    for root in roots[:2]:
        body = story.submission(root, story.recognised(story.new_id()))
        register.log.append(body)
    register.log.append(
        story.submission(
            roots[2],
            story.registered(roots[2], minor, "authority"),
            story.recognised(story.new_id(), as_="authority", of=minor),
        )
    )
    register.log.append(story.submission(minor, story.recognised(story.new_id())))
    prepared = awards(story, 1)
    register.provider_says(*prepared.events)
    (holder,) = prepared.holders
    evidence = register.evidence(register.positions(holder.id), holder)

    for anchor in (story.authority, *roots):
        assert register.report(evidence, holder, anchor).exit_code == 0
    # The chain of the third root begins below it, so the minor authority's is in it.
    assert register.report(evidence, holder, minor).exit_code == 0


@pytest.mark.parametrize("count", [8, 9])
def test_evidence_shows_at_most_eight_chains(tmp_path: Path, count: int) -> None:
    roots = [party(f"root {number}") for number in range(count)]

    class Seated(Story):
        def genesis(self, *, authorities: Sequence[Party] | None = None) -> bytes:
            return super().genesis(authorities=authorities or [self.authority, *roots])

    register = Register(tmp_path / "log", Seated())
    story = register.story
    for root in roots:
        register.log.append(story.submission(root, story.recognised(story.new_id())))
    gone = e.RecognitionWithdrawn(reason="administrative", recognition=story.recognition)
    register.log.append(story.submission(story.authority, gone))
    prepared = awards(story, 1)
    register.provider_says(*prepared.events)
    (holder,) = prepared.holders
    evidence = register.evidence(register.positions(holder.id), holder)
    asked = register.evidence(register.positions(holder.id, roots[-1]), holder)

    held = [register.report(evidence, holder, root).exit_code == 0 for root in roots]
    assert sum(held) == MAX_CHAINS == 8
    # An anchor that was asked for comes before the root authorities.
    assert register.report(asked, holder, roots[-1]).exit_code == 0


def test_a_credential_that_was_never_issued_has_nothing(register: Register) -> None:
    assert register.positions(register.story.new_id()) == []
