"""Puts the parts of one process together where a database keeps the sequence.

Any number of processes share the work, on one machine or many, each with one role or several. None
knows another: what they tell each other is in the database and in the files of the log. A process
with the role `api` takes requests; `publish` and `project` are child processes of a process that
only looks after them (`Workers`), so what listens never holds the signing key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from api.folder import Folder, at_work
from api.log_files import open_log_files
from api.log_keys.listed import KeyList
from api.operations.observer import Observer
from api.operations.series import Role
from api.parts import Parts
from api.processes.believing import Judge
from api.processes.child_process import ChildProcess
from api.processes.following import FollowingInDatabase
from api.processes.progress import listening
from api.processes.publishing import Publishing
from api.processes.wakeups import Wakeups
from api.processes.watching import (
    Watch,
    WatchedLog,
    WatchedSequence,
    WatchedTables,
    committed_to,
)
from api.sequence import open_last_signed, open_sequence, read_read_models
from registry.gate import Gate
from registry.store import Store
from testamur.errors import Refuted
from testamur.keys import PublicKey
from testamur.tlog.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Place:
    """Where one process finds the log: its folder, its database, and its verifier keys.

    `interval` is in seconds, between the starts of two publications at least.
    """

    folder: Folder
    store: str
    listed: KeyList
    interval: float


@dataclass(frozen=True, slots=True)
class Workers:
    """The child processes of one process, and what it knows of the work of all others."""

    publishing: Publishing | None
    following: FollowingInDatabase | None
    log: WatchedLog
    sequence: WatchedSequence
    tables: WatchedTables

    @property
    def children(self) -> dict[str, ChildProcess]:
        """Those that there are, by name."""
        named = {"publisher": self.publishing, "follower": self.following}
        return {name: child for name, child in named.items() if child is not None}

    def start(self) -> None:
        """Start them. Raises `Refuted` when the publisher finds damage, else `Unavailable`."""
        if self.publishing is not None:
            self.publishing.start()
        if self.following is not None:
            self.following.start()

    def stop(self, seconds: float) -> None:
        """Let them finish what is under way; kill one that takes longer."""
        if self.publishing is not None:
            self.publishing.stop(seconds)
        if self.following is not None:
            self.following.stop(seconds)

    def wake(self) -> None:
        """Tell the follower that there is something new to read."""
        if self.following is not None:
            self.following.wake()


@contextmanager
def opened(place: Place, roles: frozenset[Role], observer: Observer) -> Iterator[Parts | Workers]:
    """Open the log for one process with these roles, and close it afterwards.

    Gives `Parts` if it takes requests. The parts report to `observer`. Raises `Refuted` naming what
    is damaged, and `Unavailable` when the database or the published log cannot be reached.
    """
    with ExitStack() as stack:
        stack.enter_context(at_work(place.folder))
        sequence = stack.enter_context(closing(open_sequence(place.folder, place.store)))
        opening = _Opening(place, roles, observer, stack, sequence)
        yield opening.parts() if "api" in roles else opening.workers(lambda _: None)


@dataclass(frozen=True, slots=True)
class _Opening:
    """What it takes to open the parts of one process; `stack` closes them."""

    place: Place
    roles: frozenset[Role]
    observer: Observer
    stack: ExitStack
    sequence: Store

    def parts(self) -> Parts:
        """Return the parts of a process that takes requests."""
        listed, wakeups = self.place.listed, Wakeups()

        def on_published(checkpoint: Checkpoint) -> None:
            self.observer.on_checkpoint()
            wakeups.on_published(checkpoint)

        gate = Gate(
            self.sequence,
            log_key=PublicKey("Ed25519", listed.keys.first.public),
            settled=wakeups.on_settled,
            measured=self.observer.group,
        )
        self.stack.callback(gate.close)
        workers = self.workers(on_published)
        workers.sequence.on_counted = wakeups.on_committed
        workers.sequence.on_set_back = gate.stop
        _check_not_set_back(workers.log.latest.size, gate.entries.committed())
        return Parts(
            keys=listed,
            gate=gate,
            store=open_log_files(self.place.folder, clients_wait=True),
            publishing=workers.log,
            following=workers.tables,
            wakeups=wakeups,
            children=workers.children,
            begin=lambda: None,
            end=workers.stop,
            out_of_reach=lambda: workers.sequence.obstacle,
        )

    def workers(self, published: Callable[[Checkpoint], None]) -> Workers:
        """Return the child processes, started; `published` is called with each checkpoint."""

        def on_published(checkpoint: Checkpoint) -> None:
            published(checkpoint)
            workers.wake()

        place = self.place
        engine = read_read_models(place.store)
        self.stack.callback(engine.dispose)
        files = open_log_files(place.folder, clients_wait=True)
        signed = self.stack.enter_context(closing(open_last_signed(place.folder, place.store)))
        judge = Judge(files, place.listed, signed)
        log = WatchedLog(files, judge, on_published, lambda: committed_to(self.sequence))
        tables = WatchedTables(engine, lambda: log.latest.size)
        counted = WatchedSequence(self.sequence, log)
        watch = Watch({"published": log.look, "projected": tables.look, "committed": counted.look})
        workers = Workers(self._publishing(watch), self._following(), log, counted, tables)
        self.stack.callback(workers.stop, 0.0)
        self.stack.callback(watch.stop)
        self.stack.enter_context(closing(listening(place.store, watch.hear)))
        watch.start()
        workers.start()
        return workers

    def _publishing(self, watch: Watch) -> Publishing | None:
        if "publish" not in self.roles:
            return None
        return Publishing(
            self.place.folder,
            self.place.listed.keys,
            store=self.place.store,
            interval=self.place.interval,
            # It told the database as well, but its parent need not wait for that.
            published=lambda _: watch.hear("published"),
            measured=self.observer.published,
        )

    def _following(self) -> FollowingInDatabase | None:
        if "project" not in self.roles:
            return None
        place = self.place
        return FollowingInDatabase(
            place.folder, place.listed.keys, place.store, measured=self.observer.projected
        )


def _check_not_set_back(published: int, committed: int) -> None:
    if committed < published:
        # What this process would record now gets positions that others have seen already.
        raise Refuted(
            f"the sequence has {committed} entries, and {published} are published: the "
            "database was set back to an earlier state"
        )
