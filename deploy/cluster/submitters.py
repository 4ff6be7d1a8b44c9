"""Providers that go on submitting while parts are killed, and keep what they were promised."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from demo.cast import COURSES
from demo.story import Story
from testamur.errors import Unavailable
from testamur.http.client import RegistryClient
from testamur.verification.receipt import Receipt

LEARNERS: Final = 3
_PATIENCE: Final = 1.0  # seconds at one address before the next one is asked
_PAUSE: Final = 0.2  # seconds between two submissions
_WHOLE: Final = 120.0  # seconds over all addresses


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A submission, and the receipt that some address gave for it."""

    body: bytes
    receipt: Receipt


class Submitters:
    """One thread for each of `turns`, the addresses that it asks in turn.

    A submission that got no answer is sent again, the same bytes, to the next address.
    """

    def __init__(self, story: Story, turns: Sequence[Sequence[str]]) -> None:
        self._story = story
        self._names = itertools.count()
        self._preparing = threading.Lock()
        self._stopped = threading.Event()
        self._failure: Exception | None = None
        self.acknowledged: list[Acknowledged] = []
        self.repeated = 0
        self._threads = [
            threading.Thread(target=self._run, args=(urls,), daemon=True) for urls in turns
        ]

    def start(self) -> None:
        """Begin to submit."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the submissions under way; raises what one of them failed with."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(_WHOLE + 30)
        if self._failure is not None:
            raise self._failure

    def check(self) -> None:
        """Raise what a submission failed with, if one did."""
        if self._failure is not None:
            raise self._failure

    def _run(self, urls: Sequence[str]) -> None:
        with ExitStack() as stack:
            clients = [stack.enter_context(RegistryClient(url, patience=_PATIENCE)) for url in urls]
            turns = itertools.cycle(clients)
            try:
                while not self._stopped.is_set():
                    body = self.prepared()
                    self.acknowledged.append(Acknowledged(body, self._submitted(turns, body)))
                    self._stopped.wait(_PAUSE)
            except Exception as error:  # noqa: BLE001  # told by `check` and `stop`
                self._failure = error

    def _submitted(self, turns: itertools.cycle[RegistryClient], body: bytes) -> Receipt:
        deadline = time.monotonic() + _WHOLE
        while True:
            try:
                return next(turns).submit(body, "published", "admit")
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                self.repeated += 1

    def prepared(self) -> bytes:
        """Return the signed submission of a small cohort that nobody awarded before."""
        with self._preparing:
            course = COURSES[0]
            prepared = self._story.prepare(course, LEARNERS, f"term{next(self._names)}")
            provider = self._story.provider_of(course)
            return provider.seal(prepared.events, log=self._story.log, now=int(time.time()))
