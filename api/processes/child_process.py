"""A part of the server that runs in a child process, because one interpreter uses one core.

A byte on the child's standard input means that there is work. The child reports on standard
output, a line at a time. The end of its input tells it to finish and end, so it never outlives
the server, even a server that was killed. A child that ends by itself is started again, unless it
would only end in the same way.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from select import PIPE_BUF
from threading import Event, Lock, Thread
from typing import Final

RESTART_SECONDS: Final = 1.0
"""How long to wait before a child that ended unasked is started again."""
_STOP_SECONDS: Final = 30.0  # for the child to finish its work
_PROJECT: Final = Path(__file__).resolve().parents[2]

_log: Final = logging.getLogger(__name__)


class ChildProcess(ABC):
    """Keeps `python -m module arguments` running between `start` and `stop`.

    `environment` is set beside that of this process.

    `starts` counts how often it was started. `stands_by` is whether another process is at its work,
    for which it waits. A thread of its own calls `_on_line` and `_on_exit`. Any thread may call the
    other methods.
    """

    stands_by = False

    def __init__(
        self, module: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._module = module
        self._environment = environment or {}
        self._command = [sys.executable, "-m", module, *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        # Held while writing to a child and while closing its input: a descriptor that is closed
        # in between may belong to another file by the time of the write.
        self._input = Lock()
        self._stopping = Event()
        self._thread = Thread(target=self._keep_running, name=module, daemon=True)

    @abstractmethod
    def _on_line(self, line: str) -> None:
        """Take one line that the child printed, of at most `PIPE_BUF` bytes."""

    @abstractmethod
    def _on_exit(self, how: str) -> bool:
        """Record an unexpected exit; return True to start the child again."""

    @property
    def pid(self) -> int | None:
        """The id of the child's process, None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def start(self) -> None:
        """Keep the child running from now on."""
        self._thread.start()

    def wake(self) -> None:
        """Tell the child that there is work. Returns at once."""
        with self._input:
            process = self._process
            if process is None or process.stdin is None or process.stdin.closed:
                return  # it looks for work when it starts
            # Blocking: the pipe is full, which is enough to wake it. Broken: it has ended, and
            # will be started again.
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(process.stdin.fileno(), b"\n")

    def stop(self, seconds: float | None = None) -> None:
        """Let the child finish its work and end; kill it if it is not done in time.

        That is in `seconds`, or half a minute.
        """
        self._stopping.set()
        self._end_input()
        if not self._thread.is_alive():
            return
        self._thread.join(_STOP_SECONDS if seconds is None else seconds)
        process = self._process
        if self._thread.is_alive() and process is not None:
            _log.warning("%s does not end, and is killed", self._module)
            process.kill()  # safe at any moment: its transaction is rolled back, or resumed
        self._thread.join()

    def _keep_running(self) -> None:
        again = True
        while again and not self._stopping.is_set():
            try:
                end = f"ended with code {self._run_once()}"
            except OSError as error:  # such as no memory or no descriptor left for it
                end = f"cannot be started: {error}"
            if self._stopping.is_set():
                return
            _log.warning("%s %s", self._module, end)
            again = self._on_exit(end)
            self._stopping.wait(RESTART_SECONDS)

    def _run_once(self) -> int:
        """Start a child, take its lines until it ends, and return its exit code."""
        with subprocess.Popen(
            self._command,
            cwd=_PROJECT,
            env={**os.environ, **self._environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is for the server, which then ends the child by closing its input.
            process_group=0,
        ) as process:
            assert process.stdin is not None  # noqa: S101  # both are pipes
            assert process.stdout is not None  # noqa: S101
            os.set_blocking(process.stdin.fileno(), False)
            self._process = process
            self.starts += 1
            try:
                if self._stopping.is_set():
                    self._end_input()  # `stop` ran before there was a child to end
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
            self._on_line(line.decode("utf-8", "replace"))
        except Exception:  # noqa: BLE001  # a bad line must not keep the next ones from being read
            _log.exception("%s printed a line that makes no sense: %.100r", self._module, line)
