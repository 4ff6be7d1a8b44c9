"""What a registry answers, and what its sender can make of it without trusting it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue.submission import format_time, parse, submission_entry
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.rules.admission import MAX_AGE, MAX_AHEAD
from testamur.rules.reach import Reach, Sums
from testamur.tlog.cosignature import Cosigner
from testamur.tlog.log_keys import UnknownLogKey
from testamur.tlog.note import SignerKey, parse_note
from testamur.tlog.policy import Log, Policy, parse_policy
from testamur.tlog.proof import TlogProof
from testamur.verification.receipt import (
    MAX_RECEIPT,
    Flagged,
    Receipt,
    encode_path,
    flagged,
    parse_receipt,
    verify_after,
    verify_clock,
    verify_promise,
    verify_receipt,
)
from tests.harness.published_log import PublishedLog
from tests.harness.story import Party, Story, party, signed_otherwise


class Sent:
    """A submission of `count` events on a published log, and its receipt."""

    def __init__(
        self,
        root: Path,
        count: int = 5,
        *,
        before: int = 3,
        after: int = 4,
        provider: Party | None = None,
    ) -> None:
        self.story = Story()
        self.story.provider = provider or self.story.provider
        self.log = PublishedLog(root, self.story)
        self.log.append(*self.story.opening(), *(self.story.cohort(1) for _ in range(before)))
        self.body = self.story.cohort(count)
        self.position = self.log.append(self.body)
        self.log.append(*(self.story.cohort(3) for _ in range(after)))
        self.size = self.log.publish().size
        self.policy = Policy((Log(self.log.key),), (), (), None)

    def receipt(self, **members: Any) -> Receipt:
        header = parse(self.body).header
        reader = self.log.reader()
        count = header.payload.events
        proof = TlogProof(
            self.position,
            tuple(reader.inclusion(self.position, self.size)),
            reader.signed_checkpoint(),
        )
        honest = Receipt(
            format="testamur/receipt/1",
            state="published",
            log=self.story.origin,
            issuer=header.payload.iss,
            jti=header.payload.jti,
            position=self.position,
            events=count,
            recorded_at=format_time(self.story.milliseconds),
            entry=self.log.entries[self.position].decode(),
            proof=proof.render().decode(),
            end_path=encode_path(reader.inclusion(self.position + count, self.size)),
        )
        return msgspec.structs.replace(honest, **members)

    def verify(self, receipt: Receipt, body: bytes | None = None) -> None:
        verify_receipt(receipt, self.body if body is None else body, self.policy)


@pytest.fixture
def sent(tmp_path: Path) -> Sent:
    return Sent(tmp_path / "log")


@pytest.mark.parametrize("count", [1, 2, 5, 300])
@pytest.mark.parametrize("after", [0, 3])
def test_an_honest_receipt_holds(tmp_path: Path, count: int, after: int) -> None:
    sent = Sent(tmp_path / "log", count, after=after)
    receipt = parse_receipt(msgspec.json.encode(sent.receipt()))

    verified = verify_receipt(receipt, sent.body, sent.policy)

    assert verified.checkpoint.size == sent.size


def test_a_receipt_without_a_proof_is_a_promise_and_could_not_be_examined(sent: Sent) -> None:
    for missing in ({"proof": None}, {"end_path": None}, {"proof": None, "end_path": None}):
        with pytest.raises(Unavailable):
            sent.verify(sent.receipt(state="durable", **missing))


def test_a_receipt_as_of_a_size_is_of_one_that_holds_the_submission_and_is_proven(
    sent: Sent,
) -> None:
    end = sent.position + 6
    for size in (end, sent.size):
        sent.verify(parse_receipt(msgspec.json.encode(sent.receipt(as_of=size, counts=False))))
    for size in (0, sent.position, end - 1, sent.size + 1):
        with pytest.raises(Refuted, match=f"as of size {size}, but"):
            sent.verify(sent.receipt(as_of=size))


def test_a_receipt_for_another_submission_is_refuted(sent: Sent) -> None:
    other = sent.story.cohort(5)

    with pytest.raises(Refuted, match="another submission"):
        sent.verify(sent.receipt(), other)


def test_a_receipt_holds_whichever_of_the_two_good_signatures_the_log_has(tmp_path: Path) -> None:
    """Who holds an ES256 submission can send it with S negated, and be the first to do so."""
    sent = Sent(tmp_path / "log", provider=party("a provider with P-256", "P-256"))
    assert signed_otherwise(sent.body) != sent.body
    sent.verify(sent.receipt(), signed_otherwise(sent.body))
    sent.verify(sent.receipt())


def test_a_submission_that_was_changed_since_is_refuted(sent: Sent) -> None:
    with pytest.raises(Refusal):
        sent.verify(sent.receipt(), sent.body.replace(b"blended", b"online!", 1))


def test_a_proof_of_another_entry_is_refuted(sent: Sent) -> None:
    honest = sent.receipt()
    assert honest.proof is not None
    other = honest.proof.replace("index 16", "index 17")

    with pytest.raises(Refuted):
        sent.verify(sent.receipt(proof=other))
    with pytest.raises(Refuted):
        sent.verify(sent.receipt(proof=other, position=17))


def test_a_proof_of_the_same_header_in_another_place_is_refuted(sent: Sent) -> None:
    """A log that repeats an entry could otherwise prove one place and promise the other."""
    again = sent.log.append_entries(sent.log.entries[sent.position])
    sent.size = sent.log.publish().size
    reader = sent.log.reader()
    proof = TlogProof(again, tuple(reader.inclusion(again, sent.size)), reader.signed_checkpoint())

    with pytest.raises(Refuted, match=f"of entry {again}, not of {sent.position}"):
        sent.verify(sent.receipt(proof=proof.render().decode()))


def test_a_log_the_sender_does_not_believe_is_no_proof(sent: Sent) -> None:
    stranger = SignerKey.generate(sent.story.origin)
    sent.policy = Policy((Log(stranger.verifier),), (), (), None)

    with pytest.raises(UnknownLogKey):
        sent.verify(sent.receipt())


def test_a_log_that_cut_the_end_off_is_refuted(sent: Sent) -> None:
    """The header is in the tree, and the last event is not."""
    entries = list(sent.log.entries)
    entries[sent.position + 5] = b"{}"
    sent.log.republish(entries)

    with pytest.raises(Refuted):
        sent.verify(sent.receipt())


def test_a_proof_from_another_log_of_the_policy_is_refuted(tmp_path: Path, sent: Sent) -> None:
    """The very same entries under another name, which the policy believes too."""
    other = PublishedLog(tmp_path / "other", Story(origin="other.example/log"))
    other.append_entries(*sent.log.entries)
    other.publish()
    receipt = sent.receipt()
    sent.log = other
    sent.policy = Policy((*sent.policy.logs, Log(other.key)), (), (), None)

    with pytest.raises(Refuted, match="the proof is of log"):
        sent.verify(sent.receipt(log=receipt.log))


# --- The file ---


def test_a_receipt_is_read_back_as_it_was_written(sent: Sent) -> None:
    receipt = sent.receipt(flags=(Flagged("backdated", 2, 3),), repeated=True)

    assert parse_receipt(msgspec.json.encode(receipt)) == receipt


@pytest.mark.parametrize(
    "reach", ['{"fallen":{"grants":-1}}', '{"fallen":{"statuses":1}}', '{"found":{}}', "[1,0,0]"]
)
def test_a_reach_of_another_form_is_refused(sent: Sent, reach: str) -> None:
    told = msgspec.structs.replace(sent.receipt(), reach=Reach(Sums(12, 1, 3)))
    data = msgspec.json.encode(told)
    assert parse_receipt(data) == told
    with pytest.raises(Refusal):
        parse_receipt(data.replace(msgspec.json.encode(told.reach), reach.encode()))


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"\xff", b"{", b" " * (MAX_RECEIPT + 1)])
def test_what_is_not_even_json_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        parse_receipt(data)


def test_a_receipt_out_of_all_bounds_is_refused(sent: Sent) -> None:
    with pytest.raises(Refusal):
        parse_receipt(b"[" * 100_000)
    length = len(msgspec.json.encode(sent.receipt(entry="")))
    fits = sent.receipt(entry="x" * (MAX_RECEIPT - length))
    assert parse_receipt(msgspec.json.encode(fits)) == fits
    with pytest.raises(Refusal, match="at most"):
        parse_receipt(msgspec.json.encode(fits) + b" ")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(2, 50), st.sampled_from(["a", "b", "c"]))))
def test_flags_are_summed_up_without_losing_any(flags: list[tuple[int, str]]) -> None:
    found = flagged(tuple(flags))

    assert sum(each.count for each in found) == len(flags)
    assert [each.code for each in found] == list(dict.fromkeys(code for _, code in flags))
    for each in found:
        assert each.first_line == min(line for line, code in flags if code == each.code)


# --- The time of recording ---


def recorded_at(sent: Sent, seconds: int, **members: Any) -> Receipt:
    """Return the receipt of a log that recorded the submission so long after it was signed."""
    at = sent.story.milliseconds + seconds * 1000
    jws = parse(sent.body).header.jws
    entry = submission_entry(jws, at).decode()
    return sent.receipt(recorded_at=format_time(at), entry=entry, **members)


@pytest.mark.parametrize("seconds", [-MAX_AHEAD - 1, MAX_AGE + 1])
def test_a_time_that_every_replay_refuses_is_refuted(sent: Sent, seconds: int) -> None:
    with pytest.raises(Refusal, match="issued-at"):
        sent.verify(recorded_at(sent, seconds))
    with pytest.raises(Refusal, match="issued-at"):
        verify_promise(recorded_at(sent, seconds), sent.body)


@pytest.mark.parametrize("seconds", [0, MAX_AHEAD, MAX_AHEAD + 1])
def test_what_witnesses_saw_was_not_recorded_later(tmp_path: Path, seconds: int) -> None:
    """The log's clock is ahead of those of the witnesses, or it dates an entry forward."""
    witness = Cosigner.from_seed("w", b"w" * 32)
    story = Story()
    log = PublishedLog(tmp_path, story)
    log.append(*story.opening())
    sent = Sent.__new__(Sent)
    sent.story, sent.log, sent.body = story, log, story.cohort(2)
    sent.position = log.append(sent.body, recorded_at=story.milliseconds + seconds * 1000)
    sent.size = log.publish().size
    note = log.source().fetch("checkpoint")
    log.write("checkpoint", note + witness.cosign(parse_note(note).text, story.now))
    sent.policy = parse_policy(f"log {log.key}\nwitness w {witness.verifier}\nquorum w\n")
    receipt = sent.receipt(recorded_at=format_time(story.milliseconds + seconds * 1000))
    if seconds <= MAX_AHEAD:
        sent.verify(receipt)
        return
    with pytest.raises(Refuted, match=r"recorded-at: .* witnesses saw at"):
        sent.verify(receipt)


def test_what_was_sent_after_a_witness_saw_the_log_was_not_recorded_before(sent: Sent) -> None:
    now = float(sent.story.now)
    verify_after(sent.receipt(), [("w", sent.story.now + MAX_AHEAD)], sent_at=now + MAX_AHEAD)
    with pytest.raises(Refuted, match=r"recorded-at: .* after w had seen the log"):
        verify_after(sent.receipt(), [("w", sent.story.now + 3600)], sent_at=now + 3600)
    # A witness ahead of the sender's clock says nothing, nor a receipt of something sent before.
    verify_after(sent.receipt(), [("w", 2**62)], sent_at=now + 3600)
    verify_after(sent.receipt(repeated=True), [("w", sent.story.now + 3600)], sent_at=now + 3600)


@pytest.mark.parametrize("apart", [-MAX_AHEAD, 0, MAX_AHEAD])
def test_clocks_may_differ(sent: Sent, apart: int) -> None:
    now = float(sent.story.now + apart)
    verify_clock(sent.receipt(), now=now, sent_at=now)


def test_a_clock_that_disagrees_leaves_open_which_is_wrong(sent: Sent) -> None:
    now = float(sent.story.now)
    with pytest.raises(Unavailable, match=r"recorded-at: .* when its receipt came; its clock or"):
        verify_clock(sent.receipt(), now=now - MAX_AHEAD - 1)
    with pytest.raises(Unavailable, match=r"recorded-at: .* when it was sent; its clock or"):
        verify_clock(sent.receipt(), now=now + 900, sent_at=now + MAX_AHEAD + 1)
    verify_clock(sent.receipt(), now=now + 10**9)
    verify_clock(sent.receipt(repeated=True), now=now + 900, sent_at=now + 900)
