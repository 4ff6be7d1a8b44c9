"""On each day the keys in force sign, and nothing is signed by a key that is not."""

from __future__ import annotations

from datetime import date

import pytest

from log.dated_signers import DatedSigner, DatedSigners
from log.publisher import Publisher
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.log_keys import LogKeys, UnknownLogKey
from testamur.tlog.note import BadSignature, MalformedNote, Signature, SignerKey, parse_note
from tests.harness.checked_log import KEY, TestLog, ignore

NEW = SignerKey.from_seed(KEY.name, b"n" * 32)
BOTH = LogKeys((KEY.verifier, NEW.verifier))
OLD_ALONE, TOGETHER, LAST, NEW_ALONE = (
    date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 31), date(2027, 1, 1),
)  # fmt: skip


class Clock:
    day = OLD_ALONE

    def __call__(self) -> date:
        return self.day


def signers(clock: Clock) -> DatedSigners:
    dated = [DatedSigner(KEY, date.min, LAST), DatedSigner(NEW, TOGETHER, None)]
    return DatedSigners(KEY.verifier, dated, clock)


def ids(note: bytes) -> list[bytes]:
    return [line.key_id for line in parse_note(note).signatures]


def test_a_log_changes_its_key_and_goes_on() -> None:
    log, clock = TestLog(), Clock()
    publisher = Publisher(
        log.source, log.store, log.last_signed, signers(clock), keys=BOTH, published=ignore
    )
    publisher.resume()
    old, new = KEY.verifier, NEW.verifier
    for day, expected in (
        (OLD_ALONE, [old]),
        (TOGETHER, [old, new]),
        (LAST, [old, new]),
        (NEW_ALONE, [new]),
    ):
        clock.day = day
        log.source.submit(300)
        publisher.publish_once()
        note = log.store.files["checkpoint"]
        assert ids(note) == [key.key_id for key in expected]
        for key in (old, new):
            if key in expected:
                assert open_checkpoint(note, key)[0].size == log.source.committed()
            else:
                with pytest.raises(UnknownLogKey):
                    open_checkpoint(note, key)
    publisher.resume()  # what it signed itself it takes up again


def test_a_publisher_that_lacks_the_key_of_the_last_checkpoint_says_which_it_was() -> None:
    log, clock = TestLog(), Clock()
    clock.day = NEW_ALONE
    publisher = Publisher(
        log.source, log.store, log.last_signed, signers(clock), keys=BOTH, published=ignore
    )
    publisher.resume()
    log.source.submit(2)
    publisher.publish_once()
    again = Publisher(log.source, log.store, log.last_signed, KEY, published=ignore)
    with pytest.raises(FileDamage, match=f"not-ours: .*{NEW.verifier.key_id.hex()}"):
        again.resume()


def test_without_a_key_in_force_nothing_is_signed() -> None:
    clock = Clock()
    alone = DatedSigners(KEY.verifier, [DatedSigner(NEW, TOGETHER, None)], clock)
    with pytest.raises(Unavailable, match="signs on 2026-11-30: is that today"):
        alone.sign(b"a text\n")
    with pytest.raises(MalformedNote):
        alone.sign(b"no newline")


def test_each_signature_is_compared_with_its_key_before_it_is_used() -> None:
    class Wrong:
        name, verifier = NEW.name, NEW.verifier

        def sign(self, text: bytes) -> bytes:
            return Signature(self.name, self.verifier.key_id, KEY.private.sign(text)).render()

    class Another:
        name, verifier = NEW.name, NEW.verifier

        def sign(self, text: bytes) -> bytes:
            return KEY.sign(text)

    clock = Clock()
    for signer, error in ((Wrong(), BadSignature), (Another(), Unavailable)):
        dated = [DatedSigner(KEY, date.min, None), DatedSigner(signer, date.min, None)]
        with pytest.raises(error):
            DatedSigners(KEY.verifier, dated, clock).sign(b"a text\n")
