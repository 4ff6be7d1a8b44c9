"""Files that commands read and write: bounded when read, never overwritten when written.

A file that cannot be read or written is `Unavailable`, which says nothing about its content, and
so is a private key where none belongs. A symbolic link is read through and never written through.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from testamur.badges.commitment import (
    MAX_HOLDER_FILE,
    BareBlockcert,
    HolderFile,
    read_holder_file,
)
from testamur.catalogue.lines import decode_event
from testamur.cli.founding_page import MAX_PAGE, is_page, read_page
from testamur.cli.terminal import write_stdout
from testamur.errors import Refusal, Unavailable
from testamur.files import (
    check_bound,
    open_to_append,
    read_text_file,
    read_with_mode,
    refuse_private_key,
)
from testamur.keys import PrivateKey
from testamur.tlog.tiles import MAX_ENTRY

STDIN: Final = Path("-")
STDOUT: Final = STDIN


def read(path: Path, at_most: int) -> bytes:
    """Return the bytes of the file (`-` is standard input), if there are at most `at_most`.

    Raises `Unavailable` if there is a private key in it: what parses it may show what it finds.
    """
    if path != STDIN:
        return read_text_file(path, at_most)
    data = _read_stdin(at_most)
    refuse_private_key(data, path)
    return data


@contextmanager
def naming(path: Path) -> Iterator[Path]:
    """Put the file's name before the detail of a `Refusal` about its content."""
    try:
        yield path
    except Refusal as refusal:
        named = Refusal(refusal.rule, f"{path}: {refusal.detail}", line=refusal.line)
        # Cut and escaped already; doing so twice would garble it.
        named.value = refusal.value
        raise named from refusal


@contextmanager
def unread(path: Path) -> Iterator[None]:
    """Raise `Unavailable` with the file's name for a `Refusal` about its content."""
    try:
        yield
    except Refusal as refusal:
        raise Unavailable(f"{path} could not be checked: {refusal}") from None


def read_key(path: Path) -> PrivateKey:
    """Return the key in a key file, or on the page of a founding key.

    Raises `Refusal` (`key-file-mode`, `key-form`, `founding-page`).
    """
    text = read_secret_text(path)
    with naming(path):
        return read_page(text) if is_page(text) else PrivateKey.from_multikey(text.strip())


def read_secret_text(path: Path) -> str:
    """Return the text of a key file, which is a secret in whatever form.

    Raises `Refusal` (`key-file-mode`, `key-form`).
    """
    data, mode = (_read_stdin(MAX_PAGE), 0) if path == STDIN else read_with_mode(path, MAX_PAGE)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refusal(
            "key-file-mode",
            f"others can read or change this key; run: chmod 600 {path}",
            value=f"{mode:o}",
        )
    with naming(path):
        try:
            return data.decode("ascii")
        except UnicodeDecodeError:
            # The value is not shown: the content of a key file is a secret, whatever its form.
            raise Refusal("key-form", "is not the text of a secret Multikey") from None


class NoBlind(Unavailable):
    """A file holds a Blockcert alone: its own receipt can be examined, and nothing on the log."""

    def __init__(self, path: Path, bare: BareBlockcert) -> None:
        super().__init__(f"{path} could not be checked: {bare}")
        self.credential = bare.credential


def read_holder(path: Path) -> HolderFile:
    """Return the credential with its blind; raises `Unavailable` for a file that holds none.

    That is `NoBlind` for a Blockcert. Nothing was learned about any credential from another file.
    """
    with unread(path):
        try:
            return read_holder_file(read(path, MAX_HOLDER_FILE))
        except BareBlockcert as bare:
            raise NoBlind(path, bare) from None


def refuse_existing(path: Path) -> None:
    """Raise `Unavailable` if there is something at `path`; called before long work, not after.

    A folder or several files cannot go to stdout: `-` is refused.
    """
    if path == STDOUT:
        raise Unavailable("- is standard output; give a name, since there is more to write")
    if path.exists() or path.is_symlink():
        raise Unavailable(f"{path} exists already, and nothing is overwritten")


def refuse_existing_file(path: Path) -> None:
    """Raise `Unavailable` if there is something at `path`; `-` is stdout."""
    if path != STDOUT:
        refuse_existing(path)


def write(path: Path, data: bytes, *, secret: bool = False) -> None:
    """Write a new file, durably, or `-`: stdout. Only its owner can read a `secret` one."""
    if path == STDOUT and not secret:
        write_stdout(data)
        return
    refuse_existing(path)
    try:
        # O_EXCL also refuses a symbolic link, so a key never lands where somebody else points.
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # A half-written file would block the next attempt.
        path.unlink(missing_ok=True)
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error


def replace(path: Path, data: bytes, *, secret: bool = False) -> None:
    """Put a file in the place of an older one: whole, or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)  # left over by a command that was cut off
        write(fresh, data, secret=secret)
        fresh.replace(path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error


def append(path: Path, lines: list[bytes]) -> None:
    """Add event lines (without LF) to a file of such lines, which may be new.

    Raises `Refusal` (rule `events-file`) if there is something else in it, which would be spoilt.
    `-` is stdout.
    """
    if path == STDOUT:
        write_stdout(b"".join(line + b"\n" for line in lines))
        return
    try:
        with open_to_append(path) as file:
            if file.tell():
                file.seek(0)
                refuse_private_key(file.read(MAX_PAGE), path)
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    raise Refusal("file-truncated", f"the last line of {path} does not end in LF")
                file.seek(0)
                _refuse_other_lines(file.readline(MAX_ENTRY + 1), path)
            file.write(b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error


def _refuse_other_lines(first: bytes, path: Path) -> None:
    try:
        decode_event(first.removesuffix(b"\n"))
    except Refusal as refusal:
        raise Refusal(
            "events-file",
            f"{path} is no file of events, to which one could be added: {refusal.detail}",
            line=1,
        ) from None


def _read_stdin(at_most: int) -> bytes:
    try:
        data = sys.stdin.buffer.read(at_most + 1)
    except OSError as error:
        raise Unavailable(f"standard input cannot be read: {error.strerror}") from error
    check_bound(data, at_most, STDIN)
    return data
