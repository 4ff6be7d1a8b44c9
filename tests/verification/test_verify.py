"""Judging a credential: what holds, and which check refutes what."""

from __future__ import annotations

import json
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
from testamur.rules import MAX_AHEAD
from testamur.verification.report import Basis
from tests.harness.awards import awards
from tests.harness.issued_log import IssuedLog
from tests.harness.judged import (
    NAMES,
    TODAY,
    altered,
    logged_as,
    on_terms,
    refuted,
    signed,
    unchecked,
    verdicts,
)
from tests.harness.story import private_key


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
    (holder,) = issued.award(logged_as(prepared, event))
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


# --- Accreditation ---


def test_a_conditional_accreditation_is_told_as_such(issued: IssuedLog) -> None:
    story, accreditation = issued.story, issued.story.new_id()
    granted = msgspec.structs.replace(story.accredited(accreditation), decision="conditional")
    issued.says(story.accreditor, granted)
    (holder,) = issued.award(on_terms(awards(story, 1), accreditation=accreditation))

    report = issued.report(holder)

    assert report.exit_code == 0
    assert "conditionally" in report.check("accreditation").detail


# --- The credential's own proof ---


def test_a_proof_by_a_signing_key_of_the_issuer_holds_and_changes_nothing_else(
    issued: IssuedLog,
) -> None:
    """The commitment is to the credential without its proof, which may come later."""
    holder = signed(issued.holders[0], issued.story.provider.key)

    report = issued.report(holder)

    assert verdicts(report) == dict.fromkeys(NAMES, "holds")


def _expiring(holder: HolderFile, key: PrivateKey, expires: str) -> HolderFile:
    """Sign with an `expires` of its own."""
    return _signed_with(holder, key, {"expires": expires})


def _signed_with(holder: HolderFile, key: PrivateKey, members: dict[str, str]) -> HolderFile:
    """Sign as the suite says (EdDSA Cryptosuites section 3.3), with members of the proof's own."""
    options = {
        "@context": holder.credential["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2026-11-20T00:00:00Z",
        "verificationMethod": f"{key.public.did_key()}#{key.public.multikey()}",
        "proofPurpose": "assertionMethod",
        **members,
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


def test_a_proof_that_a_stranger_added_has_no_say_on_dates(issued: IssuedLog) -> None:
    """Anybody can add one, and let it expire."""
    expired = _expiring(issued.holders[0], PrivateKey.generate(), "2026-11-21T09:59:59Z")

    report = issued.report(signed(expired, issued.story.provider.key))

    assert verdicts(report)["proof"] == "holds"


def test_a_clock_that_is_slow_refutes_no_proof(issued: IssuedLog) -> None:
    key = issued.story.provider.key
    made = datetime.fromtimestamp(issued.story.now + MAX_AHEAD + 1, UTC)
    credential = sign(issued.holders[0].credential, key, created=made)
    holder = msgspec.structs.replace(issued.holders[0], credential=credential)

    report = issued.report(holder)

    assert unchecked(report) == {"proof"}
    assert "one of the two is wrong" in report.why


def test_a_clock_that_is_slow_by_a_minute_refutes_no_credential_of_this_minute(
    issued: IssuedLog,
) -> None:
    moment = datetime.fromtimestamp(issued.story.now, UTC)
    prepared = altered(awards(issued.story, 1), lambda c: c.update(validFrom=moment.isoformat()))
    event = msgspec.structs.replace(prepared.events[0], valid_from=TODAY)
    (holder,) = issued.award(logged_as(prepared, event))
    slow = moment - timedelta(seconds=60)

    assert unchecked(issued.report(holder, now=slow)) == {"validity"}
    assert refuted(issued.report(holder, at=slow)) == {"validity"}, "asked as of before it was"


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
    assert any("no signing key of the issuer" in note for note in report.notes)


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


@pytest.mark.parametrize("who", ["a stranger", "the founding key", "a recovery key"])
def test_a_proof_by_what_is_no_signing_key_of_the_issuer_is_refuted(
    issued: IssuedLog, who: str
) -> None:
    keys = issued.story.provider.keys
    key = {
        "a stranger": private_key("anybody"),
        "the founding key": keys.founding,
        "a recovery key": keys.recovery,
    }[who]

    report = issued.report(signed(issued.holders[0], key))

    assert refuted(report) == {"proof"}
    assert "no signing key of the issuer at the issuance" in report.check("proof").detail


def test_a_signing_key_signs_for_what_was_issued_while_it_counted(issued: IssuedLog) -> None:
    story, provider = issued.story, issued.story.provider
    later = provider.with_key("later")
    issued.says(provider.founding, story.key_listed(later))
    (holder,) = issued.award(awards(story, 1))

    assert refuted(issued.report(signed(issued.holders[0], later.key))) == {"proof"}
    assert issued.report(signed(holder, later.key)).exit_code == 0


def test_a_proof_by_a_stolen_key_counts_for_nothing(issued: IssuedLog) -> None:
    """It says itself when it was made, and a thief can say what he likes."""
    story, provider = issued.story, issued.story.provider
    thiefs = provider.with_key("of the thief")
    header = issued.says(provider.founding, story.key_listed(thiefs))
    (holder,) = issued.award(awards(story, 1))
    issued.says(provider.founding, story.key_compromised(thiefs, header))

    assert refuted(issued.report(signed(holder, thiefs.key))) == {"proof"}


def _by_method(holder: HolderFile, key: PrivateKey, method: str) -> HolderFile:
    """Sign with a verification method of another DID than the key's own."""
    return _signed_with(holder, key, {"verificationMethod": method})


@pytest.mark.parametrize(
    ("method", "verdict"),
    [
        ("did:web:soil.example#{key}", "holds"),
        ("did:web:soil.example#key-1", "could not check"),
        ("did:web:famous.example#{key}", None),
    ],
)
def test_a_method_of_another_did_counts_if_that_is_vouched_for_and_names_the_key(
    issued: IssuedLog, method: str, verdict: str | None
) -> None:
    story, key = issued.story, issued.story.provider.key
    restated = msgspec.structs.replace(
        story.accreditation_restated("An Organization"), other_ids=("did:web:soil.example",)
    )
    issued.says(story.accreditor, restated)
    (holder,) = issued.award(awards(story, 1))

    named = method.format(key=key.public.multikey())
    report = issued.report(_by_method(holder, key, named))

    assert verdicts(report).get("proof") == verdict


def test_a_method_that_names_a_key_of_somebody_else_does_not_count(issued: IssuedLog) -> None:
    story, thief = issued.story, private_key("thief")
    restated = msgspec.structs.replace(
        story.accreditation_restated("An Organization"), other_ids=("did:web:soil.example",)
    )
    issued.says(story.accreditor, restated)
    (holder,) = issued.award(awards(story, 1))
    own = story.provider.key.public.multikey()

    spelt = f"did:web:soil.example#{thief.public.multikey()}"
    assert verdicts(issued.report(_by_method(holder, thief, spelt)))["proof"] == "could not check"
    forged = issued.report(_by_method(holder, thief, f"did:web:soil.example#{own}"))
    assert refuted(forged) == {"proof"}
