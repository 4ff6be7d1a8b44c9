"""One command at a time: a lock on an open file, which ends with the process that holds it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from testamur.cli.terminal import note

# Beyond the end of any file of ours: Windows lets nobody read what is locked.
_PLACE: Final = 1 << 40
_PAUSE: Final = 0.05


@contextmanager
def alone(file: IO[bytes], doing: str) -> Iterator[None]:
    """Wait until no other process holds this file, and hold it.

    `doing` says what the other command does, to tell the person who waits.
    """
    if not _held(file):
        note(f"Another command {doing}; waiting until it ends")
        while not _held(file):
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        _release(file)


if sys.platform == "win32":
    import msvcrt

    def _held(file: IO[bytes]) -> bool:
        return _locked(file, msvcrt.LK_NBLCK)

    def _release(file: IO[bytes]) -> None:
        _locked(file, msvcrt.LK_UNLCK)

    def _locked(file: IO[bytes], how: int) -> bool:
        at = file.tell()
        try:
            file.seek(_PLACE)
            msvcrt.locking(file.fileno(), how, 1)
        except OSError:
            return False
        finally:
            file.seek(at)
        return True

else:
    import fcntl

    def _held(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
