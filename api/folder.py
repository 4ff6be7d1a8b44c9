"""What each file in the folder of one log is.

key              the signing key that opened the log, readable by its owner alone
key-<key id>     a later signing key, likewise
log-keys         the verifier keys, and the days on which each signs, once there are several
registry.db      the one sequence, as the gate admitted it, unless a database keeps it
log/             the published log: checkpoint, tiles, entry bundles, unless a bucket keeps them
last-signed.db   the last checkpoint signed; the one publisher holds last-signed.db.lock
projections/     the tables that answer questions, rebuilt from log/ when they are damaged
lock             held by the one server that works in this folder
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testamur.errors import Refuted, Unavailable
from testamur.tlog.note import SignerKey

_MOST_KEY: Final = 4096  # bytes


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the files of one log are.

    `bucket` is the address of the bucket that keeps the published log in the place of `log`.
    """

    root: Path
    bucket: str | None = None

    @property
    def key(self) -> Path:
        """The signing key."""
        return self.root / "key"

    def later_key(self, key_id: str) -> Path:
        """A signing key that did not open the log, by its id."""
        return self.root / f"key-{key_id}"

    @property
    def log_keys(self) -> Path:
        """The verifier keys, and the days on which each signs."""
        return self.root / "log-keys"

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
        return self.root / "last-signed.db"

    @property
    def projections(self) -> Path:
        """The tables that answer questions."""
        return self.root / "projections"

    @property
    def lock(self) -> Path:
        """Locked by the server at work."""
        return self.root / "lock"


def read_key(folder: Folder) -> SignerKey:
    """Return the key that opened the log; raises `Refuted` when it is damaged or open to others."""
    try:
        return SignerKey.parse(private_line(folder.key))
    except FileNotFoundError:
        inside = folder.root / "server"
        hint = f"is {inside} meant?" if Folder(inside).key.exists() else "`init` makes one"
        raise Unavailable(f"{folder.root} holds no log; {hint}") from None


def private_line(path: Path) -> str:
    """Return the line in a file that is its owner's alone; raises `FileNotFoundError`."""
    try:
        # A FIFO in its place would block for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            check_private(path, os.fstat(descriptor))
            return file.read(_MOST_KEY).decode("ascii").removesuffix("\n")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path} cannot be read: {type(error).__name__}") from None


def check_private(path: Path, found: os.stat_result) -> None:
    """Raise `Refuted` unless a file is regular, and nobody's but its owner's: us, or root."""
    if not stat.S_ISREG(found.st_mode):
        raise Refuted(f"{path} is not a file")
    if found.st_mode & 0o077:
        raise Refuted(
            f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o}); it must be its "
            f"owner's alone: chmod 600 {path}. If others had access, change the key"
        )
    if found.st_uid not in (os.geteuid(), 0):
        raise Refuted(f"{path} belongs to user {found.st_uid}, who could change it: chown it")


@contextmanager
def at_work(folder: Folder) -> Iterator[None]:
    """Be one of those at work in the folder; raises `Unavailable` while a server is alone there.

    A folder that cannot be written is only read, and needs no lock.
    """
    try:
        lock = folder.lock.open("ab")
    except OSError:
        yield
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"another server is alone at work in {folder.root}") from None
        yield


@contextmanager
def locked(folder: Folder) -> Iterator[None]:
    """Be the one at work in the folder; raises `Unavailable` while another is."""
    path = folder.lock
    try:
        lock = path.open("ab")
    except OSError as error:
        raise Unavailable(f"{path} cannot be made: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"another server is at work in {path.parent}") from None
        # The lock belongs to the process: it is released when the process ends, even if killed.
        yield
