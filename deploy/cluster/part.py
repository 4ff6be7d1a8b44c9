"""One part of the cluster: a program in processes of its own, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from testamur.errors import Unavailable

_TAIL: Final = 800  # characters of its output that an error shows
_LOOK: Final = 0.05  # seconds between two looks at a condition


def wait_for(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Return once `holds()`; raises `Unavailable` naming `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Unavailable(f"{what} took more than {seconds:.0f} s")
        time.sleep(_LOOK)


@dataclass(slots=True)
class Part:
    """A part by its name, its command, and how to see whether it is ready.

    `kill` ends it with all its descendants, as the end of a container does. `user` is who it
    runs as, if not who runs the cluster.
    """

    name: str
    command: Sequence[str | Path]
    output: Path
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    user: str | None = None
    ends_on: signal.Signals = signal.SIGTERM
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def start(self) -> None:
        """Start it; wait for nothing."""
        as_user = {"user": self.user, "group": "nogroup", "extra_groups": []} if self.user else {}
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(  # type: ignore[call-overload]
                list(map(str, self.command)),
                cwd=self.folder,
                env=_own(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **as_user,
            )

    def wait(self, seconds: float) -> None:
        """Wait until it is ready; raises `Unavailable` if it ends, or is not ready in time."""

        def holds() -> bool:
            if self._process is not None and self._process.poll() is not None:
                raise Unavailable(f"{self.name} ended by itself; it said last: {self.last_words}")
            return self.ready()

        wait_for(f"the start of {self.name}", holds, seconds)

    def kill(self) -> None:
        """Kill it with all its descendants, as a power cut would, and wait until they are gone."""
        if self._process is None:
            return
        # PostgreSQL's processes leave the group, and a new server refuses to start beside them.
        descendants = _descendants(self._process.pid)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pid in descendants:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        wait_for(f"the end of {self.name}", lambda: not any(map(_runs, descendants)), 30)

    def begin_end(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.ends_on)

    def end(self, seconds: float) -> None:
        """Wait until it has ended, and kill what is left of it then."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    @property
    def last_words(self) -> str:
        """The end of its output."""
        if not self.output.exists():
            return ""
        return self.output.read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip()

    @property
    def ended(self) -> bool:
        """Whether it ended, or was never started."""
        return self._process is None or self._process.poll() is not None


def _descendants(pid: int) -> list[int]:
    """Return the processes that a process started, those that these started, and so on."""
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text("ascii").split()):
                found += [child, *_descendants(child)]
    return found


def _runs(pid: int) -> bool:
    """Return whether a process is there, and is no zombie that nobody has reaped yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] not in {"Z", "X"}


def _own(environment: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `environment`, and no address of another log."""
    foreign = ("TESTAMUR_", "AWS_", "PG", "OTEL_")
    return {k: v for k, v in os.environ.items() if not k.startswith(foreign)} | dict(environment)
