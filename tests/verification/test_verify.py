"""Judging a credential: what holds, and which check refutes what."""

from __future__ import annotations

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
from testamur.canonical import jcs
from testamur.catalogue import events as e
from testamur.keys import PrivateKey, base58_encode
from testamur.verification.report import Basis, Verdict
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import (
    NAMES,
    TODAY,
    altered,
    on_terms,
    refuted,
    signed,
    unchecked,
    verdicts,
)
from tests.harness.story import party, private_key


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
    stated = {check.name for check in report.checks if check.basis is Basis.REGISTER}

    assert stated == {"signature", "status", "accreditation", "recognition"}
    for name in ("signature", "status", "accreditation"):
        assert "not proven" in report.check(name).detail


def test_a_report_is_written_with_its_verdicts_in_words(issued: IssuedLog) -> None:
    found = json.loads(issued.report(issued.holders[0]).to_json())

    assert found["format"] == "testamur/report/1"
    assert [check["name"] for check in found["checks"]] == [n for n in NAMES if n != "proof"]
    assert {check["verdict"] for check in found["checks"]} == {"holds"}


# --- Dates ---


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
    terms = {"achievement": achievement, "accreditation": accreditation}
    (holder,) = issued.award(on_terms(prepared, **terms), by=newcomer)

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
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

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
    story, accreditation = issued.story, issued.story.new_id()
    granted = msgspec.structs.replace(story.accredited(accreditation), decision="conditional")
    issued.says(story.accreditor, granted)
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    report = issued.report(holder)

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
