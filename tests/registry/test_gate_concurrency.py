"""Several threads, several processes, and one that dies: one order, no hole, nothing lost."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest

from registry.gate import Outcome, Recorded
from testamur.catalogue.submission import parse, parse_submission_entry
from testamur.errors import Refusal
from testamur.tlog.merkle import leaf_hashes
from testamur.verification.replay import Replayer
from tests.harness.gates import OPENING, Desk
from tests.harness.stores import Kept

ROOT = Path(__file__).resolve().parents[2]


class Tail:
    """Reads a log as it grows, the way a publisher does, and keeps what it saw."""

    def __init__(self, desk: Desk) -> None:
        self.seen: list[bytes] = []
        self._desk = desk
        self._over = Event()
        self._thread = Thread(target=self._follow)
        self._thread.start()

    def finish(self) -> list[bytes]:
        """Return all that was seen, once it has caught up."""
        self._over.set()
        self._thread.join(timeout=60)
        return self.seen

    def _follow(self) -> None:
        last_round = False
        while not last_round:
            last_round = self._over.is_set()
            entries, leaves = self._desk.read(len(self.seen), 700)
            assert leaves == leaf_hashes(entries)
            self.seen += entries
            last_round = last_round and not entries


def assert_sound(desk: Desk, size: int) -> list[bytes]:
    """Assert that the log has `size` entries, that every check holds, and that it replays."""
    assert desk.committed() == size
    desk.examine()
    entries, leaves = desk.read(0, size)
    replayer = Replayer(desk.story.log_key.public)
    replayer.feed(entries, leaves)
    replayer.settle()
    return entries


def writing(kept: Kept, series: int, cohorts: int, size: int) -> subprocess.Popen[str]:
    """Start a process that submits cohorts to the file."""
    command = [sys.executable, "-m", "tests.harness.writing_process", kept.driver]
    return subprocess.Popen(
        [*command, *map(str, (kept.folder, series, cohorts, size))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def acknowledged(lines: str) -> list[tuple[int, int, str]]:
    """Return what a process said was acknowledged."""
    fields = (line.split() for line in lines.splitlines() if line.count(" ") == 2)
    return [(int(position), int(events), jti) for position, events, jti in fields]


def assert_acknowledged(entries: list[bytes], answered: list[tuple[int, int, str]]) -> None:
    """Assert that everything that was acknowledged is where it was said to be."""
    for position, events, jti in answered:
        _, header = parse_submission_entry(entries[position])
        assert (header.payload.jti, header.payload.events) == (jti, events)


# --- Threads ---


@pytest.mark.slow
def test_threads_leave_no_hole_and_a_tailing_reader_misses_nothing(desk: Desk) -> None:
    story = desk.story
    bodies = [story.cohort(size) for size in [1, 40, 3, 250, 1, 1, 90, 7] * 6]
    tail = Tail(desk)
    with ThreadPoolExecutor(6) as threads:
        outcomes = list(threads.map(desk.submit, bodies))
    assert all(isinstance(outcome, Recorded) for outcome in outcomes)
    size = OPENING + sum(len(parse(body).lines) + 1 for body in bodies)
    assert tail.finish() == assert_sound(desk, size)
    spans = sorted(
        (outcome.position, outcome.events) for outcome in outcomes if isinstance(outcome, Recorded)
    )
    ends = itertools.accumulate((events + 1 for _, events in spans), initial=OPENING)
    assert [position for position, _ in spans] == list(ends)[:-1]


def test_one_submission_from_many_threads_is_recorded_once(desk: Desk) -> None:
    body = desk.story.cohort(20)
    with Desk(desk.kept, desk.story) as other, ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda at: at.submit(body), [desk, other] * 20))
    recorded = [outcome for outcome in outcomes if isinstance(outcome, Recorded)]
    assert len(recorded) == 40
    assert [outcome.repeated for outcome in recorded].count(False) == 1
    assert {outcome.position for outcome in recorded} == {OPENING}
    assert_sound(desk, OPENING + 21)


def test_of_many_racing_for_a_credential_one_gets_it(desk: Desk) -> None:
    story = desk.story
    for _ in range(3):
        before = desk.committed()
        credential = story.new_id()
        bodies = [
            story.submission(story.provider, story.issued(), story.issued(credential))
            for _ in range(12)
        ]
        with Desk(desk.kept, story) as other, ThreadPoolExecutor(6) as threads:
            desks = itertools.cycle([desk, other])
            outcomes: list[Outcome] = list(
                threads.map(lambda at, body: at.submit(body), desks, bodies)
            )
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
        assert [(one.rule, one.line) for one in refused] == [("already-issued", 3)] * 11
        assert desk.committed() == before + 3


def test_nothing_is_recorded_under_a_key_after_its_retirement(desk: Desk) -> None:
    story = desk.story
    fresh = story.provider.with_key("second")
    founding = story.provider.founding
    desk.record(story.submission(founding, story.key_listed(fresh)))
    retirement = story.submission(founding, story.key_retired(fresh))
    bodies = [story.submission(fresh, story.issued()) for _ in range(60)]
    with Desk(desk.kept, story) as other, ThreadPoolExecutor(6) as threads:
        desks = itertools.cycle([desk, other])
        issuing = [threads.submit(at.submit, body) for at, body in zip(desks, bodies, strict=False)]
        issuing[5].result()
        retired = other.record(retirement).position
        outcomes = [one.result() for one in issuing]
    for outcome in outcomes:
        if isinstance(outcome, Recorded):
            assert outcome.position < retired
        else:
            assert isinstance(outcome, Refusal)
            assert outcome.rule == "key-inactive"
    assert_sound(desk, desk.committed())


# --- Processes ---


@pytest.mark.slow
def test_processes_share_one_order(desk: Desk) -> None:
    tail = Tail(desk)
    writers = [writing(desk.kept, series, 12, 60) for series in (1, 2)]
    own = [desk.record(desk.story.cohort(1)) for _ in range(15)]
    answered = [acknowledged(writer.communicate(timeout=120)[0]) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    entries = assert_sound(desk, OPENING + 2 * 12 * 61 + 15 * 2)
    assert tail.finish() == entries
    for acknowledgements in answered:
        assert len(acknowledgements) == 12
        assert_acknowledged(entries, acknowledgements)
    positions = [position for one in answered for position, _, _ in one]
    positions += [recorded.position for recorded in own]
    assert len(set(positions)) == 2 * 12 + 15


@pytest.mark.slow
def test_a_killed_process_loses_nothing_it_acknowledged(desk: Desk) -> None:
    """Killed three times while writing; a group it has not acknowledged yet may be there."""
    answered: list[tuple[int, int, str]] = []
    for series in (1, 2, 3):
        writer = writing(desk.kept, series, 10_000, 50)
        assert writer.stdout is not None
        lines = "".join(itertools.islice(writer.stdout, 8 * series))
        writer.send_signal(signal.SIGKILL)
        answered += acknowledged(lines + writer.communicate(timeout=60)[0])
        assert writer.returncode == -signal.SIGKILL
    desk.close()
    with Desk(desk.kept, desk.story) as reopened:
        size = reopened.committed()
        assert (size - OPENING) % 51 == 0
        assert size >= OPENING + 51 * len(answered)
        assert len(answered) >= 8 + 16 + 24
        entries = assert_sound(reopened, size)
        assert_acknowledged(entries, answered)
        assert reopened.record(reopened.story.cohort(1)).position == size
