"""Puts the parts of a server together: what starts when, what wakes what, what stops when.

`opened` gives parts that have checked their own files and found no damage; otherwise nothing is
served. Only `fsck` checks entry by entry that the sequence is what was published.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from api.folder import Folder, locked
from api.log_keys.listed import KeyList
from api.log_keys.private import read_key_list
from api.operations.observer import Observer
from api.processes.following import Following
from api.processes.publishing import Publishing
from api.processes.wakeups import Wakeups
from api.published import Published
from api.sequence import is_database, open_read_models, open_sequence, remove_read_models
from log.directory import DirectoryStore
from projections.database import open_tables
from projections.resuming import begin, resume
from registry.gate import Gate
from registry.outcomes import Outcome
from testamur.errors import Refuted, Unavailable
from testamur.keys import PublicKey
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.note import VerifierKey
from testamur.tlog.reader import LogReader

INTERVAL: Final = 0.1

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """The opened parts of one log, before they run."""

    keys: KeyList
    gate: Gate
    store: DirectoryStore
    publishing: Publishing
    following: Following
    wakeups: Wakeups

    def latest(self) -> Published:
        """Return the newest published checkpoint."""
        return self.publishing.latest

    def reader(self) -> LogReader:
        """Return a new reader of the published log, for one thread."""
        return LogReader(self.store, self.keys.keys)

    def start(self) -> None:
        """Begin to follow what is published, and to wake requests on this loop."""
        self.wakeups.bind(asyncio.get_running_loop(), committed=self.gate.entries.committed())
        # Checkpoints published before now found no loop to wake requests on.
        self.wakeups.on_published(self.latest().checkpoint)
        self.following.start()

    def stop(self) -> None:
        """Publish what is durable, and come to rest. Requests are over by then.

        Entries that the gate commits after the publisher has ended are durable, and published at
        the next start.
        """
        self.publishing.stop()
        self.following.stop()
        self.gate.close()


@contextmanager
def opened(
    root: Path,
    *,
    store: str | None = None,
    interval: float = INTERVAL,
    observer: Observer | None = None,
) -> Iterator[Parts]:
    """Open the log in `root` for its one server, and close it afterwards.

    `store` is the address of the sequence, if it is not kept in the folder. Checkpoints are at
    least `interval` seconds apart. The parts report to `observer`. Raises `Refuted` naming
    the damage, and `Unavailable` when another server runs there or the disk fails.
    """
    folder = Folder(root)
    # Only the publisher keeps the signing key.
    listed = read_key_list(folder)
    with ExitStack() as stack:
        stack.enter_context(locked(folder))
        yield _open_parts(folder, listed, store, interval, observer or Observer("api"), stack)


def _open_parts(
    folder: Folder,
    listed: KeyList,
    store: str | None,
    interval: float,
    observer: Observer,
    stack: ExitStack,
) -> Parts:
    wakeups = Wakeups()

    def on_settled(outcomes: list[tuple[object, Outcome]]) -> None:
        publishing.wake()
        wakeups.on_settled(outcomes)

    def on_published(checkpoint: Checkpoint) -> None:
        observer.on_checkpoint()
        wakeups.on_published(checkpoint)
        following.wake()

    keys = listed.keys
    key = keys.first  # which opened the log
    log_key = PublicKey("Ed25519", key.public)
    sequence = stack.enter_context(closing(open_sequence(folder, store)))
    gate = Gate(sequence, log_key=log_key, settled=on_settled, measured=observer.group)
    stack.callback(gate.close)
    engine, size = _open_tables(folder, store, key)
    stack.callback(engine.dispose)
    following = Following(
        folder.log,
        folder.projections,
        keys,
        engine,
        size=size,
        store=store,
        measured=observer.projected,
    )
    # After any failure the folder is not released while a child still writes to it.
    stack.callback(following.stop)
    publishing = Publishing(
        folder,
        keys,
        store=store,
        interval=interval,
        published=on_published,
        measured=observer.published,
    )
    stack.callback(publishing.stop)
    publishing.start()
    return Parts(listed, gate, DirectoryStore(folder.log), publishing, following, wakeups)


def _open_tables(folder: Folder, store: str | None, key: VerifierKey) -> tuple[Engine, int]:
    """Return the database that the follower writes to, and the size it reaches.

    Tables that it cannot go on from are built anew. That is decided here because the child could
    not tell damage in the tables from damage in the log.
    """
    place = "the database" if is_database(store) else folder.projections
    try:
        try:
            return _resumed(folder, store, key)
        except (Refuted, DatabaseError) as damage:
            if is_database(store) and isinstance(damage, OperationalError):
                raise  # it cannot be asked just now, which says nothing of the tables
            # Nothing is lost: every row comes from the log, which is checked as it is read.
            _log.warning("the projections are built anew: %s", damage)
            if is_database(store):
                remove_read_models(store)
            else:
                shutil.rmtree(folder.projections)
            return _resumed(folder, store, key)
    except (OSError, DatabaseError) as error:
        raise Unavailable(f"{place} cannot be used: {error}") from error


def _resumed(folder: Folder, store: str | None, key: VerifierKey) -> tuple[Engine, int]:
    engine = open_read_models(store) if is_database(store) else open_tables(folder.projections)
    try:
        begin(engine, key)
        return engine, resume(engine, key).size
    except BaseException:
        engine.dispose()
        raise
