"""Receipts: the registry's answer to a submission, and how its sender checks it.

A receipt that `verify_receipt` accepts shows that the submission's header entry and its last
event are in the log at the positions it names. The header holds the root over all the events,
so a log with anything else in between breaks the rules where every replayer sees it, and so does
one whose entry has a bad signature (a good one need not be the one that was sent). It does not
show that witnesses saw that tree unless the policy asks for them, and a `durable` receipt is a
promise, not yet a proof. The flags are the registry's word.

`recordedAt` is the operator's claim. Three things bound it: the time at which the submission was
signed (rule `issued-at`), the witnesses that saw it, and the clock of its sender. The first two are
on the log or signed, so `verify_receipt` refutes by them; a clock may be wrong on either side, so
`verify_clock` leaves it open which.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from testamur.catalogue.members import Position
from testamur.catalogue.submission import (
    MAX_EVENTS,
    SignedHeader,
    format_time,
    parse,
    parse_submission_entry,
    parse_time,
)
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.rules.admission import MAX_AHEAD, check_issued_at
from testamur.rules.reach import Reach
from testamur.tlog.merkle import leaf_hash, verify_inclusion
from testamur.tlog.note import strict_base64
from testamur.tlog.policy import Policy, Verified
from testamur.tlog.proof import TlogProof

MAX_RECEIPT: Final = 1 << 20


class Flagged(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A policy breach: its code, how many lines show it, and the first (the header is line 1)."""

    code: str
    count: int
    first_line: int


class Receipt(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
    kw_only=True,
):
    """The answer to a submission. Events are entries `position` + 1 to `position` + `events`.

    `entry` is the text of the submission entry at `position`; `proof` its c2sp.org/tlog-proof;
    `end_path` the base64 inclusion path of the last event in the same tree. `counts` says whether
    the submission still counted when the receipt was made: a later key event may cut it off. With
    `as_of`, it says whether it counted as of that size instead, and the proof leads to the newest
    checkpoint all the same. `reach` sums up what a declaration in it changed about the counting of
    earlier submissions.
    """

    format: Literal["testamur/receipt/1"]
    state: Literal["durable", "published", "witnessed"]
    log: str
    issuer: str
    jti: str
    position: Position
    events: Annotated[int, Meta(ge=1, le=MAX_EVENTS)]
    recorded_at: str
    entry: str
    flags: tuple[Flagged, ...] = ()
    reach: Reach | None = None
    repeated: bool = False
    counts: bool = True
    as_of: Position | None = None
    proof: str | None = None
    end_path: tuple[str, ...] | None = None


_decoder: Final = msgspec.json.Decoder(Receipt)


def parse_receipt(data: bytes) -> Receipt:
    """Return the receipt; raises `Refusal` (rule `receipt`)."""
    if len(data) > MAX_RECEIPT:
        raise Refusal("receipt", f"at most {MAX_RECEIPT} bytes", value=f"{len(data)} bytes")
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("receipt", str(error)) from None


def flagged(flags: tuple[tuple[int, str], ...]) -> tuple[Flagged, ...]:
    """Return (line, code) pairs summed up by code, in order of first appearance."""
    lines: dict[str, list[int]] = {}
    for line, code in flags:
        lines.setdefault(code, []).append(line)
    return tuple(Flagged(code, len(found), min(found)) for code, found in lines.items())


def encode_path(path: list[bytes]) -> tuple[str, ...]:
    """Return the hashes as standard base64."""
    return tuple(base64.b64encode(digest).decode() for digest in path)


def verify_receipt(receipt: Receipt, submission: bytes, policy: Policy) -> Verified:
    """Return the checkpoint that shows all of `submission` in a log the policy believes.

    Raises `Refuted` when the receipt does not show that, `Unavailable` when it holds no proof (a
    durable one), and what `Policy.check` raises.
    """
    sent = parse(submission)
    _check_stated(receipt, sent.header)
    if receipt.proof is None or receipt.end_path is None:
        raise Unavailable(f"a {receipt.state} receipt carries no proof; ask again once published")
    proof = TlogProof.parse(receipt.proof.encode())
    if proof.index != receipt.position:
        raise Refuted(f"the proof is of entry {proof.index}, not of {receipt.position}")
    verified = proof.verify(leaf_hash(receipt.entry.encode()), policy)
    if verified.checkpoint.origin != receipt.log:
        raise Refuted(f"the proof is of log {verified.checkpoint.origin}, not {receipt.log}")
    verify_inclusion(
        receipt.position + receipt.events,
        verified.checkpoint.size,
        sent.leaves[-1],
        [strict_base64(text) for text in receipt.end_path],
        verified.checkpoint.root,
    )
    _check_as_of(receipt, verified.checkpoint.size)
    _check_witnessed(parse_time(receipt.recorded_at), verified.witnesses)
    return verified


def verify_promise(receipt: Receipt, submission: bytes) -> None:
    """Raise `Refuted` unless `receipt` is for `submission`; it need not show that it is logged."""
    _check_stated(receipt, parse(submission).header)


def verify_clock(receipt: Receipt, *, now: float, sent_at: float | None = None) -> None:
    """Raise `Unavailable` if `recordedAt` and the sender's clock, in Unix seconds, disagree.

    `sent_at` is when the submission was sent for the first time; a receipt of something recorded
    before says nothing about that. A log that lags, or holds submissions back and records them as
    of an earlier time, shows here and nowhere else.
    """
    recorded_at = parse_time(receipt.recorded_at) / 1000
    if recorded_at > now + MAX_AHEAD:
        when = f"after {format_time(int(now * 1000))}, when its receipt came"
    elif sent_at is not None and not receipt.repeated and recorded_at < sent_at - MAX_AHEAD:
        when = f"before {format_time(int(sent_at * 1000))}, when it was sent"
    else:
        return
    raise Unavailable(
        f"recorded-at: the log says that it recorded this at {receipt.recorded_at}, "
        f"more than {MAX_AHEAD // 60} minutes {when}; its clock or the one here is wrong"
    )


def verify_after(receipt: Receipt, seen: Sequence[tuple[str, int]], *, sent_at: float) -> None:
    """Raise `Refuted` if `recordedAt` is before a tree that was seen before the sending.

    `seen` are names of witnesses and the times, in Unix seconds, of their cosignatures on a
    checkpoint that the sender got before it sent the submission, at `sent_at`. A witness whose
    clock is ahead of the sender's says nothing.
    """
    recorded_at = parse_time(receipt.recorded_at) / 1000
    for name, at in [] if receipt.repeated else seen:
        if recorded_at + MAX_AHEAD < at <= sent_at + MAX_AHEAD:
            raise Refuted(
                f"recorded-at: the log says that it recorded this at {receipt.recorded_at}, but it "
                f"was sent after {name} had seen the log at {format_time(at * 1000)}"
            )


def _check_as_of(receipt: Receipt, size: int) -> None:
    end = receipt.position + receipt.events + 1
    if receipt.as_of is not None and not end <= receipt.as_of <= size:
        raise Refuted(
            f"the receipt is as of size {receipt.as_of}, but the submission ends at {end}, and the "
            f"tree of its proof at {size}"
        )


def _check_witnessed(recorded_at: int, witnesses: Sequence[tuple[str, int]]) -> None:
    latest = max((at for _, at in witnesses), default=None)
    if latest is not None and recorded_at > (latest + MAX_AHEAD) * 1000:
        raise Refuted(
            f"recorded-at: the log says {format_time(recorded_at)} of an entry that witnesses saw "
            f"at {format_time(latest * 1000)}"
        )


def _check_stated(receipt: Receipt, sent: SignedHeader) -> None:
    recorded_at, header = parse_submission_entry(receipt.entry.encode())
    if header.signing_input != sent.signing_input:
        raise Refuted("the receipt is for another submission: its entry holds another header")
    stated = (receipt.log, receipt.issuer, receipt.jti, receipt.events)
    signed = (header.payload.aud, header.payload.iss, header.payload.jti, header.payload.events)
    if stated != signed or parse_time(receipt.recorded_at) != recorded_at:
        raise Refuted(f"the receipt states {stated}, its own entry {signed}")
    # Every replayer asks this of the entry too: a log that lags further cannot record at all.
    check_issued_at(header.payload.iat, recorded_at)
