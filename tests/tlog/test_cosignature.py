"""A cosignature binds one cosigner, one time and one checkpoint."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa
from hypothesis import given
from hypothesis import strategies as st

from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint, MalformedCheckpoint
from testamur.tlog.cosignature import (
    MAX_TIMESTAMP,
    Cosignature,
    Cosigner,
    MalformedCosignature,
    checkpoint_message,
    subtree_message,
    verify_cosignature,
)
from testamur.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    BadSignature,
    Signature,
    SignerKey,
    VerifierKey,
    parse_note,
)
from tests.harness.shared_vectors import SHARED, load, needs_shared

NOW = 1_795_000_000
TEXT = Checkpoint("log.example/1", 42, bytes(range(32))).render()
EXTENDED = Checkpoint("log.example/1", 42, bytes(range(32)), ("extension",)).render()
WITNESS = Cosigner.from_seed("witness.example", b"w" * 32)


def blob_of(line: bytes) -> bytes:
    return Signature.parse(line.decode().removesuffix("\n")).blob


BLOB = blob_of(WITNESS.cosign(TEXT, NOW))


class PostQuantumWitness:
    """An ML-DSA-44 cosigner, its message laid out here a second time from the specification."""

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self.private = mldsa.MLDSA44PrivateKey.from_seed_bytes(b"q" * 32)
        except UnsupportedAlgorithm:
            pytest.skip("this OpenSSL has no ML-DSA-44")
        public = self.private.public_key().public_bytes_raw()
        self.verifier = VerifierKey.of(name, MLDSA44_COSIGNATURE, public)

    def cosign(self, text: bytes, timestamp: int, context: bytes | None = None) -> bytes:
        checkpoint = Checkpoint.parse(text)
        name, origin = self.name.encode(), checkpoint.origin.encode()
        message = struct.pack(
            f">12sB{len(name)}sQB{len(origin)}sQQ32s",
            b"subtree/v1\n\x00",
            len(name),
            name,
            timestamp,
            len(origin),
            origin,
            0,
            checkpoint.size,
            checkpoint.root,
        )
        return struct.pack(">Q", timestamp) + self.private.sign(message, context)


# --- Ed25519 ---


@given(st.integers(0, MAX_TIMESTAMP))
def test_a_cosignature_gives_back_its_time(timestamp: int) -> None:
    line = WITNESS.cosign(TEXT, timestamp)
    assert verify_cosignature(WITNESS.verifier, TEXT, blob_of(line)) == timestamp


def test_a_cosignature_line_names_the_cosigner() -> None:
    (signature,) = parse_note(TEXT + b"\n" + WITNESS.cosign(TEXT, NOW)).signatures
    assert signature.key == (WITNESS.verifier.name, WITNESS.verifier.key_id)
    assert WITNESS.verifier.algorithm == ED25519_COSIGNATURE
    assert Cosigner.generate("witness.example").verifier != WITNESS.verifier


def test_a_cosigners_secret_is_not_shown() -> None:
    assert "private" not in repr(WITNESS)


def test_the_time_is_signed() -> None:
    later = (NOW + 1).to_bytes(8, "big") + BLOB[8:]
    with pytest.raises(BadSignature, match=str(NOW + 1)):
        verify_cosignature(WITNESS.verifier, TEXT, later)


def test_the_whole_text_is_signed_extensions_too() -> None:
    for text in (EXTENDED, TEXT.replace(b"42", b"43"), TEXT.replace(b"/1", b"/2")):
        with pytest.raises(BadSignature):
            verify_cosignature(WITNESS.verifier, text, BLOB)
    verify_cosignature(WITNESS.verifier, EXTENDED, blob_of(WITNESS.cosign(EXTENDED, NOW)))


def test_another_witness_did_not_cosign() -> None:
    with pytest.raises(BadSignature, match=r"other\.example"):
        verify_cosignature(Cosigner.generate("other.example").verifier, TEXT, BLOB)


def test_a_signature_of_the_note_is_no_cosignature() -> None:
    signer = SignerKey("witness.example", WITNESS.private)
    plain = blob_of(signer.sign(TEXT))
    with pytest.raises(MalformedCosignature):
        verify_cosignature(WITNESS.verifier, TEXT, plain)
    with pytest.raises(BadSignature):
        verify_cosignature(WITNESS.verifier, TEXT, NOW.to_bytes(8, "big") + plain)
    with pytest.raises(MalformedCosignature, match="0x01"):
        verify_cosignature(VerifierKey.of("w", ED25519, b"k" * 32), TEXT, BLOB)


@pytest.mark.parametrize("blob", [b"", BLOB[:-1], BLOB + b"\x00", BLOB[8:], b"\x80" + BLOB[1:]])
def test_nothing_else_is_a_cosignature(blob: bytes) -> None:
    with pytest.raises(MalformedCosignature):
        verify_cosignature(WITNESS.verifier, TEXT, blob)


@pytest.mark.parametrize("timestamp", [-1, MAX_TIMESTAMP + 1])
def test_no_other_time_is_signed(timestamp: int) -> None:
    with pytest.raises(MalformedCosignature, match="2\\^63"):
        WITNESS.cosign(TEXT, timestamp)


def test_only_checkpoints_are_cosigned() -> None:
    with pytest.raises(MalformedCheckpoint):
        WITNESS.cosign(b"a text\n", NOW)
    with pytest.raises(MalformedCheckpoint):
        verify_cosignature(WITNESS.verifier, b"a text\n", BLOB)


def test_a_cosignature_is_read_back() -> None:
    cosignature = Cosignature.parse(BLOB, ED25519_COSIGNATURE)
    assert cosignature.timestamp == NOW
    assert cosignature.render() == BLOB


# --- ML-DSA-44 ---


def test_an_mldsa_cosignature_gives_back_its_time() -> None:
    witness = PostQuantumWitness("pq.example")
    for timestamp in (0, NOW, MAX_TIMESTAMP):
        blob = witness.cosign(TEXT, timestamp)
        assert verify_cosignature(witness.verifier, TEXT, blob) == timestamp


def test_an_mldsa_cosignature_binds_name_time_origin_size_and_root() -> None:
    witness = PostQuantumWitness("pq.example")
    blob = witness.cosign(TEXT, NOW)
    renamed = VerifierKey.of("qp.example", MLDSA44_COSIGNATURE, witness.verifier.public)
    later = (NOW + 1).to_bytes(8, "big") + blob[8:]
    for key, text, damaged in (
        (renamed, TEXT, blob),
        (witness.verifier, TEXT, later),
        (witness.verifier, TEXT.replace(b"/1", b"/2"), blob),
        (witness.verifier, TEXT.replace(b"42", b"43"), blob),
        (witness.verifier, Checkpoint("log.example/1", 42, bytes(32)).render(), blob),
        (witness.verifier, TEXT, blob[:-1] + bytes([blob[-1] ^ 1])),
        (witness.verifier, TEXT, witness.cosign(TEXT, NOW, b"context")),
    ):
        with pytest.raises(BadSignature):
            verify_cosignature(key, text, damaged)


def test_an_mldsa_cosignature_says_nothing_of_extension_lines() -> None:
    witness = PostQuantumWitness("pq.example")
    assert verify_cosignature(witness.verifier, EXTENDED, witness.cosign(TEXT, NOW)) == NOW


@pytest.mark.parametrize("size", [0, 2427, 2429])
def test_an_mldsa_cosignature_of_another_length_is_refused(size: int) -> None:
    witness = PostQuantumWitness("pq.example")
    with pytest.raises(MalformedCosignature):
        verify_cosignature(witness.verifier, TEXT, bytes(size))


def test_names_that_the_message_cannot_hold_are_refused() -> None:
    witness = PostQuantumWitness("pq.example")
    text = Checkpoint("o" * 256, 42, bytes(32)).render()
    with pytest.raises(MalformedCosignature, match="255"):
        verify_cosignature(witness.verifier, text, witness.cosign(TEXT, NOW))


def test_without_mldsa_nothing_is_known_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenSSL without the algorithm is the one thing here that cannot be had for real."""
    witness = PostQuantumWitness("pq.example")
    blob = witness.cosign(TEXT, NOW)

    def lacking(_: bytes) -> Any:
        raise UnsupportedAlgorithm("ML-DSA-44 is not supported by this backend.")

    monkeypatch.setattr(mldsa.MLDSA44PublicKey, "from_public_bytes", lacking)
    with pytest.raises(Unavailable, match="ML-DSA-44"):
        verify_cosignature(witness.verifier, TEXT, blob)


def test_a_subtree_that_begins_later_states_no_time() -> None:
    parts: dict[str, Any] = {"cosigner": "w", "origin": "l", "end": 16, "root": bytes(32)}
    subtree_message(**parts, start=8, timestamp=0)
    subtree_message(**parts, start=0, timestamp=NOW)
    with pytest.raises(MalformedCosignature, match="begins at 8"):
        subtree_message(**parts, start=8, timestamp=NOW)


# --- Published vectors ---


@needs_shared
def test_the_mldsa_message_is_laid_out_as_published() -> None:
    vector = load("extracted/mldsa44-cosigned-message-layout.json")
    given_, expected = vector["input"], bytes.fromhex(vector["message_hex"])
    # The vector gives a subtree that begins later a time, which a cosignature must not: so the
    # message is made without it, and the time put where the vector has it.
    message = subtree_message(
        cosigner=given_["cosigner_name"],
        timestamp=0,
        origin=given_["log_origin"],
        start=int(given_["start"], 16),
        end=int(given_["end"], 16),
        root=bytes.fromhex(given_["hash_hex"]),
    )
    timestamp = int(given_["timestamp"], 16).to_bytes(8, "big")
    assert message[:14] + timestamp + message[22:] == expected
    assert vector["sizes"]["note_signature_blob"] == 4 + 8 + vector["sizes"]["signature"]


@needs_shared
@pytest.mark.parametrize(
    ("checkpoint", "witness"),
    [
        ("witnessed-static-ct.checkpoint", "witness.v0.json"),
        (
            "mirror/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706/checkpoint",
            "mirror/mirror.v0.json",
        ),
    ],
)
def test_cosignatures_made_by_others_hold_for_their_tree_alone(
    checkpoint: str, witness: str
) -> None:
    folder = "sunlight-skylight-witness"
    key = VerifierKey.parse(load(f"{folder}/{witness}")["verifier_keys"][0])
    note = parse_note((SHARED / folder / checkpoint).read_bytes())
    (signature,) = (line for line in note.signatures if line.key == (key.name, key.key_id))
    assert verify_cosignature(key, note.text, signature.blob) > 1_700_000_000
    with pytest.raises(BadSignature):
        verify_cosignature(key, note.text.replace(b"\n300\n", b"\n301\n"), signature.blob)


@needs_shared
def test_the_cosignature_of_the_specification_is_read() -> None:
    vector = load("extracted/c2sp-spec-examples.json")["cosigned_checkpoint_parse_only"]
    note = parse_note(vector["checkpoint"].encode())
    (line,) = (each for each in note.signatures if each.name == vector["witness_key_name"])
    cosignature = Cosignature.parse(line.blob, ED25519_COSIGNATURE)
    assert cosignature.timestamp == vector["cosignature_timestamp"]
    message = checkpoint_message(note.text, cosignature.timestamp)
    assert message.startswith(b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n2085")
