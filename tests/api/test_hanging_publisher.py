"""A publication that hangs keeps the log from nobody once the server beside it is gone."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from log.last_signed import Claimed
from log.sqlite import SqliteLastSigned
from tests.harness.served import PROJECT, Served


def test_a_publisher_that_hangs_ends_all_the_same_when_its_input_does(
    opened_log: Served, tmp_path: Path
) -> None:
    log = opened_log.copy(tmp_path / "data")
    (log.data / "log" / "checkpoint").unlink()  # to be published again
    with (
        contextlib.closing(log),
        contextlib.closing(SqliteLastSigned(log.data / "last-signed.db")) as next_one,
        subprocess.Popen(
            [sys.executable, "-m", "tests.harness.hanging_publisher", str(log.data)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdout is not None
        assert b"hangs\n" in process.stdout
        with pytest.raises(Claimed):
            next_one.claim()
        process.communicate(timeout=60)
        assert process.returncode == 3
        next_one.claim()
