"""Keeps the follower running beside the server, and knows how far its tables reach.

Reading the log as an outsider does is a third of all the work, and one interpreter uses one core.
The child (`projections/__main__.py`, or `follower.py` for tables in PostgreSQL) is given the
published log, the place of the tables and the verifier key; never the signing key. Its lines serve
to wait for it alone: every answer reads from the tables how far they reach.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Engine

from api.folder import Folder
from api.log_files import environment_of
from api.processes.child_process import ChildProcess
from api.sequence import VARIABLE
from testamur.errors import Refuted, Unavailable
from testamur.stopwatch import Advance, ignore
from testamur.tlog.log_keys import LogKey, log_keys

# The lines that `projections/__main__.py` prints.
_LINE: Final = re.compile(
    r"size (?P<size>0|[1-9][0-9]{0,15})\n|obstacle (?P<obstacle>.*)\n|halted (?P<halted>.*)\n"
    r"|(?P<standby>standby)\n|measured (?P<measured>\{.*)\n"
)

_log: Final = logging.getLogger(__name__)


class FollowerProcess(ChildProcess):
    """Keeps a follower running.

    `size` is the tree size that the tables reach, at least. `failure` is the check at which the
    follower halted for good. `obstacle` is why it made no progress just now. `stuck` is for how
    many seconds it has been silent since the last wake. `stands_by` is whether another one is at
    work. Any thread may read them. A thread of its own calls `measured` with each transaction of
    the follower.
    """

    size = 0

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        measured: Callable[[Advance], None] = ignore,
    ) -> None:
        super().__init__(module, *arguments, environment=environment)
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
            self.stands_by = False
        elif found["standby"] is not None:
            self.stands_by, self.obstacle, self._woken = True, None, None
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
        self.stands_by = False
        return True


class Following(FollowerProcess):
    """Keeps the follower of the tables in a folder running; `engine` is for queries to them."""

    def __init__(
        self,
        log: Path,
        tables: Path,
        key: LogKey,
        engine: Engine,
        *,
        size: int,
        measured: Callable[[Advance], None] = ignore,
    ) -> None:
        place = str(log.resolve()), str(tables.resolve())
        options = *_keys(key), "--attached"
        super().__init__("projections", *place, *options, measured=measured)
        self.engine = engine
        self.size = size


class FollowingInDatabase(FollowerProcess):
    """Keeps a follower of the tables in the database `store` running, of which there may be more.

    `folder` holds the published log.
    """

    def __init__(
        self,
        folder: Folder,
        key: LogKey,
        store: str,
        *,
        measured: Callable[[Advance], None] = ignore,
    ) -> None:
        super().__init__(
            "api.processes.follower",
            str(folder.root.resolve()),
            *_keys(key),
            environment=environment_of(folder) | {VARIABLE: store},
            measured=measured,
        )


def _keys(key: LogKey) -> list[str]:
    return [word for each in log_keys(key).keys for word in ("--key", str(each))]
