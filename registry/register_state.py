"""The register of rules, kept in step with the sequence.

It is folded by the rules that every replayer uses, from what is stored of it and the register
events after that; credential events cannot change it and are stepped over. What a group changes in
it is stored with the group, a row for each thing, so no moment comes at which all of it is written.
"""

from __future__ import annotations

from typing import Final

from registry import register_rows
from registry.register_rows import Head
from registry.store import Entry, Reading, StorageDamaged, Transaction
from testamur.catalogue.events import Event, wire_name
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import parse_submission_entry
from testamur.catalogue.table import Kind, wire_names
from testamur.errors import Refusal
from testamur.keys import PublicKey
from testamur.rules import Register, admit_events, admit_genesis

_AT_ONCE: Final = 50_000  # submissions, or rows of the register
_OF_CREDENTIALS: Final = wire_names(Kind.CREDENTIAL)


class FarBehind(Exception):
    """More entries were appended than the caller wants to catch up with."""


def load(reading: Reading) -> Register:
    """Return the register as it is stored; an empty one when it is not.

    Raises `StorageDamaged` unless its rows are, to the bit, those that were saved.
    """
    head = register_rows.head(reading)
    if head is None:
        return Register()
    register, digest, after = Register(head.origin, head.size, head.recorded_at), 0, 0
    while found := reading.states(after, _AT_ONCE):
        for row in found:
            if row.kind != register_rows.HEAD:
                digest ^= register_rows.digest(row.kind, row.name, row.state)
                register_rows.put(register, row.kind, row.name, row.state)
        after = found[-1].place
    if digest != head.rows_digest():
        raise StorageDamaged(f"the register at {head.size} entries does not match its digest")
    if head.size > reading.count():
        raise StorageDamaged(
            f"the register is of {head.size} entries, and the head counts {reading.count()}"
        )
    return register


def save(transaction: Transaction, before: Register, draft: Register) -> None:
    """Store what `draft` changed in the register that is stored, which is `before`.

    Without a head nothing is stored that this could go on from; the next start mends that.
    """
    head = register_rows.head(transaction)
    if head is None and before.size:
        return
    rows, digest = [], 0 if head is None else head.rows_digest()
    for kind, changed in draft.changes().items():
        if kind not in register_rows.KINDS:
            continue
        earlier = before.mappings()[kind]
        for name, state in changed.items():
            known = earlier.get(name)
            if known is not None:
                digest ^= register_rows.digest(kind, name, register_rows.encoded(known))
            data = register_rows.encoded(state)
            digest ^= register_rows.digest(kind, name, data)
            rows.append((kind, name, data))
    transaction.save_states([*rows, Head.of(draft, digest).row()])


def save_whole(transaction: Transaction, register: Register) -> None:
    """Store all of the register in the place of what is stored of it."""
    transaction.clear_states()
    draft = Register().draft()
    for name, states in register.mappings().items():
        draft.mappings()[name].update(states)
    draft.origin, draft.size = register.origin, register.size
    draft.recorded_at = register.recorded_at
    save(transaction, Register(), draft)


def move_head(transaction: Transaction, register: Register) -> None:
    """Note that the stored register now covers further entries, which changed nothing in it."""
    head = register_rows.head(transaction)
    if head is not None and head.size < register.size:
        transaction.save_states([Head.of(register, head.rows_digest()).row()])


def catch_up(
    reading: Reading, register: Register, log_key: PublicKey, *, most: int | None = None
) -> None:
    """Fold every entry there is after `register.size` into `register`.

    Raises `StorageDamaged` when these are not submissions end to end, or when one breaks a rule
    it must have kept when it was admitted; `FarBehind` when there are more than `most`. The
    register is then as it was.
    """
    size = reading.count()
    if register.size == size:
        return
    if most is not None and size - register.size > most:
        raise FarBehind
    position, recorded_at = register.size, register.recorded_at
    draft = register.draft()
    while found := reading.submissions_from(position, _AT_ONCE):
        for row in found:
            if row.position != position:
                raise StorageDamaged(f"the submission at {row.position} was to begin at {position}")
            if row.register_events:
                _fold_submission(reading, draft, row.position, row.events, log_key)
            position, recorded_at = row.position + 1 + row.events, row.recorded_at
    if position != size:
        raise StorageDamaged(f"submissions reach to {position}, but the head counts {size}")
    draft.size, draft.recorded_at = size, recorded_at
    register.absorb(draft)


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
            # The gate verified the signatures inside these events before it stored them.
            admit_events(
                register, {}, header, found, recorded_at, numbers=numbers, possessed=numbers
            )
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
