"""What each file in the folder of one log is.

key              the log's signing key (signed-note form), readable by its owner alone
registry.db      the one sequence, as the gate admitted it, unless a database keeps it
log/             the published log: checkpoint, tiles, entry bundles
last-signed.db   the last checkpoint signed; the one publisher holds last-signed.db.lock
projections/     the tables that answer questions, rebuilt from log/ when they are damaged
lock             held by the one server that works in this folder
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testamur.errors import Refuted, Unavailable
from testamur.tlog.note import SignerKey


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
    """Return the log's key; raises `Refuted` when it is damaged or open to others."""
    try:
        if folder.key.stat().st_mode & 0o077:
            raise Refuted(f"{folder.key} is open to others; it must be its owner's alone (0600)")
        return SignerKey.parse(folder.key.read_text("ascii").removesuffix("\n"))
    except FileNotFoundError:
        inside = folder.root / "server"
        hint = f"is {inside} meant?" if Folder(inside).key.exists() else "`init` makes one"
        raise Unavailable(f"{folder.root} holds no log; {hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{folder.key} cannot be read: {error}") from None


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
