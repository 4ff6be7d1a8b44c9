"""Putting the parts together: what lies where, what starts when, who stops whom.

A folder holds one log:

    key              the log's signing key (signed-note form), readable by its owner alone
    registry.db      the one sequence, as the gate admitted it
    log/             what is published: checkpoint, tiles, entry bundles
    published.db     the last checkpoint that was signed
    projections.db   answers, which can be rebuilt from log/ at any time
    lock             held by the one server that works in this folder

`opened` gives parts that have looked at what they own and found nothing damaged; nothing is
served otherwise. It does not recompute the log: `fsck` does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine

from api.waiting import Published, Waiting
from log.fsck import fsck as check_log
from log.last_signed import LastSigned
from log.publisher import Publisher
from log.store import DirectoryStore
from projections.follower import Follower
from registry.gate import Gate
from testamur.checkpoint import Checkpoint
from testamur.errors import Refuted, Unavailable, shown
from testamur.events import Authority, LogOpened, encode_event
from testamur.ids import new_id
from testamur.keys import PrivateKey
from testamur.note import SignerKey, VerifierKey
from testamur.reader import LogReader
from testamur.submission import seal

INTERVAL: Final = 0.1


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the files of one log are."""

    root: Path

    @property
    def key(self) -> Path:
        """The signing key."""
        return self.root / "key"

    @property
    def registry(self) -> Path:
        """The sequence."""
        return self.root / "registry.db"

    @property
    def log(self) -> Path:
        """The published log."""
        return self.root / "log"

    @property
    def last_signed(self) -> Path:
        """The last checkpoint signed."""
        return self.root / "published.db"

    @property
    def projections(self) -> Path:
        """The answers."""
        return self.root / "projections.db"

    @property
    def lock(self) -> Path:
        """Held by the server at work."""
        return self.root / "lock"


@dataclass(slots=True)
class Parts:
    """The opened parts of one log, not running yet."""

    folder: Folder
    signer: SignerKey
    gate: Gate
    store: DirectoryStore
    publisher: Publisher
    follower: Follower
    engine: Engine
    waiting: Waiting
    reader: LogReader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = LogReader(self.store, self.vkey)

    @property
    def vkey(self) -> VerifierKey:
        """The log's verifier key."""
        return self.signer.verifier

    @property
    def published(self) -> Published | None:
        """The checkpoint that is out."""
        latest = self.publisher.checkpoint
        return None if latest is None else Published(*latest)

    def start(self) -> None:
        """Begin to publish and to follow what is published."""
        self.publisher.start()
        self.follower.start()

    def stop(self) -> None:
        """Settle what was offered, publish what is durable, and come to rest.

        In this order: the gate's last group is what the publisher publishes last, and that is
        what the follower reads last.
        """
        self.gate.close()
        self.publisher.stop()
        self.follower.stop()


def init(root: Path, origin: str, authorities: Sequence[Authority]) -> str:
    """Make a log in the folder `root` and return its verifier key.

    Raises `Refuted` when the folder is in use or the genesis breaks a rule, `Unavailable` when
    the disk fails. The folder appears whole or not at all.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Refuted(f"{root} is not an empty folder: a log is made once")
    signer = SignerKey.generate(origin)
    # If we stop in here, a folder is left that no server takes for a log.
    building = root.with_name(f"{root.name}.new-{os.getpid()}")
    try:
        building.mkdir(parents=True, mode=0o700)
        _write_key(Folder(building).key, signer)
        _open_log(Folder(building), signer, origin, authorities)
        _flush_folder(building)
        building.replace(root)
        _flush_folder(root.parent)
    except OSError as error:
        raise Unavailable(f"{root} cannot be made: {error}") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return str(signer.verifier)


def fsck(root: Path) -> list[str]:
    """Return everything that is wrong with the log in `root`, one line each."""
    folder = Folder(root)
    signer = read_key(folder)
    return [str(finding) for finding in check_log(DirectoryStore(folder.log), signer.verifier)]


@contextmanager
def opened(root: Path, *, interval: float = INTERVAL) -> Iterator[Parts]:
    """Open the log in `root` for the one server it may have, and close it afterwards.

    Raises `Refuted` naming the damage, `Unavailable` when another server is at work there or the
    disk fails.
    """
    folder = Folder(root)
    with ExitStack() as stack:
        stack.enter_context(_locked(folder.lock))
        signer = read_key(folder)
        yield _open_parts(folder, signer, interval, stack)


def read_key(folder: Folder) -> SignerKey:
    """Return the log's key; raises `Refuted` when it is damaged or open to others."""
    try:
        if folder.key.stat().st_mode & 0o077:
            raise Refuted(f"{folder.key} may be read by others: chmod 600, and think of a new log")
        return SignerKey.parse(folder.key.read_text("utf-8").removesuffix("\n"))
    except FileNotFoundError:
        raise Unavailable(f"{folder.root} holds no log: `init` makes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{folder.key} cannot be read: {error}") from None


def _open_parts(folder: Folder, signer: SignerKey, interval: float, stack: ExitStack) -> Parts:
    waiting = Waiting()
    wake = _Wake()

    def settled(outcomes: list[tuple[object, object]]) -> None:
        wake.publisher()
        waiting.settled(outcomes)

    def published(checkpoint: Checkpoint, note: bytes) -> None:
        waiting.published(checkpoint, note)
        wake.follower()

    gate = Gate.open(folder.registry, log_key=private_key(signer).public, settled=settled)
    stack.callback(gate.close)
    gate.verify_storage()
    store = DirectoryStore(folder.log)
    last_signed = LastSigned(folder.last_signed)
    stack.callback(last_signed.close)
    publisher = Publisher(
        gate, store, last_signed, signer, interval=interval, published=published
    )
    publisher.resume()
    engine = create_engine(f"sqlite:///{folder.projections}")
    stack.callback(engine.dispose)
    follower = Follower(engine, LogReader(store, signer.verifier))
    wake.publisher, wake.follower = publisher.wake, follower.wake
    return Parts(folder, signer, gate, store, publisher, follower, engine, waiting)
