"""A publisher needs no private key: what signs may be another process, an HSM or a KMS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from log.publisher import Publisher, Stopped
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint, WrongOrigin, open_checkpoint, sign_checkpoint
from testamur.tlog.note import BadSignature, MalformedNote, Signature, SignerKey, VerifierKey
from testamur.tlog.note import check_text as check_note_text
from tests.harness.checked_log import KEY, TestLog, ignore

# Prints the verifier key, then a signature for each text: hexadecimal, a line each.
DEVICE = """
import sys
from testamur.tlog.note import SignerKey

key = SignerKey.generate(sys.argv[1])
print(key.verifier, flush=True)
for line in sys.stdin:
    print(key.private.sign(bytes.fromhex(line)).hex(), flush=True)
"""


class DeviceSigner:
    """A `Signer` whose private key is in another process, made there and never sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-c", DEVICE, name],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.verifier = VerifierKey.parse(self.process.stdout.readline().removesuffix("\n"))

    def sign(self, text: bytes) -> bytes:
        check_note_text(text)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(text.hex() + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Unavailable("the signing device is gone")
        return Signature(self.name, self.verifier.key_id, bytes.fromhex(answer)).render()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # of a text that was never read
                pipe.close()


@pytest.fixture
def signer() -> Iterator[DeviceSigner]:
    found = DeviceSigner("log.example/registry")
    yield found
    found.close()


def test_a_log_is_published_whose_key_is_in_another_process(signer: DeviceSigner) -> None:
    log = TestLog()
    sizes: list[int] = []
    publisher = Publisher(
        log.source, log.store, log.last_signed, signer,
        published=lambda checkpoint, _: sizes.append(checkpoint.size),
    )  # fmt: skip
    publisher.resume()
    for count in (2, 300):
        log.source.submit(count)
        publisher.publish_once()
    assert sizes == [2, 302]
    checkpoint, _ = open_checkpoint(log.store.files["checkpoint"], signer.verifier)
    assert checkpoint.size == 302
    assert checkpoint.origin == signer.name


def test_without_its_signer_a_log_stands_still_and_stays_whole(signer: DeviceSigner) -> None:
    log = TestLog()
    publisher = Publisher(log.source, log.store, log.last_signed, signer, published=ignore)
    publisher.resume()
    log.source.submit(2)
    publisher.publish_once()
    note = log.store.files["checkpoint"]
    signer.process.kill()
    signer.process.wait()
    log.source.submit(3)
    with pytest.raises(Unavailable, match="the signing device is gone"):
        publisher.publish_once()
    with pytest.raises(Stopped):
        publisher.publish_once()
    assert log.store.files["checkpoint"] == note
    assert log.last_signed.signed == [note]
    publisher.resume()  # everything but the signature can still be checked
    assert publisher.checkpoint is not None
    assert publisher.checkpoint[0].size == 2


def test_a_signer_that_signs_with_another_key_than_it_says_is_refused() -> None:
    class Wrong:
        name = KEY.name
        verifier = KEY.verifier

        def sign(self, text: bytes) -> bytes:
            blob = SignerKey.generate(KEY.name).private.sign(text)
            return Signature(self.name, self.verifier.key_id, blob).render()

    log = TestLog()
    publisher = Publisher(log.source, log.store, log.last_signed, Wrong(), published=ignore)
    publisher.resume()
    log.source.submit(2)
    with pytest.raises(BadSignature):
        publisher.publish_once()
    assert log.last_signed.signed == []
    assert "checkpoint" not in log.store.files


def test_a_signer_signs_for_its_own_log_only_and_texts_of_notes_only(signer: DeviceSigner) -> None:
    with pytest.raises(WrongOrigin):
        sign_checkpoint(Checkpoint("log.example/other", 0, bytes(32)), signer)
    with pytest.raises(MalformedNote):
        signer.sign(b"no newline at its end")
