"""A thread that publishes when woken, at intervals, and recovers from failures by itself."""

from __future__ import annotations

import logging
import math
import threading
import time
from contextlib import suppress
from typing import Final

from log.last_signed import Claimed, Overtaken
from log.publisher import Publisher
from testamur.errors import Refuted

_POLL: Final = 1.0  # seconds; a commit by another process does not wake this one
_LONGEST_PAUSE: Final = 5.0  # seconds between two attempts to resume
_AFTER_DAMAGE: Final = 60.0  # the same while something stored is damaged: it reads all files again
_STANDBY_POLL: Final = 0.1  # seconds between two attempts to claim the log

_logger = logging.getLogger(__name__)


class PublisherThread:
    """Publishes with `publisher` between `start` and `stop`.

    `interval` is in seconds, between the starts of two publications at least. `retry` is the pause
    before the first attempt to recover from a failure; each further pause is twice as long.
    """

    def __init__(self, publisher: Publisher, *, interval: float = 0.1, retry: float = 0.5) -> None:
        self._publisher = publisher
        self._interval = interval
        self._retry = retry
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._waits = True  # for work, or for its next attempt

    @property
    def step(self) -> int | None:
        """The step that it is at, None while it waits for work or for its next attempt."""
        return None if self._waits else self._publisher.steps

    def start(self) -> None:
        """Resume, and publish from now on.

        While another publisher holds the claim the thread stands by: it checks what is published,
        and then tries to claim the log. So does one that was `Overtaken`.
        """
        if self._thread is not None:
            raise RuntimeError("the publisher has been started already")
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="testamur-publisher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that entries were committed. Any thread may call it; it returns at once."""
        self._woken.set()

    def stop(self, seconds: float | None = None) -> bool:
        """Publish what is committed, if that is possible; end the thread and give up the claim.

        Return False, with the claim still held, if the thread has not ended in so many seconds.
        """
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                return False
            self._thread = None
        self._publisher.release()
        return True

    def _run(self) -> None:
        publisher = self._publisher
        pause = self._retry
        began = -math.inf  # when the last publication did
        while True:
            last = self._stopping.is_set()
            now = time.monotonic()
            self._waits = False
            with suppress(Exception):  # `failure` keeps it
                if not publisher.allowed:
                    publisher.resume()
                if publisher.publish_once() is not None:
                    began = now
            if last:
                return
            if publisher.failure is None:
                self._waits = True
                pause = self._retry
                self._woken.wait(_POLL)
                self._stopping.wait(began + self._interval - time.monotonic())
                self._woken.clear()
            elif not self._stood_by():
                self._waits = True
                _logger.error("publishing has stopped: %s", publisher.failure)
                self._stopping.wait(pause)
                damaged = isinstance(publisher.failure, Refuted)
                pause = min(2 * pause, _AFTER_DAMAGE if damaged else _LONGEST_PAUSE)

    def _stood_by(self) -> bool:
        """Stand by for a moment if another publisher is at work; return whether one is."""
        if self._is_others_turn():
            with suppress(Exception):  # `failure` keeps it
                self._publisher.check_published()
        if self._is_others_turn():
            self._stopping.wait(_STANDBY_POLL)
            return True
        return False

    def _is_others_turn(self) -> bool:
        return isinstance(self._publisher.failure, Claimed | Overtaken)
