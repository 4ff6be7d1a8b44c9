"""An offline proof shows one leaf in a tree that a policy believes, and has one spelling."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.tlog.checkpoint import Checkpoint, sign_checkpoint
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.log_keys import UnknownLogKey
from testamur.tlog.merkle import InvalidProof, inclusion_proof, leaf_hashes, tree_root
from testamur.tlog.note import MAX_NOTE, SignerKey
from testamur.tlog.policy import QuorumMissed, parse_policy
from testamur.tlog.proof import MAX_PATH, MalformedProof, TlogProof
from tests.harness.shared_vectors import load, needs_shared

NOW = 1_795_000_000
LOG = SignerKey.from_seed("log.example/1", b"l" * 32)
WITNESS = Cosigner.from_seed("witness.example", b"w" * 32)
POLICY = parse_policy(
    f"log {LOG.verifier}\nwitness w {WITNESS.verifier}\nquorum w\n",
)
LEAVES = leaf_hashes([b"%d" % number for number in range(21)])
CHECKPOINT = Checkpoint(LOG.name, len(LEAVES), tree_root(LEAVES))
SIGNED = sign_checkpoint(CHECKPOINT, LOG)
COSIGNED = SIGNED + WITNESS.cosign(CHECKPOINT.render(), NOW)
PROOF = TlogProof(5, tuple(inclusion_proof(5, LEAVES)), COSIGNED, b"extra data")
HASH_LINE = base64.b64encode(PROOF.path[0])
TEXT = PROOF.render()


def test_a_proof_shows_its_leaf_offline() -> None:
    verified = TlogProof.parse(TEXT).verify(LEAVES[5], POLICY)
    assert verified.checkpoint == CHECKPOINT
    assert verified.witnesses == (("w", NOW),)


def test_a_proof_looks_like_the_specification() -> None:
    lines = TEXT.split(b"\n")
    assert lines[:3] == [b"c2sp.org/tlog-proof@v1", b"extra ZXh0cmEgZGF0YQ==", b"index 5"]
    assert TEXT.endswith(b"\n\n" + COSIGNED)


def test_every_leaf_has_its_proof_and_no_other_leaf_has_it() -> None:
    for index, leaf in enumerate(LEAVES):
        proof = TlogProof(index, tuple(inclusion_proof(index, LEAVES)), COSIGNED)
        assert TlogProof.parse(proof.render()) == proof
        proof.verify(leaf, POLICY)
        with pytest.raises(InvalidProof):
            proof.verify(LEAVES[index - 1], POLICY)


def test_a_leaf_at_another_index_is_refused() -> None:
    for index in (4, 6, 20, 21, 2**62):
        with pytest.raises(InvalidProof):
            TlogProof(index, PROOF.path, COSIGNED).verify(LEAVES[5], POLICY)


def test_a_proof_without_the_quorum_is_refused() -> None:
    with pytest.raises(QuorumMissed):
        TlogProof(5, PROOF.path, SIGNED).verify(LEAVES[5], POLICY)


def test_a_proof_in_a_log_we_do_not_list_is_refused() -> None:
    stranger = SignerKey.generate(LOG.name)
    with pytest.raises(UnknownLogKey):
        TlogProof(5, PROOF.path, sign_checkpoint(CHECKPOINT, stranger)).verify(LEAVES[5], POLICY)


def test_extra_data_is_anybodys_word() -> None:
    changed = TEXT.replace(b"ZXh0cmEgZGF0YQ==", base64.b64encode(b"other data"))
    assert TlogProof.parse(changed).verify(LEAVES[5], POLICY).checkpoint == CHECKPOINT


@given(
    st.integers(0, 2**62),
    st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_PATH),
    st.none() | st.binary(min_size=1, max_size=40),
    st.binary(min_size=1, max_size=60),
)
def test_a_proof_is_read_back(
    index: int, path: list[bytes], extra: bytes | None, checkpoint: bytes
) -> None:
    proof = TlogProof(index, tuple(path), checkpoint, extra)
    assert TlogProof.parse(proof.render()) == proof


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n",
        TEXT[1:],
        TEXT.replace(b"@v1", b"@v2"),
        TEXT.replace(b"c2sp.org/tlog-proof@v1\n", b""),
        TEXT.replace(b"c2sp", b"\nc2sp", 1),
        TEXT.replace(b"\n\n", b"\n", 1),
        TEXT.partition(b"\n\n")[0] + b"\n\n",
        TEXT.replace(b"index 5", b"index 05"),
        TEXT.replace(b"index 5", b"index -5"),
        TEXT.replace(b"index 5", b"index +5"),
        TEXT.replace(b"index 5", b"index  5"),
        TEXT.replace(b"index 5", b"index 5 "),
        TEXT.replace(b"index 5", b"index 5_0"),
        TEXT.replace(b"index 5", b"index "),
        TEXT.replace(b"index 5", b"index"),
        TEXT.replace(b"index 5", b"Index 5"),
        TEXT.replace(b"index 5", b"index 9223372036854775807"),
        TEXT.replace(b"index 5", b"index 9223372036854775808"),
        TEXT.replace(b"index 5\n", b""),
        TEXT.replace(b"index 5\n", b"index 5\nindex 5\n"),
        TEXT.replace(b"index 5\n", b"index 5\nextra ZXh0cmE=\n"),
        TEXT.replace(b"extra ", b"extra  "),
        TEXT.replace(b"extra ", b"Extra "),
        TEXT.replace(b"ZXh0cmEgZGF0YQ==", b""),
        TEXT.replace(b"ZXh0cmEgZGF0YQ==", b"ZXh0cmEgZGF0YQ"),
        TEXT.replace(b"ZXh0cmEgZGF0YQ==", b"ZXh0cmEgZGF0YR=="),
        TEXT.replace(HASH_LINE, HASH_LINE[:-1]),
        TEXT.replace(HASH_LINE, HASH_LINE + b" "),
        TEXT.replace(HASH_LINE, b" " + HASH_LINE),
        TEXT.replace(HASH_LINE, base64.b64encode(PROOF.path[0][1:])),
        TEXT.replace(HASH_LINE, b"\n".join([HASH_LINE] * MAX_PATH)),
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"index", "\u0131ndex".encode()),
        TEXT + b"\n" * (2 * MAX_NOTE),
    ],
)
def test_nothing_else_is_a_proof(text: bytes) -> None:
    with pytest.raises(MalformedProof) as refused:
        TlogProof.parse(text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("index", "path", "checkpoint", "extra"),
    [
        (-1, (), COSIGNED, None),
        (2**63, (), COSIGNED, None),
        (0, (bytes(31),), COSIGNED, None),
        (0, (bytes(32),) * (MAX_PATH + 1), COSIGNED, None),
        (0, (), b"", None),
        (0, (), COSIGNED, b""),
    ],
)
def test_no_other_proof_can_be_made(
    index: int, path: tuple[bytes, ...], checkpoint: bytes, extra: bytes | None
) -> None:
    with pytest.raises(MalformedProof):
        TlogProof(index, path, checkpoint, extra)


# --- Published vectors ---


@needs_shared
def test_published_proofs_are_read_or_refused_as_published() -> None:
    vectors = load("extracted/tlog-proof-syntax.json")
    for case in vectors["valid"]:
        proof = TlogProof.parse(case["text"].encode())
        assert proof.index == case["index"]
        assert [digest.hex() for digest in proof.path] == case["hashes"]
        assert proof.extra == (case["extra"] and case["extra"].encode())
    for case in vectors["invalid"]:
        with pytest.raises(MalformedProof):
            TlogProof.parse(case["text"].encode())
