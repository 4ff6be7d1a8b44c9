"""Whether the store still holds what was once written: the checks before a gate opens.

At every start: the driver finds its own structures sound, the submissions reach to the head, the
latest entries hash to their leaves, the stored register is intact, and the entries after it
fold by the rules. On request, all of it is replayed as the notification log shows it to in-house
consumers: every leaf, every root, every signature, every rule. What the publisher reads, and what
is listed beside the entries, is compared with it. Two things only the published log shows: that
entries were cut off the end together with the head, and that the whole store is another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from eventsourcing.persistence import Notification

from registry import register_state, submissions
from registry.credential_streams import changed_by, states
from registry.recorder import SequenceRecorder, stream_bytes
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
        register = register_state.load(reading)
        register_state.catch_up(reading, register, log_key)
        if thorough:
            _check_register(register, _replayed(SequenceRecorder(store), reading, size, log_key))


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


def _replayed(
    recorder: SequenceRecorder, reading: Reading, size: int, log_key: PublicKey
) -> Register:
    """Replay all entries, check the list of submissions, and return the register after them."""
    register = Register()
    while register.size < size:
        register = _check_submission(recorder, reading, register, size, log_key)
    return register


def _check_submission(
    recorder: SequenceRecorder, reading: Reading, register: Register, size: int, log_key: PublicKey
) -> Register:
    """Check the submission that `register.size` is the position of; return the register after."""
    position = register.size
    listed = _listed(reading, position, size)
    notified = recorder.select_notifications(position + 1, limit=1 + listed.events)
    published, leaves = reading.read(position, 1 + listed.events)
    _check_notified(notified, position, published, leaves)
    # A new one for each: the unique index knows which submissions there were, in less memory.
    replayer = Replayer(
        log_key,
        register=register,
        credentials_for=lambda found: states(reading, changed_by(found), size=position),
    )
    try:
        replayed = replayer.feed([one.state for one in notified], leaves)
        replayer.settle()
    except Refuted as error:
        raise StorageDamaged(f"the submission at {position}: {error}") from error
    if len(replayed) != 1:
        raise StorageDamaged(f"{len(replayed)} submissions are listed as one at {position}")
    _check_listed(replayed[0], listed)
    _check_filed(replayed[0], notified)
    return replayer.register


def _check_notified(
    notified: Sequence[Notification], position: int, published: list[bytes], leaves: list[bytes]
) -> None:
    """Check that the notification log and the publisher read the same entries."""
    if len(notified) != len(published):
        raise StorageDamaged(f"entry {position + min(len(notified), len(published))} is missing")
    for at, (one, entry, leaf) in enumerate(
        zip(notified, published, leaves, strict=True), position
    ):
        if one.id != at + 1:
            raise StorageDamaged(f"entry {at} is missing")
        if one.state != entry:
            raise StorageDamaged(f"entry {at} is not the same to every reader")
        if leaf_hash(entry) != leaf:
            raise StorageDamaged(f"entry {at} does not hash to its leaf")


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


def _check_filed(replayed: ReplayedSubmission, notified: Sequence[Notification]) -> None:
    payload = replayed.header.payload
    expected = [(submissions.stream_key(payload.iss, payload.jti), 1, submissions.TOPIC)]
    expected += [
        (UUID(str(one.stream)).bytes, one.version, wire_name(event))
        for event, one in zip(replayed.events, replayed.admitted, strict=True)
    ]
    for one, filed in zip(notified, expected, strict=True):
        stream = stream_bytes(one.originator_id)
        if (stream, one.originator_version, one.topic) != filed:
            raise StorageDamaged(
                f"entry {one.id - 1} is filed as {shown(one.topic)}, "
                f"version {one.originator_version} of {shown(stream.hex())}"
            )


def _check_register(register: Register, replayed: Register) -> None:
    if dump_register(replayed) != dump_register(register):
        raise StorageDamaged("the stored register is not what the entries fold to")
