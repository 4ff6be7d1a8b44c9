"""A note is believed for the signatures of known keys, and has one spelling."""

from __future__ import annotations

import base64
import doctest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.errors import Refuted
from testamur.tlog import note as note_module
from testamur.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MAX_NOTE,
    MLDSA44_COSIGNATURE,
    BadSignature,
    MalformedKey,
    MalformedNote,
    Note,
    Signature,
    SignerKey,
    Unsigned,
    VerifierKey,
    keyed,
    open_note,
    parse_note,
    strict_base64,
)
from tests.harness.shared_vectors import load, needs_shared

ALICE = SignerKey.from_seed("alice.example", b"a" * 32)
BOB = SignerKey.from_seed("bob.example", b"b" * 32)
TEXT = b"first line\n\nsecond line\n"
NOTE = TEXT + b"\n" + ALICE.sign(TEXT)
NAMES = st.text(min_size=1, max_size=20).filter(
    lambda name: not any(sign == "+" or sign < " " or sign.isspace() for sign in name)
)


def line(name: str = "carol", raw: bytes = b"1234sig") -> bytes:
    return f"— {name} {base64.b64encode(raw).decode()}\n".encode()


def test_the_example_in_the_documentation_runs() -> None:
    ran = doctest.testmod(note_module)
    assert ran.attempted > 5
    assert ran.failed == 0


# --- Keys ---


@given(NAMES.filter(lambda name: name.encode(errors="ignore").decode() == name))
def test_keys_are_read_back_under_every_name(name: str) -> None:
    key = SignerKey.from_seed(name, b"k" * 32)
    assert VerifierKey.parse(str(key.verifier)) == key.verifier
    assert SignerKey.parse(key.render()).verifier == key.verifier


def test_a_new_key_signs_and_is_like_no_other() -> None:
    one, other = SignerKey.generate("alice.example"), SignerKey.generate("alice.example")
    assert one.verifier != other.verifier
    open_note(TEXT + b"\n" + one.sign(TEXT), [one.verifier])


def test_a_secret_is_shown_by_render_alone() -> None:
    secret = base64.b64encode(b"a" * 32).decode()[2:-4]
    assert secret not in repr(ALICE)
    assert secret not in str(ALICE)
    for bad in (ALICE.render() + "=", ALICE.render().replace("alice", "carol"), "X" + secret):
        with pytest.raises(MalformedKey) as refused:
            SignerKey.parse(bad)
        assert secret not in str(refused.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda _: "alice.example",
        lambda vkey: vkey.replace("+", " "),
        lambda vkey: vkey.replace("alice", "carol"),
        lambda vkey: vkey.replace("alice", "al ice"),
        lambda vkey: vkey.replace("alice", "al\u2003ice"),
        lambda vkey: vkey.replace("alice.example", ""),
        lambda vkey: vkey.upper(),
        lambda vkey: vkey + "\n",
        lambda vkey: " " + vkey,
        lambda vkey: vkey[:-4],
        lambda vkey: vkey + "AAAA",
        lambda vkey: vkey.replace("+A", "+B"),
        lambda vkey: "\udc80" + vkey,
    ],
)
def test_a_verifier_key_has_one_spelling(damage: Any) -> None:
    with pytest.raises(MalformedKey):
        VerifierKey.parse(damage(str(ALICE.verifier)))


def test_a_key_id_in_capitals_is_refused() -> None:
    for seed in range(8):  # some ids have no letters in them
        vkey = str(SignerKey.from_seed("a", bytes([seed]) * 32).verifier)
        name, key_id, key = vkey.split("+", 2)
        if key_id.upper() != key_id:
            with pytest.raises(MalformedKey):
                VerifierKey.parse(f"{name}+{key_id.upper()}+{key}")


@pytest.mark.parametrize(
    ("algorithm", "size"),
    [(ED25519, 31), (ED25519_COSIGNATURE, 33), (MLDSA44_COSIGNATURE, 32), (0x02, 32), (0xFF, 32)],
)
def test_a_key_of_another_type_or_length_is_refused(algorithm: int, size: int) -> None:
    with pytest.raises(MalformedKey):
        VerifierKey.of("carol.example", algorithm, b"k" * size)


def test_the_key_id_belongs_to_name_type_and_key() -> None:
    one = VerifierKey.of("carol", ED25519, b"k" * 32)
    for other in (
        VerifierKey.of("dave", ED25519, b"k" * 32),
        VerifierKey.of("carol", ED25519_COSIGNATURE, b"k" * 32),
        VerifierKey.of("carol", ED25519, b"l" * 32),
    ):
        assert one.key_id != other.key_id
        with pytest.raises(MalformedKey, match="the key id is"):
            VerifierKey(other.name, one.key_id, other.algorithm, other.public)


@pytest.mark.parametrize(
    "damage",
    [
        lambda skey: skey.removeprefix("PRIVATE+KEY+"),
        lambda skey: skey.replace("alice", "carol"),
        lambda skey: skey[:-4],
        lambda skey: skey + "AAAA",
        lambda skey: skey + "\n",
        lambda skey: skey.replace("PRIVATE", "private"),
        lambda skey: skey.replace(ALICE.verifier.key_id.hex(), BOB.verifier.key_id.hex()),
        lambda skey: skey.replace(ALICE.verifier.key_id.hex(), ""),
        lambda _: str(ALICE.verifier),
    ],
)
def test_a_signer_key_has_one_spelling(damage: Any) -> None:
    with pytest.raises(MalformedKey):
        SignerKey.parse(damage(ALICE.render()))


# --- Opening ---


def test_a_note_gives_back_what_was_signed() -> None:
    note = open_note(NOTE, [ALICE.verifier])
    assert note.text == TEXT
    assert [signature.name for signature in note.verified] == ["alice.example"]
    assert note.render() == NOTE


def test_the_last_empty_line_parts_text_from_signatures() -> None:
    text = b"\n\n\n"
    assert open_note(text + b"\n" + ALICE.sign(text), [ALICE.verifier]).text == text


def test_a_signature_by_an_unknown_key_proves_nothing_and_harms_nothing() -> None:
    other = open_note(NOTE + BOB.sign(TEXT) + line(), [ALICE.verifier])
    assert [signature.name for signature in other.verified] == ["alice.example"]
    assert len(other.signatures) == 3
    with pytest.raises(Unsigned, match=r"alice\.example"):
        open_note(NOTE, [BOB.verifier])
    with pytest.raises(Unsigned):
        open_note(NOTE, [])


def test_a_known_name_with_another_key_is_unknown() -> None:
    impostor = SignerKey.generate("alice.example")
    with pytest.raises(Unsigned):
        open_note(TEXT + b"\n" + impostor.sign(TEXT), [ALICE.verifier])


def test_a_bad_signature_by_a_known_key_spoils_the_note() -> None:
    forged = Signature("bob.example", BOB.verifier.key_id, bytes(64)).render()
    with pytest.raises(BadSignature, match=r"bob\.example"):
        open_note(NOTE + forged, [ALICE.verifier, BOB.verifier])
    open_note(NOTE + forged, [ALICE.verifier])


def test_a_signature_of_another_text_is_refused() -> None:
    with pytest.raises(BadSignature):
        open_note(b"more\n" + NOTE, [ALICE.verifier])


@pytest.mark.parametrize("size", [0, 1, 63, 65])
def test_a_signature_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(BadSignature):
        ALICE.verifier.verify(TEXT, bytes(size))


def test_a_cosigners_key_verifies_no_note() -> None:
    key = VerifierKey.of("w", ED25519_COSIGNATURE, ALICE.verifier.public)
    with pytest.raises(BadSignature, match="0x04"):
        key.verify(TEXT, ALICE.private.sign(TEXT))


def test_two_keys_under_one_name_and_id_are_refused() -> None:
    twin = object.__new__(VerifierKey)
    for name in VerifierKey.__slots__:
        object.__setattr__(twin, name, getattr(ALICE.verifier, name))
    object.__setattr__(twin, "public", BOB.verifier.public)
    assert len(keyed([ALICE.verifier, ALICE.verifier])) == 1
    with pytest.raises(MalformedKey, match="two keys"):
        keyed([ALICE.verifier, twin])


# --- Parsing ---


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n\n" + line()[:-1],
        b"text\n" + line(),
        b"text" + line(),
        b"text\n\n\n" + line() + b"\n",
        b"text\n\n" + line() + b"more\n",
        b"text\n\nmore\n" + line(),
        b"text\n\n" + line().replace("—".encode(), b"-"),
        b"text\n\n" + line().replace("— ".encode(), "—".encode()),
        b"text\n\n" + line().replace("— ".encode(), "—  ".encode()),
        b"text\n\n" + line(name=""),
        b"text\n\n" + line(name="two words"),
        b"text\n\n" + line(name="no\u00a0break"),
        b"text\n\n" + line(name="plus+sign"),
        b"text\n\n" + line(raw=b""),
        b"text\n\n" + line(raw=b"1234"),
        b"text\n\n" + line().replace(b"\n", b" \n"),
        b"text\n\n" + line().replace(b"\n", b"\r\n"),
        b"text\n\n" + line(raw=b"1234s").replace(b"=\n", b"\n"),
        b"text\n\n" + "— carol MTIzNHN=\n".encode(),
        b"text\n\n" + "— carol MTIz NHM=\n".encode(),
        b"text\n\n" + "— carol MTIzNH-_\n".encode(),
        b"\x00text\n\n" + line(),
        b"te\txt\n\n" + line(),
        b"text\r\n\n" + line(),
        b"te\xffxt\n\n" + line(),
        b"te\xed\xa0\x80xt\n\n" + line(),
        b"te\xc0\xafxt\n\n" + line(),
        b"text\n\n" + line() * 101,
        b"x" * MAX_NOTE + b"\n\n" + line(),
    ],
)
def test_nothing_else_is_a_note(data: bytes) -> None:
    with pytest.raises(MalformedNote) as refused:
        parse_note(data)
    assert len(str(refused.value)) < 400


def test_a_hundred_signatures_are_read() -> None:
    assert len(parse_note(b"text\n\n" + line() * 100).signatures) == 100


@given(st.binary(max_size=200))
def test_what_is_read_renders_to_itself(text: bytes) -> None:
    data = text + b"\n\n" + line()
    try:
        note = parse_note(data)
    except MalformedNote:
        return
    assert note.render() == data
    assert note.text == text + b"\n"


@pytest.mark.parametrize("text", [b"", b"no newline", b"\xff\n", b"\x07\n", b"a\tb\n", b"a\r\n"])
def test_no_other_text_is_signed(text: bytes) -> None:
    with pytest.raises(MalformedNote):
        ALICE.sign(text)


@given(st.text("AQgw+/=-_ \n", max_size=12))
def test_base64_has_one_spelling(text: str) -> None:
    try:
        raw = strict_base64(text)
    except Refuted:
        return
    assert base64.b64encode(raw).decode() == text


# --- Published vectors ---


@needs_shared
def test_published_keys_are_read_and_malformed_ones_refused() -> None:
    vectors = load("extracted/sumdb-note.json")
    for vkey in vectors["vkeys_valid"]:
        assert str(VerifierKey.parse(vkey)) == vkey
    for case in vectors["vkeys_invalid"]:
        with pytest.raises(MalformedKey):
            VerifierKey.parse(case["vkey"])


@needs_shared
def test_a_published_seed_signs_the_published_line() -> None:
    vector = load("extracted/sumdb-note.json")["signing"]
    key = SignerKey.from_seed(vector["name"], bytes.fromhex(vector["seed_hex"]))
    assert key.sign(vector["text"].encode()).decode() == vector["signature_line"]


@needs_shared
def test_published_notes_are_opened_or_refused_as_published() -> None:
    for case in load("extracted/sumdb-note.json")["cases"]:
        known = [VerifierKey.parse(vkey) for vkey in case["known"]]
        data = case["note"].encode()
        if case["name"] == "bad signature from known key":
            # The extract holds the good signature; upstream damages it so.
            start = data.index("—".encode())
            data = data[: start + 60] + b"ABCD" + data[start + 60 :]
        if not case["ok"]:
            with pytest.raises((MalformedNote, BadSignature, Unsigned)):
                open_note(data, known)
            continue
        note = open_note(data, known)
        assert [signature.name for signature in note.verified] == case["verified"]
        rest = [signature.name for signature in note.signatures if signature not in note.verified]
        assert rest == case["unverified"]


@needs_shared
def test_the_note_of_the_specification_is_opened() -> None:
    vector = load("extracted/c2sp-spec-examples.json")["signed_note"]
    note = open_note(vector["note"].encode(), [VerifierKey.parse(vector["vkey"])])
    assert note.text == b"This is an example message.\n"
    assert isinstance(note, Note)
