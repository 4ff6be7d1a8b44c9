"""Who makes the files of learners: this process, one after another, or several beside it.

A certificate is a fifth of a second of work, so a large cohort is made by as many processes as the
machine has cores. What they are given and return is in memory alone.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from threading import Lock
from typing import Final, TypeAlias

from testamur.badges.commitment import HolderFile
from testamur.errors import Unavailable
from testamur.pages.addresses import Addresses
from testamur.pages.facts import Facts
from testamur.pages.learner import files_of

# Each takes 100 MB.
_MOST: Final = 8
# A process takes a second to start, in which it would have made so many.
_WORTH_ONE: Final = 16

Make: TypeAlias = Callable[[Facts, HolderFile, bytes, Addresses], dict[str, bytes]]
"""Returns the files of a learner, as `files_of` does; threads may share it."""


def how_many(learners: int) -> int:
    """Return how many processes are worth starting for so many learners."""
    return min(os.cpu_count() or 1, _MOST, learners // _WORTH_ONE)


@contextmanager
def makers(count: int, *, pdf: bool) -> Iterator[Make]:
    """Start `count` processes and end them; up to one, this process does it itself."""
    if count < 2:
        yield _here(partial(files_of, pdf=pdf))
        return
    # A process that was forked from one with threads may never end.
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_leave_interrupts)
    try:
        yield _elsewhere(partial(files_of, pdf=pdf), pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _here(work: Make) -> Make:
    # What lays out certificates is not made for several threads.
    lock = Lock()

    def make(
        facts: Facts, holder: HolderFile, evidence: bytes, addresses: Addresses
    ) -> dict[str, bytes]:
        with lock:
            return work(facts, holder, evidence, addresses)

    return make


def _elsewhere(work: Make, pool: ProcessPoolExecutor) -> Make:
    def make(
        facts: Facts, holder: HolderFile, evidence: bytes, addresses: Addresses
    ) -> dict[str, bytes]:
        try:
            return pool.submit(work, facts, holder, evidence, addresses).result()
        except BrokenProcessPool:
            raise Unavailable(
                "a process that makes pages was ended from outside; run the same command again"
            ) from None

    return make


def _leave_interrupts() -> None:
    # Ctrl-C reaches every process of the terminal; the one that started these ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
