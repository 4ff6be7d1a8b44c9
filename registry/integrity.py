"""Whether the store still holds what was once written: the checks before a gate opens.

At every start: the driver finds its own structures sound, the submissions lie end to end, and the
latest entries and those of the register hash to their leaves. On request, all of it is replayed
as the notification log shows it to in-house consumers: every leaf, every root, every signature,
every rule. What the publisher reads, and what is listed beside the entries, is compared with it,
and the register after it with the one that a start folds. Two things only the published log
shows: that entries were cut off the end together with the head, and that the whole store is
another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eventsourcing.persistence import Notification

from registry import register_state, submissions
from registry.credential_streams import CredentialStreams, changed_by, read
from registry.key_totals import KeyTotals
from registry.recorder import SequenceRecorder, stream_bytes
from registry.store import Entry, Reading, StorageDamaged, Store, SubmissionRow
from testamur.catalogue.events import CredentialEvent, CredentialIssued, Event, wire_name
from testamur.catalogue.streams import streams_of
from testamur.errors import Refuted, shown
from testamur.keys import PublicKey
from testamur.rules import Register
from testamur.rules.reach import Sums, sums_of
from testamur.tlog.merkle import leaf_hash
from testamur.verification.replay import ReplayedSubmission, Replayer

_LATEST: Final = 1_000


class OtherLog(Refuted):
    """The store holds a log, but another key opened it."""


def examine(store: Store, log_key: PublicKey, *, thorough: bool = False) -> Register:
    """Return the register that the entries fold to.

    Raises `StorageDamaged` naming the first damage found, or `OtherLog`. At a start the driver's
    own examination takes a second or so for a million entries, and the register 20 us for each of
    its entries; `thorough` replays everything.
    """
    store.examine()
    with store.reading() as reading:
        size = reading.count()
        if size:
            _check_opened_by(reading, log_key)
        for entry in reading.entries(max(0, size - _LATEST), size):
            _check_leaf(entry)
        register = register_state.load(reading)
        if thorough and register != _Examination(store, reading, size, log_key).register():
            raise StorageDamaged("the register that a start folds is not what the rules admit")
    return register


def _check_opened_by(reading: Reading, log_key: PublicKey) -> None:
    first = reading.submission_around(0)
    if first is None or first.issuer != log_key.did_key():
        raise OtherLog(f"opened by {first and first.issuer}, not by {log_key.did_key()}")


def _check_leaf(entry: Entry) -> None:
    if leaf_hash(entry.entry) != entry.leaf:
        raise StorageDamaged(f"entry {entry.position} does not hash to its leaf")


class _Examination:
    """A replay of all entries that compares them with what is listed beside them."""

    def __init__(self, store: Store, reading: Reading, size: int, log_key: PublicKey) -> None:
        self._recorder = SequenceRecorder(store)
        self._reading = reading
        self._size = size
        self._log_key = log_key
        self._register = Register()
        self._totals: dict[tuple[str, str], Sums] = {}

    def register(self) -> Register:
        """Check every submission, and return the register after all of them."""
        while self._register.size < self._size:
            self._check_submission()
        return self._register

    def _check_submission(self) -> None:
        """Check the submission that `self._register.size` is the position of."""
        position = self._register.size
        listed = _listed(self._reading, position, self._size)
        notified = self._recorder.select_notifications(position + 1, limit=1 + listed.events)
        published, leaves = self._reading.read(position, 1 + listed.events)
        _check_notified(notified, position, published, leaves)
        # A new one for each: the unique index knows which submissions there were, in less memory.
        replayer = Replayer(
            self._log_key,
            register=self._register,
            credentials_for=lambda found: _credentials(self._reading, found, position),
            entries_at=lambda start, end: self._reading.read(start, end - start)[0],
            totals=KeyTotals(self._reading),
        )
        try:
            replayed = replayer.feed([one.state for one in notified], leaves)
            replayer.settle()
        except Refuted as error:
            raise StorageDamaged(f"the submission at {position}: {error}") from error
        if len(replayed) != 1:
            raise StorageDamaged(f"{len(replayed)} submissions are listed as one at {position}")
        _check_listed(replayed[0], listed, self._totals_after(replayed[0]))
        _check_filed(replayed[0], notified)
        self._register = replayer.register

    def _totals_after(self, replayed: ReplayedSubmission) -> Sums:
        header = replayed.header
        signer = header.payload.iss, header.key_id
        sums = sums_of(header.payload.iss, replayed.events)
        totals = self._totals[signer] = self._totals.get(signer, Sums()) + sums
        return totals


def _credentials(reading: Reading, events: Sequence[Event], size: int) -> CredentialStreams:
    """Return the credentials that these events change or write, as `size` entries leave them."""
    issued = (event.credential for event in events if isinstance(event, CredentialIssued))
    return read(reading, {*changed_by(events), *issued}, size=size)


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


def _check_listed(replayed: ReplayedSubmission, listed: SubmissionRow, totals: Sums) -> None:
    payload = replayed.header.payload
    expected = SubmissionRow(
        replayed.position,
        payload.events,
        payload.iss,
        replayed.header.key_id,
        replayed.recorded_at,
        sum(not isinstance(event, CredentialEvent) for event in replayed.events),
        submissions.pack(
            submissions.flags_of(replayed.admitted), submissions.reach_of(replayed.admitted)
        ),
        totals.issuances,
        totals.grants,
        totals.endings,
    )
    if listed != expected:
        raise StorageDamaged(
            f"the submission at {replayed.position} is listed as {tuple(listed[1:6])} with totals "
            f"{tuple(listed[7:])} and flags {shown(listed.flags)}, the rules raise "
            f"{shown(expected.flags)}"
        )


def _check_filed(replayed: ReplayedSubmission, notified: Sequence[Notification]) -> None:
    payload = replayed.header.payload
    streams = streams_of(replayed.events, payload.iss)
    expected = [(submissions.stream_key(payload.iss, payload.jti), 1, submissions.TOPIC)]
    expected += [
        (stream, one.version, wire_name(event))
        for stream, event, one in zip(streams, replayed.events, replayed.admitted, strict=True)
    ]
    for one, filed in zip(notified, expected, strict=True):
        stream = stream_bytes(one.originator_id)
        if (stream, one.originator_version, one.topic) != filed:
            raise StorageDamaged(
                f"entry {one.id - 1} is filed as {shown(one.topic)}, "
                f"version {one.originator_version} of {shown(stream.hex())}"
            )
