"""Whether the store still holds what was once written: the checks before a gate opens.

At every start: the driver finds its own structures sound, the submissions reach to the head, the
latest entries hash to their leaves, the register snapshot is intact, and the entries after it
fold by the rules. On request, all of it is replayed: every leaf, every root, every signature,
every rule, and what is listed beside the entries is compared with the outcome. It cannot tell
that entries were cut off the end together with the head, or that the whole store is another's:
the published log can.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from registry import register_state, submissions
from registry.credential_streams import changed_by, states
from registry.store import Entry, Reading, StorageDamaged, Store, SubmissionRow
from testamur.catalogue.events import CredentialEvent, wire_name
from testamur.errors import Refuted, shown
from testamur.keys import PublicKey
from testamur.rules import Register
from testamur.rules.register import dump_register
from testamur.tlog.merkle import leaf_hash
from testamur.verification.replay import ReplayedSubmission, Replayer

_LATEST: Final = 1_000


class OtherLog(Refuted):
    """The store holds a log, but another key opened it."""


def examine(store: Store, log_key: PublicKey, *, thorough: bool = False) -> None:
    """Raise `StorageDamaged` naming the first damage found, or `OtherLog`.

    At a start the driver's own examination takes the time, a second or so for a million entries;
    `thorough` replays everything.
    """
    store.examine()
    with store.reading() as reading:
        size = reading.count()
        if size:
            _check_opened_by(reading, log_key)
            _check_end(reading, size)
        for entry in reading.entries(max(0, size - _LATEST), size):
            _check_leaf(entry)
        snapshot = register_state.load(reading)
        register = register_state.caught_up(reading, snapshot, log_key)
        if thorough:
            _check_register(register, _replayed(reading, size, log_key))


def _check_opened_by(reading: Reading, log_key: PublicKey) -> None:
    _, _, header = submissions.around(reading, 0)
    if header.payload.iss != log_key.did_key():
        raise OtherLog(f"opened by {header.payload.iss}, not by {log_key.did_key()}")


def _check_end(reading: Reading, size: int) -> None:
    last = reading.submission_around(size - 1)
    end = last.position + 1 + last.events if last else 0
    if end != size:
        raise StorageDamaged(f"submissions reach to {end}, but the head counts {size}")


def _check_leaf(entry: Entry) -> None:
    if leaf_hash(entry.entry) != entry.leaf:
        raise StorageDamaged(f"entry {entry.position} does not hash to its leaf")


def _replayed(reading: Reading, size: int, log_key: PublicKey) -> Register:
    """Return the register after all entries, once they and what is listed of them are replayed."""
    register = Register()
    while register.size < size:
        register = _check_submission(reading, register, size, log_key)
    return register


def _check_submission(
    reading: Reading, register: Register, size: int, log_key: PublicKey
) -> Register:
    """Check the submission that `register.size` is the position of; return the register after."""
    position = register.size
    listed = _listed(reading, position, size)
    entries = reading.entries(position, position + listed.events)
    for expected, entry in enumerate(entries, position):
        if entry.position != expected:
            raise StorageDamaged(f"entry {expected} is missing")
        _check_leaf(entry)
    # A new one for each: the unique index knows which submissions there were, in less memory.
    replayer = Replayer(
        log_key,
        register=register,
        credentials_for=lambda found: states(reading, changed_by(found), size=position),
    )
    try:
        replayed = replayer.feed([one.entry for one in entries], [one.leaf for one in entries])
        replayer.settle()
    except Refuted as error:
        raise StorageDamaged(f"the submission at {position}: {error}") from error
    if len(replayed) != 1:
        raise StorageDamaged(f"{len(replayed)} submissions are listed as one at {position}")
    _check_listed(replayed[0], listed)
    _check_filed(replayed[0], entries)
    return replayer.register


def _listed(reading: Reading, position: int, size: int) -> SubmissionRow:
    found = reading.submissions_from(position, 1)
    if not found or found[0].position != position:
        raise StorageDamaged(f"no submission begins at {position}")
    if not 1 <= found[0].events < size - position:
        raise StorageDamaged(
            f"the submission at {position} is listed with {found[0].events} events, "
            f"of {size} entries"
        )
    return found[0]


def _check_listed(replayed: ReplayedSubmission, listed: SubmissionRow) -> None:
    payload = replayed.header.payload
    expected = SubmissionRow(
        replayed.position,
        payload.events,
        payload.iss,
        replayed.recorded_at,
        sum(not isinstance(event, CredentialEvent) for event in replayed.events),
        submissions.pack_flags(submissions.flags_of(replayed.admitted)),
    )
    if listed != expected:
        raise StorageDamaged(
            f"the submission at {replayed.position} is listed as {tuple(listed[1:5])} with flags "
            f"{shown(listed.flags)}, the rules raise {shown(expected.flags)}"
        )


def _check_filed(replayed: ReplayedSubmission, entries: Sequence[Entry]) -> None:
    payload = replayed.header.payload
    expected = [(submissions.stream_key(payload.iss, payload.jti), 1, submissions.TOPIC)]
    expected += [
        (UUID(str(one.stream)).bytes, one.version, wire_name(event))
        for event, one in zip(replayed.events, replayed.admitted, strict=True)
    ]
    for entry, filed in zip(entries, expected, strict=True):
        if (entry.stream, entry.version, entry.topic) != filed:
            raise StorageDamaged(
                f"entry {entry.position} is filed as {shown(entry.topic)}, "
                f"version {entry.version} of {shown(entry.stream.hex())}"
            )


def _check_register(register: Register, replayed: Register) -> None:
    if dump_register(replayed) != dump_register(register):
        raise StorageDamaged("the register snapshot is not what the entries fold to")
