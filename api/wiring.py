"""Putting the parts together: what starts when, who stops whom.

`opened` gives parts that have looked at what they own and found nothing damaged; nothing is
served otherwise. That the sequence is, entry by entry, what was published, only `fsck` asks.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DatabaseError

from api.folder import Folder, read_key
from api.processes.following import Following
from api.processes.publishing import Publishing
from api.processes.wakeups import Wakeups
from api.published import Published
from log.fsck import fsck as check_log
from log.last_signed import LastSigned
from log.publisher import Publisher
from log.store import DirectoryStore
from projections.follower import Follower
from registry.gate import Gate, Settled
from registry.outcomes import Outcome
from testamur.catalogue.events import LogOpened
from testamur.catalogue.ids import new_id
from testamur.catalogue.lines import encode_event
from testamur.catalogue.members import Authority
from testamur.catalogue.submission import seal
from testamur.errors import Refuted, Unavailable
from testamur.keys import PrivateKey, PublicKey
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.note import SignerKey, VerifierKey
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource

INTERVAL: Final = 0.1

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """The opened parts of one log, not running yet."""

    vkey: VerifierKey
    gate: Gate
    store: DirectoryStore
    publishing: Publishing
    following: Following
    wakeups: Wakeups

    def latest(self) -> Published:
        """Return the checkpoint that is out."""
        return self.publishing.latest

    def reader(self) -> LogReader:
        """Return a new reader of the published log, for one thread."""
        return LogReader(self.store, self.vkey)

    def start(self) -> None:
        """Begin to follow what is published, and to wake requests on this loop."""
        self.wakeups.bind(asyncio.get_running_loop(), committed=self.gate.committed())
        # What was published until now found no loop to tell.
        self.wakeups.on_published(self.latest().checkpoint)
        self.following.start()

    def stop(self) -> None:
        """Publish what is durable, and come to rest. Requests are over by then.

        What the gate still commits after the publisher has ended is durable, and published at
        the next start.
        """
        self.publishing.stop()
        self.following.stop()
        self.gate.close()


# --- Making a log ---


def init(root: Path, origin: str, authorities: Sequence[Authority]) -> VerifierKey:
    """Make a log in the empty or absent folder `root` and return its verifier key.

    Raises `Refuted` when the folder is not empty or the genesis breaks a rule, `Unavailable` when
    the disk fails; nothing is left behind then.
    """
    if _things_in(root):
        raise Refuted(f"{root} is not an empty folder, and a log is made once")
    folder = Folder(root)
    signer = SignerKey.generate(origin)
    made = not root.exists()
    unborn = folder.key.with_suffix(".new")
    try:
        # If we stop in here, there is no `key`: no server takes the folder for a log.
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_key(unborn, signer)
        _open_log(folder, signer, authorities)
        unborn.replace(folder.key)
        _flush(root)
        _flush(root.parent)
    except BaseException as error:
        _remove(root if made else None, _things_in(root))
        if isinstance(error, OSError):
            raise Unavailable(f"{root} cannot be made: {error}") from error
        raise
    return signer.verifier


def _things_in(root: Path) -> list[Path]:
    """Return what lies in a folder, but for what file systems put into their roots."""
    if not root.exists():
        return []
    if not root.is_dir():
        return [root]
    return [path for path in root.iterdir() if path.name != "lost+found"]


def _remove(root: Path | None, things: Sequence[Path]) -> None:
    for path in things:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if root is not None and root.is_dir():
        root.rmdir()


def genesis(signer: SignerKey, authorities: Sequence[Authority], now: int) -> bytes:
    """Return the submission that opens the log, at `now` in Unix seconds."""
    key = private_key(signer)
    opened_by = key.public.did_key()
    event = LogOpened(
        admission="testamur/admission/1",
        authorities=tuple(authorities),
        format="testamur/log/1",
        origin=signer.name,
    )
    return seal(
        [encode_event(event)],
        key=key,
        kid=f"{opened_by}#{key.public.multikey()}",
        aud=signer.name,
        iat=now,
        jti=new_id(),
    )


def private_key(signer: SignerKey) -> PrivateKey:
    """Return the same Ed25519 key as one that signs submissions."""
    return PrivateKey("Ed25519", signer.private.private_bytes_raw())


def _open_log(folder: Folder, signer: SignerKey, authorities: Sequence[Authority]) -> None:
    with ExitStack() as stack:
        gate = _open_gate(folder, signer.verifier, lambda _: None, stack)
        gate.open_log(genesis(signer, authorities, int(time.time())))
        last_signed = LastSigned(folder.last_signed)
        stack.callback(last_signed.close)
        store = DirectoryStore(folder.log)
        publisher = Publisher(gate, store, last_signed, signer, published=lambda *_: None)
        publisher.resume()
        publisher.publish_once()


def _write_key(path: Path, signer: SignerKey) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(f"{signer.render()}\n".encode())
        stream.flush()
        os.fsync(stream.fileno())


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- Checking a log ---


def fsck(root: Path, progress: Callable[[int, int], None] | None = None) -> list[str]:
    """Return everything that is wrong with the log in `root`, one line each.

    The sequence, the published files and the last checkpoint signed are checked against one
    another; a server may be at work meanwhile. `progress` is told (entries checked, entries in
    all). Raises `Unavailable`, and `Refuted` when the key itself is damaged.
    """
    folder = Folder(root)
    key = read_key(folder).verifier
    wrong: list[str] = []
    with ExitStack() as stack:
        gate = None
        try:
            gate = _open_gate(folder, key, lambda _: None, stack)
            gate.verify_storage(thorough=True)
        except Refuted as damage:
            wrong.append(f"{folder.registry.name}: {damage}")
        last_signed = None
        if folder.last_signed.exists():
            try:
                last_signed = LastSigned(folder.last_signed)
                stack.callback(last_signed.close)
            except Refuted as damage:
                wrong.append(str(damage))
        else:
            wrong.append(f"{folder.last_signed.name}: missing")
        store = DirectoryStore(folder.log)
        found = check_log(store, key, gate, last_signed, progress=progress)
    wrong += map(str, found.damage)
    if found.left_off:
        wrong.append(f"and {found.left_off} more")
    return wrong


# --- Opening a log ---


@contextmanager
def opened(root: Path, *, interval: float = INTERVAL) -> Iterator[Parts]:
    """Open the log in `root` for the one server it may have, and close it afterwards.

    `interval` is in seconds between checkpoints, at most. Raises `Refuted` naming the damage,
    `Unavailable` when another server is at work there or the disk fails.
    """
    folder = Folder(root)
    # The publisher alone keeps the signing key.
    key = read_key(folder).verifier
    with ExitStack() as stack:
        stack.enter_context(_locked(folder.lock))
        yield _open_parts(folder, key, interval, stack)


def _open_parts(folder: Folder, key: VerifierKey, interval: float, stack: ExitStack) -> Parts:
    wakeups = Wakeups()

    def settled(outcomes: list[tuple[object, Outcome]]) -> None:
        publishing.wake()
        wakeups.on_settled(outcomes)

    def published(checkpoint: Checkpoint) -> None:
        wakeups.on_published(checkpoint)
        following.wake()

    gate = _open_gate(folder, key, settled, stack)
    following = _open_following(folder, key, stack)
    publishing = Publishing(folder, key, interval=interval, published=published)
    stack.callback(publishing.stop)
    publishing.start()
    return Parts(key, gate, DirectoryStore(folder.log), publishing, following, wakeups)


def _open_gate(folder: Folder, key: VerifierKey, settled: Settled, stack: ExitStack) -> Gate:
    log_key = PublicKey("Ed25519", key.public)
    gate = Gate.open(folder.registry, log_key=log_key, settled=settled)
    stack.callback(gate.close)
    return gate


def _open_following(folder: Folder, key: VerifierKey, stack: ExitStack) -> Following:
    """Return the follower's keeper, over tables that it can go on from."""
    reader = LogReader(DirectorySource(folder.log), key)
    try:
        try:
            follower = Follower.open(folder.projections, reader)
        except (Refuted, DatabaseError) as damage:
            # Nothing is lost: all of it comes from the log, which is checked as it is read.
            _log.warning("the projections are built anew: %s", damage)
            shutil.rmtree(folder.projections)
            follower = Follower.open(folder.projections, reader)
    except (OSError, DatabaseError) as error:
        raise Unavailable(f"{folder.projections} cannot be used: {error}") from error
    stack.callback(follower.engine.dispose)
    following = Following(folder.log, folder.projections, key, follower.engine, size=follower.size)
    # Whatever went wrong before, the folder is not given up while a process writes to it.
    stack.callback(following.stop)
    return following


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        lock = path.open("ab")
    except OSError as error:
        raise Unavailable(f"{path} cannot be made: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"another server is at work in {path.parent}") from None
        # The lock is the process's: when it dies, however it dies, the lock is gone.
        yield
