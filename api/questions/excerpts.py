"""Evidence files that were made last, kept for those that ask again.

A file is the same for everybody who asks about one credential, with the same
anchors, as of one size under one checkpoint.
So a crowd that asks again and again costs one making for each checkpoint, and one copy.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeAlias

KEPT_BYTES: Final = 32 * 1024 * 1024


class Excerpt(NamedTuple):
    """An evidence file, and the size that it is as of."""

    file: bytes
    size: int


Key: TypeAlias = tuple[str, int, int, frozenset[str]]
"""The credential, the size asked about, that of the checkpoint, and the anchors asked for."""


class Excerpts:
    """At most `most` bytes of files; each is made once at a time. For the event loop alone."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most = most
        self._held = 0
        self._kept: OrderedDict[Key, Excerpt] = OrderedDict()
        self._coming: dict[Key, asyncio.Task[Excerpt]] = {}

    async def find(self, key: Key, make: Callable[[], Awaitable[Excerpt]]) -> Excerpt:
        """Return the file of `key`, made by `make` unless it is kept, or being made."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        task = self._coming.get(key)
        if task is None:

            async def made() -> Excerpt:
                return await make()

            task = self._coming[key] = asyncio.create_task(made())
            task.add_done_callback(lambda done: self._keep(key, done))
        # Shielded: when one client hangs up, the others still get the file.
        return await asyncio.shield(task)

    def _keep(self, key: Key, done: asyncio.Task[Excerpt]) -> None:
        del self._coming[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._kept[key] = done.result()
        self._held += len(done.result().file)
        while self._held > self._most:
            self._held -= len(self._kept.popitem(last=False)[1].file)
