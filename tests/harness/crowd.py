"""Clients that submit at the same time, and keep every receipt they were given."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx2

from testamur.catalogue.submission import MEDIA_TYPE
from testamur.verification.receipt import Receipt, parse_receipt
from tests.harness.served import Served
from tests.harness.waiting import until

_CLIENTS: Final = 4
_SECONDS: Final = 20.0  # for one answer
_SIZES: Final = (1, 1, 1, 2, 5)
_RECORDED: Final = (200, 201)

Given = tuple[bytes, Receipt]


class Crowd:
    """What clients of one log sent, and what they were told. Threads share it."""

    def __init__(self, served: Served, chance: random.Random) -> None:
        self._served = served
        self._chance = chance
        self._lock = threading.Lock()
        self._going = threading.Event()
        self._gone = threading.Event()
        self._under_way = 0
        self.receipts: list[Given] = []
        self.unanswered: dict[bytes, None] = {}  # in the order of their first failure
        self.answers: Counter[str] = Counter()
        self.odd: list[str] = []

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Keep the clients there, who submit between `go` and `pause`."""
        threads = [threading.Thread(target=self._submit) for _ in range(_CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._gone.set()
            self._going.set()
            for thread in threads:
                thread.join()

    def go(self) -> None:
        """Let them submit."""
        self._going.set()

    def pause(self) -> None:
        """Let them finish what is under way; return when they have."""
        self._going.clear()
        until(lambda: self._under_way == 0, 2 * _SECONDS)

    def settle(self, client: httpx2.Client) -> bool:
        """Submit again what got no receipt, and one more; return whether all of it is published.

        Then all that was acknowledged before is published as well, since it stands before that one.
        """
        for body in list(self.unanswered):
            if not self._post(client, body, "durable"):
                return False
        with self._lock:  # the story hands out ids one at a time
            one_more = self._served.story.cohort(1)
        return self._post(client, one_more, "published")

    def _submit(self) -> None:
        client = httpx2.Client(timeout=_SECONDS)
        while self._going.wait() and not self._gone.is_set():
            with self._lock:
                if not self._going.is_set():
                    continue
                self._under_way += 1
                again = self.unanswered and self._chance.random() < 0.3
                body = (
                    next(iter(self.unanswered))
                    if again
                    else self._served.story.cohort(self._chance.choice(_SIZES))
                )
                wait = self._chance.choice(("durable", "published"))
            try:
                if not self._post(client, body, wait):
                    client.close()  # it may be to a server that is gone
                    client = httpx2.Client(timeout=_SECONDS)
                    self._gone.wait(0.02)
            finally:
                with self._lock:
                    self._under_way -= 1
        client.close()

    def _post(self, client: httpx2.Client, body: bytes, wait: str) -> bool:
        try:
            answer = client.post(
                f"{self._served.url}/submissions",
                params={"wait": wait},
                content=body,
                headers={"Content-Type": MEDIA_TYPE},
            )
        except httpx2.HTTPError as error:
            with self._lock:  # recorded or not: nobody was told
                self.unanswered[body] = None
                self.answers[type(error).__name__] += 1
            return False
        recorded = answer.status_code in _RECORDED
        receipt = parse_receipt(answer.content) if recorded else None
        with self._lock:
            self.answers[str(answer.status_code)] += 1
            if receipt is not None:
                self.receipts.append((body, receipt))
                self.unanswered.pop(body, None)
            else:
                self.unanswered[body] = None
                if answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                    self.odd.append(f"{answer.status_code} {answer.text[:500]}")
        return recorded
