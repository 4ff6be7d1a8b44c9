"""Runs one process of the server: an event loop and child processes, until a signal stops it.

It listens only after every part has been opened and checked, and then prints one line. On a signal
it says that it is not ready, takes no more connections, answers the requests under way, publishes
what is durable, and ends (`leaving.py`). TLS and limits for each client belong to the proxy in
front of it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import resource
import signal
import socket
import sys
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, cast

import uvicorn

from api import sharing, wiring
from api.app import App, make_app
from api.folder import Folder
from api.http.answers import Answers
from api.http.connection import MAX_CONNECTIONS, Connection
from api.leaving import Leaving
from api.listening import BACKLOG, Listener
from api.log_files import IN_BUCKET_ALONE
from api.log_keys.public import known_keys
from api.operations.observer import Observer
from api.operations.options import Operations
from api.operations.port import OperationsPort
from api.operations.readings import read_loop
from api.operations.series import Role
from api.parts import Parts
from api.roles import ALL
from api.sequence import is_database
from api.sharing import Place, Workers
from api.working import work
from testamur.errors import Unavailable
from testamur.memory import keep_freed_memory

_IDLE_SECONDS: Final = 30
_OTHER_FILES: Final = 1024  # what may be open besides connections
_SLOW_EVERY: Final = 50  # slow clients are ended every so many ticks of 0.1 s

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How a process serves. `interval`, `grace` and `announce` are in seconds.

    `store` is the address of the sequence, and `log` that of the published files, if they are not
    kept in the folder. `vkey` is a file with the log's verifier key, for a process without the
    signing key. `operations` is what its operator sees and limits; a process that takes no requests
    must have its address.
    """

    store: str | None
    log: str | None
    roles: frozenset[Role]
    vkey: Path | None
    host: str
    port: int
    interval: float
    grace: float
    announce: float
    access_log: bool
    operations: Operations


class Server(uvicorn.Server):
    """Prints when it is ready, and ends as `leaving` says."""

    def __init__(
        self,
        config: uvicorn.Config,
        application: App,
        leaving: Leaving,
        listener: Listener,
        operations: OperationsPort | None,
    ) -> None:
        super().__init__(config)
        self._application = application
        self._leaving = leaving
        self._listener = listener
        self._dropping: float | None = None  # since when new connections are dropped
        self._operations = operations

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and print the address on standard output."""
        await super().startup(sockets)
        if sockets:
            host, port = sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"listening on http://{shown}:{port}\n")
            if self._operations is not None:
                read_loop(
                    self._application.numbers,
                    asyncio.get_running_loop(),
                    self.server_state.connections,
                )
                self._operations.start()
                sys.stdout.write(f"operations on {self._operations.address}\n")
            sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end at the first signal; do not wait for anything after the second."""
        if self._leaving.begun:
            super().handle_exit(sig, frame)
        self._leaving.begin()

    async def on_tick(self, counter: int) -> bool:
        """End the connections of clients that are too slow; return whether to stop."""
        if counter % _SLOW_EVERY == 0:
            self._end_slow()
        return await super().on_tick(counter) or self._has_left()

    def _end_slow(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in tuple(self.server_state.connections):
            cast("Connection", connection).end_if_slow(now)

    def _has_left(self) -> bool:
        """Return whether all connections that stand were accepted, and no more can begin."""
        if not self._leaving.announced:
            return False
        now = asyncio.get_running_loop().time()
        if self._dropping is None:
            self._listener.drop_new()
            self._dropping = now
        if now - self._dropping <= self._leaving.for_handshakes:
            return False
        return self._listener.waiting == 0 or self._leaving.for_requests == 0

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: event streams first, and before the time is over what still waits."""
        self._application.end_streams()
        left = self._leaving.for_requests
        asyncio.get_running_loop().call_later(left, self._application.end_waiting)
        # A moment more, in which those requests get their answers.
        self.config.timeout_graceful_shutdown = math.ceil(left) + 1
        slow = asyncio.create_task(self._keep_ending_slow())
        self._listener.close()
        try:
            await super().shutdown(sockets)
        finally:
            slow.cancel()

    async def _keep_ending_slow(self) -> None:
        """While uvicorn waits for connections it calls `on_tick` no more."""
        while True:
            self._end_slow()
            await asyncio.sleep(0.5)


def serve(root: Path, options: Options) -> None:
    """Serve the log in the folder `root` until a signal says to stop.

    Raises `Refuted` naming the damage found in it, and `Unavailable` when an address, the folder or
    the database cannot be used, or the roles cannot be split.
    """
    keep_freed_memory()
    leaving = Leaving(announce=options.announce, grace=options.grace)
    operations = options.operations
    with (
        operations.observer(*options.roles) as observer,
        _opened(root, options, observer) as parts,
    ):
        if isinstance(parts, Parts):
            _open_more_files()
            answers = Answers()
            application = make_app(parts, answers, observer, leaving, operations.limits)
            _run(application, options, answers, leaving)
        else:
            work(parts, operations, observer.numbers, leaving)


def _opened(
    root: Path, options: Options, observer: Observer
) -> AbstractContextManager[Parts | Workers]:
    store = options.store
    if is_database(store):
        folder = Folder(root, options.log)
        place = Place(folder, store, known_keys(folder, options.vkey), options.interval)
        return sharing.opened(place, options.roles, observer)
    if options.log is not None:
        raise Unavailable(IN_BUCKET_ALONE)
    if options.roles != frozenset(ALL):
        raise Unavailable(
            "a file keeps the sequence, so one server does all the work, with processes of its "
            "own; roles are split where a database keeps it: name it by --store"
        )
    return wiring.opened(root, store=store, interval=options.interval, observer=observer)


def _run(application: App, options: Options, answers: Answers, leaving: Leaving) -> None:
    config = uvicorn.Config(
        application,
        loop="uvloop",
        # A class is asked for, and only called.
        http=cast("type[Connection]", partial(Connection, answers=answers, leaving=leaving)),
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=options.access_log,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=_IDLE_SECONDS,
    )
    with ExitStack() as stack:
        shown = options.operations.port(application.shown, stack)
        listener = stack.enter_context(Listener(options.host, options.port))
        # Objects made at start-up stay: the collector need not walk them again and again.
        gc.collect()
        gc.freeze()
        for each in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises the signal again when it has stopped; the parts are still to be
            # closed, so the signal must not end the process.
            signal.signal(each, lambda *_: None)
        Server(config, application, leaving, listener, shown).run(sockets=listener.sockets)


def _open_more_files() -> None:
    """Raise the limit on open files to what `MAX_CONNECTIONS` can need."""
    needed = MAX_CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        _log.warning("%d open files are allowed and a crowd could need %d", allowed, needed)
