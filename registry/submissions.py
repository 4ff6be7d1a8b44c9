"""Which submissions are recorded, where, and what was flagged in them.

A submission's header entry is version 1 of a stream of its own, named by (iss, jti): the unique
index over streams makes that pair the idempotency key. The store lists each submission besides,
keyed by position, and the list holds nothing that a replay of the entries would not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import msgspec

from registry.outcomes import Recorded
from registry.store import Reading, StorageDamaged
from testamur.catalogue.submission import SignedHeader, parse_submission_entry, stream_of
from testamur.errors import Refusal
from testamur.rules import Admitted

TOPIC: Final = "submission"
"""What a header entry is filed under; event entries are filed under their wire names."""

_Runs = list[tuple[int, int, list[str]]]
_runs: Final = msgspec.json.Decoder(_Runs)


def stream_key(issuer: str, jti: str) -> bytes:
    """Return the id of a submission's stream, 16 bytes."""
    return stream_of("submission", issuer, jti).bytes


def find(reading: Reading, keys: Sequence[bytes]) -> dict[bytes, tuple[str, Recorded]]:
    """Return, by stream key, these submissions as far as they are recorded.

    For each, the bytes that its signature is over, and its receipt.
    """
    known = {}
    for key, (row, entry) in reading.submissions(keys).items():
        _, header = _parsed(row.position, entry)
        flags = unpack_flags(row.flags)
        receipt = Recorded(row.position, row.events, row.recorded_at, flags, repeated=True)
        known[key] = (header.signing_input, receipt)
    return known


def around(reading: Reading, position: int) -> tuple[int, int, SignedHeader]:
    """Return the submission that `position` lies in: its position, `recordedAt` (ms), header."""
    row = reading.submission_around(position)
    if row is None:
        raise StorageDamaged(f"entry {position} belongs to no submission")
    (entry,), _ = reading.read(row.position, 1)
    return row.position, *_parsed(row.position, entry)


def flags_of(admitted: Iterable[Admitted]) -> tuple[tuple[int, str], ...]:
    """Return every flag with the line of the submission file it was raised on."""
    return tuple(
        (line, code)
        for line, one in enumerate(admitted, start=2)
        if one.flags
        for code in one.flags
    )


def pack_flags(flags: Sequence[tuple[int, str]]) -> bytes | None:
    """Return flags in few bytes: runs of lines that share their codes. None when there are none."""
    if not flags:
        return None
    runs: _Runs = []
    for line, group in groupby(flags, key=lambda flag: flag[0]):
        codes = [code for _, code in group]
        if runs and runs[-1][1] == line - 1 and runs[-1][2] == codes:
            runs[-1] = (runs[-1][0], line, codes)
        else:
            runs.append((line, line, codes))
    return msgspec.json.encode(runs)


def unpack_flags(packed: bytes | None) -> tuple[tuple[int, str], ...]:
    """Return what `pack_flags` packed; raises `StorageDamaged`."""
    if packed is None:
        return ()
    try:
        runs = _runs.decode(packed)
    except msgspec.DecodeError as error:
        raise StorageDamaged(f"the flags of a submission cannot be read: {error}") from None
    return tuple(
        (line, code)
        for first, last, codes in runs
        for line in range(first, last + 1)
        for code in codes
    )


def _parsed(position: int, entry: bytes) -> tuple[int, SignedHeader]:
    try:
        return parse_submission_entry(entry)
    except Refusal as refusal:
        raise StorageDamaged(f"the header entry at {position}: {refusal}") from None
