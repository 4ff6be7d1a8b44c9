"""Whether the file still holds what was once written: the checks before a gate opens.

At every start: ids, count and head agree, the latest entries hash to their leaves, the policy
snapshot is intact and the entries after it fold by the rules. On request: every page, every leaf,
every root that a provider signed. It cannot tell that entries were cut off the end together with
the head, or that the whole file is another's: the published log can.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final
from uuid import UUID

import msgspec

from registry import policy_state, sequence, submissions
from registry.sequence import Database, StorageDamaged
from testamur.errors import Refusal, Refuted
from testamur.events import CredentialEvent, decode_events, wire_name
from testamur.keys import PublicKey
from testamur.merkle import leaf_hash, leaf_hashes
from testamur.rules import Register
from testamur.rules.register import dump_register
from testamur.submission import parse_submission_entry

_LATEST: Final = 1_000


class OtherLog(Refuted):
    """The file holds a log, but another key opened it."""


def examine(database: Database, log_key: PublicKey, *, thorough: bool = False) -> None:
    """Raise `StorageDamaged` naming the first damage found, or `OtherLog`.

    The quick checks take milliseconds and a count of the rows; `thorough` reads everything.
    """
    try:
        if thorough:
            _check_pages(database)
        size = sequence.count(database)
        _check_ids(database, size)
        if size:
            _check_opened_by(database, log_key)
            _check_end(database, size)
        _check_entries(database, max(0, size - _LATEST), size)
        snapshot = policy_state.load(database)
        register = policy_state.caught_up(database, snapshot, log_key)
        if thorough:
            _check_submissions(database, size)
            _check_policy(database, register, log_key)
    except sqlite3.DatabaseError as error:
        raise StorageDamaged(f"SQLite cannot read the file: {error}") from error


def _check_pages(database: Database) -> None:
    found = [row[0] for row in database.execute("PRAGMA quick_check").fetchall()]
    if found != ["ok"]:
        raise StorageDamaged(f"SQLite finds its pages damaged: {'; '.join(found[:3])}")


def _check_ids(database: Database, size: int) -> None:
    lowest, highest, rows = database.execute(
        "SELECT (SELECT min(notification_id) FROM entries),"
        " (SELECT max(notification_id) FROM entries), (SELECT count(*) FROM entries)"
    ).fetchone()
    expected = (1, size, size) if size else (None, None, 0)
    if (lowest, highest, rows) != expected:
        raise StorageDamaged(
            f"the head counts {size} entries, but there are {rows}, with ids {lowest} to {highest}"
        )


def _check_opened_by(database: Database, log_key: PublicKey) -> None:
    _, _, header = submissions.around(database, 0)
    if header.payload.iss != log_key.did_key():
        raise OtherLog(f"opened by {header.payload.iss}, not by {log_key.did_key()}")


def _check_end(database: Database, size: int) -> None:
    (end,) = database.execute(
        "SELECT position + 1 + events FROM submissions ORDER BY position DESC LIMIT 1"
    ).fetchone() or (0,)
    if end != size:
        raise StorageDamaged(f"submissions reach to {end}, but the head counts {size}")


def _check_entries(database: Database, start: int, end: int) -> list[bytes]:
    entries, leaves = sequence.read(database, start, end - start)
    for position, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), start):
        if leaf_hash(entry) != leaf:
            raise StorageDamaged(f"entry {position} does not hash to its leaf")
    return entries


def _check_submissions(database: Database, size: int) -> None:
    position = 0
    while position < size:
        row = database.execute(
            "SELECT events, issuer, recorded_at, policy_events, flags FROM submissions"
            " WHERE position = ?",
            (position,),
        ).fetchone()
        if row is None:
            raise StorageDamaged(f"no submission begins at {position}")
        _check_submission(database, position, tuple(row))
        position += 1 + row[0]
    (stray,) = database.execute(
        "SELECT count(*) FROM (SELECT 1 FROM entries GROUP BY originator_id"
        " HAVING max(originator_version) <> count(*))"
    ).fetchone()
    if stray:
        raise StorageDamaged(f"{stray} streams do not count their versions from 1")


def _check_submission(database: Database, position: int, row: tuple[Any, ...]) -> None:
    events, *_, flags = row
    entries = _check_entries(database, position, position + 1 + events)
    filed = database.execute(
        "SELECT originator_id, topic FROM entries"
        " WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id",
        (position + 1, position + 1 + events),
    ).fetchall()
    try:
        recorded_at, header = parse_submission_entry(entries[0])
        header.verify_root(leaf_hashes(entries[1:]))
        decoded = decode_events(entries[1:])
        submissions.unpack_flags(flags)
    except (Refusal, msgspec.DecodeError) as error:
        raise StorageDamaged(f"the submission at {position}: {error}") from error
    payload = header.payload
    policy_events = sum(not isinstance(event, CredentialEvent) for event in decoded)
    if row[:4] != (payload.events, payload.iss, recorded_at, policy_events):
        raise StorageDamaged(f"the submission at {position} is listed as {row[:4]}")
    if tuple(filed[0]) != (submissions.stream_key(payload.iss, payload.jti), submissions.TOPIC):
        raise StorageDamaged(f"entry {position} is filed as {tuple(filed[0])}")
    for at, (event, (stream, topic)) in enumerate(zip(decoded, filed[1:], strict=True), 1):
        named = UUID(event.credential).bytes if isinstance(event, CredentialEvent) else stream
        if (named, wire_name(event)) != (stream, topic):
            raise StorageDamaged(f"entry {position + at} is filed as {stream.hex()}, {topic!r}")


def _check_policy(database: Database, register: Register, log_key: PublicKey) -> None:
    fresh = policy_state.caught_up(database, Register(), log_key)
    if dump_register(fresh) != dump_register(register):
        raise StorageDamaged("the policy snapshot is not what the entries fold to")
