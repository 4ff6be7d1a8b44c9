"""Judging a credential: what holds, and which check refutes what."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testamur.badges.commitment import HolderFile
from testamur.badges.data_integrity import sign
from testamur.badges.prepare import Prepared
from testamur.canonical import jcs
from testamur.catalogue import events as e
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import Scope
from testamur.keys import PrivateKey, base58_encode
from testamur.tlog.checkpoint import Checkpoint, sign_checkpoint
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.note import SignerKey
from testamur.tlog.policy import Log, Policy
from testamur.verification.report import CheckName, Verdict
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import NAMES, TODAY, Judged, altered, refuted, signed, unchecked, verdicts
from tests.harness.story import NOW, Party, party, private_key


@pytest.fixture
def issued(tmp_path: Path) -> IssuedLog:
    """A log whose provider awarded three credentials: entries 10 to 13."""
    return IssuedLog(tmp_path / "log")


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
    line = encode_event(judged.issued.story.issued(judged.holder.id)).decode()
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
    _under(judged, scope=Scope(fields=("09",)))


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
            story.recognised(story.new_id()), accreditor=narrow.did, scope=Scope(fields=("09",))
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

    assert refuted(issued.report(holder, at=first)) == ({"validity"} if seconds < 0 else set())
    assert refuted(issued.report(holder, at=last)) == ({"validity"} if seconds > 0 else set())


# --- Issuers ---


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


def test_a_conditional_accreditation_is_told_as_such(issued: IssuedLog) -> None:
    judged = Judged(issued, issued.holders[0])
    _under(judged, decision="conditional")

    report = judged.report()

    assert report.exit_code == 0
    assert "conditionally" in report.check("accreditation").detail


# --- The credential's own proof ---


def test_a_proof_by_the_issuer_holds_and_changes_nothing_else(issued: IssuedLog) -> None:
    """The commitment is to the credential without its proof, which may come later."""
    holder = signed(issued.holders[0], issued.story.provider.key)

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
    holder = signed(issued.holders[0], private_key("rector"), issued.story.provider.key)

    assert issued.report(holder).exit_code == 0


def test_a_proof_that_cannot_be_examined_is_told_and_not_counted(issued: IssuedLog) -> None:
    proof = {"type": "DataIntegrityProof", "cryptosuite": "ecdsa-sd-2023", "proofValue": "u"}
    holder = signed(issued.holders[0], proof=proof)

    report = issued.report(holder)

    assert report.exit_code == 0
    assert "proof" not in verdicts(report)
    assert any("ecdsa-sd-2023" in note for note in report.notes)


def test_a_proof_by_a_key_that_nothing_links_to_the_issuer_is_told_and_not_counted(
    issued: IssuedLog,
) -> None:
    prepared = altered(awards(issued.story, 1), _named("https://famous.example"))
    (holder,) = issued.award(prepared)

    report = issued.report(signed(holder, private_key("anybody")))

    assert "proof" not in verdicts(report)
    assert any("nothing here links" in note for note in report.notes)
    linked = issued.report(signed(holder, issued.story.provider.key))
    assert linked.check("proof").verdict is Verdict.HOLDS
