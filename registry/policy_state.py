"""The policy state: the register of rules, kept in step with the sequence.

It is folded by the rules that every replayer uses, from the snapshot in the `policy` table and
the policy events after it; credential events cannot change it and are stepped over. A register
returned from here is never changed afterwards: other threads may read it without a lock.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Final

import msgspec

from registry.sequence import Database, StorageDamaged, count
from testamur.catalogue.events import Event, wire_name
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules import Register, admit_events, admit_genesis
from testamur.rules.register import dump_register, load_register

_SNAPSHOT: Final = "SELECT size, digest, register FROM policy"
_SAVE: Final = """
    INSERT INTO policy VALUES (0, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        size = excluded.size, digest = excluded.digest, register = excluded.register
    WHERE excluded.size > policy.size
"""
# One row for many (see `sequence.insert`).
_SUBMISSIONS: Final = """
    SELECT json_group_array(json_array(position, events, recorded_at, policy_events))
    FROM (SELECT position, events, recorded_at, policy_events FROM submissions
          WHERE position >= ? ORDER BY position LIMIT 50000)
"""
_POLICY_EVENTS: Final = """
    SELECT notification_id - 1, topic, state FROM entries
    WHERE notification_id BETWEEN ? AND ? AND topic NOT LIKE 'credential.%'
    ORDER BY notification_id
"""
_decoder: Final = msgspec.json.Decoder(list[tuple[int, int, int, int]])


def load(database: Database) -> Register:
    """Return the register of the last snapshot; an empty one when there is none.

    Raises `StorageDamaged` unless the snapshot is, to the bit, one that `save` wrote.
    """
    row = database.execute(_SNAPSHOT).fetchone()
    if row is None:
        return Register()
    size, digest, data = row
    if sha256(data).digest() != digest:
        raise StorageDamaged(f"the policy snapshot at {size} entries does not match its digest")
    register = load_register(data)
    if register.size != size or size > count(database):
        raise StorageDamaged(
            f"the policy snapshot at {size} entries holds {register.size}, "
            f"and the head counts {count(database)}"
        )
    return register


def save(database: Database, register: Register) -> None:
    """Write the snapshot, unless a later one is there already; inside a transaction."""
    data = dump_register(register)
    database.execute(_SAVE, (register.size, sha256(data).digest(), data))


def caught_up(database: Database, register: Register, log_key: PublicKey) -> Register:
    """Return the register after every entry there is, given one that may lie behind.

    Only inside a transaction, so that head, submissions and entries are of one moment. Raises
    `StorageDamaged` when the entries in between are not submissions end to end, or when one
    breaks a rule it must have kept when it was admitted.
    """
    size = count(database)
    if register.size == size:
        return register
    position, recorded_at = register.size, register.recorded_at
    fresh = register
    while found := _submissions_from(database, position):
        for start, events, recorded_at, policy_events in found:  # noqa: B007
            if start != position:
                raise StorageDamaged(f"the submission at {start} was to begin at {position}")
            if policy_events:
                fresh = register.copied() if fresh is register else fresh
                _fold_submission(database, fresh, start, events, log_key)
            position = start + 1 + events
    if position != size:
        raise StorageDamaged(f"submissions reach to {position}, but the head counts {size}")
    return replace(fresh, size=size, recorded_at=recorded_at)


def at_genesis(database: Database, log_key: PublicKey) -> Register:
    """Return the register as entries 0 and 1 left it: the root authorities alone."""
    register = Register()
    _fold_submission(database, register, 0, 1, log_key)
    return register


def _submissions_from(database: Database, position: int) -> list[tuple[int, int, int, int]]:
    (found,) = database.execute(_SUBMISSIONS, (position,)).fetchone()
    return _decoder.decode(found)


def _fold_submission(
    database: Database, register: Register, start: int, events: int, log_key: PublicKey
) -> None:
    """Fold the policy events of the submission at `start`, as a replayer folds them."""
    rows = database.execute(_POLICY_EVENTS, (start + 1, start + 1 + events)).fetchall()
    if not rows or rows[0][0] != start:
        raise StorageDamaged(f"entry {start} is missing, or filed under something else")
    try:
        recorded_at, header = parse_submission_entry(rows[0][2])
        found = [_decoded(*row) for row in rows[1:]]
        if start == 0:
            admit_genesis(register, header, found, recorded_at, log_key)
        else:
            register.size = start
            numbers = [position - start for position, _, _ in rows[1:]]
            admit_events(register, {}, header, found, recorded_at, numbers=numbers)
    except Refusal as refusal:
        raise StorageDamaged(
            f"the submission at {start} could not have been admitted: {refusal}"
        ) from None


def _decoded(position: int, topic: str, line: bytes) -> Event:
    event = decode_event(line)
    if wire_name(event) != topic:
        raise StorageDamaged(f"entry {position} is filed as {topic!r}")
    return event
