"""Work that hangs keeps the log and its tables from nobody, whether its server lives or is gone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from log.last_signed import Claimed
from log.sqlite import SqliteLastSigned
from testamur.hanging import HUNG
from tests.harness.served import PROJECT, Served


@contextlib.contextmanager
def hanging(*arguments: str | Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process whose work hangs by now."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.harness.hanging", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert b"hangs\n" in process.stdout
        yield process


@pytest.fixture
def log(opened_log: Served, tmp_path: Path) -> Iterator[Served]:
    """A log of its own."""
    with contextlib.closing(opened_log.copy(tmp_path / "data")) as log:
        yield log


@pytest.fixture
def next_one(log: Served) -> Iterator[SqliteLastSigned]:
    """The claim of the publisher that comes next; the public checkpoint is to be written again."""
    (log.data / "log" / "checkpoint").unlink()
    with contextlib.closing(SqliteLastSigned(log.data / "last-signed.db")) as claim:
        yield claim


def test_a_publisher_that_hangs_ends_all_the_same_when_its_input_does(
    log: Served, next_one: SqliteLastSigned
) -> None:
    with hanging("publisher", log.data) as process:
        with pytest.raises(Claimed):
            next_one.claim()
        process.communicate(timeout=60)
        assert process.returncode == HUNG
        next_one.claim()


def test_a_publisher_that_hangs_beside_a_living_server_says_so_and_ends(
    log: Served, next_one: SqliteLastSigned
) -> None:
    with hanging("publisher", log.data, HANG_SECONDS="2") as process:
        assert process.stdout is not None
        assert process.wait(60) == HUNG
        assert b"unavailable publishing has hung for 2 s, and begins anew\n" in process.stdout
        next_one.claim()


def test_a_follower_that_hangs_ends_all_the_same_when_its_input_does(
    log: Served, tmp_path: Path
) -> None:
    with hanging(*following(log, tmp_path)) as process:
        process.communicate(timeout=60)
        assert process.returncode == HUNG


def test_a_follower_that_hangs_beside_a_living_server_says_so_and_ends(
    log: Served, tmp_path: Path
) -> None:
    with hanging(*following(log, tmp_path), HANG_SECONDS="2") as process:
        assert process.stdout is not None
        assert process.wait(60) == HUNG
        assert b"obstacle the follower has hung for 2 s, and begins anew\n" in process.stdout


def following(log: Served, tables: Path) -> tuple[str | Path, ...]:
    return ("follower", log.data / "log", tables / "tables", "--key", log.vkey, "--attached")
