"""The queue of submissions before the committer: bounded in number and bytes, taken in groups.

Each submission is taken out once, in order. Nothing in the queue is durable, and nothing was
promised to its senders.
"""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

from registry.checked import Checked
from registry.outcomes import Overloaded
from testamur.errors import Unavailable


class SubmissionQueue:
    """At most `most` submissions of at most `most_bytes` together; an empty queue takes any one.

    A group has at most `group_events` events, unless one submission alone has more. When the
    group before held several submissions, one that is not full waits `linger` seconds for more.
    `bytes` are those of all that wait; `waited` is for how many seconds the first of the last group
    did.
    """

    def __init__(self, *, most: int, most_bytes: int, group_events: int, linger: float) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._group_events = group_events
        self._linger = linger
        self._queued: deque[tuple[Checked, object]] = deque()
        self._since: deque[float] = deque()  # when each of them came
        self._changed = Condition()
        self._closed = False
        self._several = False
        self._events = 0
        self.bytes = 0
        self.waited = 0.0

    def __len__(self) -> int:
        return len(self._queued)

    def put(self, checked: Checked, ticket: object, *, retry_after: float) -> None:
        """Put a submission in; raises `Overloaded` when full, `Unavailable` when closed."""
        with self._changed:
            if self._closed:
                raise Unavailable("the gate is closed")
            fits = len(self._queued) < self._most and self.bytes + checked.size <= self._most_bytes
            if self._queued and not fits:
                raise Overloaded(
                    f"{len(self._queued)} submissions of {self.bytes} bytes are waiting",
                    retry_after=retry_after,
                )
            self._queued.append((checked, ticket))
            self._since.append(time.perf_counter())
            self._count(checked, 1)
            self._changed.notify()

    def take(self) -> list[tuple[Checked, object]]:
        """Wait for submissions and return the next group; an empty one once closed and drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._queued or self._closed)
            linger = self._several and self._events < self._group_events and not self._closed
        if linger:
            # A commit costs the same for one submission as for fifty. While they come one at a
            # time, none of them waits.
            time.sleep(self._linger)
        with self._changed:
            group: list[tuple[Checked, object]] = []
            events = 0
            if self._since:
                self.waited = time.perf_counter() - self._since[0]
            while self._queued:
                size = len(self._queued[0][0].submission.events)
                if group and events + size > self._group_events:
                    break
                events += size
                group.append(self._queued.popleft())
                self._since.popleft()
                self._count(group[-1][0], -1)
            self._several = len(group) > 1
            return group

    def close(self) -> None:
        """Refuse further submissions; what is queued is still taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def abandon(self) -> list[tuple[Checked, object]]:
        """Refuse further submissions, and return those queued."""
        with self._changed:
            self._closed = True
            left = list(self._queued)
            self._queued.clear()
            self._since.clear()
            self._events = self.bytes = 0
            return left

    def _count(self, checked: Checked, sign: int) -> None:
        self._events += sign * len(checked.submission.events)
        self.bytes += sign * checked.size
