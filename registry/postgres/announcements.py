"""What other processes did, as the database tells of it (LISTEN and NOTIFY).

An announcement only wakes: one that is lost, while the session is cut, costs a listener nothing
but the time until it looks for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Final, Literal

from registry.postgres.connection import Connection
from testamur.errors import Refuted, Unavailable

_LOOK_EVERY: Final = 0.2  # seconds, whether to end
_RECONNECT_AFTER: Final = 1.0  # seconds


class Announcements:
    """Calls `heard` with every word that is announced on `channel`, until closed.

    It is called with None when words may have been missed, while the session was cut.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        channel: str,
        heard: Callable[[str | None], None],
    ) -> None:
        self._connect = connect
        self._channel = channel
        self._heard = heard
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
            self._heard(None)
        while not self._closing.is_set():
            for word in connection.notified_of(self._channel, _LOOK_EVERY):
                self._heard(word)


def channel_of(connection: Connection, table: Literal["head", "published"]) -> str:
    """Return the name of the channel on what is done to a table.

    There is one for each log, though several share a database.
    """
    ((number,),) = connection.run(f"SELECT '{table}'::regclass::oid::bigint")
    return f"testamur_{number}"
