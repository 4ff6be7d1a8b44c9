"""Puts the parts of a server together that is alone with its log: who starts, wakes and stops whom.

`opened` gives parts that have checked their own files and found no damage; otherwise nothing is
served. Only `fsck` checks entry by entry that the sequence is what was published. `sharing.py` does
the same where a database keeps the sequence, and several processes share the work.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from api.folder import Folder, locked
from api.log_files import open_log_files
from api.log_keys.listed import KeyList
from api.log_keys.private import read_key_list
from api.operations.observer import Observer
from api.parts import Parts
from api.processes.following import Following
from api.processes.publishing import Publishing
from api.processes.wakeups import Wakeups
from api.read_models import open_sound
from api.roles import ALL
from api.sequence import open_sequence
from projections.database import open_tables
from registry.gate import Gate
from registry.outcomes import Outcome
from testamur.errors import Unavailable
from testamur.keys import PublicKey
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.note import VerifierKey

INTERVAL: Final = 0.1


@contextmanager
def opened(
    root: Path,
    *,
    store: str | None = None,
    interval: float = INTERVAL,
    observer: Observer | None = None,
) -> Iterator[Parts]:
    """Open the log in `root` for its one server, and close it afterwards.

    `store` is the address of the file of the sequence, if it is not in the folder. Checkpoints are
    at least `interval` seconds apart. The parts report to `observer`. Raises `Refuted` naming the
    damage, and `Unavailable` when another server runs there or the disk fails.
    """
    folder = Folder(root)
    # Only the publisher keeps the signing key.
    listed = read_key_list(folder)
    with ExitStack() as stack:
        stack.enter_context(locked(folder))
        yield _open_parts(folder, listed, store, interval, observer or Observer(*ALL), stack)


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

    def stop(seconds: float) -> None:
        publishing.stop(seconds)
        following.stop(seconds)

    keys = listed.keys
    key = keys.first  # which opened the log
    log_key = PublicKey("Ed25519", key.public)
    sequence = stack.enter_context(closing(open_sequence(folder, store)))
    gate = Gate(sequence, log_key=log_key, settled=on_settled, measured=observer.group)
    stack.callback(gate.close)
    engine, size = _open_tables(folder.projections, key)
    stack.callback(engine.dispose)
    following = Following(
        folder.log,
        folder.projections,
        keys,
        engine,
        size=size,
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
    return Parts(
        keys=listed,
        gate=gate,
        store=open_log_files(folder),
        publishing=publishing,
        following=following,
        wakeups=wakeups,
        children={"publisher": publishing, "follower": following},
        begin=following.start,
        end=stop,
    )


def _open_tables(tables: Path, key: VerifierKey) -> tuple[Engine, int]:
    """Return the database that the follower writes to, and the size it reaches."""
    try:
        return open_sound(lambda: open_tables(tables), lambda: shutil.rmtree(tables), key)
    except (OSError, DatabaseError) as error:
        raise Unavailable(f"{tables} cannot be used: {error}") from error
