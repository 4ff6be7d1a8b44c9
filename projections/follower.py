"""Follows the published log and keeps the tables: every entry checked, every submission whole.

The follower believes the log's key and nothing else: it reads through the same `LogReader` and
the same `Replayer` as any outsider. Rows and position move in one transaction, so after a crash
at any moment the tables are those of some size, and it goes on from there. At the first entry
that fails a check it halts for good, names it, and the tables go on answering for what came
before. It does not show that others were given the same log: witnesses do.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, insert, update
from sqlalchemy.exc import IntegrityError, OperationalError

from projections import accreditations, achievements, credentials, organizations, submissions
from projections.bulk import write
from projections.database import open_live
from projections.position import POSITION_ROW, Reached, reached
from projections.register import known_at
from projections.tables import LAYOUT, METADATA, Known, Rows
from testamur.catalogue import events as e
from testamur.catalogue.table import CREATED
from testamur.errors import Refuted, Unavailable
from testamur.keys import PublicKey
from testamur.rules import Credentials, CredentialState
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import EMPTY_ROOT, CompactRange
from testamur.tlog.reader import STRETCH, LogReader, Stretch
from testamur.tlog.tiles import WIDTH
from testamur.verification.replay import BadEntry, ReplayedSubmission, Replayer

INTERVAL: Final = 1.0
"""Seconds after which the log is looked at again when nobody woke the follower."""

# Entries that a stretch may hold: among these the damaged one is looked for.
_AHEAD: Final = STRETCH * WIDTH

# In this order: who is who comes first, since the others name organizations by number.
_FOLDS: Final = (
    organizations.fold,
    submissions.fold,
    accreditations.fold,
    achievements.fold,
    credentials.fold,
)


@dataclass(slots=True)
class _Place:
    """Where the fold stands: what the tables hold, and the submissions not yet in them."""

    edge: CompactRange
    known: Known
    replayer: Replayer
    # Looking up every credential that is issued would cost as much as writing it: the unique
    # index finds the rare one that exists, and only then is every name looked up.
    thorough: bool
    rows: Rows = field(default_factory=lambda: defaultdict(list))
    leaves: list[bytes] = field(default_factory=list)
    recorded_at: int = 0
    credentials: dict[str, CredentialState] = field(default_factory=dict)

    def add(self, cohort: ReplayedSubmission) -> None:
        """Add the rows of a submission, the register being as that submission left it."""
        for fold in _FOLDS:
            fold(cohort, self.known, self.rows)
        self.leaves += cohort.leaves
        self.recorded_at = cohort.recorded_at

    def written(self, edge: CompactRange) -> None:
        """Forget the rows, which are in the tables now."""
        self.edge = edge
        self.rows.clear()
        self.leaves.clear()
        self.credentials.clear()


class Follower:
    """Keeps the tables in the database of `engine` up with the log that `reader` reads.

    Queries take a connection of `engine`, which a rebuild replaces: ask for it each time.
    """

    def __init__(
        self,
        engine: Engine,
        reader: LogReader,
        *,
        live: bool = True,
        moved: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Go on from what the tables hold, or begin them. `live` marks new ones as answering.

        `moved` is told each size reached, by the thread that folds. Raises `Refuted` when the
        tables are of another log, another layout, or damaged.
        """
        self._engine = engine
        self._reader = reader
        self._told = moved
        self._folding = threading.Lock()
        self._moved = threading.Condition()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self._obstacle: Unavailable | None = None
        METADATA.create_all(engine)
        with engine.begin() as connection:
            if connection.execute(POSITION_ROW.select()).one_or_none() is None:
                connection.execute(insert(POSITION_ROW), self._beginning(live=live))
        self._place: _Place | None = self._resume()
        self._size = self._place.edge.size

    @classmethod
    def open(
        cls, folder: Path, reader: LogReader, *, moved: Callable[[int], None] = lambda _: None
    ) -> Follower:
        """Return a follower over the database in `folder` that answers, or over a new one.

        Raises `Refuted` as above. Its engine is for the caller to dispose of.
        """
        engine = open_live(folder)
        try:
            return cls(engine, reader, moved=moved)
        except BaseException:
            engine.dispose()
            raise

    @property
    def engine(self) -> Engine:
        """The database that answers now."""
        return self._engine

    @property
    def size(self) -> int:
        """The size of the tree that the tables tell of."""
        return self._size

    @property
    def failure(self) -> Exception | None:
        """What the follower halted at, or `None`."""
        return self._failure

    @property
    def obstacle(self) -> Unavailable | None:
        """Why the last attempt got no further, if it is worth another one; or `None`."""
        return self._obstacle

    def catch_up(self) -> int:
        """Read all that the log has published and return the size reached.

        Raises `Refuted` (`BadEntry` where an entry is at fault) and halts: this and every later
        call. Raises `Unavailable` when the log or the database cannot be reached; the next call
        goes on from the last transaction.
        """
        with self._folding:
            if self._failure is not None:
                raise self._failure
            try:
                return self._catch_up(threading.Event())
            except Refuted as failure:
                self._halt(failure)
                raise

    def wait_for(self, size: int, timeout: float) -> bool:
        """Return whether the tables reach `size`, waiting up to `timeout` seconds for it.

        This is how a writer reads what it wrote. Needs `start`.
        """
        with self._moved:
            if self._size < size:
                self._wake.set()
            self._moved.wait_for(lambda: self._size >= size or self._failure is not None, timeout)
            return self._size >= size

    def start(self) -> None:
        """Follow in a thread from now on."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._follow, name="projections", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at the log now rather than within a second."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the transaction under way and end the thread."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def rebuild(self, engine: Engine, reader: LogReader) -> Engine:
        """Build the tables anew in the empty database of `engine`, then answer from there.

        Meanwhile the present tables answer and are kept up; `reader` is another one of the same
        log, since readers are not shared by threads. Returns their engine, for the caller
        to dispose of. Raises what `catch_up` raises, and `Refuted` when the log as it is now
        does not extend what the present tables were built from; they then stay in place.
        """
        fresh = Follower(engine, reader, live=False)
        fresh.catch_up()
        with self._folding:
            fresh.catch_up()  # what was published while the bulk of it was read
            self._check_extends(reader)
            with engine.begin() as connection:
                # From this commit on a restart answers from the new tables.
                connection.execute(update(POSITION_ROW).values(live=True))
            replaced, self._engine = self._engine, engine
            self._place, self._failure = None, None
            self._move(fresh.size)
        if self._thread is not None and not self._thread.is_alive():
            self.start()  # it had halted at the tables that are now replaced
        return replaced

    # --- Following ---

    def _follow(self) -> None:
        while not self._stopping.is_set():
            # Cleared before looking: who publishes and wakes from here on is not slept through.
            self._wake.clear()
            try:
                with self._folding:
                    self._catch_up(self._stopping)
                self._obstacle = None
            except Unavailable as obstacle:
                self._obstacle = obstacle
            except Exception as failure:  # noqa: BLE001  # whatever it is, it must not go unseen
                self._halt(failure)
                return
            self._wake.wait(INTERVAL)

    def _catch_up(self, stopping: threading.Event) -> int:
        checkpoint = self._reader.checkpoint()
        try:
            try:
                return self._read_up_to(checkpoint, stopping, thorough=False)
            except IntegrityError:
                # A credential or submission that exists already, or rows that nobody should have
                # written. Judged again with every name looked up, the rules say which entry.
                return self._read_up_to(checkpoint, stopping, thorough=True)
        except IntegrityError as error:
            raise Refuted(f"the tables hold rows beyond their position: {error.orig}") from None
        except OperationalError as error:
            raise Unavailable(f"the database of the read models: {error.orig}") from error

    def _read_up_to(
        self, checkpoint: Checkpoint, stopping: threading.Event, *, thorough: bool
    ) -> int:
        place = self._resume(thorough=True) if thorough else self._place or self._resume()
        # Kept again only at the end: whatever stops us, the next attempt starts from the tables.
        self._place = None
        self._move(place.edge.size)
        read = place.edge.size
        try:
            for stretch in self._reader.stretches(place.edge, checkpoint):
                self._take(place, stretch)
                read = stretch.start + len(stretch.entries)
                if stopping.is_set():
                    return self._size
            place.replayer.settle()
        except BadEntry:
            raise
        except Refuted as error:
            raise self._located(error, read, checkpoint) from None
        self._place = place
        return self._size

    def _take(self, place: _Place, stretch: Stretch) -> None:
        try:
            for cohort in place.replayer.each(stretch.entries, stretch.leaves):
                self._add(place, cohort)
        except BadEntry:
            self._write(place)  # what came before the damage still counts
            raise
        whole = not place.replayer.pending
        self._write(place, stretch.edge if whole else None)
        if whole:
            # A replayer remembers every submission it has seen; from here on the table does.
            place.replayer = self._replayer(place.known, place.credentials, thorough=place.thorough)

    def _add(self, place: _Place, cohort: ReplayedSubmission) -> None:
        if place.thorough:
            with self._engine.connect() as connection:
                submissions.refuse_repeated(connection, cohort)
        place.add(cohort)

    def _write(self, place: _Place, edge: CompactRange | None = None) -> None:
        """Write what is in `place`; `edge` spares working out the range up to its end."""
        if not place.leaves:
            return
        edge = edge or place.edge.extended(place.leaves)
        with self._engine.begin() as connection:
            # First of all, so that a second follower waits here and then finds itself overtaken.
            moved = connection.execute(
                update(POSITION_ROW)
                .where(POSITION_ROW.c.size == place.edge.size)
                .values(
                    origin=place.known.register.origin,
                    size=edge.size,
                    recorded_at=place.recorded_at,
                    root=edge.root(),
                    hashes=b"".join(edge.hashes),
                )
            )
            if moved.rowcount != 1:
                raise Unavailable(f"another follower has moved the tables on from {self._size}")
            for statement, rows in place.rows.items():
                write(connection, statement, rows)
            # If we stop before this commit, the tables are as they were; after it, they are
            # at the new size. There is no state in between.
        place.written(edge)
        self._move(edge.size)

    def _located(self, error: Refuted, read: int, checkpoint: Checkpoint) -> BadEntry:
        """Return `error` with the entry that is at fault, if it is one of those read next."""
        if checkpoint.size >= read:
            for position in range(read, min(read + _AHEAD, checkpoint.size)):
                try:
                    self._reader.entry(position, checkpoint)
                except Refuted as refuted:
                    return BadEntry(f"entry {position}", "inclusion", str(refuted), position)
        return BadEntry(f"checkpoint {checkpoint.size}", "consistency", str(error))

    # --- Starting from what the tables hold ---

    def _resume(self, *, thorough: bool = False) -> _Place:
        with self._engine.connect() as connection:
            stored = reached(connection)
            edge = self._checked(stored)
            end = submissions.end(connection)
            if end != stored.size:
                raise Refuted(
                    f"the tables end at {end}, their position says {stored.size}: rebuild them"
                )
            known = known_at(connection, stored.size)
        existing: dict[str, CredentialState] = {}
        replayer = self._replayer(known, existing, thorough=thorough)
        return _Place(edge, known, replayer, thorough, credentials=existing)

    def _checked(self, stored: Reached) -> CompactRange:
        if stored.layout != LAYOUT:
            raise Refuted(f"the tables are of layout {stored.layout}, not {LAYOUT}: rebuild them")
        if stored.log != str(self._reader.key):
            raise Refuted(f"the tables are of log {stored.log}, not {self._reader.key}")
        try:
            edge = stored.edge()
        except ValueError as error:
            raise Refuted(f"the position in the tables is damaged: {error}") from None
        if edge.root() != stored.root:
            raise Refuted(
                f"the position in the tables is damaged: its hashes lead to root "
                f"{edge.root().hex()}, it says {stored.root.hex()}"
            )
        return edge

    def _beginning(self, *, live: bool) -> dict[str, object]:
        return {
            "id": 1,
            "layout": LAYOUT,
            "log": str(self._reader.key),
            "origin": None,
            "size": 0,
            "recorded_at": 0,
            "root": EMPTY_ROOT,
            "hashes": b"",
            "live": live,
        }

    def _replayer(
        self, known: Known, existing: dict[str, CredentialState], *, thorough: bool
    ) -> Replayer:
        def credentials_for(events: Sequence[e.Event]) -> Credentials:
            missing = [name for name in _named(events, thorough=thorough) if name not in existing]
            if missing:
                with self._engine.connect() as connection:
                    existing.update(credentials.states(connection, missing))
            return existing

        log_key = PublicKey("Ed25519", self._reader.key.public)
        return Replayer(
            log_key,
            origin=self._reader.key.name,
            register=known.register,
            credentials_for=credentials_for,
        )

    def _check_extends(self, reader: LogReader) -> None:
        with self._engine.connect() as connection:
            edge = self._checked(reached(connection))
        next(reader.stretches(edge, reader.checkpoint()), None)

    # --- Telling others ---

    def _move(self, size: int) -> None:
        with self._moved:
            further = size != self._size
            self._size = size
            self._moved.notify_all()
        if further:
            self._told(size)

    def _halt(self, failure: Exception) -> None:
        with self._moved:
            self._failure = failure
            self._moved.notify_all()


def _named(events: Iterable[e.Event], *, thorough: bool) -> set[str]:
    """Return the credentials whose state the rules will ask for."""
    names = set()
    for event in events:
        if type(event) is e.CredentialIssued:
            if thorough:
                names.add(event.credential)
        elif isinstance(event, e.CredentialStatusEvent):
            names.add(event.credential)
            if isinstance(event, e.CredentialSuperseded):
                names.add(event.successor)
        elif type(event) in CREATED:
            # The register tells what else goes by that id, but not whether a credential does.
            names.add(getattr(event, CREATED[type(event)]))
    return names
