"""The follower at work beside the server, in a process of its own.

Reading the log as a stranger would is a third of all the work there is, and one interpreter runs
on one core. The process is given the published log, the folder of the tables and the verifier
key: never the signing key, nor the sequence. What it tells is only used to wait for it; every
answer reads from the tables themselves how far they reach.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import IO, Final

from sqlalchemy import Engine

from testamur.errors import Refuted, Unavailable
from testamur.note import VerifierKey

_AGAIN: Final = 1.0  # seconds before a process that ended unasked is started again
_PATIENCE: Final = 30.0  # seconds that it may take to finish its transaction
_PROJECT: Final = Path(__file__).resolve().parents[1]

_log: Final = logging.getLogger(__name__)


class Following:
    """Keeps a follower running; `engine` is the database it writes to, for queries.

    `size` is the tree that the tables tell of, at least; `failure` what it halted at, for good;
    `obstacle` why it got no further just now. Any thread may read them.
    """

    def __init__(
        self, log: Path, tables: Path, key: VerifierKey, engine: Engine, *, size: int
    ) -> None:
        self.engine = engine
        self.size = size
        self.failure: Refuted | None = None
        self.obstacle: Unavailable | None = None
        self._command = [
            *(sys.executable, "-m", "projections"),
            *(str(log.resolve()), str(tables.resolve())),
            *("--key", str(key), "--attached"),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = Event()
        self._thread = Thread(target=self._keep, name="projections", daemon=True)

    def start(self) -> None:
        """Follow from now on."""
        self._thread.start()

    def wake(self) -> None:
        """Have it look at the log now rather than within a second."""
        process = self._process
        if process is None or process.stdin is None:
            return  # it looks when it starts
        try:
            os.write(process.stdin.fileno(), b"\n")
        except (BlockingIOError, BrokenPipeError, ValueError):
            # Full: it has enough to wake it. Broken or closed: it is started again, or stopped.
            return

    def stop(self) -> None:
        """Let it finish the transaction under way, and end it."""
        self._stopping.set()
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        while not self._stopping.is_set() and self.failure is None:
            with subprocess.Popen(
                self._command,
                cwd=_PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                # Ctrl-C is for the server, which then ends this process by closing its input.
                process_group=0,
            ) as process:
                self._attend(process)
            if self.failure is None and not self._stopping.wait(_AGAIN):
                _log.warning("the projections ended with code %s", process.returncode)

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        """Take what a process tells until it ends."""
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        os.set_blocking(process.stdin.fileno(), False)
        self._process = process
        try:
            if self._stopping.is_set():
                process.stdin.close()  # `stop` came before there was anything to close
            with process.stdout as told:
                self._hear(told)
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()  # its transaction is taken back: the tables stay whole
        finally:
            self._process = None
        if self.failure is None and not self._stopping.is_set():
            self.obstacle = Unavailable(f"the projections ended with code {process.returncode}")

    def _hear(self, told: IO[bytes]) -> None:
        for line in told:
            what, _, detail = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
            if what == "size" and detail.isdecimal():
                self.size, self.obstacle = int(detail), None
            elif what == "obstacle":
                self.obstacle = Unavailable(detail)
                _log.warning("the projections wait: %s", detail)
            elif what == "halted":
                self.failure = Refuted(detail)
                _log.error("the projections halted: %s", detail)
