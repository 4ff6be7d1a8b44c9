"""The seam between the gate and the store: what a store keeps, and what each method must do.

A store keeps one gapless sequence of entries, a list of the submissions they came in, and a list
of the entries that the register is folded from. Entry p has notification id p + 1. A driver
(`registry/sqlite/`) is the only place that knows a database: its statements, its errors, its
files. Nothing here judges what an entry says.

A method raises one of these and nothing else; a driver MUST NOT raise an error of its database:

StorageDamaged      what is stored is not what was once written (a `Refuted`)
  SetBack           it lacks entries that it had
Clash               a stream already has an event of that version
Unavailable         the store cannot be reached, or failed before COMMIT: nothing was recorded
  OutcomeUnknown    COMMIT failed, and the transaction may be there all the same: ask the store
  Overloaded        the store is busy: the same may be asked again
    StorageFull     ... once the operator has made room
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from threading import Event
from typing import NamedTuple, Protocol, TypeAlias

from testamur.errors import Refuted, Unavailable

EntryRow: TypeAlias = tuple[int, bytes, int, str, bytes, bytes]
"""An entry to append: notification id, stream id, version there, topic, entry, leaf hash.

A plain tuple, because a group makes thousands of them."""


class StorageDamaged(Refuted):
    """The stored sequence was examined and is not what was once written."""


class SetBack(StorageDamaged):
    """The store lacks entries that it had: it may have been given others in their place since.

    A standby that was not synchronous lacks the last commits when it takes over, and so does a
    database that was restored from a backup. What this process learned from the lost entries
    cannot be taken back: it must be started anew.
    """


class Clash(Exception):
    """A stream already has an event of that version; the transaction can only be left."""


class OutcomeUnknown(Unavailable):
    """COMMIT failed; whether the transaction is in the store is not known."""


class Entry(NamedTuple):
    """A stored entry and where it is filed."""

    position: int
    stream: bytes
    version: int
    topic: str
    entry: bytes
    leaf: bytes


class SubmissionRow(NamedTuple):
    """What is listed of one submission: `position` is that of its header entry.

    `key` is the Multikey that signed it, `recorded_at` is in Unix milliseconds. `register_events`
    counts those of its events that are not about credentials. `flags` is what
    `registry.submissions.pack` made of its flags and its reach. The last three are running totals
    over all submissions that this key signed for this issuer up to this one
    (`testamur.rules.reach.Sums`).
    """

    position: int
    events: int
    issuer: str
    key: str
    recorded_at: int
    register_events: int
    flags: bytes | None
    issuances: int
    grants: int
    endings: int


class StreamEntry(NamedTuple):
    """An entry of a stream that was asked for: `asked` is the index of the stream in the question.

    `entry` is left out (None) of every version after the first that has the topic of the first.
    The last four members are of the submission that it came in.
    """

    asked: int
    version: int
    position: int
    topic: str
    entry: str | None
    header: int
    issuer: str
    key: str
    recorded_at: int


class RegisterEntry(NamedTuple):
    """An entry that the register is folded from, and of which submission it is."""

    position: int
    topic: str
    entry: str
    leaf: str
    """The leaf hash in hexadecimal digits of either case."""
    header: int
    issuer: str
    key: str
    recorded_at: int


class Reading(Protocol):
    """The store as of one moment: every answer MUST be of the same committed state.

    The methods are few and each answers for many at once, because a driver pays per question.
    """

    def count(self) -> int:
        """Return how many entries there are: the position that the next one gets.

        MUST be the end of a submission, and MUST NOT be less than any count returned before.
        """
        ...

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        """Return at most `limit` entries from position `start` on, and their leaf hashes.

        MUST return the bytes that were appended, in order, and at least one entry if `start` is
        below `count()`. MUST raise `StorageDamaged` when an entry in the range is missing. Does
        not compare entries with leaf hashes.
        """
        ...

    def entries(
        self,
        first: int,
        last: int,
        *,
        topics: Sequence[str] = (),
        without: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[Entry]:
        """Return the entries from position `first` to `last`, both included, in order.

        Only those filed under `topics` if any are given, and none of those under `without`. An
        entry that is missing is left out.
        """
        ...

    def stream(self, stream: bytes) -> list[Entry]:
        """Return all entries of one stream, by version."""
        ...

    def streams(
        self,
        streams: Sequence[bytes],
        begin: str,
        *,
        after: Sequence[int] = (),
        size: int | None = None,
        most: int | None = None,
    ) -> list[StreamEntry]:
        """Return entries of these streams among the first `size` entries, in any order.

        They are all of a stream whose first entry has the topic `begin`, but only the first of any
        other. With `after`, a version for each stream, MUST return later ones alone, and cost as
        much as these. With `most`, MUST return some `most` if there are more, and cost no more.
        """
        ...

    def submissions(self, streams: Sequence[bytes]) -> dict[bytes, tuple[SubmissionRow, bytes]]:
        """Return, by stream id, these submissions as far as recorded, with header entries."""
        ...

    def submissions_from(self, position: int, limit: int) -> list[SubmissionRow]:
        """Return at most `limit` submissions at `position` and after it, in order."""
        ...

    def submission_around(self, position: int) -> SubmissionRow | None:
        """Return the last submission that begins at or before `position`."""
        ...

    def totals(self, issuer: str, key: str, positions: Sequence[int]) -> list[tuple[int, int, int]]:
        """Return the running totals of an issuer's key at each position.

        They are those of its last submission with a header below the position, or zeros. MUST cost
        one look into an index for each.
        """
        ...

    def latest_totals(self, signers: Sequence[tuple[str, str]]) -> list[tuple[int, int, int]]:
        """Return, for each (issuer, key), its running totals after the last entry."""
        ...

    def first_recorded(self, recorded_at: int) -> int | None:
        """Return the position of the first submission recorded then or later, or None."""
        ...

    def register_entries(self, first: int, limit: int) -> list[RegisterEntry]:
        """Return at most `limit` entries of the register from position `first` on, in order.

        MUST cost the same, however many other entries lie between them.
        """
        ...


class Transaction(Reading, Protocol):
    """The store while no other thread or process can append to it.

    Transactions of all processes MUST be serial: the lock is taken before the first read and
    held until COMMIT. So what is read is still true at COMMIT, position order is commit order,
    and a reader that has seen an entry has seen every entry before it.
    """

    def append(
        self,
        entries: Sequence[EntryRow],
        submissions: Sequence[SubmissionRow],
        register: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Add entries, whose ids go on from `count()`, and list their submissions.

        `register` lists those entries that the register is folded from: the position of each, and
        that of its submission's header. MUST raise `Clash` when a stream already has an event of
        that version, in the store or earlier among `entries`; the caller then leaves the
        transaction and begins another. MUST raise `StorageDamaged` when the ids do not go on from
        `count()`, and never leave a hole.
        """
        ...

    def commit(self) -> None:
        """Make all of it durable and visible, or none of it.

        On return it MUST survive the loss of power. When this raises, the transaction is over, and
        may or may not be durable: `Store.reading` shows which. A driver MUST NOT repeat a COMMIT
        by itself.
        """
        ...


class Store(Protocol):
    """One sequence, which several threads and several processes may use at once."""

    def reading(self) -> AbstractContextManager[Reading]:
        """Enter a view of the store as of one moment; it MUST NOT wait for a writer."""
        ...

    def writing(self) -> AbstractContextManager[Transaction]:
        """Enter a transaction; leaving it without `commit` MUST undo all of it.

        MUST raise `Overloaded` when others hold the lock longer than the driver's patience. After
        any failure the next transaction MUST be as good as on a store opened anew.
        """
        ...

    def examine(self) -> None:
        """Raise `StorageDamaged` unless the database's own structures are sound.

        MUST compare every index with what it indexes: an id that the unique index has forgotten
        would be given a second time. MUST find a submission that does not begin where the one
        before it ends, and an entry that is missing in the list of those of the register. Entries,
        leaf hashes and rules are for `registry.integrity`.
        """
        ...

    @property
    def readers(self) -> int:
        """How many readings are under way in this process. MUST cost nothing."""
        ...

    def free_space(self) -> int | None:
        """Return how many bytes are left for the store, or None if the driver cannot tell."""
        ...

    def listen(self, woken: Event) -> None:
        """Set `woken` after every commit of this process.

        A driver whose database tells of other processes' commits SHOULD set it for those too;
        a listener polls besides.
        """
        ...

    def unlisten(self, woken: Event) -> None:
        """Set it no more."""
        ...

    def close(self) -> None:
        """Close what is idle; a reading or a transaction under way ends undisturbed.

        Afterwards both raise `Unavailable`. Closing twice does no harm.
        """
        ...
