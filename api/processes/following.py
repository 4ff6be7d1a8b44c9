"""Keeps the follower running beside the server, and knows how far its tables reach.

Reading the log as an outsider does is a third of all the work, and one interpreter uses one core.
The child (`projections/__main__.py`, or `follower.py` for tables in PostgreSQL) is given the
published log, the place of the tables and the verifier key; never the signing key. The server uses
the child's lines only to wait for it: every answer reads from the tables how far they reach.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Engine

from api.processes.child_process import ChildProcess
from api.sequence import VARIABLE, is_database
from testamur.errors import Refuted, Unavailable
from testamur.stopwatch import Advance, ignore
from testamur.tlog.log_keys import LogKey, log_keys

# The lines that `projections/__main__.py` prints.
_LINE: Final = re.compile(
    r"size (?P<size>0|[1-9][0-9]{0,15})\n|obstacle (?P<obstacle>.*)\n|halted (?P<halted>.*)\n"
    r"|measured (?P<measured>\{.*)\n"
)

_log: Final = logging.getLogger(__name__)


class Following(ChildProcess):
    """Keeps a follower running. `engine` is the database that it writes to, for queries.

    `size` is the tree size that the tables reach, at least. `failure` is the check at which the
    follower halted for good. `obstacle` is why it made no progress just now. `stuck` is for how
    many seconds it has been silent since the last wake. Any thread may read them. A thread of its
    own calls `measured` with each transaction of the follower.
    """

    def __init__(
        self,
        log: Path,
        tables: Path,
        key: LogKey,
        engine: Engine,
        *,
        size: int,
        store: str | None = None,
        measured: Callable[[Advance], None] = ignore,
    ) -> None:
        """The tables are in the folder `tables`, or in the database `store` if that is one."""
        place = str(log.resolve())
        options = [word for each in log_keys(key).keys for word in ("--key", str(each))]
        environment: dict[str, str] = {}
        module, arguments = "projections", [place, str(tables.resolve()), *options, "--attached"]
        if is_database(store):
            module, arguments = "api.processes.follower", [place, *options]
            environment = {VARIABLE: store}
        super().__init__(module, *arguments, environment=environment)
        self.engine = engine
        self.size = size
        self.failure: Refuted | None = None
        self.obstacle: Unavailable | None = None
        self._woken: float | None = None
        self._measured = measured

    @property
    def stuck(self) -> float:
        woken = self._woken
        return 0.0 if woken is None else time.monotonic() - woken

    def wake(self) -> None:
        """Tell the follower that there is work. Returns at once."""
        if self._woken is None:
            self._woken = time.monotonic()
        super().wake()

    def _on_line(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        if found is None:
            _log.warning("the projections printed a line that makes no sense: %.100r", line)
        elif found["measured"] is not None:
            self._measured(msgspec.json.decode(found["measured"], type=Advance))
        elif found["size"] is not None:
            self.size, self.obstacle, self._woken = int(found["size"]), None, None
        elif found["obstacle"] is not None:
            self.obstacle = Unavailable(found["obstacle"])
            _log.warning("the projections wait: %s", self.obstacle)
        else:
            self.failure = Refuted(found["halted"])
            _log.error("the projections halted: %s", self.failure)

    def _on_exit(self, how: str) -> bool:
        if self.failure is not None:
            return False  # it would halt at the same entry again
        self.obstacle = Unavailable(f"the projections {how}")
        return True
