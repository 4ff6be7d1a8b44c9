"""The follower at work beside the server, in a process of its own.

Reading the log as a stranger would is a third of all the work there is, and one interpreter runs
on one core. The process is given the published log, the folder of the tables and the verifier
key: never the signing key, nor the sequence. What it tells is only used to wait for it; every
answer reads from the tables themselves how far they reach.
"""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from api.processes.beside import Beside
from testamur.errors import Refuted, Unavailable
from testamur.tlog.note import VerifierKey

# The lines that `projections/__main__.py` tells.
_TOLD: Final = re.compile(
    r"size (?P<size>0|[1-9][0-9]{0,15})\n|obstacle (?P<obstacle>.*)\n|halted (?P<halted>.*)\n"
)

_log: Final = logging.getLogger(__name__)


class Following(Beside):
    """Keeps a follower running; `engine` is the database it writes to, for queries.

    `size` is the tree that the tables tell of, at least; `failure` what it halted at, for good;
    `obstacle` why it got no further just now; `stuck` for how many seconds it has been silent
    since it was told of work. Any thread may read them.
    """

    def __init__(
        self, log: Path, tables: Path, key: VerifierKey, engine: Engine, *, size: int
    ) -> None:
        places = (str(log.resolve()), str(tables.resolve()))
        super().__init__("projections", *places, "--key", str(key), "--attached")
        self.engine = engine
        self.size = size
        self.failure: Refuted | None = None
        self.obstacle: Unavailable | None = None
        self._woken: float | None = None

    @property
    def stuck(self) -> float:
        woken = self._woken
        return 0.0 if woken is None else time.monotonic() - woken

    def wake(self) -> None:
        """Tell it that there is work. Returns at once."""
        if self._woken is None:
            self._woken = time.monotonic()
        super().wake()

    def _hear(self, line: str) -> None:
        """Take one line that the process told; one that makes no sense changes nothing."""
        told = _TOLD.fullmatch(line)
        if told is None:
            _log.warning("the projections told what makes no sense: %.100r", line)
        elif told["size"] is not None:
            self.size, self.obstacle, self._woken = int(told["size"]), None, None
        elif told["obstacle"] is not None:
            self.obstacle = Unavailable(told["obstacle"])
            _log.warning("the projections wait: %s", self.obstacle)
        else:
            self.failure = Refuted(told["halted"])
            _log.error("the projections halted: %s", self.failure)

    def _ended(self, how: str) -> bool:
        if self.failure is not None:
            return False  # it would halt at the same place again
        self.obstacle = Unavailable(f"the projections {how}")
        return True
