"""Connections that wait for the next reader of a store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

from registry.outcomes import Overloaded
from testamur.errors import Unavailable

_IDLE: Final = 8  # connections kept for the next readers; each may fill its cache


class Lendable(Protocol):
    """A connection, as far as a pool knows it."""

    def close(self) -> None:
        """Close it, whatever is under way on it."""
        ...


C = TypeVar("C", bound=Lendable)


class Pool(Generic[C]):
    """Lends connections, one to a reader, on which `begin` was called.

    There are as many as threads that read at once, or `most`: one more reader waits for `patience`
    seconds, and then gets `Overloaded`. `lent` is how many are lent now.
    """

    def __init__(
        self,
        connect: Callable[[], C],
        begin: Callable[[C], None],
        *,
        most: int | None = None,
        patience: float = 0.0,
    ) -> None:
        self._connect = connect
        self._begin = begin
        self._most = most
        self._patience = patience
        self._room = None if most is None else threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._idle: list[C] = []
        self._closed = False
        self.lent = 0

    @contextmanager
    def connection(self) -> Iterator[C]:
        """Lend a connection; one that failed is not lent again."""
        with self._place():
            connection = self._begun()
            with self._lock:
                self.lent += 1
            try:
                yield connection
            except BaseException:
                connection.close()
                with self._lock:
                    self.lent -= 1
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

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._room is None:
            yield
            return
        if not self._room.acquire(timeout=self._patience):
            raise Overloaded(f"{self._most} readers were at work for {self._patience} s")
        try:
            yield
        finally:
            self._room.release()

    def _begun(self) -> C:
        """Return a connection on which the reading has begun.

        An idle one may have been cut meanwhile. Nothing was asked of it yet, so another takes its
        place; only what fails on a new one is a failure of the store.
        """
        while True:
            idle = self._taken()
            connection = self._connect() if idle is None else idle
            try:
                self._begin(connection)
            except BaseException as error:
                connection.close()
                if idle is None or not isinstance(error, Unavailable):
                    raise
            else:
                return connection

    def _taken(self) -> C | None:
        with self._lock:
            if self._closed:
                raise Unavailable("the store is closed")
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: C) -> None:
        with self._lock:
            self.lent -= 1
            kept = not self._closed and len(self._idle) < _IDLE
            if kept:
                self._idle.append(connection)
        if not kept:
            connection.close()
