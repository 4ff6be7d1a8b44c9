"""Which submissions are recorded, where, and what was flagged in them.

A submission's header entry is version 1 of a stream of its own, named by (iss, jti): the unique
index over streams makes that pair the idempotency key. The table `submissions` has one row for
each, keyed by position, so that the submission an entry came in is one step down a small tree.
It holds nothing that a replay of the entries would not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import msgspec

from registry.outcomes import Recorded
from registry.sequence import Database, StorageDamaged, Value
from testamur.catalogue.submission import SignedHeader, parse_submission_entry, stream_of
from testamur.errors import Refusal
from testamur.rules import Admitted

TOPIC: Final = "submission"
"""What a header entry is filed under; event entries are filed under their wire names."""

# The keys of a whole group as one blob, so that one prepared statement serves any number of
# them, and all rows as one (see `sequence.insert`).
_RECORDED: Final = """
    WITH RECURSIVE asked(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM asked WHERE i + 1 < ?2)
    SELECT json_group_array(json_array(
        i, s.position, s.events, s.recorded_at, CAST(s.flags AS TEXT), CAST(e.state AS TEXT)))
    FROM asked
    CROSS JOIN entries e ON e.originator_id = substr(?1, 16 * i + 1, 16)
    CROSS JOIN submissions s ON s.position = e.notification_id - 1
"""
_AROUND: Final = """
    SELECT notification_id - 1, state FROM entries WHERE notification_id = 1 +
        (SELECT position FROM submissions WHERE position <= ? ORDER BY position DESC LIMIT 1)
"""
_Found = list[tuple[int, int, int, int, str | None, str]]
_Runs = list[tuple[int, int, list[str]]]
_found: Final = msgspec.json.Decoder(_Found)
_runs: Final = msgspec.json.Decoder(_Runs)


def stream_key(issuer: str, jti: str) -> bytes:
    """Return the id of a submission's stream, 16 bytes."""
    return stream_of("submission", issuer, jti).bytes


def find(database: Database, keys: Sequence[bytes]) -> dict[bytes, tuple[str, Recorded]]:
    """Return those of the submissions with these stream keys that are recorded.

    Each as what its signature is over, and its receipt.
    """
    if not keys:
        return {}
    (found,) = database.execute(_RECORDED, (b"".join(keys), len(keys))).fetchone()
    known = {}
    for i, position, events, recorded_at, flags, entry in _found.decode(found):
        _, header = _parsed(position, entry.encode())
        receipt = Recorded(position, events, recorded_at, unpack_flags(flags), repeated=True)
        known[keys[i]] = (header.signing_input, receipt)
    return known


def around(database: Database, position: int) -> tuple[int, int, SignedHeader]:
    """Return the submission that `position` lies in: its position, `recordedAt` (ms), header."""
    row = database.execute(_AROUND, (position,)).fetchone()
    if row is None:
        raise StorageDamaged(f"entry {position} belongs to no submission")
    start, entry = row
    return start, *_parsed(start, entry)


def row_of(receipt: Recorded, issuer: str, policy_events: int) -> tuple[Value, ...]:
    """Return the row of `submissions` for a submission just admitted."""
    return (
        receipt.position,
        receipt.events,
        issuer,
        receipt.recorded_at,
        policy_events,
        pack_flags(receipt.flags),
    )


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
    runs: list[tuple[int, int, list[str]]] = []
    for line, group in groupby(flags, key=lambda flag: flag[0]):
        codes = [code for _, code in group]
        if runs and runs[-1][1] == line - 1 and runs[-1][2] == codes:
            runs[-1] = (runs[-1][0], line, codes)
        else:
            runs.append((line, line, codes))
    return msgspec.json.encode(runs)


def unpack_flags(packed: str | bytes | None) -> tuple[tuple[int, str], ...]:
    """Return what `pack_flags` packed."""
    if packed is None:
        return ()
    return tuple(
        (line, code)
        for first, last, codes in _runs.decode(packed)
        for line in range(first, last + 1)
        for code in codes
    )


def _parsed(position: int, entry: bytes) -> tuple[int, SignedHeader]:
    try:
        return parse_submission_entry(entry)
    except Refusal as refusal:
        raise StorageDamaged(f"the header entry for {position}: {refusal}") from None
