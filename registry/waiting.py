"""Submissions that wait for the committer: bounded in number and in bytes, taken in groups.

What is put in is taken out once, in order. Nothing here is durable: a submission that waits was
promised nothing.
"""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

from registry.deliberation import Checked
from registry.outcomes import Overloaded
from testamur.errors import Unavailable


class WaitingRoom:
    """At most `most` submissions of at most `most_bytes` together; a lone one always fits.

    A group has about `group_events` events at most. `linger` is how long a group that is not
    full is kept open for others, in seconds, once submissions come in company.
    """

    def __init__(self, *, most: int, most_bytes: int, group_events: int, linger: float) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._group_events = group_events
        self._linger = linger
        self._waiting: deque[tuple[Checked, object]] = deque()
        self._changed = Condition()
        self._closed = False
        self._company = False
        self._events = 0
        self.bytes = 0

    def put(self, checked: Checked, ticket: object, *, retry_after: float) -> None:
        """Let a submission in; raises `Overloaded` when it is full, `Unavailable` when closed."""
        with self._changed:
            if self._closed:
                raise Unavailable("the gate is closed")
            fits = len(self._waiting) < self._most and self.bytes + checked.size <= self._most_bytes
            if self._waiting and not fits:
                raise Overloaded(
                    f"{len(self._waiting)} submissions of {self.bytes} bytes are waiting",
                    retry_after=retry_after,
                )
            self._waiting.append((checked, ticket))
            self._count(checked, 1)
            self._changed.notify()

    def take(self) -> list[tuple[Checked, object]]:
        """Wait for submissions and return the next group; an empty one once closed and drained.

        A submission that alone has more events than a group goes alone.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            linger = self._company and self._events < self._group_events and not self._closed
        if linger:
            # A commit costs the same for one as for fifty. Who comes alone never waits for it.
            time.sleep(self._linger)
        with self._changed:
            group: list[tuple[Checked, object]] = []
            events = 0
            while self._waiting:
                size = len(self._waiting[0][0].submission.events)
                if group and events + size > self._group_events:
                    break
                events += size
                group.append(self._waiting.popleft())
                self._count(group[-1][0], -1)
            self._company = len(group) > 1
            return group

    def close(self) -> None:
        """Let nothing more in."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def abandon(self) -> list[tuple[Checked, object]]:
        """Let nothing more in and return all that waits."""
        with self._changed:
            self._closed = True
            left = list(self._waiting)
            self._waiting.clear()
            self._events = self.bytes = 0
            return left

    def _count(self, checked: Checked, sign: int) -> None:
        self._events += sign * len(checked.submission.events)
        self.bytes += sign * checked.size
