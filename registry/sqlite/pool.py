"""Connections that wait for the next reader."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from registry.sqlite.connection import Connection
from testamur.errors import Unavailable

_IDLE: Final = 8  # connections kept for the next readers; each may fill its cache


class Pool:
    """Lends connections, one to a reader; there are as many as threads that read at once."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection; one that failed is not lent again."""
        connection = self._taken() or self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)

    def close(self) -> None:
        """Close the connections that are idle; those in use are closed when they come back.

        Closing one in the middle of another thread's statement crashes the interpreter.
        """
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _taken(self) -> Connection | None:
        with self._lock:
            if self._closed:
                raise Unavailable("the store is closed")
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            kept = not self._closed and len(self._idle) < _IDLE
            if kept:
                self._idle.append(connection)
        if not kept:
            connection.close()
