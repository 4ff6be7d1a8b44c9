"""Runs the application: one event loop and two child processes, until a signal stops it.

It listens only after every part has been opened and checked, and then prints one line. On a signal
it takes no more connections, answers the requests under way, publishes what is durable, and ends.
TLS and limits for each client belong to the proxy in front of it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, cast

import uvicorn

from api.app import App, make_app
from api.http.answers import Answers
from api.http.connection import MAX_CONNECTIONS, Connection
from api.operations.options import Operations
from api.operations.port import OperationsPort
from api.operations.readings import read_loop
from api.wiring import opened
from testamur.errors import Unavailable
from testamur.memory import keep_freed_memory

_BACKLOG: Final = 2048
_LISTENERS: Final = 16
_IDLE_SECONDS: Final = 30
_GRACE_SECONDS: Final = 40  # longer than any request may wait for its checkpoint
_OTHER_FILES: Final = 1024  # what may be open besides connections
_SLOW_EVERY: Final = 50  # slow clients are ended every so many ticks of 0.1 s

_log: Final = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Prints when it is ready, and ends the event streams before it waits for requests to end."""

    def __init__(
        self, config: uvicorn.Config, application: App, operations: OperationsPort | None
    ) -> None:
        super().__init__(config)
        self._application = application
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

    async def on_tick(self, counter: int) -> bool:
        """End the connections of clients that are too slow; return whether to stop."""
        if counter % _SLOW_EVERY == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                cast("Connection", connection).end_if_slow(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, event streams first: they would never end by themselves."""
        self._application.end_streams()
        await super().shutdown(sockets)


def serve(
    root: Path,
    *,
    store: str | None,
    host: str,
    port: int,
    interval: float,
    access_log: bool,
    operations: Operations | None = None,
) -> None:
    """Serve the log in the folder `root` until a signal says to stop.

    `store` is the address of the sequence, if it is not kept in the folder; `operations` is what
    its operator sees and limits. Raises `Refuted` naming
    the damage found in it, and `Unavailable` when the address or the folder cannot be used.
    """
    keep_freed_memory()
    _open_more_files()
    operations = operations or Operations()
    with (
        operations.observer("api", "publish", "project") as observer,
        opened(root, store=store, interval=interval, observer=observer) as parts,
    ):
        answers = Answers()
        application = make_app(parts, answers, observer, operations.limits)
        config = uvicorn.Config(
            application,
            loop="uvloop",
            # A class is asked for, and only called.
            http=cast("type[Connection]", partial(Connection, answers=answers)),
            ws="none",
            interface="asgi3",
            lifespan="on",
            log_config=None,
            access_log=access_log,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        with ExitStack() as stack:
            shown = operations.port(application.shown, stack)
            listener = stack.enter_context(_listening(host, port))
            # uvloop accepts one connection per loop turn and listening descriptor, and a busy turn
            # takes tens of milliseconds. Under load new connections would starve, so the
            # descriptor is duplicated.
            listeners = [stack.enter_context(listener.dup()) for _ in range(_LISTENERS)]
            # Objects made at start-up stay: the collector need not walk them again and again.
            gc.collect()
            gc.freeze()
            for each in (signal.SIGINT, signal.SIGTERM):
                # uvicorn raises the signal again when it has stopped; the parts are still to be
                # closed, so the signal must not end the process.
                signal.signal(each, lambda *_: None)
            Server(config, application, shown).run(sockets=listeners)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error


def _open_more_files() -> None:
    """Raise the limit on open files to what `MAX_CONNECTIONS` can need."""
    needed = MAX_CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        _log.warning("%d open files are allowed and a crowd could need %d", allowed, needed)
