"""The keys of one log: what a list of them may hold, and a checkpoint that several signed."""

from __future__ import annotations

import pytest

from testamur.tlog.checkpoint import Checkpoint, WrongOrigin, open_checkpoint
from testamur.tlog.log_keys import MAX_LOG_KEYS, LogKeys, UnknownLogKey
from testamur.tlog.note import BadSignature, MalformedKey, SignerKey, Unsigned, VerifierKey

OLD, NEW, THIRD = (SignerKey.from_seed("log.example/1", bytes([n]) * 32) for n in (1, 2, 3))
OTHER = SignerKey.from_seed("log.example/2", bytes([4]) * 32)
TEXT = Checkpoint(OLD.name, 42, b"r" * 32).render()
BOTH = LogKeys((OLD.verifier, NEW.verifier))


def note(*signers: SignerKey) -> bytes:
    return TEXT + b"\n" + b"".join(signer.sign(TEXT) for signer in signers)


@pytest.mark.parametrize("signers", [(OLD,), (NEW,), (OLD, NEW), (NEW, OLD), (OLD, THIRD)])
def test_any_key_of_a_log_signs_for_it(signers: tuple[SignerKey, ...]) -> None:
    assert open_checkpoint(note(*signers), BOTH)[0].size == 42


def test_a_known_key_whose_line_does_not_hold_refutes_what_others_signed_too() -> None:
    forged = note(NEW).replace(b"\n42\n", b"\n43\n")
    text = TEXT.replace(b"\n42\n", b"\n43\n")
    with pytest.raises(BadSignature):
        open_checkpoint(forged + OLD.sign(text), BOTH)


def test_a_key_that_is_not_known_is_named_and_refutes_nothing() -> None:
    with pytest.raises(UnknownLogKey, match=THIRD.verifier.key_id.hex()) as told:
        open_checkpoint(note(THIRD), BOTH)
    assert OLD.verifier.key_id.hex() in str(told.value)
    assert "/log/vkey" in str(told.value)
    with pytest.raises(Unsigned):  # nobody signed under the log's name
        open_checkpoint(note(OTHER), BOTH)
    text = Checkpoint(OTHER.name, 42, b"r" * 32).render()
    with pytest.raises(WrongOrigin):
        open_checkpoint(text + b"\n" + OLD.sign(text), BOTH)


def test_the_list_is_a_line_for_each_key() -> None:
    assert LogKeys.parse(BOTH.render()) == BOTH
    assert BOTH.render() == f"{OLD.verifier}\n{NEW.verifier}\n"
    assert (BOTH.first, BOTH.name) == (OLD.verifier, OLD.name)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ((), "1 to 64 keys, not 0"),
        ((OLD.verifier, OLD.verifier), "listed twice"),
        ((OLD.verifier, OTHER.verifier), "another log"),
        ((VerifierKey.of(OLD.name, 4, OLD.verifier.public),), "type 0x04"),
    ],
)
def test_what_cannot_be_the_keys_of_one_log_is_refused(
    keys: tuple[VerifierKey, ...], why: str
) -> None:
    with pytest.raises(MalformedKey, match=why):
        LogKeys(keys)


@pytest.mark.parametrize("text", ["", "\n", f"{OLD.verifier}\n\n", f"# {OLD.verifier}\n", " "])
def test_a_text_that_is_no_list_of_keys_is_refused(text: str) -> None:
    with pytest.raises(MalformedKey):
        LogKeys.parse(text)


def test_a_list_is_bounded() -> None:
    keys = [
        SignerKey.from_seed(OLD.name, bytes([1, n]) + bytes(30)).verifier
        for n in range(MAX_LOG_KEYS + 1)
    ]
    assert len(LogKeys(tuple(keys[:-1])).keys) == MAX_LOG_KEYS
    with pytest.raises(MalformedKey, match="not 65"):
        LogKeys(tuple(keys))
