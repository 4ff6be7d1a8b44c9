"""Whether the file still holds what was once written: the checks before a gate opens.

At every start: every page is sound and every index is that of its table, ids, count and head
agree, the latest entries hash to their leaves, the policy snapshot is intact and the entries after
it fold by the rules. On request, all of it is replayed: every leaf, every root, every signature,
every rule, and what is recorded beside the entries is compared with what comes of that. It cannot
tell that entries were cut off the end together with the head, or that the whole file is
another's: the published log can.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final
from uuid import UUID

from registry import policy_state, sequence, submissions
from registry.credential_streams import changed_by, states
from registry.sequence import Database, StorageDamaged
from testamur.catalogue.events import CredentialEvent, wire_name
from testamur.errors import Refuted, shown
from testamur.keys import PublicKey
from testamur.rules import Register
from testamur.rules.register import dump_register
from testamur.tlog.merkle import leaf_hash, leaf_hashes
from testamur.verification.replay import ReplayedSubmission, Replayer

_LATEST: Final = 1_000
_LISTED: Final = (
    "SELECT events, issuer, recorded_at, policy_events, flags FROM submissions WHERE position = ?"
)
_FILED: Final = (
    "SELECT originator_id, originator_version, topic FROM entries"
    " WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id"
)


class OtherLog(Refuted):
    """The file holds a log, but another key opened it."""


def examine(database: Database, log_key: PublicKey, *, thorough: bool = False) -> None:
    """Raise `StorageDamaged` naming the first damage found, or `OtherLog`.

    SQLite's own examination is what takes time at a start, a second or so for a million entries;
    `thorough` replays everything.
    """
    try:
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
            _check_policy(register, _replayed(database, size, log_key))
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StorageDamaged(f"SQLite cannot read the file: {error}") from error


def _check_pages(database: Database) -> None:
    # Not the quick_check, which does not compare an index with its table: an id that the unique
    # index has forgotten would be given a second time.
    found = [row[0] for row in database.execute("PRAGMA integrity_check").fetchall()]
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


def _replayed(database: Database, size: int, log_key: PublicKey) -> Register:
    """Return the register after all entries, once they and what is listed of them are replayed."""
    register = Register()
    while register.size < size:
        register = _check_submission(database, register, size, log_key)
    return register


def _check_submission(
    database: Database, register: Register, size: int, log_key: PublicKey
) -> Register:
    """Check the submission that `register.size` is the position of; return the register after."""
    position = register.size
    listed = database.execute(_LISTED, (position,)).fetchone()
    if listed is None:
        raise StorageDamaged(f"no submission begins at {position}")
    events = listed[0]
    if not 1 <= events < size - position:
        raise StorageDamaged(
            f"the submission at {position} is listed with {events} events, of {size} entries"
        )
    entries = _check_entries(database, position, position + 1 + events)
    # A new one for each: the unique index knows which submissions there were, in less memory.
    replayer = Replayer(
        log_key,
        register=register,
        credentials_for=lambda found: states(database, changed_by(found), size=position),
    )
    try:
        cohorts = replayer.feed(entries, leaf_hashes(entries))
        replayer.settle()
    except Refuted as error:
        raise StorageDamaged(f"the submission at {position}: {error}") from error
    if len(cohorts) != 1:
        raise StorageDamaged(f"{len(cohorts)} submissions are listed as one at {position}")
    _check_listed(cohorts[0], tuple(listed))
    _check_filed(database, cohorts[0])
    return replayer.register


def _check_listed(cohort: ReplayedSubmission, listed: tuple[Any, ...]) -> None:
    payload = cohort.header.payload
    policy_events = sum(not isinstance(event, CredentialEvent) for event in cohort.events)
    flags = submissions.pack_flags(submissions.flags_of(cohort.admitted))
    if listed != (payload.events, payload.iss, cohort.recorded_at, policy_events, flags):
        raise StorageDamaged(
            f"the submission at {cohort.position} is listed as {listed[:4]} with flags "
            f"{shown(listed[4])}, the rules raise {shown(flags)}"
        )


def _check_filed(database: Database, cohort: ReplayedSubmission) -> None:
    payload = cohort.header.payload
    expected = [(submissions.stream_key(payload.iss, payload.jti), 1, submissions.TOPIC)]
    expected += [
        (UUID(str(one.stream)).bytes, one.version, wire_name(event))
        for event, one in zip(cohort.events, cohort.admitted, strict=True)
    ]
    first = cohort.position + 1
    filed = database.execute(_FILED, (first, cohort.position + len(expected))).fetchall()
    for at, found in enumerate(map(tuple, filed)):
        if found != expected[at]:
            stream, version, topic = found
            raise StorageDamaged(
                f"entry {cohort.position + at} is filed as {shown(topic)}, "
                f"version {version} of {shown(stream.hex())}"
            )


def _check_policy(register: Register, replayed: Register) -> None:
    if dump_register(replayed) != dump_register(register):
        raise StorageDamaged("the policy snapshot is not what the entries fold to")
