"""A part of the server that works in a process of its own, because one interpreter is one core.

The process is told by a byte on its standard input that there is work, and tells by lines on its
standard output what became of it. The end of its input tells it to finish and end: so it never
outlives the server, however that one ended. If it ends by itself it is started again.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, Final

_AGAIN: Final = 1.0  # seconds before a process that ended unasked is started again
_PATIENCE: Final = 30.0  # seconds that it may take to finish what it is at
_PROJECT: Final = Path(__file__).resolve().parents[1]

_log: Final = logging.getLogger(__name__)


class Beside:
    """Keeps `python -m module arguments` running between `start` and `stop`.

    `heard` is told each line, as (first word, rest), and `ended` the exit code of a process that
    ended unasked; both by one thread. `ended` returns whether to start it again. Any thread may
    call the methods.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        heard: Callable[[str, str], None],
        ended: Callable[[int], bool],
    ) -> None:
        self._name = module
        self._command = [sys.executable, "-m", module, *arguments]
        self._heard = heard
        self._ended = ended
        self._stopping = Event()
        # Held while the input is written to or closed: a closed descriptor's number may be
        # another file's by the time it is written to.
        self._holding = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._keep, name=module, daemon=True)

    def start(self) -> None:
        """Start the process, once."""
        self._thread.start()

    def wake(self) -> None:
        """Tell the process that there is work. Returns at once."""
        with self._holding:
            if self._process is None or self._input.closed:
                return  # it looks for work when it starts
            try:
                os.write(self._input.fileno(), b"\n")
            except (BlockingIOError, BrokenPipeError):
                return  # it has enough to wake it, or it is gone and will be started again

    def stop(self) -> None:
        """Let the process finish what it is at, and end it; kill it if that takes too long."""
        self._stopping.set()
        self._close_input()
        if self._thread.ident is None:
            return
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            _log.error("%s does not end, and is killed", self._name)
            with self._holding:
                if self._process is not None:
                    self._process.kill()
            self._thread.join()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process is not None  # noqa: S101  # asked only while it runs
        assert self._process.stdin is not None  # noqa: S101  # it is a pipe
        return self._process.stdin

    def _keep(self) -> None:
        while not self._stopping.is_set():
            code = self._run()
            if self._stopping.is_set():
                return
            _log.error("%s ended by itself, with code %s", self._name, code)
            if not self._ended(code):
                return
            self._stopping.wait(_AGAIN)

    def _run(self) -> int:
        """Run one process to its end, and return its exit code; -1 if it cannot be started."""
        try:
            process = subprocess.Popen(
                self._command,
                cwd=_PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                # Ctrl-C is for the server, which then ends this process by closing its input.
                process_group=0,
            )
        except OSError:
            _log.exception("%s cannot be started", self._name)
            return -1
        with self._holding:
            self._process = process
            os.set_blocking(self._input.fileno(), False)
        if self._stopping.is_set():
            self._close_input()  # `stop` came before there was anything to close
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        with process.stdout as told:
            for line in told:
                self._hear(line)
        self._close_input()
        try:
            code = process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        with self._holding:
            self._process = None
        return code

    def _hear(self, line: bytes) -> None:
        what, _, rest = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
        try:
            self._heard(what, rest)
        except Exception:  # noqa: BLE001  # whatever it said, it must be listened to further
            _log.exception("%s said what makes no sense: %.200r", self._name, line)

    def _close_input(self) -> None:
        with self._holding:
            if self._process is not None:
                self._input.close()
