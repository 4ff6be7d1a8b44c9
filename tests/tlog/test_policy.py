"""A checkpoint is believed when a listed log signed it and a quorum cosigned it, and never else."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa
from hypothesis import given
from hypothesis import strategies as st

from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import Checkpoint, MalformedCheckpoint, sign_checkpoint
from testamur.tlog.cosignature import Cosigner, subtree_message
from testamur.tlog.log_keys import UnknownLogKey
from testamur.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    BadSignature,
    MalformedNote,
    Signature,
    SignerKey,
    Unsigned,
    VerifierKey,
)
from testamur.tlog.policy import MalformedPolicy, Policy, QuorumMissed, parse_policy
from tests.harness.shared_vectors import SHARED, load, needs_shared

NOW = 1_795_000_000
LOG = SignerKey.from_seed("log.example/1", b"l" * 32)
OTHER_LOG = SignerKey.from_seed("log.example/2", b"m" * 32)
CHECKPOINT = Checkpoint("log.example/1", 42, bytes(range(32)))
TEXT = CHECKPOINT.render()
SIGNED = sign_checkpoint(CHECKPOINT, LOG)
WITNESSES = {
    name: Cosigner.from_seed(f"{name}.example", name.encode() * 16)
    for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")
}
LINES = {name: witness.cosign(TEXT, NOW) for name, witness in WITNESSES.items()}
KEYS = {name: str(witness.verifier) for name, witness in WITNESSES.items()}

# The example of the specification.
EXAMPLE = (
    f"log {LOG.verifier}\n\n"
    f"witness X1 {KEYS['X1']}\nwitness X2 {KEYS['X2']}\nwitness X3 {KEYS['X3']}\n"
    "group X-witnesses 2 X1 X2 X3\n\n"
    f"witness Y1 {KEYS['Y1']}\nwitness Y2 {KEYS['Y2']}\nwitness Y3 {KEYS['Y3']}\n"
    "group Y-witnesses any Y1 Y2 Y3\n\n"
    "group X-and-Y all X-witnesses Y-witnesses\n"
    "quorum X-and-Y\n"
)
ALONE = f"log {LOG.verifier}\nquorum none\n"


def cosigned(*names: str) -> bytes:
    return SIGNED + b"".join(LINES[name] for name in names)


# --- Checking ---


def test_a_log_alone_is_enough_where_no_quorum_is_asked_for() -> None:
    verified = parse_policy(ALONE).check(SIGNED)
    assert verified.checkpoint == CHECKPOINT
    assert verified.note.render() == SIGNED
    assert verified.witnesses == ()


def test_the_example_of_the_specification_decides_every_set_of_witnesses() -> None:
    policy = parse_policy(EXAMPLE)
    for count in range(7):
        for names in itertools.combinations(WITNESSES, count):
            enough = sum(name[0] == "X" for name in names) >= 2 and any(
                name[0] == "Y" for name in names
            )
            if enough:
                verified = policy.check(cosigned(*names))
                assert verified.witnesses == tuple((name, NOW) for name in names)
            else:
                with pytest.raises(QuorumMissed):
                    policy.check(cosigned(*names))


def test_a_missed_quorum_names_who_is_missing() -> None:
    with pytest.raises(QuorumMissed, match="cosigned by X1, Y1; missing X2, X3, Y2, Y3"):
        parse_policy(EXAMPLE).check(cosigned("Y1", "X1"))
    with pytest.raises(QuorumMissed, match="cosigned by nobody"):
        parse_policy(EXAMPLE).check(SIGNED)


def test_one_witness_may_be_the_quorum() -> None:
    policy = parse_policy(f"log {LOG.verifier}\nwitness X1 {KEYS['X1']}\nquorum X1\n")
    assert policy.check(cosigned("X1", "Y1")).witnesses == (("X1", NOW),)
    with pytest.raises(QuorumMissed):
        policy.check(cosigned("Y1"))


def test_a_witness_counts_once_however_often_it_cosigns() -> None:
    with pytest.raises(QuorumMissed):
        parse_policy(EXAMPLE).check(cosigned("X1", "X1", "Y1"))


def test_the_latest_time_of_a_witness_is_returned() -> None:
    later = WITNESSES["X1"].cosign(TEXT, NOW + 5)
    policy = parse_policy(f"log {LOG.verifier}\nwitness X1 {KEYS['X1']}\nquorum X1\n")
    for note in (cosigned("X1") + later, SIGNED + later + LINES["X1"]):
        assert policy.check(note).witnesses == (("X1", NOW + 5),)


def test_a_cosignature_that_states_no_time_does_not_count() -> None:
    policy = parse_policy(f"log {LOG.verifier}\nwitness X1 {KEYS['X1']}\nquorum X1\n")
    with pytest.raises(QuorumMissed):
        policy.check(SIGNED + WITNESSES["X1"].cosign(TEXT, 0))


def test_a_bad_cosignature_by_a_known_witness_spoils_the_checkpoint() -> None:
    elsewhere = Checkpoint(LOG.name, 43, CHECKPOINT.root).render()
    bad = WITNESSES["Y2"].cosign(elsewhere, NOW)
    note = cosigned("X1", "X2", "Y1") + bad
    with pytest.raises(BadSignature, match=r"Y2\.example"):
        parse_policy(EXAMPLE).check(note)
    parse_policy(ALONE).check(note)  # a policy that does not know Y2 ignores its line


def test_a_cosignature_cut_short_by_a_known_witness_spoils_the_checkpoint() -> None:
    key = WITNESSES["Y2"].verifier
    line = Signature(key.name, key.key_id, bytes(64)).render()
    with pytest.raises(Refuted, match="72 bytes"):
        parse_policy(EXAMPLE).check(cosigned("X1", "X2", "Y1") + line)


def test_a_checkpoint_that_no_listed_log_signed_is_refused() -> None:
    unsigned = TEXT + b"\n" + LINES["X1"] + LINES["X2"] + LINES["Y1"]
    with pytest.raises(Unsigned, match=r"log\.example/1"):
        parse_policy(EXAMPLE).check(unsigned)
    stranger = SignerKey.generate("log.example/2").sign(TEXT)
    with pytest.raises(Unsigned):
        parse_policy(ALONE).check(TEXT + b"\n" + stranger)
    with pytest.raises(Unsigned):
        parse_policy("quorum none\n").check(SIGNED)


def test_a_bad_signature_by_a_listed_log_is_refused() -> None:
    with pytest.raises(BadSignature):
        parse_policy(ALONE).check(SIGNED.replace(b"\n42\n", b"\n43\n"))


def test_one_listed_log_does_not_vouch_for_another() -> None:
    policy = parse_policy(f"log {LOG.verifier}\nlog {OTHER_LOG.verifier}\nquorum none\n")
    with pytest.raises(Unsigned, match=r"log\.example/1"):
        policy.check(TEXT + b"\n" + OTHER_LOG.sign(TEXT))
    assert policy.check(SIGNED + OTHER_LOG.sign(TEXT)).checkpoint == CHECKPOINT
    theirs = Checkpoint(OTHER_LOG.name, 7, CHECKPOINT.root)
    assert policy.check(sign_checkpoint(theirs, OTHER_LOG)).checkpoint == theirs


def test_a_log_may_change_its_key_under_its_name() -> None:
    new = SignerKey.generate(LOG.name)
    policy = parse_policy(f"log {LOG.verifier}\nlog {new.verifier}\nquorum none\n")
    policy.check(SIGNED)
    policy.check(SIGNED + new.sign(TEXT))
    policy.check(TEXT + b"\n" + new.sign(TEXT))


def test_a_policy_that_lacks_the_new_key_of_a_log_could_not_check_and_says_which_it_is() -> None:
    new = SignerKey.generate(LOG.name)
    policy = parse_policy(ALONE)
    assert policy.check(SIGNED + new.sign(TEXT)).checkpoint == CHECKPOINT
    with pytest.raises(UnknownLogKey) as told:
        policy.check(TEXT + b"\n" + new.sign(TEXT))
    assert f"{LOG.name}+{new.verifier.key_id.hex()}" in str(told.value)
    assert f"{LOG.name}+{LOG.verifier.key_id.hex()}" in str(told.value)
    with pytest.raises(BadSignature):  # a known key that did not sign still refutes
        policy.check(SIGNED.replace(b"\n42\n", b"\n43\n") + new.sign(TEXT))


def test_what_is_no_checkpoint_is_refused() -> None:
    policy = parse_policy(ALONE)
    with pytest.raises(MalformedNote):
        policy.check(TEXT)
    text = b"log.example/1\n042\n" + TEXT.split(b"\n", 2)[2]
    with pytest.raises(MalformedCheckpoint):
        policy.check(text + b"\n" + LOG.sign(text))


# --- ML-DSA-44 ---


@pytest.fixture(name="mldsa_key")
def mldsa_key_() -> mldsa.MLDSA44PrivateKey:
    try:
        return mldsa.MLDSA44PrivateKey.from_seed_bytes(b"q" * 32)
    except UnsupportedAlgorithm:
        pytest.skip("this OpenSSL has no ML-DSA-44")


@pytest.fixture
def without_mldsa(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Take ML-DSA-44 away: an older OpenSSL is the one thing that cannot be had here for real."""

    def lacking(_: bytes) -> Any:
        raise UnsupportedAlgorithm("ML-DSA-44 is not supported by this backend.")

    return lambda: monkeypatch.setattr(mldsa.MLDSA44PublicKey, "from_public_bytes", lacking)


def mldsa_signed(key: mldsa.MLDSA44PrivateKey, name: str, checkpoint: Checkpoint) -> bytes:
    message = subtree_message(
        cosigner=name,
        timestamp=NOW,
        origin=checkpoint.origin,
        start=0,
        end=checkpoint.size,
        root=checkpoint.root,
    )
    blob = struct.pack(">Q", NOW) + key.sign(message)
    return Signature(name, mldsa_public(key, name).key_id, blob).render()


def mldsa_public(key: mldsa.MLDSA44PrivateKey, name: str) -> VerifierKey:
    return VerifierKey.of(name, MLDSA44_COSIGNATURE, key.public_key().public_bytes_raw())


def test_an_mldsa_witness_counts(mldsa_key: mldsa.MLDSA44PrivateKey) -> None:
    key = mldsa_public(mldsa_key, "pq.example")
    policy = parse_policy(f"log {LOG.verifier}\nwitness pq {key}\nquorum pq\n")
    line = mldsa_signed(mldsa_key, "pq.example", CHECKPOINT)
    assert policy.check(SIGNED + line).witnesses == (("pq", NOW),)


def test_an_mldsa_log_is_believed_but_for_extension_lines(
    mldsa_key: mldsa.MLDSA44PrivateKey,
) -> None:
    policy = parse_policy(f"log {mldsa_public(mldsa_key, LOG.name)}\nquorum none\n")
    line = mldsa_signed(mldsa_key, LOG.name, CHECKPOINT)
    assert policy.check(TEXT + b"\n" + line).checkpoint == CHECKPOINT
    with pytest.raises(BadSignature, match="extension"):
        policy.check(TEXT + b"extension\n\n" + line)


def test_a_log_whose_signature_we_cannot_verify_is_neither_believed_nor_refused(
    mldsa_key: mldsa.MLDSA44PrivateKey, without_mldsa: Callable[[], None]
) -> None:
    key = mldsa_public(mldsa_key, LOG.name)
    line = mldsa_signed(mldsa_key, LOG.name, CHECKPOINT)
    without_mldsa()
    both = parse_policy(f"log {LOG.verifier}\nlog {key}\nquorum none\n")
    assert both.check(SIGNED + line).checkpoint == CHECKPOINT
    with pytest.raises(Unavailable, match=r"log\.example/1"):
        both.check(TEXT + b"\n" + line)


def test_a_quorum_that_hangs_on_what_we_cannot_verify_is_neither_met_nor_missed(
    mldsa_key: mldsa.MLDSA44PrivateKey, without_mldsa: Callable[[], None]
) -> None:
    key = mldsa_public(mldsa_key, "pq.example")
    line = mldsa_signed(mldsa_key, "pq.example", CHECKPOINT)
    base = f"log {LOG.verifier}\nwitness pq {key}\nwitness X1 {KEYS['X1']}\n"

    without_mldsa()
    either = parse_policy(base + "group g any pq X1\nquorum g\n")
    both = parse_policy(base + "group g all pq X1\nquorum g\n")
    assert either.check(cosigned("X1") + line).witnesses == (("X1", NOW),)
    with pytest.raises(Unavailable, match="pq"):
        both.check(cosigned("X1") + line)
    with pytest.raises(QuorumMissed):
        both.check(SIGNED + line)


# --- Parsing ---


def test_a_policy_is_read_back() -> None:
    policy = parse_policy(EXAMPLE)
    assert [each.name for each in policy.witnesses] == list(WITNESSES)
    assert [(each.name, each.threshold, each.members) for each in policy.groups] == [
        ("X-witnesses", 2, ("X1", "X2", "X3")),
        ("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        ("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    ]
    assert policy.quorum == "X-and-Y"
    assert parse_policy(policy.render()) == policy
    assert parse_policy(EXAMPLE.encode()) == policy


def test_blanks_comments_and_urls_are_allowed() -> None:
    text = (
        "# a comment\n \t\n  # another é\n"
        f"\tlog\t {LOG.verifier}  https://log.example/ \n"
        f"witness é {KEYS['X1']} https://witness.example/\nquorum é\n"
    )
    policy = parse_policy(text)
    assert policy.logs[0].url == "https://log.example/"
    assert policy.witnesses[0].url == "https://witness.example/"
    assert parse_policy(policy.render()) == policy


def test_names_are_opaque_bytes() -> None:
    kelvin, latin = "\u212a", "K"
    text = f"witness {kelvin} {KEYS['X1']}\nwitness {latin} {KEYS['X2']}\nquorum {latin}\n"
    assert [each.name for each in parse_policy(text).witnesses] == [kelvin, latin]
    raw = b"witness \xff\x85 " + KEYS["X1"].encode() + b"\nquorum \xff\x85\n"
    policy = parse_policy(raw)
    assert parse_policy(policy.render()) == policy


def test_all_any_and_numbers_are_names_like_others() -> None:
    text = f"witness all {KEYS['X1']}\nwitness 2 {KEYS['X2']}\ngroup any 2 all 2\nquorum any\n"
    assert parse_policy(text).groups[0].members == ("all", "2")


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: text.replace("quorum X-and-Y\n", ""), "must have a quorum"),
        (lambda text: text + "quorum X1\n", "one quorum"),
        (lambda text: text + "quorum X-and-Y\n", "one quorum"),
        (lambda text: text.replace("quorum X-and-Y", "quorum nobody"), "not defined above"),
        (lambda text: text.replace("quorum X-and-Y", "quorum"), "line 14: not a log"),
        (lambda text: text.replace("quorum X-and-Y", "quorum X1 Y1"), "not a log"),
        (lambda text: text.replace("quorum X-and-Y", "quorum x-and-y"), "not defined above"),
        (lambda text: "quorum X1\n" + text.replace("quorum X-and-Y\n", ""), "not defined above"),
        (lambda text: "group g 1 X1\n" + text, "line 1: X1 is not defined above"),
        (lambda text: text.replace("witness Y1", "witness X1"), "taken"),
        (lambda text: text.replace("witness Y1", "witness X-witnesses"), "taken"),
        (lambda text: text.replace("group Y-witnesses", "group X1"), "taken"),
        (lambda text: text.replace("witness X1", "witness none"), "taken"),
        (lambda text: text.replace("group Y-witnesses", "group none"), "taken"),
        (lambda text: text.replace("any Y1", "any none"), "not defined above"),
        (lambda text: text.replace("any Y1", "any X1"), "member twice"),
        (lambda text: text.replace("any Y1", "any Y1 Y1"), "member twice"),
        (lambda text: text.replace("all X-witnesses", "all X-and-Y"), "not defined above"),
        (lambda text: text.replace("2 X1", "0 X1"), "from 1 to 3"),
        (lambda text: text.replace("2 X1", "4 X1"), "from 0 to 3"),
        (lambda text: text.replace("2 X1", "-1 X1"), "from 0 to 3"),
        (lambda text: text.replace("2 X1", "02 X1"), "from 0 to 3"),
        (lambda text: text.replace("2 X1", "+2 X1"), "from 0 to 3"),
        (lambda text: text.replace("2 X1", "2\u0662 X1"), "from 0 to 3"),
        (lambda text: text.replace("2 X1", "some X1"), "from 0 to 3"),
        (lambda text: text.replace("2 X1 X2 X3", "2"), "not a log"),
        (lambda text: text.replace("log log.example", "log"), "not a log|not a verifier|name"),
        (lambda text: text.replace("witness Y1", "witness"), "verifier key|not a log"),
        (lambda text: text.replace("witness Y1", "Witness Y1"), "line 8: not a log"),
        (lambda text: text.replace(KEYS["Y1"], KEYS["Y1"] + " https://a b"), "not a log"),
        (lambda text: text.replace(KEYS["Y1"], KEYS["Y1"][:-1]), "base64"),
        (lambda text: text.replace(KEYS["Y1"], KEYS["X1"]), "listed twice"),
        (lambda text: text.replace(KEYS["Y1"], str(OTHER_LOG.verifier)), "type 0x01"),
        (lambda text: text.replace(str(LOG.verifier), KEYS["X1"]), "type 0x04"),
        (lambda text: text + f"log {LOG.verifier}\n", "listed twice"),
        (lambda text: text[:-1], "newline"),
        (lambda text: text.replace("\n", "\r\n"), "0x0d"),
        (lambda text: text + "# \x7f\n", "0x7f"),
        (lambda text: text + "# \x00\n", "line 15: byte 0x00"),
        (lambda text: text + "# \x0b\n", "0x0b"),
        (lambda text: text.replace("quorum X", "quorum\u00a0X"), "not a log"),
        (lambda text: "\ufeff" + text, "not a log"),
        (lambda text: "#" * (1 << 20) + text, "above"),
        (lambda _: "", "newline"),
    ],
)
def test_nothing_else_is_a_policy(damage: Callable[[str], str], why: str) -> None:
    with pytest.raises(MalformedPolicy, match=why) as refused:
        parse_policy(damage(EXAMPLE))
    assert len(str(refused.value)) < 400


def test_one_public_key_is_not_listed_twice_under_two_names_or_in_two_roles() -> None:
    public = WITNESSES["X1"].verifier.public
    renamed = VerifierKey.of("other.example", ED25519_COSIGNATURE, public)
    as_log = VerifierKey.of("log.example/1", ED25519, public)
    for line in (f"witness Z {renamed}\n", f"log {as_log}\n"):
        with pytest.raises(MalformedPolicy, match="listed twice"):
            parse_policy(EXAMPLE + line)


def test_a_deep_policy_is_checked_without_recursion() -> None:
    depth = 20_000
    chain = "".join(f"group g{level} any g{level - 1}\n" for level in range(1, depth))
    text = f"log {LOG.verifier}\nwitness g0 {KEYS['X1']}\n{chain}quorum g{depth - 1}\n"
    policy = parse_policy(text)
    policy.check(cosigned("X1"))
    with pytest.raises(QuorumMissed):
        policy.check(SIGNED)


@given(st.sets(st.sampled_from(sorted(WITNESSES))), st.integers(1, 6))
def test_a_threshold_counts_members(names: set[str], threshold: int) -> None:
    witnesses = "".join(f"witness {name} {key}\n" for name, key in KEYS.items())
    policy = parse_policy(
        f"log {LOG.verifier}\n{witnesses}group g {threshold} {' '.join(KEYS)}\nquorum g\n"
    )
    if len(names) >= threshold:
        assert {name for name, _ in policy.check(cosigned(*names)).witnesses} == names
    else:
        with pytest.raises(QuorumMissed):
            policy.check(cosigned(*names))


# --- Published vectors ---


def for_cosigning(text: str) -> str:
    """Return the policy with note keys (type 1) of witnesses made cosigner keys (type 4).

    The upstream parser turns them itself; c2sp.org/tlog-policy asks for keys of the right type.
    """
    words = text.split()
    for before, word in itertools.pairwise(words):
        if before in ("w1", "w2", "all") and word.count("+") >= 2:
            key = VerifierKey.parse(word)
            cosigner = VerifierKey.of(key.name, ED25519_COSIGNATURE, key.public)
            text = text.replace(word, str(cosigner))
    return text


@needs_shared
def test_published_policies_are_read_or_refused_as_published() -> None:
    vectors = load("extracted/witness-policy-cases.json")
    for case in vectors["valid"]:
        policy = parse_policy(for_cosigning(case["policy"]))
        (group,) = policy.groups
        assert (group.threshold, len(group.members)) == (case["n"], case["members"])
        with pytest.raises(MalformedPolicy, match="type 0x01"):
            parse_policy(case["policy"])
    for case in vectors["invalid"]:
        with pytest.raises(MalformedPolicy):
            parse_policy(for_cosigning(case["policy"]) + "\n")


@needs_shared
def test_a_checkpoint_cosigned_by_others_meets_a_policy_of_its_witness() -> None:
    folder = "sunlight-skylight-witness"
    witness = load(f"{folder}/witness.v0.json")["verifier_keys"][0]
    data = (SHARED / folder / "witnessed-static-ct.checkpoint").read_bytes()
    text, _, lines = data.partition(b"\n\n")
    # Its own signature is of a type that only Certificate Transparency has; so a log of ours
    # stands in for it, and the witness's line is untouched.
    stand_in = SignerKey.generate("rome2026h1.example.org")
    policy = parse_policy(f"log {stand_in.verifier}\nwitness w {witness}\nquorum w\n")
    with pytest.raises(UnknownLogKey):
        policy.check(data)
    note = text + b"\n\n" + stand_in.sign(text + b"\n") + lines
    ((name, time),) = policy.check(note).witnesses
    assert name == "w"
    assert time > 1_700_000_000


@needs_shared
def test_a_policy_of_another_dialect_is_refused() -> None:
    paths = sorted((SHARED / "sigsum-go-policies").glob("*-policy"))
    assert len(paths) == 4
    for path in paths:
        with pytest.raises(MalformedPolicy, match="line"):
            parse_policy(path.read_bytes())


def test_a_policy_is_a_value() -> None:
    assert isinstance(parse_policy(ALONE), Policy)
    assert hash(parse_policy(ALONE)) == hash(parse_policy(ALONE))
