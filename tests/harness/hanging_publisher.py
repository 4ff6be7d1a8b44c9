"""A publisher whose flushes never return, as on a disk that does not answer.

python -m tests.harness.hanging_publisher ROOT

With the variable `HANG_SECONDS` it ends itself after so many, even while its input goes on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

import typer

from api.processes import publisher
from log.directory import DirectoryStore


def _flush(_: DirectoryStore, __: Sequence[int]) -> None:
    os.write(1, b"hangs\n")
    threading.Event().wait()


if __name__ == "__main__":
    DirectoryStore._flush = _flush  # type: ignore[method-assign, assignment]
    publisher._END_SECONDS = 1.0  # type: ignore[misc]
    publisher._HANG_SECONDS = float(os.environ.get("HANG_SECONDS", "300"))  # type: ignore[misc]
    typer.run(publisher.main)
