"""Commits of other processes, as the database tells of them (LISTEN and NOTIFY).

An announcement only wakes: one that is lost, while the session is cut, costs a listener nothing
but the time until it looks for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from registry.postgres.connection import Connection
from testamur.errors import Refuted, Unavailable

_LOOK_EVERY: Final = 0.2  # seconds, whether to end
_RECONNECT_AFTER: Final = 1.0  # seconds


class Announcements:
    """Calls `wake` after every commit that another store announces on `channel`, until closed.

    `own` is the name under which this process announces its commits, of which it knows already.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        channel: str,
        *,
        own: str,
        wake: Callable[[], None],
    ) -> None:
        self._connect = connect
        self._channel = channel
        self._own = own
        self._wake = wake
        self._closing = Event()
        self._thread = Thread(target=self._run, name="announcements", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the session."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        again = False
        while not self._closing.is_set():
            try:
                connection = self._connect()
            except (Unavailable, Refuted):
                self._closing.wait(_RECONNECT_AFTER)
                continue
            try:
                self._follow(connection, again=again)
            except Unavailable:
                again = True
                self._closing.wait(_RECONNECT_AFTER)
            finally:
                connection.close()

    def _follow(self, connection: Connection, *, again: bool) -> None:
        connection.run_all(f"LISTEN {self._channel}")
        if again:
            self._wake()  # for what was announced while the session was cut
        while not self._closing.is_set():
            told = connection.notified_of(self._channel, _LOOK_EVERY)
            if any(name != self._own for name in told):
                self._wake()


def channel_of(connection: Connection) -> str:
    """Return the name of the channel: one for each log, though several share a database."""
    ((table,),) = connection.run("SELECT 'head'::regclass::oid::bigint")
    return f"testamur_{table}"
