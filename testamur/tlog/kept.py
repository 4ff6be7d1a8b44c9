"""A source that keeps what was read last, for readers that come back to the same few files.

Tiles and bundles never change once they are published, so a kept one is as good as a fresh one. The
checkpoint changes, and is never kept.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from testamur.tlog.source import Source

_BYTES: Final = 64 * 1024 * 1024


class KeptSource:
    """The files of `source`, of which those read last are held, up to `at_most` bytes of them."""

    def __init__(self, source: Source, *, at_most: int = _BYTES) -> None:
        self._source = source
        self._at_most = at_most
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        self._lock = Lock()

    @property
    def at_once(self) -> int:
        """As of the source beneath."""
        return self._source.at_once

    def fetch(self, path: str) -> bytes:
        """Return the file at `path`; raises as the source beneath does."""
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
        data = self._source.fetch(path)
        if path != "checkpoint":
            self._keep(path, data)
        return data

    def _keep(self, path: str, data: bytes) -> None:
        with self._lock:
            self._held += len(data) - len(self._kept.pop(path, b""))
            self._kept[path] = data
            while self._held > self._at_most:
                self._held -= len(self._kept.popitem(last=False)[1])

    def __str__(self) -> str:
        return str(self._source)
