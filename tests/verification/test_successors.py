"""A report names a successor and for whom it acts; it is heard by verifiers that trust these."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import on_terms, refuted
from tests.harness.story import Party, Story, party

MONTH = 30 * 24 * 3600
HEIR = party("an heir")
ROGUE = party("a root of its own")


class Seated(Story):
    """A story with another root authority, which the verifier does not trust."""

    def genesis(self, *, authorities: Sequence[Party] | None = None) -> bytes:
        return super().genesis(authorities=authorities or [self.authority, ROGUE])


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log with an heir registered; the provider awarded three credentials."""
    issued = IssuedLog(tmp_path / "log", Seated())
    issued.says(
        issued.story.authority, issued.story.registered(issued.story.authority, HEIR, "provider")
    )
    return issued


def revokes(issued: IssuedLog, holder: HolderFile, by: Party = HEIR) -> int:
    """Have somebody revoke a credential; return the entry's position."""
    revoked = e.CredentialRevoked(credential=holder.id, reason="misconduct")
    return issued.says(by, revoked) + 1


def named(issued: IssuedLog, by: Party, *, waits: int = MONTH) -> None:
    """Have somebody name the heir as the provider's successor, and wait so many seconds."""
    issued.says(by, issued.story.succeeded(issued.story.provider, HEIR))
    issued.story.now += waits


def test_the_issuers_own_successor_is_heard_and_named_with_for_whom(issued: IssuedLog) -> None:
    story = issued.story
    named(issued, story.provider)
    at = revokes(issued, issued.holders[0])

    report = issued.report(issued.holders[0], anchors=[ROGUE])
    assert "revoked" in report.subject["status"]
    report = issued.report(issued.holders[0])
    assert refuted(report) == {"status"}
    detail = report.check("status").detail
    assert f"was revoked at {at} by An Organization (by its own word) ({HEIR.did})" in detail
    assert f"acted for the issuer An Organization ({story.provider.did})" in detail


def test_the_accreditors_successor_is_heard_by_who_trusts_the_accreditor(
    issued: IssuedLog,
) -> None:
    story = issued.story
    named(issued, story.accreditor)
    revokes(issued, issued.holders[0])

    report = issued.report(issued.holders[0])

    assert refuted(report) == {"status"}
    assert f"for the accreditor An Organization ({story.accreditor.did})" in (
        report.check("status").detail
    )
    assert issued.report(issued.holders[1]).exit_code == 0


def test_a_closed_organization_is_succeeded_at_once(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(story.provider, story.closed())
    named(issued, story.accreditor, waits=0)
    revokes(issued, issued.holders[0])

    assert refuted(issued.report(issued.holders[0])) == {"status"}


def test_the_successor_of_an_accreditor_that_leads_nowhere_is_told_and_not_heard(
    issued: IssuedLog,
) -> None:
    """A rogue accredits the victim, names its own heir for it, and spoils nothing."""
    story, rogue, accreditation = issued.story, party("of the rogue"), issued.story.new_id()
    issued.says(
        ROGUE,
        story.registered(ROGUE, rogue, "accreditor"),
        story.recognised(story.new_id(), of=rogue),
    )
    issued.says(rogue, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))
    named(issued, rogue)
    at = revokes(issued, holder)

    trusting = issued.report(holder, anchors=[ROGUE])
    assert refuted(trusting) == {"status"}
    report = issued.report(holder)
    assert refuted(report) == {"recognition"}
    assert report.check("status").verdict == "holds"
    (note,) = [each for each in report.notes if f"was revoked at {at}" in each]
    assert "that accreditor led to no anchor there, so this is not heard" in note


def test_it_must_lead_to_the_anchor_where_the_successor_acts(issued: IssuedLog) -> None:
    story, holder = issued.story, issued.holders[0]
    named(issued, story.accreditor)
    gone = e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    before = revokes(issued, issued.holders[1])
    issued.says(story.authority, gone)
    revokes(issued, holder)

    # Accredited while it was recognised: that stands, and so does its heir's word of then.
    assert issued.report(holder).exit_code == 0
    report = issued.report(issued.holders[1])
    assert refuted(report) == {"status"}
    assert f"at {before} by" in report.check("status").detail


def test_recognised_anew_it_is_heard_again_by_the_chain_of_then(issued: IssuedLog) -> None:
    """Evidence then shows both chains: that of the issuance and that of the act."""
    story, holder = issued.story, issued.holders[0]
    named(issued, story.accreditor)
    gone = e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    issued.says(story.authority, gone)
    issued.says(story.authority, story.recognised(story.new_id()))
    revokes(issued, holder)

    assert refuted(issued.report(holder)) == {"status"}


def test_an_objection_ends_what_others_said_before(issued: IssuedLog) -> None:
    story = issued.story
    named(issued, story.accreditor, waits=0)
    issued.says(story.provider, story.objected())
    story.now += MONTH
    # No gate admits what the heir says now, so all of it is shown by hand.
    issued.publish()
    positions = issued.positions(issued.holders[0].id)
    assert revokes(issued, issued.holders[0]) == 21
    by_hand = {header: [header + 1] for header in (14, 16, 18, 20)}
    shown = sorted({**dict(positions), **by_hand}.items())

    report = issued.report(issued.holders[0], issued.evidence(issued.holders[0], positions=shown))

    assert report.exit_code == 0
    assert "acted for nobody" in " ".join(report.notes)


def test_a_successor_may_reinstate_and_that_is_told(issued: IssuedLog) -> None:
    story, holder = issued.story, issued.holders[0]
    suspended = e.CredentialSuspended(credential=holder.id, reason="administrative")
    issued.says(story.provider, suspended)
    named(issued, story.provider)
    issued.says(HEIR, e.CredentialReinstated(credential=holder.id))

    report = issued.report(holder)

    assert report.exit_code == 0
    assert "was reinstated at" in report.check("status").detail
    assert HEIR.did in report.check("status").detail


def test_an_accreditor_may_have_accredited_by_another_accreditation_when_it_named(
    issued: IssuedLog,
) -> None:
    """Its right to name began with the first; the credential names a later one."""
    story, accreditation = issued.story, issued.story.new_id()
    issued.says(story.accreditor, story.succeeded(story.provider, HEIR))
    issued.says(story.accreditor, story.accredited(accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))
    story.now += MONTH
    revokes(issued, holder)

    assert refuted(issued.report(holder)) == {"status"}


def test_a_key_of_the_successor_that_was_stolen_spoils_nothing(issued: IssuedLog) -> None:
    story, holder = issued.story, issued.holders[0]
    named(issued, story.provider)
    at = revokes(issued, holder)
    issued.says(HEIR.founding, story.key_compromised(HEIR, at - 1))

    report = issued.report(holder)

    assert report.exit_code == 0
    assert f"was revoked at {at}; " in report.why
