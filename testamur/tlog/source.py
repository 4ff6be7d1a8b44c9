"""Where the files of a published log come from: the contract of a source, and a folder.

A source need not be trusted: `reader.py` checks what it returns against a signed checkpoint. No
folder makes its reader wait, or read without end: FIFOs, devices and oversized files are refused.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, Protocol

from testamur.errors import Refuted, Unavailable
from testamur.tlog.tiles import MAX_ENTRY, WIDTH, MalformedTile, parse_path

# The largest thing a log may serve: a bundle of 256 entries of 65,535 bytes.
MAX_RESOURCE: Final = WIDTH * (MAX_ENTRY + 2)
_NONBLOCK: Final = getattr(os, "O_NONBLOCK", 0)


class NotFound(Unavailable):
    """The log serves nothing at this path."""


class FileTooLarge(Refuted):
    """The file is larger than anything a log may serve."""


class Source(Protocol):
    """Where a log's files come from. Threads may share it."""

    @property
    def at_once(self) -> int:
        """How many fetches may run concurrently: 1 unless each waits for a network."""
        ...

    def fetch(self, path: str) -> bytes:
        """Return the whole file at a tlog-tiles path, such as `tile/0/000`.

        It MUST raise `NotFound` when nothing is there, `Unavailable` when that cannot be found
        out, and `Refuted` above `MAX_RESOURCE` bytes, of which it MUST NOT read more.
        """
        ...


class DirectorySource:
    """A log in the folder `root`, which an attacker may have filled."""

    at_once: Final = 1

    def __init__(self, root: Path) -> None:
        self._root = root

    def fetch(self, path: str) -> bytes:
        """Return the file at `path` under the folder.

        Raises `NotFound` for what is not a regular file, and for paths of no log.
        """
        _check_path(path)
        file = self._root / path
        try:
            with open(file, "rb", buffering=0, opener=_without_waiting) as stream:
                found = os.fstat(stream.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise NotFound(f"{file} is not a regular file")
                check_bound(found.st_size, str(file))
                data = stream.readall()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(f"{file} does not exist") from None
        except OSError as error:
            raise Unavailable(f"{file} cannot be read: {error.strerror}") from error
        return data

    def __str__(self) -> str:
        return str(self._root)


def log_folder(folder: Path) -> Path:
    """Return the folder of the log that a user means by `folder`: itself, or its `log/`.

    Raises `Unavailable` when neither holds a checkpoint.
    """
    try:
        for root in (folder, folder / "log"):
            if (root / "checkpoint").is_file():
                return root
        inside = folder / "server"
        hint = f"; is {inside} meant?" if (inside / "log" / "checkpoint").is_file() else ""
    except OSError as error:
        raise Unavailable(f"{folder} cannot be read: {error.strerror}") from error
    raise Unavailable(f"neither {folder}/checkpoint nor {folder}/log/checkpoint is a file{hint}")


def check_bound(length: int, where: str) -> None:
    """Raise `FileTooLarge` for a length that nothing in a log can have."""
    if length > MAX_RESOURCE:
        raise FileTooLarge(
            f"{where} is larger than anything a log may serve ({MAX_RESOURCE} bytes)"
        )


def _without_waiting(path: str, flags: int) -> int:
    # A plain open of a FIFO waits for its writer.
    return os.open(path, flags | _NONBLOCK)


def _check_path(path: str) -> None:
    # A log has no other files, and no such path leads out of its folder.
    try:
        if path != "checkpoint":
            parse_path(path)
    except MalformedTile as error:
        raise NotFound(str(error)) from None
