"""A publication that hangs keeps the log from nobody, whether its server lives or is gone."""

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
from tests.harness.served import PROJECT, Served


@contextlib.contextmanager
def hanging(log: Served, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a publisher of `log` whose first flush hangs."""
    (log.data / "log" / "checkpoint").unlink()  # to be published again
    with subprocess.Popen(
        [sys.executable, "-m", "tests.harness.hanging_publisher", str(log.data)],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert b"hangs\n" in process.stdout
        yield process


def test_a_publisher_that_hangs_ends_all_the_same_when_its_input_does(
    opened_log: Served, tmp_path: Path
) -> None:
    with (
        contextlib.closing(opened_log.copy(tmp_path / "data")) as log,
        contextlib.closing(SqliteLastSigned(log.data / "last-signed.db")) as next_one,
        hanging(log) as process,
    ):
        with pytest.raises(Claimed):
            next_one.claim()
        process.communicate(timeout=60)
        assert process.returncode == 3
        next_one.claim()


def test_a_publisher_that_hangs_beside_a_living_server_says_so_and_ends(
    opened_log: Served, tmp_path: Path
) -> None:
    with (
        contextlib.closing(opened_log.copy(tmp_path / "data")) as log,
        contextlib.closing(SqliteLastSigned(log.data / "last-signed.db")) as next_one,
        hanging(log, HANG_SECONDS="2") as process,
    ):
        assert process.stdout is not None
        assert process.wait(60) == 3
        assert b"unavailable publishing has hung for 2 s, and begins anew\n" in process.stdout
        next_one.claim()
