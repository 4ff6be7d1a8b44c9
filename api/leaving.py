"""How a server ends: it says so, takes no more connections, finishes what is under way, in time.

A load balancer needs a moment to see that `/readyz` is 503. Meanwhile requests are answered as
always, each on a connection that is closed after it. Then the server listens no more; a connection
on which a request has begun, or may begin, stays until it is answered. Requests that wait for a
checkpoint get a 503 before the time is over, and the parts have the rest of it.
"""

from __future__ import annotations

import time
from typing import Final

_FOR_PARTS: Final = 0.25  # of the time, for the parts to come to rest
# Until a handshake that the kernel has answered is a connection, and that is accepted, unless a
# segment is lost.
_FOR_HANDSHAKES: Final = 1.0


class Leaving:
    """Whether this server is to end. `announce` and `grace` are in seconds from the signal.

    `grace` is all the time that it has.
    """

    def __init__(self, *, announce: float, grace: float) -> None:
        self._announce = min(announce, grace / 2)
        self._grace = grace
        self._since: float | None = None

    def begin(self) -> None:
        """Say from now on that this server is about to end."""
        if self._since is None:
            self._since = time.monotonic()

    @property
    def begun(self) -> bool:
        """Whether it is about to end."""
        return self._since is not None

    @property
    def announced(self) -> bool:
        """Whether it may stop to listen."""
        return self._since is not None and time.monotonic() >= self._since + self._announce

    @property
    def for_handshakes(self) -> float:
        """For how many seconds connections are accepted that began before new ones were dropped.

        Not longer than the end was announced: where nobody is told, nobody is sent elsewhere.
        """
        return min(_FOR_HANDSHAKES, self._announce)

    @property
    def for_requests(self) -> float:
        """The seconds that are left for requests under way."""
        return max(0.0, self.left - self._grace * _FOR_PARTS)

    @property
    def left(self) -> float:
        """The seconds that are left in all."""
        if self._since is None:
            return self._grace
        return max(0.0, self._since + self._grace - time.monotonic())
