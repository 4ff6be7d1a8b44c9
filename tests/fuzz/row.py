"""A row of the table of parsers, and how readers of text and of files become readers of bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from testamur.errors import Refuted, Unavailable

DECLARED: Final = (Refuted, Unavailable)


@dataclass(frozen=True)
class Row:
    """One parser. `names` are what it stands for in the table of public functions.

    `read` takes the bytes; `samples` are valid ones. It may raise `errors` alone. `render` writes
    what was read: the same bytes, if there is one spelling. `secrets` may not be in an error.
    """

    names: tuple[str, ...]
    read: Callable[[bytes], Any]
    samples: Callable[[], Sequence[bytes]]
    errors: tuple[type[BaseException], ...] = DECLARED
    render: Callable[[Any], bytes] | None = None
    secrets: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The first of its names."""
        return self.names[0]


def as_text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Return a reader of bytes for one of text, which gets what is no UTF-8 as the system does."""
    return lambda data: read(data.decode("utf-8", "surrogateescape"))


def as_line(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Return the same for text that comes from UTF-8 in every case."""
    return lambda data: read(data.decode("utf-8", "replace"))


def as_file(read: Callable[[Path], Any], name: str = "file") -> Callable[[bytes], Any]:
    """Return a reader of bytes for one of files."""

    def found(data: bytes) -> Any:
        path = folder() / name
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_bytes(data)
        return read(path)

    return found


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="testamur-fuzz-")


def folder() -> Path:
    return Path(_kept().name)


def texts(*texts: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [text.encode() for text in texts]
