"""Where the files of a published log come from: any source, and a folder.

A source vouches for nothing: `reader.py` checks what it returns against a signed checkpoint.
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


class Source(Protocol):
    """Where a log's files come from.

    `fetch` must return the file's bytes whole, or raise `Unavailable` (`NotFound` if there is
    no such file). It need not be trusted, and may be called from several threads. `at_once` is
    how many fetches may be under way together: 1 unless each waits for a network.
    """

    @property
    def at_once(self) -> int:
        """Return the number of fetches that may be under way together, at least 1."""
        ...

    def fetch(self, path: str) -> bytes:
        """Return the bytes at a tlog-tiles path, such as `tile/0/000`."""
        ...


class DirectorySource:
    """A log in a folder."""

    at_once: Final = 1

    def __init__(self, root: Path) -> None:
        self._root = root

    def fetch(self, path: str) -> bytes:
        """Return the file at `path` under the folder."""
        _check_path(path)
        file = self._root / path
        try:
            # Else whoever opens a FIFO waits for its writer, and a device never ends.
            with open(file, "rb", buffering=0, opener=_at_once) as stream:
                found = os.fstat(stream.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise NotFound(f"{file} is no regular file")
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
    """Return the folder of the log a user means by `folder`; raises `Unavailable`."""
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
    """Raise `Refuted` for a length that nothing in a log can have."""
    if length > MAX_RESOURCE:
        raise Refuted(f"{where} is larger than anything a log may serve ({MAX_RESOURCE} bytes)")


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | _NONBLOCK)


def _check_path(path: str) -> None:
    # Nothing else is in a log, and nothing outside of its folder has such a name.
    try:
        if path != "checkpoint":
            parse_path(path)
    except MalformedTile as error:
        raise NotFound(str(error)) from None
