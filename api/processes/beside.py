"""A part of the server that works in a process of its own, because one interpreter is one core.

The process is told by a byte on its standard input that there is work, and tells by lines on its
standard output what became of it. The end of its input tells it to finish and end: so it never
outlives the server, however that one ended. If it ends by itself it is started again, unless it
would only end in the same way.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from select import PIPE_BUF
from threading import Event, Lock, Thread
from typing import Final

AGAIN_SECONDS: Final = 1.0
"""How long to wait before what failed is tried again, as a process that ended unasked."""
_PATIENCE: Final = 30.0  # seconds that it may take to finish what it is at
_PROJECT: Final = Path(__file__).resolve().parents[2]

_log: Final = logging.getLogger(__name__)


class Beside(ABC):
    """Keeps `python -m module arguments` running between `start` and `stop`.

    One thread of its own calls `_hear` and `_ended`. Any thread may call the other methods.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._module = module
        self._command = [sys.executable, "-m", module, *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        # Held to write to a process or to close its input: the number of a descriptor closed
        # meanwhile may be that of another file by the time of the write.
        self._input = Lock()
        self._stopping = Event()
        self._thread = Thread(target=self._keep, name=module, daemon=True)

    @abstractmethod
    def _hear(self, line: str) -> None:
        """Take one line that the process told, of at most `PIPE_BUF` bytes."""

    @abstractmethod
    def _ended(self, how: str) -> bool:
        """Take note of how it ended without being asked to; return whether to start it again."""

    def start(self) -> None:
        """Keep it running from now on."""
        self._thread.start()

    def wake(self) -> None:
        """Tell it that there is work. Returns at once."""
        with self._input:
            process = self._process
            if process is None or process.stdin is None or process.stdin.closed:
                return  # it looks for work when it starts
            # Full: it has enough to wake it. Broken: it has ended, and will be started again.
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(process.stdin.fileno(), b"\n")

    def stop(self) -> None:
        """Let it finish what it is at, and end it; kill it if that takes too long."""
        self._stopping.set()
        self._end_input()
        if not self._thread.is_alive():
            return
        self._thread.join(_PATIENCE)
        process = self._process
        if self._thread.is_alive() and process is not None:
            _log.warning("%s does not end, and is killed", self._module)
            process.kill()  # as it may be at any moment: what it was at is taken up again
        self._thread.join()

    def _keep(self) -> None:
        again = True
        while again and not self._stopping.is_set():
            try:
                end = f"ended with code {self._attend()}"
            except OSError as error:  # as when there is no memory or no descriptor left for it
                end = f"cannot be started: {error}"
            if self._stopping.is_set():
                return
            _log.warning("%s %s", self._module, end)
            again = self._ended(end)
            self._stopping.wait(AGAIN_SECONDS)

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
                    self._pass_on(line)
                return process.wait()
            finally:
                self._end_input()
                self._process = None

    def _end_input(self) -> None:
        with self._input:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()

    def _pass_on(self, line: bytes) -> None:
        try:
            self._hear(line.decode("utf-8", "replace"))
        except Exception:  # noqa: BLE001  # whatever it told, what it tells next must be heard
            _log.exception("%s told what makes no sense: %.100r", self._module, line)
