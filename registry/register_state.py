"""The register of rules, kept in step with the sequence.

It is folded from the entries that are not about credentials, which the store lists apart, so that
a start or a look at what other processes appended steps over no credential. Nothing is stored of
it: what decides is the sequence alone. The fold judges nothing, since the gate judged each
submission when it recorded it; every entry is compared with the leaf hash beside it. Before a
register goes on, the last entry that it is of must still be in the store: a standby that took over
without it may have been given others up to the same count.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from registry.credential_streams import CredentialStreams
from registry.store import Reading, RegisterEntry, SetBack, StorageDamaged
from testamur.catalogue.events import Event, wire_name
from testamur.catalogue.lines import decode_events
from testamur.catalogue.table import Kind, event_types
from testamur.errors import Refusal
from testamur.rules import Register, Signed
from testamur.rules.fold import take
from testamur.tlog.merkle import leaf_hashes

_AT_ONCE: Final = 5_000
"""Entries read by one question. A submission of key events has far fewer."""


_OF_CREDENTIALS: Final = event_types(Kind.CREDENTIAL)


class FarBehind(Exception):
    """More entries were appended to the register than the caller wants to catch up with."""


def load(reading: Reading) -> Register:
    """Return the register as of the last entry; raises `StorageDamaged`."""
    register = Register()
    _advance(reading, register, reading.count(), None)
    return register


def catch_up(reading: Reading, register: Register, *, most: int | None = None) -> None:
    """Fold every entry there is after `register.size` into `register`.

    Raises `SetBack` when the store lacks the last entry that the register is of; `StorageDamaged`
    when an entry is not what was recorded, or when the submissions do not reach to the last one;
    `FarBehind` when more than `most` entries are to be folded. The register is then as it was.
    """
    size = reading.count()
    _check_not_set_back(reading, register, size)
    if register.size == size:
        return
    draft = register.draft()
    _advance(reading, draft, size, most)
    register.absorb(draft)


def at_genesis(reading: Reading) -> Register:
    """Return the register as entries 0 and 1 left it: the root authorities alone."""
    register = Register()
    _fold(register, reading.register_entries(0, 1))
    return register


def _check_not_set_back(reading: Reading, register: Register, size: int) -> None:
    """Raise `SetBack` unless the entries that `register` is of are the first of the `size`."""
    if size < register.size:
        raise SetBack(
            f"the head counts {size} entries, and the register is of {register.size}: the database"
            " was set back to an earlier state"
        )
    if register.size and _leaf(reading, register.size - 1) != register.last_leaf:
        raise SetBack(
            f"entry {register.size - 1} is another than before: the database was set back to an"
            " earlier state and written to since"
        )


def _leaf(reading: Reading, position: int) -> bytes:
    _, (leaf,) = reading.read(position, 1)
    return leaf


def _advance(reading: Reading, register: Register, size: int, most: int | None) -> None:
    """Fold the entries from `register.size` to `size` into `register`."""
    if size == 0:
        return
    last = reading.submission_around(size - 1)
    end = last.position + 1 + last.events if last else 0
    if last is None or end != size:
        raise StorageDamaged(f"submissions reach to {end}, but the head counts {size}")
    if most is not None and len(reading.register_entries(register.size, most + 1)) > most:
        raise FarBehind
    position = register.size
    while found := reading.register_entries(position, _AT_ONCE):
        if len(found) == _AT_ONCE:
            # The next question begins with the last submission, which may have been cut.
            found = _whole(found)
        _fold(register, found)
        position = found[-1].position + 1
    register.size, register.recorded_at = size, last.recorded_at
    register.last_leaf = _leaf(reading, size - 1)


def _whole(entries: list[RegisterEntry]) -> list[RegisterEntry]:
    """Return the entries without the last submission, unless it is the only one."""
    last = entries[-1].header
    whole = [entry for entry in entries if entry.header != last]
    return whole or entries


def _fold(register: Register, entries: Sequence[RegisterEntry]) -> None:
    events = iter(_decoded(entries))
    for _, group in groupby(entries, key=attrgetter("header")):
        submission = list(group)
        signed = _signed(register, submission[0])
        # The register has no credentials, and these entries are about none.
        said = [(entry.position, next(events)) for entry in submission]
        take(register, CredentialStreams(), signed, said)


def _signed(register: Register, entry: RegisterEntry) -> Signed:
    """Return the submission of an entry. It shares the texts of the register itself."""
    organization = register.organizations.get(entry.issuer)
    if organization is None:  # the log itself, which opened the log
        return Signed(entry.issuer, entry.key, entry.header, entry.recorded_at)
    known = organization.keys.keys.get(entry.key)
    key = entry.key if known is None else known.key
    return Signed(organization.did, key, entry.header, entry.recorded_at)


def _decoded(entries: Sequence[RegisterEntry]) -> list[Event]:
    """Return the events in these entries, once these are found to be what was recorded."""
    lines = [entry.entry.encode() for entry in entries]
    for entry, leaf in zip(entries, leaf_hashes(lines), strict=True):
        if leaf.hex() != entry.leaf.lower():
            raise StorageDamaged(f"entry {entry.position} does not hash to its leaf")
    try:
        events = decode_events(lines)
    except Refusal as refusal:
        at = entries[(refusal.line or 2) - 2].position
        raise StorageDamaged(f"entry {at} is no event: {refusal}") from None
    for entry, event in zip(entries, events, strict=True):
        if wire_name(event) != entry.topic:
            raise StorageDamaged(f"entry {entry.position} is filed as {entry.topic!r}")
        if type(event) in _OF_CREDENTIALS:
            raise StorageDamaged(
                f"entry {entry.position}, filed as {entry.topic!r}, is none of the register's"
            )
    return events
