"""The lease in PostgreSQL does what its model does, in any order of claims, signatures, cuts."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Final, Literal, TypeAlias

import pytest

from log.last_signed import Overtaken
from log.postgres import PostgresLastSigned
from registry.postgres.address import Address
from testamur.errors import Unavailable
from tests.harness import postgres
from tests.harness.waiting import until

pytestmark = pytest.mark.postgres

STEPS: Final = 60
MOVES: Final = ("claim", "claim", "swap", "swap", "stale", "get", "cut", "release")
HOLDER: Final = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND classid = 2121507592 AND objid = 'published'::regclass::oid
"""
Outcome: TypeAlias = Literal["done", "overtaken", "unavailable"]


class Lockstep:
    """Real publishers, and beside them what the model says of each (`lease.py`)."""

    def __init__(self, url: str, publishers: list[PostgresLastSigned]) -> None:
        self.url = url
        self.real = publishers
        self.note: bytes | None = None
        self.epoch = 0
        self.holder: int | None = None  # whose session has the lock
        self.epochs: list[int | None] = [None] * len(publishers)
        self.believes = [False] * len(publishers)
        self.cut: set[int] = set()  # whose session has ended without their knowledge
        self.lost: set[int] = set()  # who claimed the log in a session that has ended
        self.signed = 0

    def claim(self, one: int) -> None:
        free = self.holder in (None, one)
        try:
            self.real[one].claim()
        except Unavailable:
            # A session that was cut is noticed at the first question, and replaced for the next.
            assert not free or one in self.cut
            self.believes[one] = False
        else:
            assert free
            if self.holder is None:
                self.epoch += 1
                self.epochs[one], self.holder = self.epoch, one
            self.believes[one] = True
            self.lost.discard(one)
        self.cut.discard(one)

    def swap(self, one: int, old: bytes | None) -> None:
        """`Lease._swapped`: in its own epoch, and only what it extends; here in its own session."""
        allowed = old == self.note and self.epochs[one] in (None, self.epoch)
        self.signed += 1
        new = b"note %d by %d" % (self.signed, one)
        outcome = self._outcome(one, old, new)
        expected: set[Outcome] = {"done" if allowed else "overtaken"}
        if one in self.lost:
            expected = {"unavailable"}
        assert outcome in expected
        self.cut.discard(one)
        if outcome == "done":
            self.note = new
        assert postgres.sql(self.url, "SELECT epoch, note FROM published") == [
            (self.epoch, self.note)
        ]

    def _outcome(self, one: int, old: bytes | None, new: bytes) -> Outcome:
        try:
            self.real[one].compare_and_swap(old, new)
        except Overtaken:
            return "overtaken"
        except Unavailable:
            return "unavailable"
        return "done"

    def cut_off(self) -> None:
        """End the session that has the lock; nobody tells its publisher."""
        if self.holder is None:
            return
        found = postgres.sql(self.url, HOLDER)
        assert len(found) == 1
        postgres.sql(self.url, "SELECT pg_terminate_backend(%s)", *found[0])
        until(lambda: not postgres.sql(self.url, HOLDER))
        self.cut.add(self.holder)
        self.lost.add(self.holder)
        self.holder = None

    def release(self, one: int) -> None:
        self.real[one].release()
        if self.believes[one]:
            self.epochs[one], self.believes[one] = None, False
            self.cut.discard(one)
            self.lost.discard(one)
        if self.holder == one:
            self.holder = None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_claims_and_signatures_follow_the_model(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    url = postgres.address(tmp_path)
    with ExitStack() as stack:
        publishers = [
            stack.enter_context(closing(PostgresLastSigned(Address.parse(url).connect, lease=60)))
            for _ in range(3)
        ]
        both = Lockstep(url, publishers)
        known: list[bytes | None] = [None]
        for _ in range(STEPS):
            one = random.randrange(3)
            match random.choice(
                ("claim", "claim", "swap", "swap", "stale", "get", "cut", "release")
            ):
                case "claim":
                    both.claim(one)
                case "swap" if both.epochs[one] is not None:
                    both.swap(one, both.note)
                case "stale" if both.epochs[one] is not None:
                    both.swap(one, random.choice(known))
                case "get":
                    assert publishers[one].get() == both.note
                    both.cut.discard(one)
                case "cut":
                    both.cut_off()
                case "release":
                    both.release(one)
                case _:
                    pass
            known.append(both.note)
        assert both.note is not None
