"""Reading a file that a person names: a regular one, bounded, and no private key.

A FIFO, a device, a socket or a folder is refused before it is opened, so nothing hangs and no
device is touched. What cannot be read is `Unavailable`, which says nothing about its content.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, Final

from testamur.errors import Unavailable
from testamur.private_keys import THIS_IS_ONE, holds_private_key

_WITHOUT_WAITING: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_text_file(path: Path, at_most: int) -> bytes:
    """Return the bytes of the file, if there are at most `at_most` and no private key in them."""
    data, _ = read_with_mode(path, at_most)
    refuse_private_key(data, path)
    return data


def read_with_mode(path: Path, at_most: int) -> tuple[bytes, int]:
    """Return the file's bytes, whatever they are, and its permissions."""
    try:
        refuse_irregular(path)
        with open(path, "rb", opener=_without_waiting) as file:
            # Again, because another file may have taken the name in between.
            _refuse_kind(os.fstat(file.fileno()).st_mode, path)
            data = file.read(at_most + 1)
            # On Windows the mode bits do not say who may read a file.
            posix = os.name == "posix"
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode) if posix else 0
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    check_bound(data, at_most, path)
    return data, mode


def open_to_append(path: Path, *, secret: bool = False) -> IO[bytes]:
    """Open a regular file, or a new one, to read it and to add to its end.

    Only its owner can read a new `secret` one.

    Raises `Unavailable` for a symbolic link: what is written would land where it points.
    """
    try:
        if path.is_symlink():
            raise Unavailable(f"{path} is a symbolic link; give the name of the file itself")
        if path.exists():
            refuse_irregular(path)
        file = open(path, "ab+", opener=_own_without_following if secret else _without_following)  # noqa: SIM115  # the caller closes it
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error
    try:
        _refuse_kind(os.fstat(file.fileno()).st_mode, path)
    except BaseException:
        file.close()
        raise
    return file


def is_there(path: Path) -> bool:
    """Return whether there is something at `path`; raises `Unavailable` if that cannot be told."""
    try:
        return os.path.lexists(path)
    except (OSError, ValueError) as error:
        raise Unavailable(f"{path} cannot be read: {error}") from error


def refuse_irregular(path: Path) -> None:
    """Raise `Unavailable` unless there is a regular file at `path`, or a link to one."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    _refuse_kind(mode, path)


def refuse_private_key(data: bytes, path: Path) -> None:
    """Raise `Unavailable`, which shows nothing of it, if there is a private key in `data`."""
    if holds_private_key(data):
        raise Unavailable(f"{path}: {THIS_IS_ONE}; give another file here")


def check_bound(data: bytes, at_most: int, path: Path) -> None:
    """Raise `Unavailable` if more was read than any file of this kind holds."""
    if len(data) > at_most:
        raise Unavailable(f"{path} holds more than {at_most} bytes, more than any file of its kind")


def _refuse_kind(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        kind = next((words for is_one, words in _KINDS if is_one(mode)), "something else")
        raise Unavailable(f"{path} is {kind}, not a file")


def _without_waiting(path: str, flags: int) -> int:
    # A plain open of a FIFO waits for the other end.
    return os.open(path, flags | _WITHOUT_WAITING)


def _without_following(path: str, flags: int, mode: int = 0o644) -> int:
    return os.open(path, flags | _WITHOUT_WAITING | getattr(os, "O_NOFOLLOW", 0), mode)


def _own_without_following(path: str, flags: int) -> int:
    return _without_following(path, flags, 0o600)
