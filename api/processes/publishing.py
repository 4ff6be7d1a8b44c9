"""The publisher at work beside the server, in a process of its own.

Publishing is many small waits for the disk; among busy threads of one interpreter each of them
costs a turn of all the others. `python -m api.processes.publishing` is that process. It alone has
the signing key: the one that talks to the world does not hold it. It prints, a line each:

    checked COUNT      before it publishes it goes through the whole log, and is so far
    published SIZE     a checkpoint of that many entries is public and durable
    refuted TEXT       publishing stopped: something is damaged, as TEXT says
    unavailable TEXT   publishing stopped: something cannot be reached, and is tried again
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer

from api.folder import Folder, read_key
from api.processes.beside import AGAIN_SECONDS, Beside, tell
from api.processes.waiting import Published
from log.last_signed import LastSigned
from log.publisher import Publisher
from log.store import CHECKPOINT, DirectoryStore
from registry.committed import CommittedEntries
from testamur.errors import Refuted, Unavailable
from testamur.memory import keep_freed_memory
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.note import VerifierKey
from testamur.tlog.source import NotFound

_START_SECONDS: Final = 60.0  # without a line, until it is ready
_TELL_EVERY: Final = 1.0  # seconds, how far the check is
# A server that was killed leaves a publisher that is about to end.
_CLAIM_SECONDS: Final = 10.0
_POLL: Final = 0.05
# The lines that the process tells.
_TOLD: Final = re.compile(
    r"published (?P<published>[1-9][0-9]{0,18})\n|checked (?P<checked>[1-9][0-9]{0,18})\n"
    r"|refuted (?P<refuted>.*)\n|unavailable (?P<unavailable>.*)\n"
)

_log: Final = logging.getLogger(__name__)


class Publishing(Beside):
    """Keeps the publisher of the log in `folder` running.

    `latest` is the checkpoint that is public, from the return of `start` on; `failure` what stopped
    publishing, until it goes on. `published` is told of every checkpoint by a thread of its own.
    """

    def __init__(
        self,
        folder: Folder,
        key: VerifierKey,
        *,
        interval: float,
        published: Callable[[Checkpoint], None],
    ) -> None:
        super().__init__(
            "api.processes.publishing", str(folder.root.resolve()), "--interval", str(interval)
        )
        self.failure: Refuted | Unavailable | None = None
        self._store = DirectoryStore(folder.log)
        self._key = key
        self._published = published
        self._latest: Published | None = None
        self._ready = False
        self._heard = threading.Event()

    @property
    def latest(self) -> Published:
        """The checkpoint that is public; raises `Unavailable` before `start` has returned."""
        if self._latest is None:
            raise Unavailable("no checkpoint is published yet")
        return self._latest

    def start(self) -> None:
        """Start to publish, and return once all that was published before has been checked.

        However long that takes, if only the process tells how far it is. Raises `Refuted` naming
        the damage, `Unavailable` when it cannot be found out.
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
            self.stop()  # whatever it still tells of its end, this is what stopped it
            raise failure

    def _hear(self, line: str) -> None:
        """Take one line that the process told; one that makes no sense changes nothing."""
        told = _TOLD.fullmatch(line)
        if told is None:
            _log.warning("the publisher told what makes no sense: %.100r", line)
            return
        self._take(told)
        self._heard.set()

    def _take(self, told: re.Match[str]) -> None:
        if told["published"] is not None:
            try:
                self._take_checkpoint(int(told["published"]))
            except (Refuted, Unavailable) as failure:
                self.failure = failure
        elif told["refuted"] is not None:
            self.failure = Refuted(told["refuted"])
        elif told["unavailable"] is not None:
            self.failure = Unavailable(told["unavailable"])
        else:
            _log.info("what is published is being checked: %s entries so far", told["checked"])
            return
        self._ready = True

    def _take_checkpoint(self, size: int) -> None:
        """Take the checkpoint that lies there, which is of `size` entries or a later one."""
        note = self._read()
        checkpoint, _ = open_checkpoint(note, self._key)
        if checkpoint.size < size:
            raise Refuted(f"{CHECKPOINT} is of {checkpoint.size} entries, not of {size}")
        self._latest, self.failure = Published(checkpoint, note), None
        self._published(checkpoint)

    def _read(self) -> bytes:
        """Return the note that lies there, however long that takes: it is told of only once."""
        while True:
            try:
                return self._store.read(CHECKPOINT)
            except NotFound:
                raise  # it is replaced in one step, so somebody took it away
            except Unavailable as failure:
                _log.error("a checkpoint is out and cannot be read: %s", failure)
                self.failure = failure
                if self._stopping.wait(AGAIN_SECONDS):
                    raise

    def _ended(self, how: str) -> bool:
        if self.failure is None:
            self.failure = Unavailable(f"the publisher {how}")
        self._ready = True
        self._heard.set()
        # Before the first checkpoint nobody is served: whoever starts the server looks into it.
        return self._latest is not None


def main(
    root: Annotated[Path, typer.Argument(help="The folder of the log.")],
    interval: Annotated[float, typer.Option(help="Seconds between checkpoints, at most.")] = 0.1,
) -> None:
    """Publish the log in ROOT until standard input ends; each byte on it says there is work."""
    keep_freed_memory()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    ending = threading.Event()
    with ExitStack() as stack:
        try:
            publisher = _opened(Folder(root), interval, ending, stack)
        except (Refuted, Unavailable) as error:
            _tell_stopped(error)
            raise typer.Exit(1 if isinstance(error, Refuted) else 2) from None
        # Whoever stops a whole group of processes means the server, which then ends this one.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        publisher.start()  # first of all it resumes, and tells what came of that
        while os.read(sys.stdin.fileno(), 4096):
            publisher.wake()
        ending.set()
        publisher.stop()


def _opened(
    folder: Folder, interval: float, ending: threading.Event, stack: ExitStack
) -> Publisher:
    signer = read_key(folder)
    source = CommittedEntries(folder.registry)
    stack.callback(source.close)
    last_signed = LastSigned(folder.last_signed)
    stack.callback(last_signed.close)
    _claim(last_signed)
    return Publisher(
        source,
        DirectoryStore(folder.log),
        last_signed,
        signer,
        interval=interval,
        published=lambda checkpoint, _: tell(f"published {checkpoint.size}"),
        stopped=_tell_stopped,
        checked=_telling(ending),
    )


def _telling(ending: threading.Event) -> Callable[[int, int], None]:
    """Return what tells how far the check of the log is, and gives it up once `ending` is set."""
    told = time.monotonic()

    def checked(done: int, of: int) -> None:
        nonlocal told
        if ending.is_set():
            # Whoever starts the next publisher waits for our claim, and not for long.
            raise Unavailable(f"it was to end when {done} of {of} entries were checked")
        if time.monotonic() - told >= _TELL_EVERY:
            told = time.monotonic()
            tell(f"checked {done}")

    return checked


def _claim(last_signed: LastSigned) -> None:
    deadline = time.monotonic() + _CLAIM_SECONDS
    while True:
        try:
            last_signed.claim()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL)
        else:
            return


def _tell_stopped(error: BaseException) -> None:
    tell(f"{'refuted' if isinstance(error, Refuted) else 'unavailable'} {error}")


if __name__ == "__main__":
    typer.run(main)
