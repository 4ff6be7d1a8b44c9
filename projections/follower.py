"""Follows the published log and keeps the tables: every entry checked, every submission whole.

The follower believes the log's key and nothing else: it reads through the same `LogReader` and
the same `Replayer` as any outsider. Rows and position move in one transaction, so after a crash
at any moment the tables are those of some size, and it goes on from there. At the first entry
that fails a check it halts for good and names that entry; the tables go on answering for what
came before. It does not show that others were given the same log: witnesses do.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import Engine, update
from sqlalchemy.exc import IntegrityError, OperationalError

from projections import (
    defined,
    dids,
    grants,
    histories,
    issuances,
    marks,
    submissions,
    successions,
    tallies,
)
from projections.bulk import write
from projections.database import open_tables
from projections.known_credentials import KnownCredentials
from projections.position import POSITION_ROW
from projections.resuming import begin, resume
from projections.tables import Known, Rows
from projections.totals import KeyTotals
from testamur.catalogue.events import CredentialIssued
from testamur.errors import Refuted, Unavailable
from testamur.keys import PublicKey
from testamur.stopwatch import Advance, Stopwatch, ignore
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import CompactRange
from testamur.tlog.reader import STRETCH, LogReader, Stretch
from testamur.tlog.tiles import WIDTH
from testamur.verification.clock import check_not_ahead, is_ahead
from testamur.verification.replay import BadEntry, ReplayedSubmission, Replayer

INTERVAL: Final = 1.0
"""Seconds after which the follower looks at the log again when nothing woke it."""

Clock: TypeAlias = Callable[[], datetime]
"""Returns the time of this machine, aware of its zone."""

# Entries that a stretch may hold: the damaged one is searched among these.
_AHEAD: Final = STRETCH * WIDTH

# Organizations come first, since the other tables refer to them by number.
_FOLDS: Final = (
    dids.fold,
    submissions.fold,
    histories.fold,
    grants.fold,
    successions.fold,
    defined.fold,
    issuances.fold,
    marks.fold,
)
# Nearly every submission holds nothing else.
_OF_ISSUANCES: Final = (submissions.fold, issuances.fold, marks.fold_issuances)


@dataclass(slots=True)
class _Fold:
    """The register as of the submissions read, and their rows that are not in the tables yet."""

    edge: CompactRange
    known: Known
    replayer: Replayer
    credentials: KnownCredentials
    thorough: bool
    rows: Rows
    leaves: list[bytes] = field(default_factory=list)
    recorded_at: int = 0

    def add(self, submission: ReplayedSubmission) -> None:
        """Add the rows of a submission; the register is as that submission left it."""
        alone = {CredentialIssued}.issuperset(map(type, submission.events))
        for fold in _OF_ISSUANCES if alone else _FOLDS:
            fold(submission, self.known, self.rows)
        tallies.fold(submission, self.known, self.rows, self.credentials.awarded)
        self.leaves += submission.leaves
        self.recorded_at = submission.recorded_at

    def written(self, edge: CompactRange) -> None:
        """Forget the rows, which are in the tables now."""
        self.edge = edge
        self.rows.clear()
        self.leaves.clear()
        self.credentials.written()


class Follower:
    """Keeps the tables in the database `engine` up with the log that `reader` reads.

    `size` is the tree size that the tables reach. `failure` is the check at which the follower
    halted, or None. `obstacle` is why its last attempt made no progress, if another attempt is
    worth while. Any thread may read them.
    """

    def __init__(
        self,
        engine: Engine,
        reader: LogReader,
        *,
        clock: Clock | None = None,
        on_moved: Callable[[int], None] | None = None,
        measured: Callable[[Advance], None] = ignore,
    ) -> None:
        """Go on from what the tables hold, or begin them.

        By the time of `clock`, what a log recorded in the future is waited for: it could else let
        the 90 days pass at once in which a theft can be declared. The thread that folds calls
        `on_moved` with each size reached, and `measured`, which must not raise, with each
        transaction: its steps are `read` (the log, verified), `fold` and `write`.
        Raises `Refuted` when the tables are of another log, of another layout, or damaged.
        """
        self.engine = engine
        self.failure: Exception | None = None
        self.obstacle: Unavailable | None = None
        self._reader = reader
        self._clock = clock
        # A submission that was recorded in the future, and when.
        self._ahead: tuple[int, int] | None = None
        self._on_moved = on_moved
        self._measured = measured
        self._watch = Stopwatch()
        self._steps = 0
        self._waits = True
        self._folding = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._published = 0
        self._kept_bundle: tuple[int, list[bytes]] = (-1, [])
        begin(engine, reader.keys.first)
        self._fold: _Fold | None = self._resume()
        self.size = self._fold.edge.size

    @classmethod
    def open(
        cls,
        folder: Path,
        reader: LogReader,
        *,
        clock: Clock | None = None,
        on_moved: Callable[[int], None] | None = None,
    ) -> Follower:
        """Return a follower over the database in `folder`, made if there is none.

        Raises `Refuted` as above. The caller disposes of its engine.
        """
        engine = open_tables(folder)
        try:
            return cls(engine, reader, clock=clock, on_moved=on_moved)
        except BaseException:
            engine.dispose()
            raise

    def catch_up(self) -> int:
        """Read all that the log has published and return the size reached.

        Raises `Refuted` (`BadEntry` where one entry is wrong) and halts: this and every later
        call. Raises `Unavailable` when the log or the database cannot be reached, or what comes
        next was recorded in the future; the next call goes on from the last transaction.
        """
        with self._folding:
            if self.failure is not None:
                raise self.failure
            try:
                return self._catch_up(threading.Event())
            except Refuted as failure:
                self.failure = failure
                raise

    def start(self) -> None:
        """Follow in a thread from now on."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._follow, name="projections", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at the log now rather than within a second."""
        self._wake.set()

    @property
    def step(self) -> int | None:
        """How many steps the thread has taken, a few for each stretch; None while it waits."""
        return None if self._waits else self._steps

    def stop(self, seconds: float | None = None) -> bool:
        """Finish the transaction under way and end the thread; False if that takes longer."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                return False
            self._thread = None
        return True

    # --- Following ---

    def _follow(self) -> None:
        while not self._stopping.is_set():
            # Cleared before looking, so that a wake during the look leads to another look.
            self._wake.clear()
            self._waits = False
            try:
                with self._folding:
                    self._catch_up(self._stopping)
                self.obstacle = None
            except Unavailable as obstacle:
                self.obstacle = obstacle
            except Exception as failure:  # noqa: BLE001  # of any kind: the operator must see it
                self.failure = failure
                return
            finally:
                self._waits = True
            self._wake.wait(INTERVAL)

    def _catch_up(self, stopping: threading.Event) -> int:
        self._steps += 1
        # Before the tables are read, which takes long, for nothing.
        self._check_clock()
        checkpoint = self._reader.checkpoint()
        try:
            try:
                return self._read_up_to(checkpoint, stopping, thorough=False)
            except IntegrityError:
                # The unique index is what refuses a submission that exists already, or a row that
                # the follower did not write; it refuses the whole stretch. Reading that again,
                # with every submission looked up, lets the rules name the entry.
                return self._read_up_to(checkpoint, stopping, thorough=True)
        except IntegrityError as error:
            raise Refuted(f"the tables hold rows beyond their position: {error.orig}") from None
        except OperationalError as error:
            raise Unavailable(f"the database of the read models: {error.orig}") from error

    def _read_up_to(
        self, checkpoint: Checkpoint, stopping: threading.Event, *, thorough: bool
    ) -> int:
        fold = self._resume(thorough=True) if thorough else self._fold or self._resume()
        # Kept again only at the end: after any failure the next attempt starts from the tables.
        self._fold = None
        self._published, self._kept_bundle = checkpoint.size, (-1, [])
        self._move(fold.edge.size)
        self._watch.restart()
        read = fold.edge.size
        try:
            for stretch in self._reader.stretches(fold.edge, checkpoint):
                self._take(fold, stretch)
                read = stretch.start + len(stretch.entries)
                if stopping.is_set():
                    return self.size
            fold.replayer.settle()
        except BadEntry:
            raise
        except Refuted as error:
            raise self._located(error, read, checkpoint) from None
        self._fold = fold
        return self.size

    def _take(self, fold: _Fold, stretch: Stretch) -> None:
        self._lap("read")
        fold.credentials.look_up(stretch.entries)
        try:
            for submission in fold.replayer.each(stretch.entries, stretch.leaves):
                if self._clock is not None and is_ahead(submission.recorded_at, self._clock()):
                    self._write(fold)
                    self._ahead = submission.position, submission.recorded_at
                    self._check_clock()
                self._add(fold, submission)
        except BadEntry:
            self._write(fold)  # what came before the bad entry still counts
            raise
        whole = not fold.replayer.pending
        self._write(fold, stretch.edge if whole else None)
        if whole:
            # A replayer remembers every submission it has seen; from here on the table does. Until
            # then, what was looked up for the submission that is not complete yet must stay.
            fold.credentials.clear()
            fold.replayer = self._replayer(fold.known, fold.credentials, fold.rows)

    def _check_clock(self) -> None:
        """Raise `Unavailable` as long as what comes next was recorded in the future."""
        if self._ahead is not None and self._clock is not None:
            position, recorded_at = self._ahead
            check_not_ahead(f"the log recorded entry {position}", recorded_at, self._clock())
            self._ahead = None

    def _add(self, fold: _Fold, submission: ReplayedSubmission) -> None:
        if fold.thorough:
            with self.engine.connect() as connection:
                submissions.refuse_repeated(connection, submission)
        fold.add(submission)

    def _write(self, fold: _Fold, edge: CompactRange | None = None) -> None:
        """Write the rows of `fold`; `edge`, if given, is the compact range up to their end."""
        if not fold.leaves:
            return
        edge, before = edge or fold.edge.extended(fold.leaves), fold.edge.size
        self._lap("fold")
        with self.engine.begin() as connection:
            # First of all, so that a second follower waits here and then finds itself overtaken.
            moved = connection.execute(
                update(POSITION_ROW)
                .where(POSITION_ROW.c.size == fold.edge.size)
                .values(
                    origin=fold.known.register.origin,
                    size=edge.size,
                    recorded_at=fold.recorded_at,
                    root=edge.root(),
                    hashes=b"".join(edge.hashes),
                )
            )
            if moved.rowcount != 1:
                raise Unavailable(f"another follower has moved the tables on from {self.size}")
            for statement, rows in fold.rows.items():
                write(connection, statement, rows)
            # If we stop before this commit, the tables are as they were; after it, they are
            # at the new size. There is no state in between.
        fold.written(edge)
        self._move(edge.size)
        self._measure(edge, before)

    def _lap(self, step: str) -> None:
        self._steps += 1
        self._watch.lap(step)

    def _measure(self, edge: CompactRange, before: int) -> None:
        self._lap("write")
        self._measured(
            Advance(
                size=edge.size,
                entries=edge.size - before,
                began=self._watch.began,
                seconds=self._watch.seconds,
                root=edge.root().hex() if edge.size == self._published else None,
            )
        )
        self._watch.restart()

    def _located(self, error: Refuted, read: int, checkpoint: Checkpoint) -> BadEntry:
        """Return `error` with the bad entry, if it is one of those read next."""
        if checkpoint.size >= read:
            for position in range(read, min(read + _AHEAD, checkpoint.size)):
                try:
                    self._reader.entry(position, checkpoint)
                except Refuted as refuted:
                    return BadEntry(f"entry {position}", "inclusion", str(refuted), position)
        return BadEntry(f"checkpoint {checkpoint.size}", "consistency", str(error))

    def _move(self, size: int) -> None:
        if size != self.size:
            self.size = size
            if self._on_moved is not None:
                self._on_moved(size)

    # --- Starting from what the tables hold ---

    def _resume(self, *, thorough: bool = False) -> _Fold:
        edge, known = resume(self.engine, self._reader.keys.first)
        rows: Rows = defaultdict(list)
        found = KnownCredentials(
            self.engine, self._reached, lambda: rows[issuances.INTO_ISSUED], self._entry_at, known
        )
        replayer = self._replayer(known, found, rows)
        return _Fold(edge, known, replayer, found, thorough, rows)

    def _replayer(self, known: Known, credentials: KnownCredentials, rows: Rows) -> Replayer:
        return Replayer(
            *(PublicKey("Ed25519", key.public) for key in self._reader.keys.keys),
            origin=self._reader.keys.name,
            register=known.register,
            credentials_for=lambda events: credentials.judging(events, known.register.size),
            entries_at=lambda start, end: [self._entry_at(at) for at in range(start, end)],
            totals=KeyTotals(
                self.engine,
                known.organizations,
                self._reached,
                lambda: rows[submissions.INTO_SUBMISSIONS],
                lambda: known.register.size,
            ),
        )

    def _reached(self) -> int:
        return self.size

    def _entry_at(self, position: int) -> bytes:
        """Return an entry that was read before, and proven then, once more."""
        if position // WIDTH != self._kept_bundle[0]:
            end = min((position // WIDTH + 1) * WIDTH, self._published)
            ((index, entries),) = self._reader.bundles(
                position // WIDTH * WIDTH, end, size=self._published
            )
            self._kept_bundle = index, entries
        return self._kept_bundle[1][position % WIDTH]
