"""A checkpoint has one spelling, and only the log's own key makes it the log's."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.errors import Refuted
from testamur.tlog.checkpoint import (
    Checkpoint,
    MalformedCheckpoint,
    WrongOrigin,
    open_checkpoint,
    sign_checkpoint,
    strict_decimal,
)
from testamur.tlog.log_keys import UnknownLogKey
from testamur.tlog.merkle import EMPTY_ROOT
from testamur.tlog.note import (
    BadSignature,
    MalformedNote,
    SignerKey,
    Unsigned,
    VerifierKey,
    parse_note,
)
from testamur.tlog.tiles import MAX_SIZE
from tests.harness.shared_vectors import SHARED, load, needs_shared

LOG = SignerKey.from_seed("log.example/1", b"l" * 32)
ROOT = bytes(range(32))
ROOT_LINE = base64.b64encode(ROOT)
TEXT = b"log.example/1\n42\n" + ROOT_LINE + b"\n"
ORIGINS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@given(ORIGINS, st.integers(0, MAX_SIZE), st.binary(min_size=32, max_size=32), st.lists(ORIGINS))
def test_a_checkpoint_is_read_back(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.render()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"log.example/1\n",
        b"log.example/1\n42\n",
        TEXT[:-1],
        TEXT + b"\n",
        TEXT + b"\nextension\n",
        b"\n42\n" + ROOT_LINE + b"\n",
        b"\n" + TEXT,
        TEXT.replace(b"42", b""),
        TEXT.replace(b"42", b"042"),
        TEXT.replace(b"42", b"+42"),
        TEXT.replace(b"42", b"-42"),
        TEXT.replace(b"42", b" 42"),
        TEXT.replace(b"42", b"42 "),
        TEXT.replace(b"42", b"4_2"),
        TEXT.replace(b"42", b"4e1"),
        TEXT.replace(b"42", b"0x2a"),
        TEXT.replace(b"42", "٤٢".encode()),
        TEXT.replace(b"42", b"9223372036854775808"),
        TEXT.replace(b"42", b"9" * 5000),
        TEXT.replace(ROOT_LINE, ROOT_LINE[:-1]),
        TEXT.replace(ROOT_LINE, ROOT_LINE + b"="),
        TEXT.replace(ROOT_LINE, ROOT_LINE[:-2] + b"9="),
        TEXT.replace(ROOT_LINE, base64.b64encode(ROOT[:31])),
        TEXT.replace(ROOT_LINE, base64.b64encode(ROOT + b"!")),
        TEXT.replace(ROOT_LINE, b" " + ROOT_LINE),
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"log", b"l\tog"),
        TEXT.replace(b"log", b"l\xffog"),
    ],
)
def test_nothing_else_is_a_checkpoint(text: bytes) -> None:
    with pytest.raises(MalformedCheckpoint) as refused:
        Checkpoint.parse(text)
    assert len(str(refused.value)) < 300


def test_a_size_can_be_no_larger_than_the_format_allows() -> None:
    assert Checkpoint.parse(TEXT.replace(b"42", b"9223372036854775807")).size == MAX_SIZE


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 1, ROOT, ()),
        ("two\nlines", 1, ROOT, ()),
        ("log", -1, ROOT, ()),
        ("log", 2**63, ROOT, ()),
        ("log", 1, ROOT[:-1], ()),
        ("log", 1, ROOT, ("",)),
        ("log", 1, ROOT, ("two\nlines",)),
    ],
)
def test_no_other_checkpoint_can_be_made(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    with pytest.raises(MalformedCheckpoint):
        Checkpoint(origin, size, root, extensions)


@given(st.text("0123456789+-_ \n\u0660", max_size=22))
def test_a_number_has_one_spelling(text: str) -> None:
    try:
        number = strict_decimal(text)
    except Refuted:
        return
    assert str(number) == text
    assert number <= MAX_SIZE


def test_a_number_is_at_most_what_is_asked_for() -> None:
    assert strict_decimal("4", 4) == 4
    for text, most in (("5", 4), ("9223372036854775808", MAX_SIZE)):
        with pytest.raises(Refuted, match=f"0 to {most}"):
            strict_decimal(text, most)


def test_what_a_log_signs_opens_with_its_key() -> None:
    for checkpoint in (
        Checkpoint(LOG.name, 42, ROOT),
        Checkpoint(LOG.name, 0, EMPTY_ROOT),
        Checkpoint(LOG.name, 42, ROOT, ("extension", "another one")),
    ):
        data = sign_checkpoint(checkpoint, LOG)
        opened, note = open_checkpoint(data, LOG.verifier)
        assert opened == checkpoint
        assert note.text == checkpoint.render()
        assert note.render() == data


def test_a_log_does_not_sign_for_another() -> None:
    with pytest.raises(WrongOrigin):
        sign_checkpoint(Checkpoint("log.example/2", 42, ROOT), LOG)


def test_a_checkpoint_of_another_log_is_refused_even_if_our_key_signed_it() -> None:
    text = TEXT.replace(b"/1", b"/2")
    with pytest.raises(WrongOrigin, match=r"log\.example/2"):
        open_checkpoint(text + b"\n" + LOG.sign(text), LOG.verifier)


def test_a_checkpoint_by_another_key_is_refused() -> None:
    data = sign_checkpoint(Checkpoint(LOG.name, 42, ROOT), LOG)
    with pytest.raises(Unsigned):
        open_checkpoint(data, SignerKey.generate("log.example/2").verifier)
    # Of the same name: the log may have changed its key.
    with pytest.raises(UnknownLogKey, match=LOG.verifier.key_id.hex()):
        open_checkpoint(data, SignerKey.generate(LOG.name).verifier)
    with pytest.raises(BadSignature):
        open_checkpoint(data.replace(b"\n42\n", b"\n43\n"), LOG.verifier)


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    text = TEXT.replace(b"42", b"042")
    with pytest.raises(MalformedCheckpoint):
        open_checkpoint(text + b"\n" + LOG.sign(text), LOG.verifier)
    with pytest.raises(MalformedNote):
        open_checkpoint(TEXT, LOG.verifier)


# --- Published vectors ---


@needs_shared
@pytest.mark.parametrize("size", range(16))
def test_the_checkpoints_of_a_log_made_by_others_are_opened(size: int) -> None:
    vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    data = (SHARED / f"tessera-testdata-log/checkpoint.{size}").read_bytes()
    checkpoint, note = open_checkpoint(data, VerifierKey.parse(vkey))
    assert checkpoint.size == size
    assert note.render() == data


@needs_shared
def test_checkpoints_made_by_others_are_opened_with_the_key_of_their_log_alone() -> None:
    vector = load("extracted/witness-consistency-5-to-8.json")
    key = VerifierKey.parse(vector["log_vkey"])
    assert open_checkpoint(vector["checkpoint_old"].encode(), key)[0].size == 5
    assert open_checkpoint(vector["checkpoint_new"].encode(), key)[0].size == 8
    with pytest.raises(Unsigned):
        open_checkpoint(vector["checkpoint_new"].encode(), VerifierKey.parse(vector["other_vkey"]))


@needs_shared
def test_a_published_sequence_of_requests_is_signed_where_it_was_accepted() -> None:
    sequence = load("extracted/witness-add-checkpoint-sequence.json")
    key = VerifierKey.parse(sequence["log"]["vkey"])
    signed = 0
    for step in sequence["steps"]:
        _, _, data = step["request_body"].partition("\n\n")
        if not data.startswith(key.name):
            continue  # a request for a log that nobody knows
        if step["status"] == 403:
            # Upstream reads the stray bits under the padding and finds a bad signature; to us
            # such a line is not a signature line at all.
            with pytest.raises(MalformedNote, match="not canonical base64"):
                open_checkpoint(data.encode(), key)
        else:
            open_checkpoint(data.encode(), key)
            signed += 1
    assert signed >= 5


@needs_shared
def test_the_cosigned_checkpoint_of_the_specification_is_read() -> None:
    vector = load("extracted/c2sp-spec-examples.json")["cosigned_checkpoint_parse_only"]
    note = parse_note(vector["checkpoint"].encode())
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == (vector["log_key_name"], 20852163)
