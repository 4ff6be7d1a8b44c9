"""The follower at work beside the server, in a process of its own.

Reading the log as a stranger would is a third of all the work there is, and one interpreter runs
on one core. The process is given the published log, the folder of the tables and the verifier
key: never the signing key, nor the sequence. What it tells is only used to wait for it; every
answer reads from the tables themselves how far they reach.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from select import PIPE_BUF
from threading import Event, Lock, Thread
from typing import Final

from sqlalchemy import Engine

from testamur.errors import Refuted, Unavailable
from testamur.note import VerifierKey

_AGAIN: Final = 1.0  # seconds before a process that ended unasked is started again
_PATIENCE: Final = 30.0  # seconds that it may take to finish its transaction
_PROJECT: Final = Path(__file__).resolve().parents[1]
# The lines that `projections/__main__.py` tells.
_TOLD: Final = re.compile(
    r"size (?P<size>0|[1-9][0-9]{0,15})\n|obstacle (?P<obstacle>.*)\n|halted (?P<halted>.*)\n"
)

_log: Final = logging.getLogger(__name__)


class Following:
    """Keeps a follower running; `engine` is the database it writes to, for queries.

    `size` is the tree that the tables tell of, at least; `failure` what it halted at, for good;
    `obstacle` why it got no further just now. Any thread may read them, and wake it.
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
        # Held to write to a process or to close its input: the number of a descriptor closed
        # meanwhile may be that of another file by the time of the write.
        self._input = Lock()
        self._stopping = Event()
        self._thread = Thread(target=self._keep, name="projections", daemon=True)

    def start(self) -> None:
        """Follow from now on."""
        self._thread.start()

    def wake(self) -> None:
        """Have it look at the log now rather than within a second."""
        with self._input:
            process = self._process
            if process is None or process.stdin is None or process.stdin.closed:
                return  # it looks when it starts
            # Full: it has enough to wake it. Broken: it has ended, and will be started again.
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(process.stdin.fileno(), b"\n")

    def stop(self) -> None:
        """Let it finish the transaction under way, and end it; kill it if it takes too long."""
        self._stopping.set()
        self._end_input()
        if not self._thread.is_alive():
            return
        self._thread.join(_PATIENCE)
        process = self._process
        if self._thread.is_alive() and process is not None:
            _log.warning("the projections do not end, and are killed")
            process.kill()  # its transaction is taken back: the tables stay whole
        self._thread.join()

    def _keep(self) -> None:
        while not self._stopping.is_set() and self.failure is None:
            try:
                end = f"ended with code {self._attend()}"
            except OSError as error:  # as when there is no memory or no descriptor left for it
                end = f"cannot be started: {error}"
            if self.failure is None and not self._stopping.is_set():
                self.obstacle = Unavailable(f"the projections {end}")
                _log.warning("%s", self.obstacle)
                self._stopping.wait(_AGAIN)

    def _attend(self) -> int:
        """Start a process, take what it tells until it ends, and return its exit code."""
        with subprocess.Popen(
            self._command,
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is for the server, which then ends this process by closing its input.
            process_group=0,
        ) as process:
            assert process.stdin is not None  # noqa: S101  # both are pipes
            assert process.stdout is not None  # noqa: S101
            os.set_blocking(process.stdin.fileno(), False)
            self._process = process
            try:
                if self._stopping.is_set():
                    self._end_input()  # `stop` came before there was anything to end
                while line := process.stdout.readline(PIPE_BUF):
                    self._hear(line)
                return process.wait()
            finally:
                self._end_input()
                self._process = None

    def _end_input(self) -> None:
        with self._input:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()

    def _hear(self, line: bytes) -> None:
        """Take one line that a process told; one that makes no sense changes nothing."""
        told = _TOLD.fullmatch(line.decode("utf-8", "replace"))
        if told is None:
            _log.warning("the projections told what makes no sense: %.100r", line)
        elif told["size"] is not None:
            self.size, self.obstacle = int(told["size"]), None
        elif told["obstacle"] is not None:
            self.obstacle = Unavailable(told["obstacle"])
            _log.warning("the projections wait: %s", self.obstacle)
        else:
            self.failure = Refuted(told["halted"])
            _log.error("the projections halted: %s", self.failure)
