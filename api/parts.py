"""What the HTTP application is made of: the gate, the log, the tables, and who wakes requests.

Two wirings make one: `wiring.py` with child processes that this server alone has, `sharing.py` with
roles that other processes may have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from api.log_files import LogFiles
from api.log_keys.listed import KeyList
from api.processes.child_process import ChildProcess
from api.processes.wakeups import Wakeups
from api.published import Published
from registry.gate import Gate
from testamur.errors import Refuted, Unavailable
from testamur.tlog.reader import LogReader


class Publication(Protocol):
    """What is published of the log. Any thread may ask."""

    @property
    def latest(self) -> Published:
        """The newest public checkpoint that this process knows; `Unavailable` if there is none."""
        ...

    @property
    def failure(self) -> Refuted | Unavailable | None:
        """What keeps this process from knowing a newer one, or anybody from publishing it."""
        ...

    async def at_least(self, size: int) -> Published:
        """Return the newest one; look for one of `size` entries first if `latest` is smaller."""
        ...


class ReadModels(Protocol):
    """The tables that answer questions, which another process writes. Any thread may ask."""

    @property
    def engine(self) -> Engine:
        """The database that they are in."""
        ...

    @property
    def size(self) -> int:
        """The tree size that they reach, at least."""
        ...

    @property
    def failure(self) -> Refuted | None:
        """The check at which their follower halted for good, if that is known here."""
        ...

    @property
    def obstacle(self) -> Unavailable | None:
        """Why they move no further just now."""
        ...

    @property
    def stuck(self) -> float:
        """For how many seconds they had work and made no progress."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The opened parts of one log, before they run.

    `children` are the child processes that this process has. `begin` is called when the loop runs;
    `end` when requests are over, with the seconds that are left. `out_of_reach` says why the
    sequence cannot be asked, if that is known.
    """

    keys: KeyList
    gate: Gate
    store: LogFiles
    publishing: Publication
    following: ReadModels
    wakeups: Wakeups
    children: Mapping[str, ChildProcess]
    begin: Callable[[], None]
    end: Callable[[float], None]
    out_of_reach: Callable[[], Refuted | Unavailable | None] = lambda: None

    def latest(self) -> Published:
        """Return the newest published checkpoint."""
        return self.publishing.latest

    def reader(self) -> LogReader:
        """Return a new reader of the published log, for one thread."""
        return LogReader(self.store, self.keys.keys)

    def start(self) -> None:
        """Begin to follow what is published, and to wake requests on this loop."""
        self.wakeups.bind(asyncio.get_running_loop(), committed=self.gate.entries.committed())
        # Checkpoints published before now found no loop to wake requests on.
        self.wakeups.on_published(self.latest().checkpoint)
        self.begin()

    def stop(self, seconds: float) -> None:
        """Publish what is durable, and come to rest. Requests are over by then.

        A process that is not done in so many seconds is killed. Entries that the gate commits after
        the publisher has ended are durable, and published at the next start, or by another.
        """
        self.end(seconds)
        self.gate.close()
