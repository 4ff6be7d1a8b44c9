"""Keeps the publisher running beside the server, and takes the checkpoints it publishes.

Publishing is many small waits for the disk; among busy threads of one interpreter each of them
costs a turn of all the others, so it has a process of its own: `publisher.py`. The server never
holds the signing key, and believes a checkpoint only if the log's key signed it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from typing import Final

import msgspec

from api.folder import Folder
from api.log_files import environment_of, open_log_files
from api.processes.child_process import RESTART_SECONDS, ChildProcess
from api.published import Published
from api.sequence import VARIABLE
from log.store import CHECKPOINT
from testamur.errors import Refuted, Unavailable
from testamur.stopwatch import Advance, ignore
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.log_keys import LogKey
from testamur.tlog.source import NotFound

_START_SECONDS: Final = 60.0  # without a line, until it is ready
# The lines that `publisher.py` prints.
_LINE: Final = re.compile(
    r"published (?P<published>[1-9][0-9]{0,18})\n|checked (?P<checked>[1-9][0-9]{0,18})\n"
    r"|(?P<standby>standby)\n"
    r"|refuted (?P<refuted>.*)\n|unavailable (?P<unavailable>.*)\n|measured (?P<measured>\{.*)\n"
)

_log: Final = logging.getLogger(__name__)


class Publishing(ChildProcess):
    """Keeps the publisher of the log in `folder` running.

    `store` is the address of the sequence, if it is not kept in the folder.

    `latest` is the public checkpoint that it published or found last, from the return of `start` on
    unless it stands by. `stands_by` is whether another publisher is at work. `failure` is what
    stopped publishing, None while it goes on. A thread of its own calls `published` with every
    checkpoint, and `measured` with every publication.
    """

    def __init__(
        self,
        folder: Folder,
        key: LogKey,
        *,
        store: str | None,
        interval: float,
        published: Callable[[Checkpoint], None],
        measured: Callable[[Advance], None] = ignore,
    ) -> None:
        super().__init__(
            "api.processes.publisher",
            str(folder.root.resolve()),
            "--interval",
            str(interval),
            # Not as an argument, which everybody on the machine sees: it may hold a password.
            environment=environment_of(folder) | ({} if store is None else {VARIABLE: store}),
        )
        self.failure: Refuted | Unavailable | None = None
        self.stands_by = False
        self._store = open_log_files(folder)
        self._key = key
        self._published = published
        self._measured = measured
        self._latest: Published | None = None
        self._ready = False
        self._started = False
        self._heard = threading.Event()

    @property
    def latest(self) -> Published:
        """The public checkpoint; raises `Unavailable` before `start` has returned."""
        if self._latest is None:
            raise Unavailable("no checkpoint is published yet")
        return self._latest

    async def at_least(self, size: int) -> Published:
        """Return `latest`: nobody sees a larger one before this process does."""
        del size
        return self.latest

    def start(self) -> None:
        """Start to publish; return once everything published before has been checked.

        If another publisher is at work, it returns before that.

        That may take any time, as long as the process reports its progress. Raises `Refuted`
        naming the damage, and `Unavailable` when the log cannot be checked.
        """
        super().start()
        while not self._ready:
            if not self._heard.wait(_START_SECONDS):
                silent = f"the publisher has been silent for {_START_SECONDS:.0f} s"
                self.failure = Unavailable(silent)
                break
            self._heard.clear()
        failure = self.failure
        if failure is not None:
            self.stop()  # its last lines may change `self.failure`; this one stopped the start
            raise failure
        self._started = True

    def _on_line(self, line: str) -> None:
        """Take one line of the process; a line it cannot have meant changes nothing."""
        found = _LINE.fullmatch(line)
        if found is None:
            _log.warning("the publisher printed a line that makes no sense: %.100r", line)
            return
        if found["measured"] is not None:
            self._measured(msgspec.json.decode(found["measured"], type=Advance))
            return
        self._take(found)
        self._heard.set()

    def _take(self, line: re.Match[str]) -> None:
        if line["published"] is not None:
            self.stands_by = False
            try:
                self._take_checkpoint(int(line["published"]))
            except (Refuted, Unavailable) as failure:
                self.failure = failure
        elif line["standby"] is not None:
            self.stands_by, self.failure = True, None
        elif line["refuted"] is not None:
            self.failure = Refuted(line["refuted"])
        elif line["unavailable"] is not None:
            self.failure = Unavailable(line["unavailable"])
        else:
            _log.info("the published log is being checked: %s entries so far", line["checked"])
            return
        self._ready = True

    def _take_checkpoint(self, size: int) -> None:
        """Take the stored checkpoint, which is of `size` entries or a later one."""
        note = self._read()
        checkpoint, _ = open_checkpoint(note, self._key)
        if checkpoint.size < size:
            raise Refuted(f"{CHECKPOINT} is of {checkpoint.size} entries, not of {size}")
        self._latest, self.failure = Published(checkpoint, note), None
        self._published(checkpoint)

    def _read(self) -> bytes:
        """Return the stored note, retrying without end: the process reports each size once."""
        while True:
            try:
                return self._store.read(CHECKPOINT)
            except NotFound:
                raise  # the publisher replaces it in one step, so somebody else removed it
            except Unavailable as failure:
                _log.error("a checkpoint is out and cannot be read: %s", failure)
                self.failure = failure
                if self._stopping.wait(RESTART_SECONDS):
                    raise

    def _on_exit(self, how: str) -> bool:
        self.stands_by = False
        if self.failure is None:
            self.failure = Unavailable(f"the publisher {how}")
        self._ready = True
        self._heard.set()
        # Before that `start` raises the failure, and the operator decides.
        return self._started
