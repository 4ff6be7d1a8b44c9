"""Which submissions are recorded, where, and what was flagged in them.

A submission's header entry is version 1 of a stream of its own, named by (iss, jti): the unique
index over streams makes that pair the idempotency key. The store lists each submission besides,
keyed by position, and the list holds nothing that a replay of the entries would not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from registry.outcomes import Recorded
from registry.store import Reading, StorageDamaged, SubmissionRow
from testamur.catalogue.streams import stream_of
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Refusal
from testamur.rules import Admitted, Register, Signed
from testamur.rules.key_admission import CAPS
from testamur.rules.reach import Reach

TOPIC: Final = "submission"
"""What a header entry is filed under; event entries are filed under their wire names."""

_Runs = list[tuple[int, int, list[str]]]

_FEW: Final = 4


class _Judged(msgspec.Struct, array_like=True, omit_defaults=True):
    """Flags as runs of lines that share their codes, and how far the submission reaches back."""

    runs: _Runs
    reach: Reach | None = None


_judged: Final = msgspec.json.Decoder(_Judged)
_encode: Final = msgspec.json.Encoder().encode


def stream_key(issuer: str, jti: str) -> bytes:
    """Return the id of a submission's stream, 16 bytes."""
    return stream_of("submission", issuer, jti).bytes


def find(reading: Reading, keys: Sequence[bytes]) -> dict[bytes, tuple[str, SubmissionRow]]:
    """Return, by stream key, these submissions as far as they are recorded.

    For each, the bytes that its signature is over, and what is listed of it.
    """
    found = {}
    for key, (row, entry) in reading.submissions(keys).items():
        try:
            _, header = parse_submission_entry(entry)
        except Refusal as refusal:
            raise StorageDamaged(f"the header entry at {row.position}: {refusal}") from None
        found[key] = header.signing_input, row
    return found


def receipt_of(row: SubmissionRow, register: Register) -> Recorded:
    """Return the receipt of a submission that was recorded before `register`."""
    signed = Signed(row.issuer, row.key, row.position, row.recorded_at)
    flags, reach = unpack(row.flags)
    return Recorded(
        row.position,
        row.events,
        row.recorded_at,
        flags,
        repeated=True,
        counts=register.counts(signed),
        reach=reach,
    )


def flags_of(admitted: Iterable[Admitted]) -> tuple[tuple[int, str], ...]:
    """Return every flag with the line of the submission file it was raised on."""
    return tuple(
        [
            (line, code)
            for line, one in enumerate(admitted, start=2)
            if one.flags
            for code in one.flags
        ]
    )


def reach_of(admitted: Sequence[Admitted]) -> Reach | None:
    """Return how far a submission reaches back, if it is one of key events that does."""
    # Each declaration in it tells the same, and a submission has few key events.
    for each in admitted[: CAPS.in_submission]:
        if each.reach:
            return each.reach
    return None


def pack(flags: Sequence[tuple[int, str]], reach: Reach | None) -> bytes | None:
    """Return what was judged of a submission in few bytes; None when there is nothing to tell."""
    if not flags and reach is None:
        return None
    if reach is None and len(flags) <= _FEW:
        return _packed(tuple(flags))
    return _encode(_Judged(_runs(flags), reach))


@lru_cache(maxsize=256)  # a submission of one event has few distinct ones
def _packed(flags: tuple[tuple[int, str], ...]) -> bytes:
    return _encode(_Judged(_runs(flags)))


def _runs(flags: Sequence[tuple[int, str]]) -> _Runs:
    by_line: dict[int, list[str]] = {}
    for line, code in flags:
        by_line.setdefault(line, []).append(code)
    runs: _Runs = []
    for line, codes in by_line.items():
        if runs and runs[-1][1] == line - 1 and runs[-1][2] == codes:
            runs[-1] = (runs[-1][0], line, codes)
        else:
            runs.append((line, line, codes))
    return runs


def unpack(packed: bytes | None) -> tuple[tuple[tuple[int, str], ...], Reach | None]:
    """Return what `pack` packed; raises `StorageDamaged`."""
    if packed is None:
        return (), None
    try:
        judged = _judged.decode(packed)
    except msgspec.DecodeError as error:
        raise StorageDamaged(f"the flags of a submission cannot be read: {error}") from None
    flags = tuple(
        (line, code)
        for first, last, codes in judged.runs
        for line in range(first, last + 1)
        for code in codes
    )
    return flags, judged.reach
