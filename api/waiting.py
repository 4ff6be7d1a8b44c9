"""Whom to wake: requests that wait for a commit, and requests that wait for a checkpoint.

The gate's committer and the publisher are threads; requests live on the event loop. A whole
group of submissions crosses over in one call, and so does a checkpoint, however many requests
they wake: crossing once per request would cost more than the commit. Nothing here is durable;
after a crash there is nobody left to wake, and whoever asks again is answered from the log.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from registry.outcomes import Outcome
from testamur.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that is out, and its signed note."""

    checkpoint: Checkpoint
    note: bytes

    @property
    def size(self) -> int:
        """The number of entries it covers."""
        return self.checkpoint.size


class Waiting:
    """The requests that wait. All but `settled` and `published` belong to the event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sizes: dict[int, set[asyncio.Future[None]]] = {}
        self.size = 0
        self.committed = 0

    def bind(self, loop: asyncio.AbstractEventLoop, *, committed: int, size: int) -> None:
        """Take the loop to wake requests on, and how many entries are committed and published."""
        self._loop = loop
        self.committed = committed
        self.size = size

    @property
    def unpublished(self) -> int:
        """The number of entries known to be committed that no checkpoint covers yet."""
        return self.committed - self.size

    @property
    def for_a_checkpoint(self) -> int:
        """The number of requests that wait for a checkpoint."""
        return sum(map(len, self._sizes.values()))

    # --- From other threads ---

    def settled(self, outcomes: list[tuple[object, Outcome]]) -> None:
        """Wake the requests of one group: (ticket, outcome) pairs, in one crossing."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._settle, outcomes)

    def published(self, checkpoint: Checkpoint) -> None:
        """Wake the requests that this checkpoint covers, in one crossing."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._publish, checkpoint.size)

    # --- On the loop ---

    def ticket(self) -> asyncio.Future[Outcome]:
        """Return what to offer with a submission and then to await."""
        return asyncio.get_running_loop().create_future()

    async def until(self, size: int) -> None:
        """Return once a checkpoint of at least `size` entries is out."""
        if size <= self.size:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._sizes.setdefault(size, set())
        waiters.add(future)
        try:
            await future
        finally:
            # Whoever gave up must not be kept until the log grows, which may be never.
            waiters.discard(future)
            if not waiters and self._sizes.get(size) is waiters:
                del self._sizes[size]

    def _settle(self, outcomes: list[tuple[object, Outcome]]) -> None:
        for ticket, outcome in outcomes:
            if not isinstance(outcome, Exception):
                end = outcome.position + 1 + outcome.events
                self.committed = max(self.committed, end)
            # The only tickets ever offered are those of `ticket`; one whose request gave up
            # waiting is already cancelled.
            if isinstance(ticket, asyncio.Future) and not ticket.done():
                ticket.set_result(outcome)

    def _publish(self, size: int) -> None:
        self.size = max(self.size, size)
        for reached in [size for size in self._sizes if size <= self.size]:
            for future in self._sizes.pop(reached):
                if not future.done():
                    future.set_result(None)
