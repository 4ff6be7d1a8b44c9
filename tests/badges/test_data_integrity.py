"""A proof holds for one document and one key; what cannot be examined is never called false."""

from __future__ import annotations

import copy
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.badges.data_integrity import (
    MAX_PROOFS,
    BadProof,
    proofs_of,
    sign,
    suite_of,
    verify_proof,
    verify_proofs,
)
from testamur.canonical import jcs
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.keys import PrivateKey, PublicKey, base58_decode, base58_encode
from tests.catalogue.test_canonical import TEXT, VALUES
from tests.harness.shared_vectors import SHARED, load, needs_shared

ALICE = PrivateKey("Ed25519", b"a" * 32)
BOB = PrivateKey("Ed25519", b"b" * 32)
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://ob.example/v3"],
    "id": "urn:uuid:1",
    "credentialSubject": {"credits": 3.0},
}
SIGNED = sign(DOCUMENT, ALICE, created=NOW)


def damaged(**members: Any) -> dict[str, Any]:
    """Return SIGNED with members of its proof changed, or left out where None."""
    found = copy.deepcopy(SIGNED)
    proof = found["proof"][0] | members
    found["proof"] = [{name: value for name, value in proof.items() if value is not None}]
    return found


def resigned(key: PrivateKey = ALICE, **options: Any) -> dict[str, Any]:
    """Return DOCUMENT with a proof over `options` that `key` really made, as an attacker can."""
    proof = {k: v for k, v in {**SIGNED["proof"][0], **options}.items() if v is not None}
    del proof["proofValue"]
    document = dict(DOCUMENT)
    if "@context" in proof:
        document["@context"] = proof["@context"]
    data = hashlib.sha256(jcs(proof)).digest() + hashlib.sha256(jcs(document)).digest()
    return {**DOCUMENT, "proof": {**proof, "proofValue": "z" + base58_encode(key.sign(data))}}


# --- Signing and verifying ---


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.dictionaries(TEXT, VALUES))
def test_what_was_signed_verifies_and_names_its_signer(document: dict[str, Any]) -> None:
    document = {name: value for name, value in document.items() if name != "proof"}
    (proven,) = verify_proofs(sign(document, ALICE, created=NOW)).proven
    assert (proven.signer, proven.created) == (ALICE.public.did_key(), NOW)
    assert proven.expires is None


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.dictionaries(TEXT, VALUES, min_size=1))
def test_nothing_can_be_added_after_signing(members: dict[str, Any]) -> None:
    changed = {**SIGNED, **{k: v for k, v in members.items() if k not in {"proof", "@context"}}}
    if changed != SIGNED:
        with pytest.raises(Refuted):
            verify_proofs(changed)


def test_signing_leaves_the_document_as_it_was() -> None:
    before = copy.deepcopy(DOCUMENT)
    sign(DOCUMENT, ALICE, created=NOW)
    assert before == DOCUMENT


def test_a_second_signature_joins_the_first_and_both_hold() -> None:
    both = sign(SIGNED, BOB, created=NOW)
    signers = [proven.signer for proven in verify_proofs(both).proven]
    assert signers == [ALICE.public.did_key(), BOB.public.did_key()]


def test_one_false_proof_among_good_ones_refutes_the_document() -> None:
    both = sign(SIGNED, BOB, created=NOW)
    both["proof"][0] = damaged(created="2026-11-21T10:00:01Z")["proof"][0]
    with pytest.raises(Refuted):
        verify_proofs(both)


def test_contexts_may_be_added_behind_the_signed_ones_and_nowhere_else() -> None:
    first, second = DOCUMENT["@context"]
    for contexts, holds in [
        ([first, second, "https://more.example"], True),
        ([first], False),
        ([second, first], False),
        (["https://more.example", first, second], False),
        (first, False),
        ([], False),
        ([first, {"@vocab": "https://evil.example"}], False),
    ]:
        changed = {**SIGNED, "@context": contexts}
        if holds:
            verify_proofs(changed)
        else:
            with pytest.raises(BadProof, match="@context"):
                verify_proofs(changed)
    with pytest.raises(BadProof, match="@context"):
        verify_proofs({name: value for name, value in SIGNED.items() if name != "@context"})


@pytest.mark.parametrize(
    "members",
    [
        {"created": "2026-11-21T10:00:01Z"},
        {"created": None},
        {"expires": "2099-01-01T00:00:00Z"},
        {"proofPurpose": "authentication"},
        {"proofPurpose": None},
        {"@context": DOCUMENT["@context"][:1]},
        {"@context": None},
        {"@context": [True]},
        {"verificationMethod": None},
        {"verificationMethod": 7},
        {"verificationMethod": ALICE.public.did_key()},
        {"verificationMethod": f"{ALICE.public.did_key()}#{BOB.public.multikey()}"},
        {"verificationMethod": f"{BOB.public.did_key()}#{BOB.public.multikey()}"},
        {"verificationMethod": "did:key:z6Mk#z6Mk"},
        {"verificationMethod": "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc#x"},
        {"proofValue": None},
        {"proofValue": ""},
        {"proofValue": "z"},
        {"proofValue": "u" + SIGNED["proof"][0]["proofValue"][1:]},
        {"proofValue": SIGNED["proof"][0]["proofValue"][1:]},
        {"proofValue": SIGNED["proof"][0]["proofValue"] + "1"},
        {"proofValue": "z1" + SIGNED["proof"][0]["proofValue"][1:]},
        {"proofValue": SIGNED["proof"][0]["proofValue"][:-1] + "0"},  # not base58
        {"proofValue": "z" + "2" * 100_000},
        {"proofValue": 5},
        {"previousProof": "urn:uuid:nowhere"},
        {"previousProof": [["urn:uuid:nowhere"]]},
        {"cryptosuite": None},
        {"type": None},
        {"type": ["DataIntegrityProof"]},
    ],
)
def test_damage_to_the_proof_refutes_it(members: dict[str, Any]) -> None:
    with pytest.raises(Refuted):
        verify_proofs(damaged(**members))


@pytest.mark.parametrize(
    "options",
    [
        {"proofPurpose": "authentication"},
        {"created": "yesterday"},
        {"created": "2026-11-21T10:00:00"},
        {"created": "2026-02-30T10:00:00Z"},
        {"created": 1},
        {"expires": "2026-11-21"},
        {"verificationMethod": ALICE.public.did_key()},
        {"verificationMethod": f"{ALICE.public.did_key()}#key-1"},
        {"verificationMethod": f"{ALICE.public.did_key()}#{BOB.public.multikey()}"},
    ],
)
def test_a_good_signature_over_bad_options_is_refuted(options: dict[str, Any]) -> None:
    with pytest.raises(BadProof):
        verify_proofs(resigned(**options))


def test_a_proof_may_lack_contexts_and_times_and_carry_more_than_we_know() -> None:
    document = resigned(created=None, domain="provider.example", expires="2027-01-01T00:00:00Z")
    (proven,) = verify_proofs(document).proven
    assert proven.created is None
    assert proven.expires == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_signature_by_another_key_than_the_one_named_is_refuted() -> None:
    with pytest.raises(Refuted, match="signature is not by"):
        verify_proofs(resigned(BOB))


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"cryptosuite": "eddsa-rdfc-2022"}, "eddsa-rdfc-2022"),
        ({"cryptosuite": "eddsa-jcs-2099"}, "eddsa-jcs-2099"),
        ({"type": "Ed25519Signature2020", "cryptosuite": None}, "Ed25519Signature2020"),
        ({"verificationMethod": "did:web:provider.example#key-1"}, "did:web:provider.example"),
        ({"verificationMethod": "https://provider.example/keys/1"}, "https://provider.example"),
        ({"verificationMethod": "z6MkrvfzkMnvCroEUP2DVc9SHPE48CRs"}, "z6Mkrvfzk"),
    ],
)
def test_what_cannot_be_examined_is_unavailable_and_named(
    members: dict[str, Any], named: str
) -> None:
    with pytest.raises(Unavailable, match=named):
        verify_proofs(damaged(**members))


def test_one_good_proof_is_enough_and_the_others_are_told() -> None:
    other = {"type": "Ed25519Signature2020", "proofValue": "z1"}
    found = verify_proofs({**SIGNED, "proof": [other, *SIGNED["proof"]]})
    assert [proven.signer for proven in found.proven] == [ALICE.public.did_key()]
    assert "Ed25519Signature2020" in found.unexamined[0]


@pytest.mark.parametrize("proof", [None, "text", 7, [None], ["text"], [[]]])
def test_a_proof_that_is_no_object_is_refused(proof: object) -> None:
    with pytest.raises(Refusal, match="proof-form"):
        proofs_of({"proof": proof})


def test_the_proofs_of_one_document_are_bounded() -> None:
    many = {**SIGNED, "proof": SIGNED["proof"] * (MAX_PROOFS + 1)}
    with pytest.raises(Refusal, match="proof-form"):
        verify_proofs(many)
    with pytest.raises(Refusal, match="proof-form"):
        sign(many, ALICE, created=NOW)


def test_a_document_without_proof_is_refuted() -> None:
    for document in (DOCUMENT, {**DOCUMENT, "proof": []}):
        with pytest.raises(BadProof, match="no proof"):
            verify_proofs(document)


def test_only_ed25519_signs_and_verifies_in_this_suite() -> None:
    key = PrivateKey.generate("P-256")
    with pytest.raises(Refusal, match="proof-key"):
        sign(DOCUMENT, key, created=NOW)
    method = f"{key.public.did_key()}#{key.public.multikey()}"
    with pytest.raises(BadProof, match="P-256"):
        verify_proofs(resigned(key, verificationMethod=method))


# --- Chains ---


def chained() -> dict[str, Any]:
    """Return DOCUMENT signed by Alice, and by Bob over document and Alice's proof."""
    first = {**SIGNED["proof"][0], "id": "urn:uuid:first"}
    del first["proofValue"]
    data = hashlib.sha256(jcs(first)).digest() + hashlib.sha256(jcs(DOCUMENT)).digest()
    first["proofValue"] = "z" + base58_encode(ALICE.sign(data))
    method = f"{BOB.public.did_key()}#{BOB.public.multikey()}"
    second = {**SIGNED["proof"][0], "verificationMethod": method, "previousProof": first["id"]}
    del second["proofValue"]
    secured = {**DOCUMENT, "proof": [first]}
    data = hashlib.sha256(jcs(second)).digest() + hashlib.sha256(jcs(secured)).digest()
    second["proofValue"] = "z" + base58_encode(BOB.sign(data))
    return {**DOCUMENT, "proof": [first, second]}


def test_a_chained_proof_covers_the_proof_before_it() -> None:
    document = chained()
    assert len(verify_proofs(document).proven) == 2
    document["proof"][0]["extra"] = True
    with pytest.raises(Refuted):
        verify_proof(document, document["proof"][1])


def test_a_chained_proof_needs_the_proof_before_it_exactly_once() -> None:
    document = chained()
    first, second = document["proof"]
    for proofs in ([second], [first, first, second]):
        with pytest.raises(BadProof, match="previousProof"):
            verify_proof({**document, "proof": proofs}, second)


def test_a_proof_named_again_and_again_is_not_signed_over_as_often() -> None:
    document = chained()
    document["proof"][1]["previousProof"] = ["urn:uuid:first"] * 100_000
    with pytest.raises(BadProof, match="previousProof names 100000 proofs, and there are 2"):
        verify_proofs(document)


@pytest.mark.parametrize("chained", [True, False])
def test_no_part_is_brought_into_its_form_more_than_once(
    monkeypatch: pytest.MonkeyPatch, *, chained: bool
) -> None:
    """Else sixteen proofs, each built on all that stand before it, cost the square of one."""
    document = {**DOCUMENT, "more": [1.0] * 1_000}
    proofs: list[dict[str, Any]] = []
    for number in range(MAX_PROOFS):
        proof = dict(SIGNED["proof"][0], id=f"urn:proof:{number}", more=[1.0] * 1_000)
        del proof["proofValue"]
        secured = dict(document)
        if chained and proofs:
            proof["previousProof"] = [each["id"] for each in proofs]
            secured["proof"] = proofs
        data = hashlib.sha256(jcs(proof)).digest() + hashlib.sha256(jcs(secured)).digest()
        proofs = [*proofs, {**proof, "proofValue": "z" + base58_encode(ALICE.sign(data))}]
    values = 0

    def counted(value: object) -> bytes:
        nonlocal values
        values += len(value) if isinstance(value, list) else 1
        return jcs(value)

    monkeypatch.setattr("testamur.badges.data_integrity.jcs", counted)
    examined = verify_proofs({**document, "proof": proofs})
    assert len(examined.proven) == MAX_PROOFS
    assert values < (MAX_PROOFS + 1) * 1_100


# --- Published vectors ---


@needs_shared
def test_the_w3c_vector_verifies_and_is_made_again_to_the_byte() -> None:
    folder = "w3c-vc-di-eddsa/TestVectors"
    signed, pair = load(f"{folder}/eddsa-jcs-2022/signedJCS.json"), load(f"{folder}/keyPair.json")
    (proven,) = verify_proofs(signed).proven
    assert proven.signer == f"did:key:{pair['publicKeyMultibase']}"
    key = PrivateKey.from_multikey(pair["privateKeyMultibase"])
    created = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
    made = sign(load(f"{folder}/unsigned.json"), key, created=created)
    assert made["proof"] == [signed["proof"]]


@needs_shared
def test_the_hashes_and_signature_of_the_w3c_vector_are_those_published() -> None:
    folder = SHARED / "w3c-vc-di-eddsa/TestVectors/eddsa-jcs-2022"
    config = load("w3c-vc-di-eddsa/TestVectors/eddsa-jcs-2022/proofConfigJCS.json")
    unsigned = load("w3c-vc-di-eddsa/TestVectors/unsigned.json")
    assert (folder / "proofCanonJCS.txt").read_bytes() == jcs(config)
    assert (folder / "canonDocJCS.txt").read_bytes() == jcs(unsigned)
    hashes = hashlib.sha256(jcs(config)).hexdigest() + hashlib.sha256(jcs(unsigned)).hexdigest()
    assert (folder / "combinedHashJCS.txt").read_text().strip() == hashes
    value = (folder / "sigBTC58JCS.txt").read_text().strip()
    signature = bytes.fromhex((folder / "sigHexJCS.txt").read_text().strip())
    assert base58_decode(value[1:]) == signature


@needs_shared
def test_the_rdf_vectors_of_the_w3c_cannot_be_examined_and_are_not_called_false() -> None:
    folder = "w3c-vc-di-eddsa/TestVectors"
    for path in (
        "eddsa-rdfc-2022/signedDataInt.json",
        "Ed25519Signature2020/signedEdSig.json",
        "proof-set-chain/signedProofSet2.json",
        "proof-set-chain/signedProofChain2.json",
    ):
        with pytest.raises(Unavailable):
            verify_proofs(load(f"{folder}/{path}"))


@needs_shared
def test_the_signed_sample_credentials_verify_where_they_are_jcs() -> None:
    vectors = load("derived-credentials/signed-credentials.json")
    seen = 0
    for case in vectors["cases"]:
        if case["cryptosuite"] != "eddsa-jcs-2022":
            with pytest.raises(Unavailable, match=case["cryptosuite"]):
                verify_proofs(case["credential"])
            continue
        (proven,) = verify_proofs(case["credential"]).proven
        assert proven.signer == f"did:key:{vectors['publicKeyMultibase']}"
        seen += 1
    assert seen >= 3


@needs_shared
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("jcs-changed-value", "signature is not by"),
        ("jcs-context-not-prefix", "@context"),
        ("jcs-wrong-purpose", "purpose"),
        ("jcs-wrong-multibase", "base58btc"),
        ("no-proof", "no proof"),
    ],
)
def test_sample_credentials_that_must_fail_here_do(name: str, reason: str) -> None:
    with pytest.raises(Refuted, match=reason):
        verify_proofs(must_fail(name))


@needs_shared
def test_sample_credentials_that_others_must_catch_get_what_they_need_for_it() -> None:
    foreign = must_fail("jcs-key-not-of-issuer")
    (proven,) = verify_proofs(foreign).proven
    assert proven.signer != foreign["issuer"]["id"]
    with pytest.raises(Unavailable, match="eddsa-jcs-2099"):
        verify_proofs(must_fail("jcs-unknown-suite"))


def must_fail(name: str) -> dict[str, Any]:
    cases = load("derived-credentials/must-fail-credentials.json")["cases"]
    return next(case["credential"] for case in cases if case["name"] == name)


@needs_shared
def test_the_published_did_keys_are_read_and_written_back() -> None:
    ed25519 = load("w3c-ccg-did-method-key/test-vectors/ed25519-x25519.json")
    for did, vector in ed25519.items():
        key = PublicKey.from_did_key(did)
        assert key.did_key() == did
        assert key.curve == "Ed25519"
        seed = bytes.fromhex(vector["seed"])
        published = vector["verificationKeyPair"].get("publicKeyBase58")
        if published:
            assert key == PrivateKey("Ed25519", seed).public
            assert base58_decode(published) == key.raw()
    curves = load("w3c-ccg-did-method-key/test-vectors/nist-curves.json")
    p256 = [did for did in curves if did.startswith("did:key:zDn")]
    assert p256
    for did in p256:
        assert PublicKey.from_did_key(did).did_key() == did


@needs_shared
def test_did_keys_of_other_curves_cannot_have_made_a_proof_of_this_suite() -> None:
    folder = "w3c-ccg-did-method-key/test-vectors"
    dids = [*load(f"{folder}/secp256k1.json"), *load(f"{folder}/bls12381.json")]
    dids += load(f"{folder}/x25519.json")["didDocument"]
    for did in dids:
        method = f"{did}#{did.removeprefix('did:key:')}"
        with pytest.raises(Refuted):
            verify_proofs(damaged(verificationMethod=method))


def test_the_suite_is_the_cryptosuite_or_the_older_type() -> None:
    assert suite_of(SIGNED["proof"][0]) == "eddsa-jcs-2022"
    assert suite_of({"type": "Ed25519Signature2020"}) == "Ed25519Signature2020"
    told = {"type": "Everything was checked by the ministry"}
    for proof in ({}, {"type": 1}, {"type": "DataIntegrityProof"}, told, {"type": "x" * 101}):
        with pytest.raises(Refusal, match="proof-form"):
            suite_of(proof)
