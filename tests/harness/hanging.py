"""A publisher or a follower whose work never returns, as on a disk that does not answer.

python -m tests.harness.hanging publisher ROOT
python -m tests.harness.hanging follower LOG TABLES --key VKEY --attached

With the variable `HANG_SECONDS` it ends itself after so many, even while its input goes on.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from types import ModuleType

import typer

import projections.__main__ as follower
from api.processes import publisher
from log.directory import DirectoryStore
from testamur.hanging import HANG_SECONDS, end_when_hung
from testamur.tlog.reader import LogReader


def _hang(*_: object) -> None:
    os.write(1, b"hangs\n")
    threading.Event().wait()


if __name__ == "__main__":
    DirectoryStore._flush = _hang  # type: ignore[method-assign, assignment]
    LogReader.stretches = _hang  # type: ignore[method-assign, assignment]
    module: ModuleType = {"publisher": publisher, "follower": follower}[sys.argv.pop(1)]
    seconds = float(os.environ.get("HANG_SECONDS", HANG_SECONDS))
    module.END_SECONDS = 1.0  # type: ignore[attr-defined]
    module.end_when_hung = partial(  # type: ignore[attr-defined]
        end_when_hung, seconds=seconds
    )
    typer.run(module.main)
