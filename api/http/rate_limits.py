"""Token buckets: how often a client may ask, and how long one that asks too often must wait.

Memory is bounded: of at most `most` keys something is remembered, those seen last. A key that is
forgotten begins with a full bucket, so a crowd of more keys than that is not slowed down by this.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

BURST_SECONDS: Final = 10.0
"""A bucket holds what its rate gives in this time."""
MAX_KEYS: Final = 65_536
"""Of so many keys something is remembered: 16 MB."""


class Buckets:
    """A bucket for each key: `rate` tokens a second, at most `BURST_SECONDS` of them, and one.

    Any thread may call its methods.
    """

    def __init__(
        self,
        rate: float,
        *,
        most: int = MAX_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate = rate
        self.burst = max(1.0, rate * BURST_SECONDS)
        self._most = most
        self._clock = clock
        self._lock = Lock()
        # The tokens of each key, and when it had them; the key seen last comes last.
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tokens)

    def take(self, key: str) -> float:
        """Take one token and return 0; if there is none, take nothing and return the wait for it.

        In seconds.
        """
        with self._lock:
            now, tokens = self._now(key)
            if tokens < 1:
                self._keep(key, tokens, now)
                return (1 - tokens) / self.rate
            self._keep(key, tokens - 1, now)
            return 0.0

    def wait(self, key: str) -> float:
        """Return the seconds until the bucket holds a token, 0 if it does; take nothing."""
        with self._lock:
            _, tokens = self._now(key)
            return max(0.0, 1 - tokens) / self.rate

    def charge(self, key: str, tokens: float) -> None:
        """Take as many tokens, even if the bucket then owes some; give them back if negative."""
        with self._lock:
            now, held = self._now(key)
            self._keep(key, held - tokens, now)

    def _now(self, key: str) -> tuple[float, float]:
        """Return the time, and the tokens of a key by then."""
        now = self._clock()
        tokens, since = self._tokens.get(key, (self.burst, now))
        return now, min(self.burst, tokens + (now - since) * self.rate)

    def _keep(self, key: str, tokens: float, now: float) -> None:
        self._tokens[key] = tokens, now
        self._tokens.move_to_end(key)
        if len(self._tokens) > self._most:
            self._tokens.popitem(last=False)
