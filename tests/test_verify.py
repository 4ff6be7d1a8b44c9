"""Judging a credential: what holds, what is refuted, and what could not be checked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testamur import events as e
from testamur.canonical import jcs
from testamur.checkpoint import Checkpoint, sign_checkpoint
from testamur.commitment import HolderFile, commit, new_blind
from testamur.cosignature import Cosigner, subtree_message
from testamur.data_integrity import sign
from testamur.errors import Refusal
from testamur.evidence import Evidence, build_evidence, parse_evidence, render_evidence
from testamur.keys import PrivateKey, base58_encode
from testamur.note import MLDSA44_COSIGNATURE, Signature, SignerKey, VerifierKey
from testamur.policy import Log, Policy, parse_policy
from testamur.prepare import Prepared
from testamur.rules import MAX_AHEAD
from testamur.submission import parse, submission_entry
from testamur.verify import CheckName, Report, Verdict
from tests.awards import awards
from tests.issued_log import IssuedLog, Positions
from tests.story import NOW, Party, Story, party, private_key

NAMES: tuple[CheckName, ...] = get_args(CheckName)
TODAY = date(2026, 11, 21)


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


def verdicts(report: Report) -> dict[str, str]:
    return {check.name: str(check.verdict) for check in report.checks}


def refuted(report: Report) -> set[str]:
    return {check.name for check in report.checks if check.verdict is Verdict.REFUTED}


def unchecked(report: Report) -> set[str]:
    return {check.name for check in report.checks if check.verdict is Verdict.UNCHECKED}


def altered(prepared: Prepared, change: Callable[[dict[str, Any]], None]) -> Prepared:
    """Return one award whose credential was made otherwise from the start, commitment and all."""
    credential = json.loads(json.dumps(prepared.holders[0].credential))
    change(credential)
    blind = new_blind()
    holder = msgspec.structs.replace(prepared.holders[0], credential=credential, blind=blind)
    event = msgspec.structs.replace(prepared.events[0], commitment=commit(credential, blind))
    return Prepared(events=[event], holders=[holder], sources=["-"], refused=[], notes=[])


# --- What holds ---


def test_a_good_credential_holds_in_every_check(issued: IssuedLog) -> None:
    report = issued.report(issued.holders[0])

    assert report.exit_code == 0
    # It was not signed by itself, so there is no proof of its own to look at.
    assert verdicts(report) == {name: "holds" for name in NAMES if name != "proof"}
    assert report.subject["status"] == "active"
    assert report.subject["issuerDid"] == issued.story.provider.did
    assert report.size == len(issued.log.entries)
    assert report.log == issued.story.origin
    assert report.recorded_at == "2026-11-21T10:00:00.000Z"
    assert report.witnessed_at is None
    with pytest.raises(KeyError):
        report.check("proof")


def test_every_holder_of_a_cohort_is_judged_for_itself(issued: IssuedLog) -> None:
    one, two, three = issued.holders
    issued.says(
        issued.story.provider, e.CredentialRevoked(credential=two.id, reason="issuedInError")
    )

    assert [issued.report(holder).exit_code for holder in (one, two, three)] == [0, 1, 0]


def test_what_is_proven_and_what_is_only_stated_is_never_blurred(issued: IssuedLog) -> None:
    report = issued.report(issued.holders[0])
    stated = {check.name for check in report.checks if check.basis == "stated"}

    assert stated == {"signature", "status", "accreditation", "recognition"}
    for name in ("signature", "status", "accreditation"):
        assert "not proven" in report.check(name).detail


def test_a_report_is_written_with_its_verdicts_in_words(issued: IssuedLog) -> None:
    found = json.loads(issued.report(issued.holders[0]).to_json())

    assert found["format"] == "testamur/report/1"
    assert [check["name"] for check in found["checks"]] == [n for n in NAMES if n != "proof"]
    assert {check["verdict"] for check in found["checks"]} == {"holds"}


# --- What is refuted: every check, each in its own way ---


@dataclass
class Judged:
    """What a verifier is handed, for tests that bend one part of it."""

    issued: IssuedLog
    holder: HolderFile
    evidence: Evidence | None = None
    terms: dict[str, Any] = field(default_factory=dict)

    def report(self) -> Report:
        evidence = self.evidence or self.issued.evidence(self.holder)
        return self.issued.report(self.holder, evidence, **self.terms)

    def bend(self, change: Callable[[Any], None]) -> None:
        """Change the evidence as it lies in its file."""
        found = json.loads(render_evidence(self.evidence or self.issued.evidence(self.holder)))
        change(found)
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        self.evidence = parse_evidence(text.encode())


Bend = Callable[[Judged], None]
REFUTED: dict[str, tuple[CheckName, Bend]] = {}


def refutes(name: CheckName) -> Callable[[Bend], Bend]:
    """Register a way of bending things, and the check that must find it."""

    def add(bend: Bend) -> Bend:
        REFUTED[bend.__name__] = name, bend
        return bend

    return add


def _award(judged: Judged, prepared: Prepared, by: Party | None = None) -> None:
    (judged.holder,) = judged.issued.award(prepared, by)


def _other_award(judged: Judged, **members: Any) -> None:
    """Issue one more credential whose event says something else."""
    prepared = awards(judged.issued.story, 1)
    event = msgspec.structs.replace(prepared.events[0], **members)
    _award(judged, msgspec.structs.replace(prepared, events=[event]))


@refutes("commitment")
def the_blind_of_another_credential(judged: Judged) -> None:
    blind = judged.issued.holders[1].blind
    judged.holder = msgspec.structs.replace(judged.holder, blind=blind)


@refutes("commitment")
def a_blind_of_zeros(judged: Judged) -> None:
    judged.holder = msgspec.structs.replace(judged.holder, blind=bytes(32))


@refutes("commitment")
def the_content_of_another_credential(judged: Judged) -> None:
    credential = judged.issued.holders[1].credential
    judged.holder = msgspec.structs.replace(judged.holder, credential=credential)


@refutes("commitment")
def a_better_looking_subject(judged: Judged) -> None:
    credential = json.loads(json.dumps(judged.holder.credential))
    credential["credentialSubject"]["achievement"]["creditsAvailable"] = 500
    judged.holder = msgspec.structs.replace(judged.holder, credential=credential)


@refutes("commitment")
def a_member_more(judged: Judged) -> None:
    credential = {**judged.holder.credential, "description": "with distinction"}
    judged.holder = msgspec.structs.replace(judged.holder, credential=credential)


@refutes("submission")
def a_line_of_the_same_submission_in_its_place(judged: Judged) -> None:
    other = judged.issued.log.entries[12 if "11" in judged.report().subject["position"] else 11]
    judged.bend(lambda f: f["submissions"][-1]["events"][0].update(line=other.decode()))


@refutes("submission")
def a_line_made_up(judged: Judged) -> None:
    line = e.encode_event(judged.issued.story.issued(judged.holder.id)).decode()
    judged.bend(lambda f: f["submissions"][-1]["events"][0].update(line=line))


@refutes("submission")
def another_number(judged: Judged) -> None:
    def change(found: Any) -> None:
        event = found["submissions"][-1]["events"][0]
        event["number"] = event["number"] % 3 + 1

    judged.bend(change)


@refutes("submission")
def a_header_that_is_none(judged: Judged) -> None:
    judged.bend(lambda f: f["submissions"][-1].update(entry="{}"))


@refutes("inclusion")
def a_path_that_leads_elsewhere(judged: Judged) -> None:
    zero = base64.b64encode(bytes(32)).decode()
    judged.bend(lambda f: f["submissions"][2]["inclusion"].__setitem__(0, zero))


@refutes("inclusion")
def another_position(judged: Judged) -> None:
    judged.bend(lambda f: f["submissions"][-1].update(position=9))


@refutes("inclusion")
def a_position_beyond_the_tree(judged: Judged) -> None:
    judged.bend(lambda f: f["submissions"][-1].update(position=10**12))


@refutes("inclusion")
def a_time_the_log_never_stated(judged: Judged) -> None:
    def change(found: Any) -> None:
        entry = found["submissions"][-1]["entry"]
        found["submissions"][-1]["entry"] = entry.replace("T10:00:00.000Z", "T09:59:00.000Z")

    judged.bend(change)


@refutes("checkpoint")
def a_larger_tree(judged: Judged) -> None:
    judged.bend(lambda f: f.update(checkpoint=f["checkpoint"].replace("\n14\n", "\n15\n")))


@refutes("checkpoint")
def another_root(judged: Judged) -> None:
    fork = Checkpoint(judged.issued.story.origin, 14, bytes(32))
    note = sign_checkpoint(fork, SignerKey.generate(fork.origin)).decode()
    judged.bend(lambda f: f.update(checkpoint=note))


@refutes("checkpoint")
def a_log_the_verifier_does_not_know(judged: Judged) -> None:
    key = SignerKey.generate(judged.issued.story.origin).verifier
    judged.terms["policy"] = Policy((Log(key),), (), (), None)


@refutes("checkpoint")
def no_signature_at_all(judged: Judged) -> None:
    judged.bend(lambda f: f.update(checkpoint=f["checkpoint"].partition("\n\n")[0] + "\n"))


@refutes("checkpoint")
def too_few_witnesses(judged: Judged) -> None:
    issued = judged.issued
    one, two, three = (Cosigner.generate(name) for name in ("w1", "w2", "w3"))
    issued.witnesses = [(one, NOW)]
    lines = [f"witness {w.name} {w.verifier}" for w in (one, two, three)]
    judged.terms["policy"] = issued.policy("g", *lines, "group g 2 w1 w2 w3")


@refutes("checkpoint")
def a_cosignature_of_another_tree(judged: Judged) -> None:
    issued = judged.issued
    witness = Cosigner.generate("w1")
    issued.witnesses = [(witness, NOW)]
    older = issued.publish().decode().split("\n\n")[1]
    issued.says(issued.story.provider, issued.story.issued())
    issued.witnesses = []
    note = issued.evidence(judged.holder).checkpoint
    cosignature = older.splitlines()[-1] + "\n"
    judged.bend(lambda f: f.update(checkpoint=note + cosignature))
    judged.terms["policy"] = issued.policy("w1", f"witness w1 {witness.verifier}")


@refutes("status")
def a_suspension(judged: Judged) -> None:
    judged.issued.says(
        judged.issued.story.provider,
        e.CredentialSuspended(credential=judged.holder.id, reason="administrative"),
    )


@refutes("status")
def a_revocation(judged: Judged) -> None:
    judged.issued.says(
        judged.issued.story.provider,
        e.CredentialRevoked(credential=judged.holder.id, reason="misconduct"),
    )


@refutes("status")
def a_revocation_after_a_suspension(judged: Judged) -> None:
    a_suspension(judged)
    a_revocation(judged)


@refutes("status")
def a_successor(judged: Judged) -> None:
    issued = judged.issued
    new = issued.holders[2].id
    event = e.CredentialSuperseded(credential=judged.holder.id, successor=new)
    issued.says(issued.story.provider, event)
    judged.evidence = issued.evidence(judged.holder, new)


@refutes("signature")
def a_key_stolen_before_the_issuance(judged: Judged) -> None:
    issued = judged.issued
    stolen = e.KeyCompromised(
        key=issued.story.provider.key_id, organization=issued.story.provider.did, since=10
    )
    issued.says(issued.story.accreditor, stolen)


@refutes("signature")
def an_accreditors_key_stolen_before_it_brought_the_provider_in(judged: Judged) -> None:
    issued = judged.issued
    accreditor = issued.story.accreditor
    stolen = e.KeyCompromised(key=accreditor.key_id, organization=accreditor.did, since=4)
    issued.says(issued.story.authority, stolen)


@refutes("accreditation")
def no_accreditation_claimed(judged: Judged) -> None:
    _other_award(judged, accreditation=None)


@refutes("accreditation")
def an_accreditation_withdrawn_before(judged: Judged) -> None:
    story = judged.issued.story
    judged.issued.says(
        story.accreditor,
        e.AccreditationWithdrawn(accreditation=story.accreditation, reason="misconduct"),
    )
    _other_award(judged)


@refutes("accreditation")
def an_accreditation_that_is_over(judged: Judged) -> None:
    _under(judged, valid_until=TODAY - timedelta(days=1))


@refutes("accreditation")
def an_accreditation_for_something_else(judged: Judged) -> None:
    _under(judged, scope=e.Scope(fields=("09",)))


def _under(judged: Judged, **members: Any) -> None:
    """Issue under an accreditation of the story's accreditor that says something else."""
    story = judged.issued.story
    granted = msgspec.structs.replace(story.accredited(id_ := story.new_id()), **members)
    judged.issued.says(story.accreditor, granted)
    _other_award(judged, accreditation=id_)


@refutes("recognition")
def a_recognition_withdrawn_before(judged: Judged) -> None:
    story = judged.issued.story
    judged.issued.says(
        story.authority, e.RecognitionWithdrawn(reason="misconduct", recognition=story.recognition)
    )
    _other_award(judged)


@refutes("recognition")
def a_recognition_for_something_else(judged: Judged) -> None:
    story = judged.issued.story
    _narrowly_accredited(judged, story.authority)


@refutes("recognition")
def anchors_that_never_recognised_it(judged: Judged) -> None:
    judged.terms["anchors"] = [party("another authority")]


@refutes("recognition")
def an_accreditor_is_no_anchor_of_its_own(judged: Judged) -> None:
    judged.terms["anchors"] = [judged.issued.story.accreditor, judged.issued.story.provider]


def _narrowly_accredited(judged: Judged, authority: Party) -> None:
    """Issue under an accreditor whose one recognition does not reach so far."""
    story = judged.issued.story
    narrow = party("narrow")
    id_ = story.new_id()
    judged.issued.says(
        authority,
        story.registered(authority, narrow, "accreditor"),
        msgspec.structs.replace(
            story.recognised(story.new_id()), accreditor=narrow.did, scope=e.Scope(fields=("09",))
        ),
    )
    judged.issued.says(narrow, story.accredited(id_))
    _other_award(judged, accreditation=id_)


@refutes("achievement")
def a_credential_about_something_else(judged: Judged) -> None:
    def change(credential: dict[str, Any]) -> None:
        credential["credentialSubject"]["achievement"]["name"] = "Brain Surgery"

    _award(judged, altered(awards(judged.issued.story, 1), change))


@refutes("issuer")
def a_credential_that_names_another_issuer(judged: Judged) -> None:
    def change(credential: dict[str, Any]) -> None:
        credential["issuer"]["id"] = "did:web:famous.example"

    _award(judged, altered(awards(judged.issued.story, 1), change))


@refutes("validity")
def a_credential_asked_for_too_early(judged: Judged) -> None:
    judged.terms["now"] = datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC)


@refutes("validity")
def a_credential_that_expired(judged: Judged) -> None:
    def change(credential: dict[str, Any]) -> None:
        credential["validUntil"] = "2026-11-21T09:59:59Z"

    prepared = altered(awards(judged.issued.story, 1), change)
    event = msgspec.structs.replace(prepared.events[0], valid_until=TODAY)
    _award(judged, msgspec.structs.replace(prepared, events=[event]))


@refutes("validity")
def a_credential_backdated_against_what_was_logged(judged: Judged) -> None:
    def change(credential: dict[str, Any]) -> None:
        credential["validFrom"] = "2020-01-01T00:00:00Z"

    _award(judged, altered(awards(judged.issued.story, 1), change))


@refutes("validity")
def a_credential_that_outlives_what_was_logged(judged: Judged) -> None:
    def change(credential: dict[str, Any]) -> None:
        credential["validUntil"] = "2099-01-01T00:00:00Z"

    _award(judged, altered(awards(judged.issued.story, 1), change))


@refutes("proof")
def a_proof_over_something_else(judged: Judged) -> None:
    credential = dict(judged.holder.credential)
    key = judged.issued.story.provider.key
    proof = sign({**credential, "name": "Other"}, key, created=datetime.now(UTC))["proof"]
    judged.holder = msgspec.structs.replace(
        judged.holder, credential={**credential, "proof": proof}
    )


@refutes("proof")
def a_proof_by_somebody_else(judged: Judged) -> None:
    signed = sign(judged.holder.credential, private_key("forger"), created=datetime.now(UTC))
    judged.holder = msgspec.structs.replace(judged.holder, credential=signed)


@refutes("proof")
def a_proof_that_is_no_object(judged: Judged) -> None:
    credential = {**judged.holder.credential, "proof": ["trust me"]}
    judged.holder = msgspec.structs.replace(judged.holder, credential=credential)


@pytest.mark.parametrize("how", REFUTED)
def test_each_check_finds_what_it_is_there_for(issued: IssuedLog, how: str) -> None:
    name, bend = REFUTED[how]
    judged = Judged(issued, issued.holders[0])
    bend(judged)

    report = judged.report()

    assert report.exit_code == 1
    assert name in refuted(report), verdicts(report)


def test_every_check_is_refuted_somewhere() -> None:
    assert {name for name, _ in REFUTED.values()} == set(NAMES)


ALONE = {
    "a_suspension",
    "a_better_looking_subject",
    "anchors_that_never_recognised_it",
    "a_credential_about_something_else",
    "a_credential_that_names_another_issuer",
    "a_credential_that_expired",
    "a_recognition_for_something_else",
    "an_accreditation_for_something_else",
    "a_key_stolen_before_the_issuance",
    "a_proof_by_somebody_else",
}


@pytest.mark.parametrize("how", sorted(ALONE))
def test_one_thing_amiss_refutes_one_check(issued: IssuedLog, how: str) -> None:
    name, bend = REFUTED[how]
    judged = Judged(issued, issued.holders[0])
    bend(judged)

    assert refuted(judged.report()) == {name}


def _until(issued: IssuedLog, moment: str) -> HolderFile:
    """Return a credential that is valid to this very moment of today."""
    prepared = altered(awards(issued.story, 1), lambda c: c.update(validUntil=moment))
    event = msgspec.structs.replace(prepared.events[0], valid_until=TODAY)
    (holder,) = issued.award(msgspec.structs.replace(prepared, events=[event]))
    return holder


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_credential_is_valid_from_its_first_to_its_last_moment(
    issued: IssuedLog, seconds: int
) -> None:
    holder = _until(issued, "2026-11-21T12:00:00Z")
    more = timedelta(seconds=seconds)
    first = datetime(2026, 11, 20, tzinfo=UTC) + more
    last = datetime(2026, 11, 21, 12, tzinfo=UTC) + more

    assert refuted(issued.report(holder, now=first)) == ({"validity"} if seconds < 0 else set())
    assert refuted(issued.report(holder, now=last)) == ({"validity"} if seconds > 0 else set())


# --- What an operator or a provider could try ---


def _forged(issued: IssuedLog, holder: HolderFile, entries: list[bytes], events: int) -> Report:
    """Judge by evidence from a log whose operator appended these entries and signed the tree."""
    position = issued.log.append_entries(*entries)
    note = issued.publish()
    positions: Positions = [(0, [1]), (2, [3, 4]), (5, [6, 7]), (8, [9])]
    positions.append((position, list(range(position + 1, position + 1 + events))))
    return issued.report(holder, build_evidence(issued.log.reader(), note, holder.id, positions))


def _entries(body: bytes, at: int) -> list[bytes]:
    submission = parse(body)
    return [submission_entry(submission.header.jws, at), *submission.lines]


FORGERIES: dict[str, Callable[[Story, Prepared], tuple[bytes, int]]] = {
    "signed by a key of another": lambda s, p: (
        s.submission(Party(s.provider.did, private_key("x"), s.provider.key_id), *p.events),
        0,
    ),
    "recorded before the last": lambda s, p: (s.submission(s.provider, *p.events), -1000),
    "signed long before it was recorded": lambda s, p: (
        s.submission(s.provider, *p.events, iat=s.now - 30 * 24 * 3600),
        0,
    ),
    "meant for another log": lambda s, p: (s.submission(s.provider, *p.events, aud="other"), 0),
    "issued by an accreditor": lambda s, p: (s.submission(s.accreditor, *p.events), 0),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_what_breaks_a_rule_is_refuted_although_the_log_signed_it(
    issued: IssuedLog, how: str
) -> None:
    prepared = awards(issued.story, 1)
    body, later = FORGERIES[how](issued.story, prepared)
    entries = _entries(body, issued.story.milliseconds + later)

    report = _forged(issued, prepared.holders[0], entries, 1)

    assert refuted(report) == {"signature"}
    # Who signed it is not known, so nothing is said about what follows from that.
    assert {"commitment", "status", "accreditation", "recognition"} <= unchecked(report)


def test_a_credential_called_like_its_achievement_is_refuted(issued: IssuedLog) -> None:
    """No gate lets one id name two things; an operator might."""
    story = issued.story
    prepared = awards(story, 1)
    event = msgspec.structs.replace(prepared.events[0], credential=story.achievement)
    holder = msgspec.structs.replace(prepared.holders[0], id=story.achievement)
    entries = _entries(story.submission(story.provider, event), story.milliseconds)

    report = _forged(issued, holder, entries, 1)

    assert refuted(report) == {"signature"}
    assert "id-taken" in report.check("signature").detail


def test_a_genesis_that_the_logs_key_did_not_sign_is_refuted(issued: IssuedLog) -> None:
    """It names the log's key; only the signature tells that it is not by it."""
    issued.publish()
    positions = issued.positions(issued.holders[0].id)
    log_key = issued.story.log_key.public
    forged = Party(log_key.did_key(), private_key("forger"), log_key.multikey())
    (opened,) = e.decode_events([issued.log.entries[1]])
    entries = _entries(issued.story.submission(forged, opened), issued.story.milliseconds)
    issued.log.republish([*entries, *issued.log.entries[2:]])
    note = issued.publish()

    evidence = build_evidence(issued.log.reader(), note, issued.holders[0].id, positions)

    assert refuted(issued.report(issued.holders[0], evidence)) == {"signature"}


def test_a_second_issuance_of_the_same_credential_is_refuted(issued: IssuedLog) -> None:
    """One event commits to what was awarded, the other to what the holder shows."""
    holder = issued.holders[0]
    first = next(n for n in (11, 12, 13) if holder.id.encode() in issued.log.entries[n])
    credential = {**holder.credential, "name": "Better"}
    better = msgspec.structs.replace(holder, credential=credential, blind=new_blind())
    (event,) = e.decode_events([issued.log.entries[first]])
    assert isinstance(event, e.CredentialIssued)
    again = msgspec.structs.replace(event, commitment=commit(credential, better.blind))
    position = issued.says(issued.story.provider, again)
    note = issued.publish()
    positions: Positions = [
        (0, [1]),
        (2, [3, 4]),
        (5, [6, 7]),
        (8, [9]),
        (10, [first]),
        (position, [position + 1]),
    ]
    both = build_evidence(issued.log.reader(), note, holder.id, positions)

    report = issued.report(better, both)

    assert refuted(report) == {"signature", "commitment"}
    assert unchecked(report) >= {"status"}


def test_a_log_that_opens_under_another_name_is_refuted(tmp_path: Path) -> None:
    """What was signed for one log is not evidence in another log of the same key."""
    there = IssuedLog(tmp_path / "there", Story(origin="other.example/log"))
    here = SignerKey.from_seed("log.example/testamur", there.story.log_key.raw())
    there.log.signer = here
    holder = msgspec.structs.replace(there.holders[0], log=None)
    note = there.publish()
    evidence = build_evidence(
        there.log.reader(),
        note,
        holder.id,
        [(0, [1]), (2, [3, 4]), (5, [6, 7]), (8, [9]), (10, [11, 12, 13])],
    )

    report = there.report(holder, evidence)

    assert report.log == "log.example/testamur"
    assert refuted(report) == {"signature"}


def test_a_log_with_two_keys_is_followed_to_the_one_that_opened_it(issued: IssuedLog) -> None:
    newer = SignerKey.generate(issued.story.origin)
    other = SignerKey.generate("other.example/log")
    logs = (Log(other.verifier), Log(newer.verifier), Log(issued.log.key))
    policy = Policy(logs, (), (), None)

    assert issued.report(issued.holders[0], policy=policy).exit_code == 0


def test_submissions_that_overlap_are_refuted(issued: IssuedLog) -> None:
    """A line of one submission cannot be the header of another."""
    evidence = issued.evidence(issued.holders[0])
    first, *others = evidence.submissions
    inside = msgspec.structs.replace(others[0], position=1)
    bent = msgspec.structs.replace(evidence, submissions=(first, inside, *others[1:]))

    assert refuted(issued.report(issued.holders[0], bent)) >= {"inclusion", "signature"}


@pytest.mark.parametrize("twice", ["credential", "accreditation"])
def test_a_submission_that_was_logged_again_is_refuted(issued: IssuedLog, twice: str) -> None:
    """What its signer said once, an operator cannot have said once more."""
    story, holder = issued.story, issued.holders[0]
    ended: e.Event
    if twice == "credential":
        who = story.provider
        ended = e.CredentialSuspended(credential=holder.id, reason="misconduct")
        mended: e.Event = e.CredentialReinstated(credential=holder.id)
    else:
        who = story.accreditor
        ended = e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern")
        mended = e.AccreditationReinstated(accreditation=story.accreditation)
    issued.says(who, ended)
    again = story.submission(who, mended)
    issued.log.append(again)
    issued.says(who, ended)
    if twice == "accreditation":
        (holder,) = issued.award(awards(story, 1))
    issued.publish()
    positions = issued.positions(holder.id)
    last = issued.log.append(again)

    report = issued.report(
        holder, issued.evidence(holder, positions=[*positions, (last, [last + 1])])
    )
    assert "signature" in refuted(report)
    assert "again" in report.check("signature").detail


@pytest.mark.parametrize("what", ["reinstated", "accredited", "registered", "revised"])
def test_what_nothing_left_out_could_explain_is_refuted(issued: IssuedLog, what: str) -> None:
    story, holder = issued.story, issued.holders[0]
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.defined().definition, version=2
    )
    impossible: dict[str, tuple[Party, list[e.Event]]] = {
        "reinstated": (
            story.provider,
            [
                e.CredentialRevoked(credential=holder.id, reason="misconduct"),
                e.CredentialReinstated(credential=holder.id),
            ],
        ),
        "accredited": (story.accreditor, [story.accredited()]),
        "registered": (
            story.accreditor,
            [story.registered(story.accreditor, story.provider, "provider")],
        ),
        "revised": (story.provider, [revised, revised]),
    }
    issued.publish()
    positions = issued.positions(holder.id)
    signer, events = impossible[what]
    last = issued.says(signer, *events)
    shown = [*positions, (last, [last + number for number in range(1, len(events) + 1)])]

    assert "signature" in refuted(issued.report(holder, issued.evidence(holder, positions=shown)))


def test_a_size_that_cuts_a_submission_is_refuted(issued: IssuedLog) -> None:
    """Else a credential revoked as it was issued could be shown without its revocation."""
    prepared = awards(issued.story, 1)
    (holder,) = prepared.holders
    revoked = e.CredentialRevoked(credential=holder.id, reason="issuedInError")
    position = issued.says(issued.story.provider, *prepared.events, revoked)
    issued.publish()
    before = [each for each in issued.positions(holder.id) if each[0] < position]
    evidence = issued.evidence(holder, positions=[*before, (position, [position + 1])])

    for size in (position + 1, position + 2):
        report = issued.report(holder, msgspec.structs.replace(evidence, size=size))
        assert "inclusion" in refuted(report)
    assert "cuts the submission" in report.check("inclusion").detail


def test_a_tree_that_cuts_a_submission_is_refuted(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    evidence = issued.evidence(holder)
    size = len(issued.log.entries) - 1  # the provider's cohort lacks its last issuance
    issued.log.republish(issued.log.entries[:size])
    reader = issued.log.reader()
    note = (issued.log.root / "checkpoint").read_text()
    submissions = tuple(
        msgspec.structs.replace(
            each,
            inclusion=tuple(reader.inclusion(each.position, size)),
            events=tuple(
                msgspec.structs.replace(
                    event, inclusion=tuple(reader.inclusion(each.position + event.number, size))
                )
                for event in each.events
            ),
        )
        for each in evidence.submissions
    )
    cut = msgspec.structs.replace(evidence, checkpoint=note, submissions=submissions)

    assert refuted(issued.report(holder, cut)) == {"inclusion"}


@pytest.mark.parametrize(
    "what", ["recognition before", "recognition after", "recognition withdrawn", "country"]
)
def test_an_issuance_is_judged_by_what_came_before_it_in_its_own_submission(
    issued: IssuedLog, what: str
) -> None:
    """As replay flags it: the events that follow in the same breath change nothing about it."""
    story = issued.story
    prepared = awards(story, 1)
    (holder,) = prepared.holders
    every = party("authority, accreditor and provider")
    sponsored = story.registered(story.authority, every, "accreditor", "authority", "provider")
    issued.says(story.authority, sponsored)
    accreditation, achievement, recognition = (story.new_id() for _ in range(3))
    own = msgspec.structs.replace(
        story.recognised(recognition),
        accreditor=every.did,
        scope=e.Scope(jurisdictions=("BE",)) if what == "country" else None,
    )
    accredited = msgspec.structs.replace(story.accredited(accreditation), provider=every.did)
    issued.says(every, accredited, story.defined(achievement))
    if what in ("recognition withdrawn", "country"):
        issued.says(every, own)
    credential = json.loads(json.dumps(holder.credential))
    credential["issuer"]["id"] = every.did
    holder = msgspec.structs.replace(holder, credential=credential)
    event = msgspec.structs.replace(
        prepared.events[0],
        achievement=achievement,
        accreditation=accreditation,
        commitment=commit(credential, holder.blind),
    )
    follows: dict[str, e.Event] = {
        "recognition before": own,
        "recognition after": own,
        "recognition withdrawn": e.RecognitionWithdrawn(
            recognition=recognition, reason="voluntary"
        ),
        "country": e.OrganizationUpdated(country="BE", name="X", organization=every.did),
    }
    said = [event, follows[what]]
    issued.says(every, *(reversed(said) if what == "recognition before" else said))

    expected = {
        "recognition before": Verdict.HOLDS,
        "recognition after": Verdict.REFUTED,
        "recognition withdrawn": Verdict.HOLDS,
        "country": Verdict.REFUTED,
    }
    assert issued.report(holder).check("recognition").verdict is expected[what]


# --- Keys that went wrong ---


def _stolen(who: Party, since: int) -> e.KeyCompromised:
    return e.KeyCompromised(key=who.key_id, organization=who.did, since=since)


@pytest.mark.parametrize("since", [6, 7, 8, 9, 10, 11, 12, 13])
def test_a_theft_cuts_off_at_its_position_and_not_before(issued: IssuedLog, since: int) -> None:
    """The provider's key was added at 6 and signed the issuance at 10: from 11 on it is spared."""
    issued.says(issued.story.accreditor, _stolen(issued.story.provider, since))

    report = issued.report(issued.holders[0])

    assert refuted(report) == ({"signature"} if since <= 10 else set())


def test_a_theft_that_only_the_stolen_key_can_report_spares_what_came_before(
    issued: IssuedLog,
) -> None:
    provider = issued.story.provider
    position = len(issued.log.entries)
    issued.says(provider, _stolen(provider, position))

    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_revocation_by_a_thief_stands_and_is_told_as_such(issued: IssuedLog) -> None:
    """Nothing is ever deleted; but nobody should believe that the provider meant it."""
    provider, holder = issued.story.provider, issued.holders[0]
    position = len(issued.log.entries)
    issued.says(
        provider,
        e.CredentialRevoked(credential=holder.id, reason="misconduct"),
        _stolen(provider, position),
    )

    report = issued.report(holder)
    assert refuted(report) == {"status"}
    assert any(f"submission at {position} was signed with" in note for note in report.notes)


def test_a_thief_cannot_bring_a_credential_back(issued: IssuedLog) -> None:
    story, holder = issued.story, issued.holders[0]
    issued.says(story.provider, e.CredentialSuspended(credential=holder.id, reason="misconduct"))
    position = issued.says(story.provider, e.CredentialReinstated(credential=holder.id))
    assert issued.report(holder).exit_code == 0
    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == {"signature"}


def test_a_thief_cannot_spoil_what_was_issued_before(issued: IssuedLog) -> None:
    """A key he adds, and particulars he restates, are nothing that the credential owes him."""
    story, holder = issued.story, issued.holders[0]
    thief = story.provider.with_key("thief")
    position = issued.says(
        story.provider,
        story.key_added(story.provider, thief),
        e.OrganizationUpdated(country="BE", name="Mill", organization=story.provider.did),
        e.CredentialSuspended(credential=holder.id, reason="misconduct"),
    )
    issued.says(story.accreditor, _stolen(story.provider, position))
    issued.says(
        story.accreditor,
        story.key_added(
            story.provider, owner := story.provider.with_key("new"), by=story.accreditor
        ),
    )
    issued.says(owner, e.CredentialReinstated(credential=holder.id))

    report = issued.report(holder)
    assert report.exit_code == 0, report


def test_an_organization_that_recovered_from_a_theft_is_believed_again(issued: IssuedLog) -> None:
    story = issued.story
    thief, fresh = story.accreditor.with_key("thief"), story.accreditor.with_key("fresh")
    position = issued.says(story.accreditor, story.key_added(story.accreditor, thief))
    issued.says(story.authority, _stolen(story.accreditor, position))
    issued.says(story.authority, story.key_added(story.accreditor, fresh, by=story.authority))
    issued.says(fresh, _stolen(thief, position + 1))
    (holder,) = issued.award(awards(story, 1))

    assert issued.report(holder).exit_code == 0


def test_what_was_signed_with_a_key_that_a_thief_added_is_refuted(issued: IssuedLog) -> None:
    story = issued.story
    thief = story.provider.with_key("thief")
    position = issued.says(story.provider, story.key_added(story.provider, thief))
    (holder,) = issued.award(awards(story, 1), by=thief)
    assert issued.report(holder).exit_code == 0
    # Whoever cut off the stolen key alone has cut off what it brought in.
    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == {"signature"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_definition_by_a_thief_spoils_only_what_was_issued_by_it(
    issued: IssuedLog, version: int
) -> None:
    story, fresh = issued.story, issued.story.provider.with_key("fresh")
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.defined().definition, version=2
    )
    position = issued.says(story.provider, revised)
    issued.says(story.accreditor, story.key_added(story.provider, fresh, by=story.accreditor))
    prepared = awards(story, 1)
    event = msgspec.structs.replace(prepared.events[0], achievement_version=version)
    issued.says(fresh, event)
    (holder,) = prepared.holders
    assert issued.report(holder).exit_code == 0
    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == ({"signature"} if version == 2 else set())


def test_what_a_thief_of_the_accreditor_says_later_spoils_nothing(issued: IssuedLog) -> None:
    story = issued.story
    issued.says(
        story.accreditor,
        e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern"),
    )
    mended = e.AccreditationReinstated(accreditation=story.accreditation)
    position = issued.says(story.accreditor, mended)
    (later,) = issued.award(awards(story, 1))
    issued.says(story.authority, _stolen(story.accreditor, position))
    assert refuted(issued.report(later)) == {"signature"}

    # The earlier credential owes that reinstatement nothing, though its evidence shows it.
    earlier = issued.holders[0]
    shown = dict(issued.positions(later.id)[:-1]) | dict(issued.positions(earlier.id))
    evidence = issued.evidence(earlier, positions=sorted(shown.items()))
    assert issued.report(earlier, evidence).exit_code == 0


@pytest.mark.parametrize("since", [0, 1])
def test_particulars_count_by_who_stated_them_last_before_the_issuance(
    issued: IssuedLog, since: int
) -> None:
    story = issued.story
    stated = e.OrganizationUpdated(country="BE", name="X", organization=story.provider.did)
    position = issued.says(story.provider, stated)
    fresh = story.provider.with_key("fresh")
    issued.says(story.accreditor, story.key_added(story.provider, fresh, by=story.accreditor))
    if since:
        issued.says(fresh, msgspec.structs.replace(stated, country="NL"))
    (holder,) = issued.award(awards(story, 1), by=fresh)
    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == (set() if since else {"signature"})


def test_what_a_thief_issued_is_refuted(issued: IssuedLog) -> None:
    story = issued.story
    position = len(issued.log.entries)
    (holder,) = issued.award(awards(story, 1))
    assert issued.report(holder).exit_code == 0

    issued.says(story.accreditor, _stolen(story.provider, position))

    assert refuted(issued.report(holder)) == {"signature"}
    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_credential_outlives_the_key_it_was_issued_with(issued: IssuedLog) -> None:
    story, provider = issued.story, issued.story.provider
    fresh = provider.with_key("k2")
    issued.says(provider, story.key_added(provider, fresh))
    issued.says(fresh, e.KeyRetired(key=provider.key_id, organization=provider.did))
    (later,) = issued.award(awards(story, 1), by=fresh)

    assert issued.report(issued.holders[0]).exit_code == 0
    assert issued.report(later).exit_code == 0


def test_a_credential_outlives_its_accreditation_and_its_issuer(issued: IssuedLog) -> None:
    """Judged at the position of issuance: what ended later does not reach back."""
    story = issued.story
    issued.says(
        story.accreditor,
        e.AccreditationWithdrawn(accreditation=story.accreditation, reason="voluntary"),
        e.OrganizationClosed(organization=story.provider.did),
    )
    issued.says(
        story.authority, e.RecognitionWithdrawn(reason="voluntary", recognition=story.recognition)
    )

    assert issued.report(issued.holders[0]).exit_code == 0


def test_a_credential_is_in_force_again_after_a_suspension(issued: IssuedLog) -> None:
    holder = issued.holders[0]
    provider = issued.story.provider
    issued.says(provider, e.CredentialSuspended(credential=holder.id, reason="administrative"))
    issued.says(provider, e.CredentialReinstated(credential=holder.id))

    assert issued.report(holder).exit_code == 0


# --- What could not be checked ---


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
    """Have it all happen: a key added, a revision, a suspension lifted, a new accreditation."""
    story, provider, accreditor = issued.story, issued.story.provider, issued.story.accreditor
    fresh = provider.with_key("k2")
    issued.says(provider, story.key_added(provider, fresh))
    issued.says(
        fresh,
        e.AchievementRevised(
            achievement=story.achievement, definition=story.definition(), version=2
        ),
        e.KeyRetired(key=provider.key_id, organization=provider.did),
    )
    issued.says(
        accreditor,
        e.AccreditationSuspended(accreditation=story.accreditation, reason="qualityConcern"),
    )
    issued.says(accreditor, e.AccreditationReinstated(accreditation=story.accreditation))
    prepared = awards(story, 1)
    event = msgspec.structs.replace(prepared.events[0], achievement_version=2)
    (holder,) = issued.award(msgspec.structs.replace(prepared, events=[event]), by=fresh)
    issued.says(fresh, e.CredentialSuspended(credential=holder.id, reason="administrative"))
    issued.says(fresh, e.CredentialReinstated(credential=holder.id))
    issued.says(fresh, e.CredentialSuspended(credential=holder.id, reason="administrative"))
    issued.says(fresh, e.CredentialReinstated(credential=holder.id))
    return holder


# Left out, these read as if they had not happened: no excerpt can tell (see the notes there).
_MENDS = {"accreditation.reinstated/1", "credential.reinstated/1"}
_UNDONE = {"accreditation.suspended/1", "credential.suspended/1", "key.retired/1"}


def test_no_event_that_something_builds_on_can_be_left_out(issued: IssuedLog) -> None:
    """What is left out makes checks impossible; it never refutes what it cannot show."""
    holder = _long_story(issued)
    evidence = issued.evidence(holder)
    assert issued.report(holder, evidence).exit_code == 0
    seen = set()
    for submission in evidence.submissions:
        for event in submission.events:
            kind = json.loads(event.line)["type"]
            seen.add(kind)
            shown = without(evidence, submission.position, event.number)
            report = issued.report(holder, shown)
            if kind in _MENDS:
                # The excerpt shows a suspension and not its end: "as stated", and it says so.
                for name in refuted(report):
                    assert report.check(name).basis == "stated"  # type: ignore[arg-type]
                continue
            assert refuted(report) == set(), (kind, verdicts(report))
            assert report.exit_code == 2 or kind in _UNDONE, (kind, verdicts(report))
    assert {"log.opened/1", "key.added/1", "achievement.revised/1"} <= seen


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
    assert report.check("status").basis == "stated"
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
    assert f"active as of size {then}, stated" in report.check("status").detail
    (said,) = report.notes
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
    assert {"inclusion", "status"} <= refuted(report)
    assert report.as_of == size
    # Nor may it show what came later than it says.
    short = msgspec.structs.replace(evidence, size=evidence.submissions[-1].position + 1)
    assert refuted(issued.report(holder, short)) == {"inclusion"}
    with pytest.raises(Refusal, match="the checkpoint is of size"):
        build_evidence(issued.log.reader(), issued.publish(), holder.id, [(0, [1])], as_of=size + 1)


def test_a_status_is_not_called_active_when_what_followed_could_not_be_read(
    issued: IssuedLog,
) -> None:
    """It was superseded, but the evidence leaves out by what."""
    old, new = issued.holders[:2]
    event = e.CredentialSuperseded(credential=old.id, successor=new.id)
    position = issued.says(issued.story.provider, event)
    evidence = issued.evidence(old, new.id)
    successor = next(n for n in (1, 2, 3) if new.id.encode() in issued.log.entries[10 + n])

    report = issued.report(old, without(evidence, 10, successor))

    assert position > 10
    assert {"signature", "status"} <= unchecked(report)
    assert refuted(report) == set()


def test_evidence_of_another_credential_leaves_everything_open(issued: IssuedLog) -> None:
    one, two, _ = issued.holders

    report = issued.report(one, issued.evidence(two))

    assert refuted(report) == set()
    assert {"signature", "commitment", "status"} <= unchecked(report)


def test_evidence_relabelled_as_of_this_credential_leaves_everything_open(
    issued: IssuedLog,
) -> None:
    one, two, _ = issued.holders
    relabelled = msgspec.structs.replace(issued.evidence(two), credential=one.id)

    report = issued.report(one, relabelled)

    assert refuted(report) == set()
    assert {"commitment", "status", "accreditation"} <= unchecked(report)


def test_evidence_under_another_label_is_not_taken_for_it(issued: IssuedLog) -> None:
    one, two, _ = issued.holders
    relabelled = msgspec.structs.replace(issued.evidence(one), credential=two.id)

    report = issued.report(one, relabelled)

    assert refuted(report) == set()
    assert "signature" in unchecked(report)


def test_evidence_of_another_log_than_the_holder_file_names_is_not_taken_for_it(
    issued: IssuedLog,
) -> None:
    holder = msgspec.structs.replace(issued.holders[0], log="elsewhere.example")

    assert unchecked(issued.report(holder)) == {"checkpoint"}
    nowhere = msgspec.structs.replace(issued.holders[0], log=None)
    assert issued.report(nowhere).exit_code == 0


def test_without_anchors_nobody_is_recognised_and_nobody_refuted(issued: IssuedLog) -> None:
    report = issued.report(issued.holders[0], anchors=[])

    assert unchecked(report) == {"recognition"}
    assert refuted(report) == set()


@pytest.mark.parametrize("who", ["accreditor", "authority"])
def test_who_vouched_and_closed_since_is_remarked_on_and_refutes_nothing(
    issued: IssuedLog, who: str
) -> None:
    closed = issued.story.accreditor if who == "accreditor" else issued.story.authority
    issued.says(issued.story.authority, e.OrganizationClosed(organization=closed.did))
    (later,) = issued.award(awards(issued.story, 1))

    report = issued.report(later)

    assert report.exit_code == 0
    assert [note for note in report.notes if who in note and "had closed before" in note]
    # What was issued while they acted has nothing to be remarked on.
    assert not issued.report(issued.holders[0]).notes


def test_no_recognition_shown_is_not_a_recognition_refused(issued: IssuedLog) -> None:
    evidence = issued.evidence(issued.holders[0])

    report = issued.report(issued.holders[0], without(evidence, 2, 2))

    assert unchecked(report) == {"recognition"}
    assert refuted(report) == set()


def test_a_log_that_was_opened_by_a_key_the_policy_does_not_list_is_refuted(
    issued: IssuedLog,
) -> None:
    issued.log.signer = SignerKey.generate(issued.story.origin)
    policy = Policy((Log(issued.log.key),), (), (), None)
    note = issued.publish()
    evidence = build_evidence(
        issued.log.reader(), note, issued.holders[0].id, [(0, [1]), (2, [3, 4])]
    )

    assert refuted(issued.report(issued.holders[0], evidence, policy=policy)) == {"signature"}


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


def test_a_credential_in_another_form_leaves_its_own_checks_open(issued: IssuedLog) -> None:
    def change(credential: dict[str, Any]) -> None:
        credential["type"] = ["VerifiableCredential"]

    (holder,) = issued.award(altered(awards(issued.story, 1), change))

    report = issued.report(holder)

    assert unchecked(report) == {"achievement", "issuer", "validity"}
    assert refuted(report) == set()
    assert report.check("commitment").verdict is Verdict.HOLDS


def test_without_an_issuance_nothing_is_known_of_its_dates(issued: IssuedLog) -> None:
    issued.publish()
    genesis = issued.positions(issued.holders[0].id)[:1]
    report = issued.report(issued.holders[0], issued.evidence(issued.holders[0], positions=genesis))
    assert report.check("validity").verdict is Verdict.UNCHECKED


# --- Issuers ---


def test_whose_word_it_is_that_a_did_is_the_issuers_own_is_told(issued: IssuedLog) -> None:
    """A did:key is its own proof; anybody could have entered this one."""
    story = issued.story
    web = replace(party("web"), did="did:web:tudelft.nl")
    issued.says(
        story.accreditor,
        story.registered(story.accreditor, web, "provider"),
        msgspec.structs.replace(
            story.accredited(accreditation := story.new_id()), provider=web.did
        ),
    )
    issued.says(web, story.defined(achievement := story.new_id()))

    def by_web(credential: dict[str, Any]) -> None:
        credential["issuer"]["id"] = web.did

    prepared = altered(awards(story, 1), by_web)
    event = msgspec.structs.replace(
        prepared.events[0], achievement=achievement, accreditation=accreditation
    )
    issued.says(web, event)

    report = issued.report(prepared.holders[0])
    assert report.exit_code == 0
    assert any(
        "did:web:tudelft.nl is An Organization's own is the word of" in note
        for note in report.notes
    )
    assert not any("own is the word of" in n for n in issued.report(issued.holders[0]).notes)


def _named(issuer: str) -> Callable[[dict[str, Any]], None]:
    return lambda credential: credential["issuer"].update(id=issuer)


def test_an_address_that_only_the_issuer_itself_claims_is_not_believed(
    issued: IssuedLog,
) -> None:
    """Else anybody could call itself by the address of a famous university."""
    provider = issued.story.provider
    claimed = e.OrganizationUpdated(
        country="NL", name="Famous", organization=provider.did, url="https://famous.example"
    )
    issued.says(provider, claimed)
    prepared = altered(awards(issued.story, 1), _named("https://famous.example"))
    (holder,) = issued.award(prepared)

    assert unchecked(issued.report(holder)) == {"issuer"}


def test_an_address_that_the_sponsor_registered_is_believed(issued: IssuedLog) -> None:
    story = issued.story
    newcomer = party("newcomer")
    registered = msgspec.structs.replace(
        story.registered(story.accreditor, newcomer, "provider"), url="https://new.example"
    )
    achievement, accreditation = story.new_id(), story.new_id()
    accredited = msgspec.structs.replace(story.accredited(accreditation), provider=newcomer.did)
    issued.says(story.accreditor, registered, accredited)
    issued.says(newcomer, story.defined(achievement))
    prepared = altered(awards(story, 1), _named("https://new.example"))
    event = msgspec.structs.replace(
        prepared.events[0], achievement=achievement, accreditation=accreditation
    )
    (holder,) = issued.award(msgspec.structs.replace(prepared, events=[event]), by=newcomer)

    report = issued.report(holder)

    assert report.exit_code == 0, report.checks
    assert "sponsor" in report.check("issuer").detail


# --- Recognition up to an anchor ---


def test_an_authority_counts_through_the_one_that_brought_it_in(issued: IssuedLog) -> None:
    """The chain is told; an authority beside it is no anchor for it."""
    story = issued.story
    minor, accreditor = party("minor authority"), party("its accreditor")
    recognition, accreditation = story.new_id(), story.new_id()
    issued.says(story.authority, story.registered(story.authority, minor, "authority"))
    issued.says(
        minor,
        story.registered(minor, accreditor, "accreditor"),
        msgspec.structs.replace(story.recognised(recognition), accreditor=accreditor.did),
    )
    issued.says(accreditor, story.accredited(accreditation))
    prepared = awards(story, 1)
    event = msgspec.structs.replace(prepared.events[0], accreditation=accreditation)
    (holder,) = issued.award(msgspec.structs.replace(prepared, events=[event]))

    through = issued.report(holder, anchors=[story.authority])
    assert through.exit_code == 0
    assert "by An Organization, under Authority, a trust anchor" in (
        through.check("recognition").detail
    )
    assert issued.report(holder, anchors=[minor]).exit_code == 0
    assert refuted(issued.report(holder, anchors=[accreditor])) == {"recognition"}
    # The other way round, the minor authority vouches for nothing above it.
    assert refuted(issued.report(issued.holders[0], anchors=[minor])) == {"recognition"}


def test_a_conditional_accreditation_is_told_as_such(issued: IssuedLog) -> None:
    judged = Judged(issued, issued.holders[0])
    _under(judged, decision="conditional")

    report = judged.report()

    assert report.exit_code == 0
    assert "conditionally" in report.check("accreditation").detail


# --- Witnesses and their clocks ---


def _quorum(issued: IssuedLog, *times: int) -> str:
    """Return a policy that asks for all of as many witnesses, who cosign at these times."""
    witnesses = [Cosigner.from_seed(f"w{n}", bytes([n + 1]) * 32) for n in range(len(times))]
    issued.witnesses = list(zip(witnesses, times, strict=True))
    return "".join(
        [
            f"log {issued.log.key}\n",
            *(f"witness {each.name} {each.verifier}\n" for each in witnesses),
            f"group g all {' '.join(each.name for each in witnesses)}\n",
            "quorum g\n",
        ]
    )


def test_a_quorum_that_is_met_is_named_with_its_time(issued: IssuedLog) -> None:
    policy = parse_policy(_quorum(issued, NOW, NOW + 60))

    report = issued.report(issued.holders[0], policy=policy)

    assert report.exit_code == 0, report.checks
    assert report.witnessed_at == "2026-11-21T10:01:00.000Z"
    assert "w0, w1" in report.check("checkpoint").detail


@pytest.mark.parametrize("ahead", [MAX_AHEAD + 1, 10**12, 2**62])
def test_a_witness_ahead_of_all_clocks_tells_no_time_and_breaks_nothing(
    issued: IssuedLog, ahead: int
) -> None:
    policy = parse_policy(_quorum(issued, NOW - 60, min(NOW + ahead, 2**63 - 1)))

    report = issued.report(issued.holders[0], policy=policy)

    assert report.witnessed_at == "2026-11-21T09:59:00.000Z"
    assert report.exit_code == 0


def test_an_entry_is_not_recorded_after_witnesses_saw_it(issued: IssuedLog) -> None:
    """Their clocks bound what the operator may claim of its own."""
    seen = NOW - MAX_AHEAD - 1
    policy = parse_policy(_quorum(issued, seen - 3600, seen))

    assert refuted(issued.report(issued.holders[0], policy=policy)) == {"signature"}
    policy = parse_policy(_quorum(issued, seen - 3600, seen + 1))
    assert issued.report(issued.holders[0], policy=policy).exit_code == 0


# --- The credential's own proof ---


def _signed(holder: HolderFile, *keys: PrivateKey, **members: Any) -> HolderFile:
    credential = dict(holder.credential)
    for key in keys:
        credential = sign(credential, key, created=datetime.fromtimestamp(NOW, UTC))
    return msgspec.structs.replace(holder, credential={**credential, **members})


def test_a_proof_by_the_issuer_holds_and_changes_nothing_else(issued: IssuedLog) -> None:
    """The commitment is to the credential without its proof, which may come later."""
    holder = _signed(issued.holders[0], issued.story.provider.key)

    report = issued.report(holder)

    assert verdicts(report) == dict.fromkeys(NAMES, "holds")


def _expiring(holder: HolderFile, key: PrivateKey, expires: str) -> HolderFile:
    """Sign as the suite says (EdDSA Cryptosuites section 3.3), with an `expires` of its own."""
    method = f"{key.public.did_key()}#{key.public.multikey()}"
    options = {
        "@context": holder.credential["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2026-11-20T00:00:00Z",
        "expires": expires,
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    hashed = sha256(jcs(options)).digest() + sha256(jcs(holder.credential)).digest()
    proof = {**options, "proofValue": "z" + base58_encode(key.sign(hashed))}
    return msgspec.structs.replace(holder, credential={**holder.credential, "proof": proof})


@pytest.mark.parametrize(
    ("expires", "verdict"),
    [("2026-11-21T09:59:59Z", "refuted"), ("2026-11-21T10:00:00Z", "holds")],
)
def test_a_proof_counts_until_it_expires(issued: IssuedLog, expires: str, verdict: str) -> None:
    holder = _expiring(issued.holders[0], issued.story.provider.key, expires)

    assert verdicts(issued.report(holder))["proof"] == verdict


def test_a_stranger_beside_a_proof_that_cannot_be_examined_refutes_nothing(
    issued: IssuedLog,
) -> None:
    """The issuer may have signed the other one, and anybody can add a proof."""
    issuer = issued.story.provider.did

    def sign_twice(credential: dict[str, Any]) -> None:
        credential["issuer"]["id"] = issuer
        credential["proof"] = {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-rdfc-2022",
            "created": "2026-11-20T00:00:00Z",
            "verificationMethod": f"{issuer}#key",
            "proofPurpose": "assertionMethod",
            "proofValue": "z3",
        }
        both = sign(credential, PrivateKey.generate(), created=datetime(2026, 11, 20, tzinfo=UTC))
        credential["proof"] = both["proof"]

    (holder,) = issued.award(altered(awards(issued.story, 1), sign_twice))
    report = issued.report(holder)
    assert report.exit_code == 0
    assert any("nothing here links" in note for note in report.notes)


def test_a_second_signer_beside_the_issuer_does_no_harm(issued: IssuedLog) -> None:
    holder = _signed(issued.holders[0], private_key("rector"), issued.story.provider.key)

    assert issued.report(holder).exit_code == 0


def test_a_proof_that_cannot_be_examined_is_told_and_not_counted(issued: IssuedLog) -> None:
    proof = {"type": "DataIntegrityProof", "cryptosuite": "ecdsa-sd-2023", "proofValue": "u"}
    holder = _signed(issued.holders[0], proof=proof)

    report = issued.report(holder)

    assert report.exit_code == 0
    assert "proof" not in verdicts(report)
    assert any("ecdsa-sd-2023" in note for note in report.notes)


def test_a_proof_by_a_key_that_nothing_links_to_the_issuer_is_told_and_not_counted(
    issued: IssuedLog,
) -> None:
    prepared = altered(awards(issued.story, 1), _named("https://famous.example"))
    (holder,) = issued.award(prepared)

    report = issued.report(_signed(holder, private_key("anybody")))

    assert "proof" not in verdicts(report)
    assert any("nothing here links" in note for note in report.notes)
    linked = issued.report(_signed(holder, issued.story.provider.key))
    assert linked.check("proof").verdict is Verdict.HOLDS


def test_a_report_says_nothing_that_a_terminal_would_obey(issued: IssuedLog) -> None:
    def change(credential: dict[str, Any]) -> None:
        credential["credentialSubject"]["achievement"]["name"] = "\x1b[2J" + "x" * 100_000

    (holder,) = issued.award(altered(awards(issued.story, 1), change))

    report = issued.report(holder)

    assert "achievement" in refuted(report) | unchecked(report)
    for check in report.checks:
        assert check.detail.isprintable()
        assert len(check.detail) <= 1000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def _places(found: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps: list[Any] = []
    if isinstance(found, dict):
        steps = list(found)
    elif isinstance(found, list):
        steps = list(range(len(found)))
    return [place] * bool(place) + [
        each for step in steps for each in _places(found[step], (*place, step))
    ]


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_nothing_a_credential_can_hold_breaks_the_verifier(
    judged_once: Judged, data: st.DataObject
) -> None:
    """Whatever stands in it, a report comes out, and it is not a good one.

    But for the proof, to which there is no commitment: it may be added or dropped later.
    """
    credential = json.loads(json.dumps(judged_once.holder.credential))
    places = [place for place in _places(credential) if place[0] != "proof"]
    *path, last = data.draw(st.sampled_from(places))
    place = credential
    for step in path:
        place = place[step]
    before = json.dumps(credential, sort_keys=True)
    place[last] = data.draw(_JSON)
    holder = msgspec.structs.replace(judged_once.holder, credential=credential)

    report = judged_once.issued.report(holder, judged_once.evidence)

    assert (report.exit_code == 0) == (json.dumps(credential, sort_keys=True) == before)
    assert json.loads(report.to_json())


@pytest.fixture(scope="module")
def judged_once(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A credential signed by its issuer, with its evidence, for tests that change neither."""
    issued = IssuedLog(tmp_path_factory.mktemp("verify") / "log")
    holder = _signed(issued.holders[0], issued.story.provider.key)
    return Judged(issued, holder, issued.evidence(issued.holders[0]))


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(proof=_JSON)
def test_nothing_a_proof_can_hold_breaks_the_verifier(judged_once: Judged, proof: Any) -> None:
    credential = {**judged_once.holder.credential, "proof": proof}
    holder = msgspec.structs.replace(judged_once.holder, credential=credential)

    report = judged_once.issued.report(holder, judged_once.evidence)

    assert "proof" not in {check.name for check in report.checks if check.verdict == "holds"}
