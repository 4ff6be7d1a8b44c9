"""What the evidence leaves out could not be checked: it refutes nothing and proves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from testamur.badges.commitment import HolderFile
from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.tlog.cosignature import subtree_message
from testamur.tlog.note import MLDSA44_COSIGNATURE, Signature, VerifierKey
from testamur.tlog.policy import Log, Policy
from testamur.verification.evidence import Evidence, build_evidence, parse_evidence, render_evidence
from testamur.verification.report import EvidenceFrom, Verdict
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import on_terms, refuted, unchecked, verdicts
from tests.harness.story import NOW


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


def without(evidence: Evidence, position: int, number: int | None = None) -> Evidence:
    """Return the evidence without a submission, or without one event of it."""
    kept = []
    for submission in evidence.submissions:
        if submission.position != position:
            kept.append(submission)
        elif number is not None:
            events = tuple(each for each in submission.events if each.number != number)
            kept.extend([msgspec.structs.replace(submission, events=events)] if events else [])
    return msgspec.structs.replace(evidence, submissions=tuple(kept))


def _long_story(issued: IssuedLog) -> HolderFile:
    """Have it all happen: a key listed, a revision, a suspension lifted, a new accreditation."""
    story, provider, accreditor = issued.story, issued.story.provider, issued.story.accreditor
    fresh = provider.with_key("k2")
    issued.says(provider.founding, story.key_listed(fresh), story.key_retired(provider))
    issued.says(
        fresh,
        e.AchievementRevised(
            achievement=story.achievement, definition=story.definition(), version=2
        ),
    )
    issued.says(
        accreditor,
        e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern"),
    )
    issued.says(accreditor, e.AccreditationReinstated(accreditation=story.accreditation))
    (holder,) = issued.award(on_terms(awards(story, 1), achievement_version=2), by=fresh)
    issued.says(fresh, e.CredentialSuspended(credential=holder.id, reason="administrative"))
    issued.says(fresh, e.CredentialReinstated(credential=holder.id))
    return holder


# Left out, these read as if they had not happened: no excerpt can tell (see the notes there).
_MENDS = {"accreditation.reinstated/1", "credential.reinstated/1"}
_UNDONE = {"accreditation.suspended/1", "credential.suspended/1"}


@pytest.mark.parametrize("evidence_from", EvidenceFrom)
def test_no_event_that_something_builds_on_can_be_left_out(
    issued: IssuedLog, evidence_from: EvidenceFrom
) -> None:
    """What is left out makes checks impossible; it never refutes what it cannot show."""
    holder = _long_story(issued)
    evidence = issued.evidence(holder)
    assert not refuted(issued.report(holder, evidence, evidence_from=evidence_from))
    seen = set()
    for submission in evidence.submissions:
        for event in submission.events:
            kind = json.loads(event.line)["type"]
            seen.add(kind)
            shown = without(evidence, submission.position, event.number)
            report = issued.report(holder, shown, evidence_from=evidence_from)
            if kind in _MENDS:
                # The excerpt shows a suspension and not its end: that rests on who left it out.
                for name in refuted(report):
                    assert report.check(name).basis is evidence_from.absence  # type: ignore[arg-type]  # a name of a check
                continue
            gone = "recognition" if kind == "recognition.granted/1" else ""
            assert refuted(report) <= {gone}, (kind, verdicts(report))
            assert report.exit_code != 0 or kind in _UNDONE, (kind, verdicts(report))
    assert {"log.opened/1", "key.listed/1", "key.retired/1", "achievement.revised/1"} <= seen


def test_a_registration_left_out_leaves_who_signed_unknown(issued: IssuedLog) -> None:
    holder = issued.holders[0]

    report = issued.report(holder, without(issued.evidence(holder), 5, 1))

    assert "the evidence leaves out the registration of" in report.check("signature").detail


def test_half_a_submission_of_key_events_is_no_evidence(issued: IssuedLog) -> None:
    """It counts whole or not at all, and a thief may have said the other half."""
    story, provider, holder = issued.story, issued.story.provider, issued.holders[0]
    listed = story.key_listed(provider.with_key("one")), story.key_listed(provider.with_key("two"))
    position = issued.says(provider.founding, *listed)
    evidence = issued.evidence(holder)
    assert issued.report(holder, evidence).exit_code == 0

    report = issued.report(holder, without(evidence, position, 2))

    assert unchecked(report) >= {"signature"}
    assert f"leaves out key events of the submission at {position}" in report.why


def test_a_revocation_left_out_cannot_be_noticed_so_the_status_is_only_stated(
    issued: IssuedLog,
) -> None:
    """Inclusion proves what happened, never that nothing happened since."""
    holder = issued.holders[0]
    position = issued.says(
        issued.story.provider, e.CredentialRevoked(credential=holder.id, reason="misconduct")
    )
    evidence = issued.evidence(holder)
    assert refuted(issued.report(holder, evidence)) == {"status"}

    report = issued.report(holder, without(evidence, position))

    assert report.check("status").verdict is Verdict.HOLDS
    assert report.check("status").basis == "stated by the register"
    assert f"as of size {report.size}" in report.check("status").detail


def test_evidence_as_of_an_earlier_size_says_so_and_so_does_the_report(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    issued.publish()
    then = issued.log.size
    positions = issued.positions(holder.id)
    issued.says(
        issued.story.provider, e.CredentialRevoked(credential=holder.id, reason="misconduct")
    )
    note = issued.publish()
    evidence = build_evidence(issued.log.reader(), note, holder.id, positions, as_of=then)
    assert parse_evidence(render_evidence(evidence)) == evidence

    report = issued.report(holder, evidence)

    assert report.exit_code == 0
    assert report.size == issued.log.size > then
    assert f"active as of size {then}; that nothing" in report.check("status").detail
    assert f"the evidence leaves out the {report.size - then} entries after it" in report.why
    (said,) = [note for note in report.notes if "entries" in note and "evidence tells" in note]
    assert f"the first {then} entries" in said
    assert f"none of the {issued.log.size - then} that followed" in said


def test_no_program_takes_an_earlier_status_for_the_present_one(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    whole = issued.report(holder)
    assert (whole.as_of, whole.subject["status"]) == (whole.size, "active")

    revoked = e.CredentialRevoked(credential=holder.id, reason="misconduct")
    before = issued.positions(holder.id)
    issued.says(issued.story.provider, revoked)
    evidence = msgspec.structs.replace(issued.evidence(holder, positions=before), size=whole.size)
    report = issued.report(holder, evidence)
    assert (report.exit_code, report.size) == (0, whole.size + 2)
    assert report.as_of == json.loads(report.to_json())["asOf"] == whole.size
    assert report.subject["status"] == f"active as of size {whole.size}"


def test_evidence_cannot_tell_as_of_what_its_checkpoint_does_not_cover(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    evidence = issued.evidence(holder)
    size = issued.log.size
    assert evidence.size is None
    beyond = msgspec.structs.replace(evidence, size=size + 1)
    report = issued.report(holder, beyond)
    assert refuted(report) == {"inclusion"}
    assert report.as_of == size
    # Nor may it show what came later than it says.
    short = msgspec.structs.replace(evidence, size=evidence.submissions[-1].position + 1)
    assert refuted(issued.report(holder, short)) == {"inclusion"}
    with pytest.raises(Refusal, match="the checkpoint is of size"):
        build_evidence(issued.log.reader(), issued.publish(), holder.id, [(0, [1])], as_of=size + 1)


def test_a_log_known_by_its_post_quantum_key_alone_cannot_be_followed_to_its_genesis(
    issued: IssuedLog,
) -> None:
    """Its checkpoint is believed, but who opened it is an Ed25519 key the policy leaves out."""
    mldsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")
    try:
        key = mldsa.MLDSA44PrivateKey.from_seed_bytes(b"q" * 32)
    except UnsupportedAlgorithm:
        pytest.skip("this installation has no ML-DSA-44")
    evidence = issued.evidence(issued.holders[0])
    origin, checkpoint = issued.story.origin, issued.log.reader().checkpoint()
    verifier = VerifierKey.of(origin, MLDSA44_COSIGNATURE, key.public_key().public_bytes_raw())
    message = subtree_message(
        cosigner=origin,
        timestamp=NOW,
        origin=origin,
        start=0,
        end=checkpoint.size,
        root=checkpoint.root,
    )
    blob = NOW.to_bytes(8, "big") + key.sign(message)
    line = Signature(origin, verifier.key_id, blob).render()
    signed = msgspec.structs.replace(evidence, checkpoint=evidence.checkpoint + line.decode())

    report = issued.report(issued.holders[0], signed, policy=Policy((Log(verifier),), (), (), None))

    assert report.check("checkpoint").verdict is Verdict.HOLDS
    assert "signature" in unchecked(report)
    assert refuted(report) == set()
