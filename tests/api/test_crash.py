"""Killing the real server, at any moment and many times, under load: nothing it said is untrue.

Every round starts the server, lets a crowd submit to it, and kills it without warning; some
rounds kill it while it is still starting. Whatever it acknowledged before it died must be there
afterwards, where it said, under a tree that extends every checkpoint anybody saw. SIGKILL takes
the process and leaves the kernel: what a power cut does to unflushed bytes is not tested here.

    TESTAMUR_CRASH_ROUNDS   how often it is killed (8)
    TESTAMUR_CRASH_SEED     repeats the sizes and waits of a run, though not its timing
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from testamur.catalogue.submission import parse
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.merkle import prove_consistency, verify_consistency
from testamur.tlog.proof import TlogProof
from testamur.tlog.tiles import TileHashes
from testamur.verification.receipt import Receipt, parse_receipt, verify_receipt
from testamur.verification.replay import ReplayedSubmission, replay
from tests.harness.served import PROJECT, TYPE, Served, api
from tests.harness.waiting import until

ROUNDS = int(os.environ.get("TESTAMUR_CRASH_ROUNDS", "8"))
SEED = int(os.environ.get("TESTAMUR_CRASH_SEED", str(time.time_ns())))
CROWD = 8


@dataclass
class Witnessed:
    """What the server said before it died, and what was asked of it without an answer."""

    receipts: list[tuple[bytes, Receipt]] = field(default_factory=list)
    unanswered: list[bytes] = field(default_factory=list)
    checkpoints: set[bytes] = field(default_factory=set)
    unexpected: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, body: bytes, answer: httpx2.Response) -> None:
        """Keep a receipt; anything else but a request to come back is not expected."""
        with self.lock:
            if answer.status_code in (200, 201):
                self.receipts.append((body, parse_receipt(answer.content)))
            else:
                self.unanswered.append(body)
                if answer.status_code != 503:
                    self.unexpected.append(answer.text)


@pytest.fixture
def served(opened_log: Served, tmp_path: Path) -> Iterator[Served]:
    """A log whose provider may issue; nobody serves it yet."""
    log = opened_log.copy(tmp_path / "data")
    yield log
    log.close()


@pytest.mark.slow
def test_nothing_acknowledged_is_ever_lost_and_no_checkpoint_is_ever_contradicted(
    served: Served,
) -> None:
    print(f"TESTAMUR_CRASH_SEED={SEED}")  # noqa: T201  # shown when the test fails
    chance = random.Random(SEED)
    seen = Witnessed()
    checked = 0
    for number in range(ROUNDS):
        if number % 4 == 3:
            kill_while_starting(served, chance.uniform(0.3, 2.0))
        served.start()
        # What the server that was killed before this one had said.
        check_receipts(served, seen.receipts[checked:])
        checked = len(seen.receipts)
        with crowded(served, seen, chance):
            time.sleep(chance.uniform(0.05, 1.2))
            until(lambda: len(seen.receipts) > 5 * (number + 1))  # noqa: B023  # it is called here
            served.stop(how=signal.SIGKILL)
    assert len(seen.receipts) > 5 * ROUNDS
    assert seen.unexpected == []
    with served.running():
        settle(served, seen)
        check_receipts(served, seen.receipts)
        check_checkpoints(served, seen)
        check_sequence(served, seen)
    assert api("fsck", "--data", served.data).stdout == ""


# --- The crowd ---


class crowded:  # noqa: N801  # reads as what it is
    """A running server under load; the crowd goes home when the server is gone."""

    def __init__(self, served: Served, seen: Witnessed, chance: random.Random) -> None:
        self._served = served
        self._seen = seen
        self._seeds = [chance.random() for _ in range(CROWD)]
        self._gone = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> None:
        url = self._served.url
        self._threads = [
            threading.Thread(target=self._submit, args=(url, random.Random(seed)))
            for seed in self._seeds
        ]
        self._threads.append(threading.Thread(target=self._watch, args=(url,)))
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        for thread in self._threads:
            thread.join()

    def _submit(self, url: str, chance: random.Random) -> None:
        with httpx2.Client(timeout=30) as client:
            while not self._gone.is_set():
                body = self._next_body(chance)
                wait = chance.choice(("durable", "published", "published"))
                try:
                    answer = client.post(
                        f"{url}/submissions", params={"wait": wait}, content=body, headers=TYPE
                    )
                except httpx2.HTTPError:
                    # It may have been recorded, or not: nobody was told.
                    with self._seen.lock:
                        self._seen.unanswered.append(body)
                    return
                self._seen.answered(body, answer)

    def _next_body(self, chance: random.Random) -> bytes:
        with self._seen.lock:  # the story hands out ids one at a time
            if self._seen.unanswered and chance.random() < 0.3:
                return self._seen.unanswered.pop()
            return self._served.story.cohort(chance.choice((1, 1, 2, 5, 40, 300)))

    def _watch(self, url: str) -> None:
        with httpx2.Client(timeout=30) as client:
            while not self._gone.is_set():
                try:
                    answer = client.get(f"{url}/log/checkpoint")
                except httpx2.HTTPError:
                    return
                with self._seen.lock:
                    self._seen.checkpoints.add(answer.content)
                time.sleep(0.01)


def kill_while_starting(served: Served, after: float) -> None:
    """Start the server and kill it, whether it has come to listen or not."""
    process = subprocess.Popen(
        [sys.executable, "-m", "api", "serve", "--data", str(served.data), "--port", "0"],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    process.kill()
    process.wait()


def settle(served: Served, seen: Witnessed) -> None:
    """Submit again what got no answer: it is recorded now, or was before, and then as it was."""
    for body in seen.unanswered:
        answer = served.post(body)
        assert answer.status_code in (200, 201), answer.text
        seen.receipts.append((body, parse_receipt(answer.content)))
    seen.unanswered.clear()


# --- What must hold ---


def check_receipts(served: Served, receipts: list[tuple[bytes, Receipt]]) -> None:
    """Each is still there, where it said, and is proven."""
    for body, receipt in receipts:
        # The same submission again: not recorded anew, and answered once it is published.
        found = served.post(body)
        assert found.status_code == 200, f"lost: {receipt.position} {found.text}"
        now = parse_receipt(found.content)
        assert stated(now) == stated(receipt)
        verify_receipt(now, body, served.policy)
        if receipt.proof is not None:
            verify_receipt(receipt, body, served.policy)


def stated(receipt: Receipt) -> tuple[object, ...]:
    """Return what a receipt may never take back."""
    return receipt.position, receipt.events, receipt.recorded_at, receipt.entry, receipt.flags


def check_checkpoints(served: Served, seen: Witnessed) -> None:
    """Every checkpoint that was fetched or came in a receipt is a prefix of the last one."""
    notes = set(seen.checkpoints)
    for _, receipt in seen.receipts:
        if receipt.proof is not None:
            notes.add(TlogProof.parse(receipt.proof.encode()).checkpoint)
    by_size: dict[int, Checkpoint] = {}
    for note in notes:
        checkpoint, _ = open_checkpoint(note, served.key)
        assert by_size.setdefault(checkpoint.size, checkpoint) == checkpoint
    last = served.reader().checkpoint()
    hashes = TileHashes(last.size, served.source.fetch)
    ordered = [by_size[size] for size in sorted(by_size)]
    assert len(ordered) > ROUNDS
    for old, new in pairwise([*ordered, last]):
        proof = prove_consistency(old.size, new.size, hashes.at(new.size))
        verify_consistency(old.size, new.size, old.root, new.root, proof)


def check_sequence(served: Served, seen: Witnessed) -> None:
    """The log replays to its root, without a hole, and holds what was acknowledged, once."""
    cohorts: list[ReplayedSubmission] = []
    replayed = replay(served.source, served.key, on_submission=cohorts.append)
    end = 0
    for cohort in cohorts:
        assert cohort.position == end
        end += 1 + len(cohort.events)
    assert end == replayed.statistics.size
    at = {cohort.position: cohort for cohort in cohorts}
    for body, receipt in seen.receipts:
        cohort = at[receipt.position]
        assert cohort.header.jws == parse(body).header.jws
        assert cohort.lines == parse(body).lines
    # Nobody else submitted: all but the opening was acknowledged, if not at once.
    acknowledged = {receipt.position for _, receipt in seen.receipts}
    assert {cohort.position for cohort in cohorts if cohort.position >= 10} == acknowledged
