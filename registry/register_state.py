"""The register of rules, kept in step with the sequence.

It is folded by the rules that every replayer uses, from the stored snapshot and the register
events after it; credential events cannot change it and are stepped over. A register returned
from here is never changed afterwards: other threads may read it without a lock.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Final

from registry.store import Entry, Reading, Snapshot, StorageDamaged, Transaction
from testamur.catalogue.events import Event, wire_name
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import parse_submission_entry
from testamur.catalogue.table import Kind, wire_names
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules import Register, admit_events, admit_genesis
from testamur.rules.register import dump_register, load_register

_AT_ONCE: Final = 50_000  # submissions
_OF_CREDENTIALS: Final = wire_names(Kind.CREDENTIAL)


def load(reading: Reading) -> Register:
    """Return the register of the last snapshot; an empty one when there is none.

    Raises `StorageDamaged` unless the snapshot is, to the bit, one that `save` wrote.
    """
    snapshot = reading.snapshot()
    if snapshot is None:
        return Register()
    size = snapshot.size
    if sha256(snapshot.register).digest() != snapshot.digest:
        raise StorageDamaged(f"the register snapshot at {size} entries does not match its digest")
    register = load_register(snapshot.register)
    if register.size != size or size > reading.count():
        raise StorageDamaged(
            f"the register snapshot at {size} entries holds {register.size}, "
            f"and the head counts {reading.count()}"
        )
    return register


def save(transaction: Transaction, register: Register) -> None:
    """Write the snapshot, unless a later one is there already."""
    data = dump_register(register)
    transaction.save_snapshot(Snapshot(register.size, sha256(data).digest(), data))


def caught_up(reading: Reading, register: Register, log_key: PublicKey) -> Register:
    """Return the register after every entry there is, given one that may lie behind.

    Raises `StorageDamaged` when the entries in between are not submissions end to end, or when
    one breaks a rule it must have kept when it was admitted.
    """
    size = reading.count()
    if register.size == size:
        return register
    position, recorded_at = register.size, register.recorded_at
    fresh = register
    while found := reading.submissions_from(position, _AT_ONCE):
        for row in found:
            if row.position != position:
                raise StorageDamaged(f"the submission at {row.position} was to begin at {position}")
            if row.register_events:
                fresh = register.copied() if fresh is register else fresh
                _fold_submission(reading, fresh, row.position, row.events, log_key)
            position, recorded_at = row.position + 1 + row.events, row.recorded_at
    if position != size:
        raise StorageDamaged(f"submissions reach to {position}, but the head counts {size}")
    return replace(fresh, size=size, recorded_at=recorded_at)


def at_genesis(reading: Reading, log_key: PublicKey) -> Register:
    """Return the register as entries 0 and 1 left it: the root authorities alone."""
    register = Register()
    _fold_submission(reading, register, 0, 1, log_key)
    return register


def _fold_submission(
    reading: Reading, register: Register, start: int, events: int, log_key: PublicKey
) -> None:
    """Fold the register events of the submission at `start`, as a replayer folds them."""
    header_entry, *entries = _register_entries(reading, start, events)
    try:
        recorded_at, header = parse_submission_entry(header_entry.entry)
        found = [_decoded(entry) for entry in entries]
        if start == 0:
            admit_genesis(register, header, found, recorded_at, log_key)
        else:
            register.size = start
            numbers = [entry.position - start for entry in entries]
            admit_events(register, {}, header, found, recorded_at, numbers=numbers)
    except Refusal as refusal:
        raise StorageDamaged(
            f"the submission at {start} could not have been admitted: {refusal}"
        ) from None


def _register_entries(reading: Reading, start: int, events: int) -> list[Entry]:
    """Return the header entry of a submission and those of its events that are folded."""
    entries = reading.entries(start, start + events, without=_OF_CREDENTIALS)
    if not entries or entries[0].position != start:
        raise StorageDamaged(f"entry {start} is missing, or filed under something else")
    return entries


def _decoded(entry: Entry) -> Event:
    event = decode_event(entry.entry)
    if wire_name(event) != entry.topic:
        raise StorageDamaged(f"entry {entry.position} is filed as {entry.topic!r}")
    return event
