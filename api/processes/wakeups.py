"""Wakes requests that wait for a commit or for a checkpoint.

The gate's committer is a thread, the publisher a process; requests live on the event loop. A whole
group of submissions crosses over in one call, and so does a checkpoint, however many requests
they wake: one crossing per request would cost more than the commit. Nothing here is durable.
After a crash no request is left to wake, and a client that asks again is answered from the log.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar

from registry.outcomes import Outcome
from testamur.tlog.checkpoint import Checkpoint

T = TypeVar("T")

COMMIT_SECONDS: Final = 60.0
PUBLISH_SECONDS: Final = 30.0
_LOOK_EVERY: Final = 1.0  # seconds


class _Patience(Generic[T]):
    """Makes futures that fail with `TimeoutError` after `seconds`, give or take a second.

    One timer serves all of them: a timer each took a tenth of the server's time under load.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: deque[tuple[float, asyncio.Future[T]]] = deque()  # the earliest first
        self._looking = False

    def future(self) -> asyncio.Future[T]:
        """Return a new one, of the loop that runs."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._due.append((loop.time() + self._seconds, future))
        if not self._looking:
            self._looking = True
            loop.call_later(_LOOK_EVERY, self._look, loop)
        return future

    def end(self) -> None:
        """Let all that wait fail now, and what is made from now on within a second."""
        self._seconds = 0.0
        while self._due:
            _, future = self._due.popleft()
            if not future.done():
                future.set_exception(TimeoutError())

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._due and (self._due[0][1].done() or self._due[0][0] <= now):
            _, future = self._due.popleft()
            if not future.done():
                future.set_exception(TimeoutError())
        self._looking = bool(self._due)
        if self._looking:
            loop.call_later(_LOOK_EVERY, self._look, loop)


class Wakeups:
    """The requests that wait. Only methods that begin with `on_` may leave the event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sizes: dict[int, set[asyncio.Future[None]]] = {}
        self._commits = _Patience[Outcome](COMMIT_SECONDS)
        self._checkpoints = _Patience[None](PUBLISH_SECONDS)
        self.size = 0
        self.committed = 0
        self._behind_since: float | None = None

    def bind(self, loop: asyncio.AbstractEventLoop, *, committed: int) -> None:
        """Wake requests on `loop` from now on; `committed` entries are in the sequence."""
        self._loop = loop
        self.committed = committed

    @property
    def unpublished(self) -> int:
        """The number of committed entries that no checkpoint covers yet."""
        return self.committed - self.size

    @property
    def stuck(self) -> float:
        """For how many seconds entries have waited while no checkpoint was published."""
        return 0.0 if self._behind_since is None else time.monotonic() - self._behind_since

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a checkpoint."""
        # A copy in one step, since other threads ask for it too.
        return sum(map(len, list(self._sizes.values())))

    # --- From other threads ---

    def on_settled(self, outcomes: list[tuple[object, Outcome]]) -> None:
        """Wake the requests of one group: (ticket, outcome) pairs, in one crossing."""
        self._cross(self._settle, outcomes)

    def on_published(self, checkpoint: Checkpoint) -> None:
        """Wake the requests that this checkpoint covers, in one crossing."""
        self._cross(self._publish, checkpoint.size)

    def on_committed(self, committed: int) -> None:
        """Take note that the sequence has so many entries, by whichever process."""
        self._cross(self._commit, committed)

    def _cross(self, take: Callable[[T], None], what: T) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: no request is left to wake
                self._loop.call_soon_threadsafe(take, what)

    # --- On the loop ---

    def ticket(self) -> asyncio.Future[Outcome]:
        """Return a future to offer with a submission and then to await.

        It fails with `TimeoutError` after `COMMIT_SECONDS`.
        """
        return self._commits.future()

    async def until(self, size: int) -> None:
        """Return once a checkpoint of at least `size` entries is published.

        Raises `TimeoutError` after `PUBLISH_SECONDS`.
        """
        if size <= self.size:
            return
        future = self._checkpoints.future()
        waiters = self._sizes.setdefault(size, set())
        waiters.add(future)
        try:
            await future
        finally:
            # A request that gave up must not stay here until the log grows, which may be never.
            waiters.discard(future)
            if not waiters and self._sizes.get(size) is waiters:
                del self._sizes[size]

    def end_waiting(self) -> None:
        """Let every request that waits fail with `TimeoutError` now: the server is to end."""
        self._commits.end()
        self._checkpoints.end()

    def _settle(self, outcomes: list[tuple[object, Outcome]]) -> None:
        for ticket, outcome in outcomes:
            if not isinstance(outcome, Exception):
                self._commit(outcome.position + 1 + outcome.events)
            # Every ticket comes from `ticket`; it is cancelled if its request gave up.
            if isinstance(ticket, asyncio.Future) and not ticket.done():
                ticket.set_result(outcome)

    def _commit(self, committed: int) -> None:
        self.committed = max(self.committed, committed)
        if self._behind_since is None and self.committed > self.size:
            self._behind_since = time.monotonic()

    def _publish(self, size: int) -> None:
        self.size = max(self.size, size)
        self._behind_since = time.monotonic() if self.committed > self.size else None
        for reached in [size for size in self._sizes if size <= self.size]:
            for future in self._sizes.pop(reached):
                if not future.done():
                    future.set_result(None)
