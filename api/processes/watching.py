"""What a process knows of the work of others, without being their parent: it looks for itself.

The publisher may run anywhere, so the public checkpoint is read from the files of the log and
believed as `believing.py` judges it; how far the tables reach is read from the tables. A word from
the database (`progress.py`) makes it look at once, a clock twice a second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.processes.believing import Judge
from api.published import Published
from log.store import CHECKPOINT, FileDamage, Files
from projections.position import reached
from registry.store import SetBack, Store
from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import Checkpoint

LOOK_EVERY: Final = 0.5  # seconds
_AGAIN: Final = 0.05  # seconds, between two looks that clients can bring about
_UNREADABLE_SECONDS: Final = 10.0  # for so long the files may be out of reach

_log: Final = logging.getLogger(__name__)


class WatchedLog:
    """The public checkpoint of a log that another process publishes: an `api.parts.Publication`.

    `failure` is why it is not known what is public, None while it is. The thread that looks calls
    `published` with every new checkpoint. Any thread may call `look`.
    """

    def __init__(
        self,
        files: Files,
        judge: Judge,
        published: Callable[[Checkpoint], None],
        committed: Callable[[], int],
    ) -> None:
        """Look once. Raises `Refuted` for a checkpoint that is not the log's, and `Unavailable`.

        `committed` counts the entries of the sequence, and costs less than a reading of `files`.
        """
        self.failure: Refuted | Unavailable | None = None
        self._files = files
        self._judge = judge
        self._published = published
        self._committed = committed
        self._turn = threading.Lock()
        self._read_at = time.monotonic()
        self._looking: asyncio.Task[None] | None = None
        self._looked_at = 0.0
        self._latest = self._read()

    @property
    def latest(self) -> Published:
        """The newest public checkpoint that was seen."""
        return self._latest

    async def at_least(self, size: int) -> Published:
        """Return the newest public checkpoint, after another look if it is smaller than `size`.

        For clients that saw a later one elsewhere. It may be smaller than that all the same.
        """
        for _ in range(2):  # the look under way may have begun too early
            if self._latest.size >= size:
                break
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look_again())
            await asyncio.shield(self._looking)
        return self._latest

    def look(self) -> None:
        """Look whether there is a newer one."""
        with self._turn:
            try:
                found = self._read()
            except Refuted as damage:
                self._fail(damage)
                return
            except Unavailable as obstacle:
                if time.monotonic() - self._read_at > _UNREADABLE_SECONDS:
                    self._fail(obstacle)
                return
            self._read_at = time.monotonic()
            self.failure = None
            # A publisher that was suspended may put an older one there for a moment.
            new = found.size > self._latest.size
            if new:
                self._latest = found
        if new:
            self._published(found.checkpoint)

    def _read(self) -> Published:
        note = self._files.read(CHECKPOINT)
        known: Published | None = getattr(self, "_latest", None)
        if known is not None and known.note == note:
            return known
        checkpoint = self._judge.open(note)
        if known is not None and checkpoint.size == known.size and checkpoint != known.checkpoint:
            detail = f"of {known.size} entries two trees are signed"
            raise FileDamage(CHECKPOINT, "another-tree", detail)
        return Published(checkpoint, note)

    def _fail(self, failure: Refuted | Unavailable) -> None:
        if type(failure) is not type(self.failure):
            _log.error("what is published is not known: %s", failure)
        self.failure = failure

    async def _look_again(self) -> None:
        await asyncio.sleep(self._looked_at + _AGAIN - time.monotonic())
        await asyncio.to_thread(self._look_if_more_is_committed)
        self._looked_at = time.monotonic()

    def _look_if_more_is_committed(self) -> None:
        # Else there is nothing newer to find, however often somebody asks for it.
        try:
            more = self._committed() > self._latest.size
        except (Refuted, Unavailable):
            more = True
        if more:
            self.look()


class WatchedTables:
    """How far the tables reach that another process writes: an `api.parts.ReadModels`.

    `published` returns the size that they are to reach. `stuck` is for how many seconds they have
    been behind and moved no further.
    """

    failure: Refuted | None = None

    def __init__(self, engine: Engine, published: Callable[[], int]) -> None:
        self.engine = engine
        self.size = 0
        self.obstacle: Unavailable | None = None
        self._to_reach = published
        self._lag = _Lag()

    @property
    def stuck(self) -> float:
        return self._lag.seconds

    def look(self) -> None:
        """Look how far they reach."""
        try:
            with self.engine.connect() as connection:
                self.size = reached(connection).size
            self.obstacle = None
        except Unavailable as obstacle:
            self.obstacle = obstacle
        except DBAPIError as error:
            self.obstacle = Unavailable(f"the tables cannot be read: {error.orig}")
        self._lag.note(self.size, self._to_reach())


def committed_to(store: Store) -> int:
    """Return how many entries `store` has; raises `Refuted` or `Unavailable`."""
    with store.reading() as reading:
        return reading.count()


class WatchedSequence:
    """How many entries all processes together have committed to `store`.

    `obstacle` is why that is not known, None while it is. `on_counted` is called with each count.
    `stuck` is for how many seconds some of them have waited while `log` did not grow.

    A store that was set back once remains the obstacle, since others may fill it up to the same
    count; every later look calls `on_set_back` with it and does not count.
    """

    def __init__(self, store: Store, log: WatchedLog) -> None:
        self.size = 0
        self.obstacle: Refuted | Unavailable | None = None
        self.on_counted: Callable[[int], None] = lambda _: None
        self.on_set_back: Callable[[SetBack], None] = lambda _: None
        self._store = store
        self._log = log
        self._lag = _Lag()

    @property
    def stuck(self) -> float:
        return self._lag.seconds

    def look(self) -> None:
        """Count them."""
        if not isinstance(self.obstacle, SetBack):
            try:
                self.size = self._counted()
                self.obstacle = None
            except (Refuted, Unavailable) as obstacle:
                self.obstacle = obstacle
        if isinstance(self.obstacle, SetBack):
            self.on_set_back(self.obstacle)
        elif self.obstacle is None:
            self._lag.note(self._log.latest.size, self.size)
            self.on_counted(self.size)

    def _counted(self) -> int:
        published = self._log.latest.size
        with self._store.reading() as reading:
            size = reading.count()
        if size < published:
            raise SetBack(
                f"the sequence has {size} entries, and {published} are published: the "
                "database was set back to an earlier state"
            )
        return size


class _Lag:
    """For how many seconds something has been behind and moved no further."""

    def __init__(self) -> None:
        self._reached = 0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def note(self, reached: int, of: int) -> None:
        if reached >= of:
            self._since = None
        elif self._since is None or reached != self._reached:
            self._since = time.monotonic()
        self._reached = reached


class Watch:
    """A thread that calls each of `looks` regularly, and at once when its name is heard."""

    def __init__(self, looks: Mapping[str, Callable[[], None]]) -> None:
        self._looks = looks
        self._names: set[str] = set()
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def hear(self, name: str | None) -> None:
        """Look at what has this name soon, or at everything. Any thread may call it."""
        with self._lock:
            self._names.update(self._looks if name is None else [name])
        self._woken.set()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        due = 0.0
        while not self._stopping.is_set():
            self._woken.clear()
            with self._lock:
                names, self._names = self._names, set()
            if time.monotonic() >= due:
                names, due = set(self._looks), time.monotonic() + LOOK_EVERY
            for name, look in self._looks.items():
                if name in names:
                    try:
                        look()
                    except Exception:  # noqa: BLE001  # a fault of ours must not blind this process
                        _log.exception("the look at what is %s failed", name)
            self._woken.wait(due - time.monotonic())
