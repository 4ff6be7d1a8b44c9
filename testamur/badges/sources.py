"""The documents that badges are prepared from: a file, the lines of a file, or a folder.

Each is read when its turn comes, is bounded, and comes with the place where it lies. What cannot be
read is a `Refusal` in its place, so that the others are looked at all the same.
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from testamur.badges.spreadsheet import MAX_FILE, UNREAD
from testamur.canonical import MAX_DOCUMENT
from testamur.errors import Refusal
from testamur.private_keys import THIS_IS_ONE, holds_private_key

Source: TypeAlias = tuple[str, bytes | Refusal]
"""Where a document lies, and its bytes or why they could not be read."""


def read_sources(path: Path) -> Iterator[Source]:
    """Yield the documents at `path`: a file, the lines of an .ndjson file, or all in a folder.

    A folder is gone through in full, in the order of names; names that begin with a dot are
    passed over. Symbolic links inside it are not followed, and what is no regular file is
    refused, not opened.
    """
    waiting = [path]
    while waiting:
        found = waiting.pop()
        given = found == path
        label = plain_name(path.name if given else str(found.relative_to(path)))
        try:
            if found.is_dir() and (given or not found.is_symlink()):
                files = sorted(file for file in found.iterdir() if not file.name.startswith("."))
                waiting += reversed(files)
                continue
        except OSError as error:
            yield label, Refusal("file", f"cannot be read: {error.strerror}")
            continue
        yield from _documents(found, label, follow=given)


def _documents(file: Path, label: str, *, follow: bool) -> Iterator[Source]:
    lines = file.suffix.lower() in (".ndjson", ".jsonl")
    try:
        # O_NONBLOCK: opening a named pipe that nobody writes to must not hang.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        flags |= 0 if follow else getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(file, flags), "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                yield label, Refusal("file", "is no regular file")
            elif status.st_size > MAX_FILE:
                detail = f"a file is at most {MAX_FILE} bytes"
                yield label, Refusal("file-size", detail, value=f"{status.st_size} bytes")
            elif lines:
                yield from _lines(opened, label)
            else:
                # One byte more than is allowed, so that a longer document is noticed.
                yield label, _public(opened.read(MAX_DOCUMENT + 1))
    except OSError as error:
        detail = f"cannot be read: {error.strerror}"
        if error.errno == errno.ELOOP:  # what O_NOFOLLOW says
            detail = "is a symbolic link, which is not followed"
        yield label, Refusal("file", detail)


def _lines(opened: io.BufferedReader, label: str) -> Iterator[Source]:
    number, left = 0, MAX_FILE
    while left > 0 and (line := opened.readline(MAX_DOCUMENT + 2)):
        number, left = number + 1, left - len(line)
        if not line.endswith(b"\n") and len(line) > MAX_DOCUMENT:
            detail = f"a document is at most {MAX_DOCUMENT} bytes; not read any further"
            yield f"{label} line {number}", Refusal(UNREAD, detail)
            return
        if holds_private_key(line):
            # Its other lines are no less secret, and look like any other text.
            yield f"{label} line {number}", Refusal("private-key", THIS_IS_ONE)
            return
        if line.strip():
            yield f"{label} line {number}", line.rstrip(b"\r\n")
    if left <= 0 and opened.read(1):
        yield label, Refusal(UNREAD, f"has grown beyond {MAX_FILE} bytes while it was read")


def _public(document: bytes) -> bytes | Refusal:
    # A parser's error may show what it found.
    return Refusal("private-key", THIS_IS_ONE) if holds_private_key(document) else document


def plain_name(name: str) -> str:
    """Return a file name as text that can be shown and written, whatever its bytes are."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", "�", text)
