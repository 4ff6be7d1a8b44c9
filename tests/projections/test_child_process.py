"""A child process is kept going, woken, and ended, whatever it prints and however it ends.

A few lines of Python stand in for the follower: a process that prints nonsense, hangs, or dies.
"""

from __future__ import annotations

import logging
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.processes import child_process
from api.processes.following import Following
from api.readiness import MAX_LAG, Progress, readiness
from projections.database import open_tables
from tests.harness.published_log import PublishedLog, opened_log
from tests.harness.waiting import until


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    """The keeper of a real follower of a small log, not started."""
    log, _ = opened_log(tmp_path / "log", 5)
    yield from kept(log, tmp_path / "tables")


def kept(log: PublishedLog, tables: Path) -> Iterator[Following]:
    engine = open_tables(tables)
    found = Following(log.root, tables, log.key, engine, size=7)
    yield found
    found.stop()
    engine.dispose()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"size\n",
        b"size \n",
        b"size -1\n",
        b"size +8\n",
        b"size 08\n",
        b"size 8_0\n",
        b"size 8 \n",
        b" size 8\n",
        b"size  8\n",
        b"Size 8\n",
        b"size 8\r\n",
        b"size 8",
        b"size 8\n\n",
        b"size " + b"8" * 17 + b"\n",
        b"size " + b"8" * 4_000 + b"\n",
        "size \N{ARABIC-INDIC DIGIT EIGHT}\n".encode(),
        b"\xff\xfe\n",
        b"halted",
        b"halted for good",
        b"halted\n",
        b"obstacle",
        b"obstacles all around\n",
        b"I halted at 8\n",
    ],
)
def test_a_line_that_makes_no_sense_changes_nothing(
    following: Following, caplog: pytest.LogCaptureFixture, line: bytes
) -> None:
    following._on_line(line.decode("utf-8", "replace"))
    assert (following.size, following.failure, following.obstacle) == (7, None, None)
    assert "makes no sense" in caplog.text


def test_a_line_that_makes_sense_is_believed(following: Following) -> None:
    following._on_line("obstacle the log is out of reach\n")
    assert str(following.obstacle) == "the log is out of reach"
    following._on_line("size 12\n")
    assert (following.size, following.obstacle) == (12, None)
    following._on_line("halted entry 5: \ufffd is not what was signed\n")
    assert "entry 5" in str(following.failure)


def says(following: Following, code: str) -> None:
    """Let these lines of Python stand in for the follower."""
    following._command = [sys.executable, "-ISc", f"import os, sys, time\n{code}"]


def test_what_a_dying_process_cuts_short_is_not_believed(following: Following) -> None:
    says(following, "os.write(1, b'size 99\\nsize 1')")
    following.start()
    until(lambda: following.obstacle is not None)
    assert (following.size, following.failure) == (99, None)
    assert "ended with code 0" in str(following.obstacle)


def test_a_line_without_an_end_takes_no_memory_and_what_follows_is_heard(
    following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "api.processes.following")  # what is captured takes memory
    says(following, "os.write(1, b'size 8' * 1_000_000 + b'\\nsize 12\\n')\nsys.stdin.read()")
    tracemalloc.start()
    following.start()
    until(lambda: following.size == 12)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_one_that_halted_is_not_started_again(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "RESTART_SECONDS", 0.01)
    starts = tmp_path / "starts"
    says(following, f"open({str(starts)!r}, 'a').write('.')\nprint('halted for good')")
    following.start()
    until(lambda: not following._thread.is_alive())
    assert (starts.read_text(), str(following.failure)) == (".", "for good")


def test_one_that_keeps_dying_is_started_again_each_time_and_leaves_no_descriptor(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "RESTART_SECONDS", 0.01)
    starts = tmp_path / "starts"
    before = descriptors()
    says(following, f"open({str(starts)!r}, 'a').write('.')\nos.kill(os.getpid(), 9)")
    following.start()
    until(lambda: starts.exists() and len(starts.read_text()) >= 10)
    following.stop()
    assert descriptors() == before
    assert following.failure is None


def descriptors() -> set[str]:
    """Return the numbers of this process's open files."""
    return {link.name for link in Path("/proc/self/fd").iterdir()}


def test_one_that_cannot_be_started_is_tried_again(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "RESTART_SECONDS", 0.01)
    program = tmp_path / "python"
    following._command = [str(program)]
    following.start()
    until(lambda: following.obstacle is not None)
    assert "cannot be started" in str(following.obstacle)
    program.write_text("#!/bin/sh\necho size 12\ncat\n")
    program.chmod(0o700)
    until(lambda: following.size == 12 and following.obstacle is None)


def test_it_can_be_stopped_at_any_moment_and_more_than_once(
    following: Following, tmp_path: Path
) -> None:
    following.stop()
    following.start()  # too late: it has been stopped
    following.stop()
    following.stop()
    assert following._process is None
    key = PublishedLog(tmp_path / "log").key
    for delay in (0, 0.001, 0.01, 0.03, 0.1):
        again = Following(tmp_path, tmp_path, key, following.engine, size=7)
        says(again, "sys.stdin.read()")
        again.start()
        time.sleep(delay)
        again.wake()
        began = time.monotonic()
        again.stop()
        assert time.monotonic() - began < 5
        assert again._process is None
        assert again.obstacle is None
        assert not again._thread.is_alive()


def test_one_that_hangs_is_killed_when_it_is_stopped(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "_STOP_SECONDS", 0.2)
    says(following, "os.write(1, b'size 12\\n')\ntime.sleep(1000)")
    following.start()
    until(lambda: following.size == 12)
    for _ in range(70_000):
        following.wake()  # nobody reads it, and no one is kept waiting for that
    began = time.monotonic()
    following.stop()
    assert 0.2 <= time.monotonic() - began < 2


def test_its_input_is_not_closed_under_somebody_who_writes_to_it(following: Following) -> None:
    """Else the wake might go to whichever file got the number of the descriptor."""
    says(following, "os.write(1, b'size 12\\n')\nsys.stdin.read(1)")
    following.start()
    until(lambda: following.size == 12)
    process = following._process
    assert process is not None
    assert process.stdin is not None
    following.wake()
    with following._input:
        until(lambda: process.poll() is not None)
        time.sleep(0.1)
        assert not process.stdin.closed
    until(lambda: process.stdin is not None and process.stdin.closed)
    following.wake()


def looked(following: Following) -> Following:
    following.wake()
    return following


@pytest.mark.slow
def test_an_obstacle_is_told_and_taken_back(following: Following) -> None:
    following.start()
    until(lambda: following.size == 16)
    checkpoint = Path(following._command[3]) / "checkpoint"
    checkpoint.rename(checkpoint.with_name("elsewhere"))
    until(lambda: looked(following).obstacle is not None)
    checkpoint.with_name("elsewhere").rename(checkpoint)
    until(lambda: looked(following).obstacle is None)
    assert following.failure is None


def test_with_an_obstacle_in_its_way_the_least_lag_is_told() -> None:
    stands = Progress(
        committed=MAX_LAG + 2,
        published=MAX_LAG + 2,
        projected=2,
        gate_failure=None,
        publisher_failure=None,
        follower_failure=None,
        follower_obstacle=None,
    )
    obstacle = OSError("/a/path/of/ours")
    assert readiness(stands).ready
    assert not readiness(stands._replace(projected=1)).ready
    assert readiness(stands._replace(projected=MAX_LAG + 2, follower_obstacle=obstacle)).ready
    found = readiness(stands._replace(projected=MAX_LAG + 1, follower_obstacle=obstacle))
    assert [part.state for part in found.parts] == ["works", "works", "lags"]
    assert "path" not in str(found)
