"""What publisher and follower tell processes that are not their parents, through the database.

A word says that there is something new to look at, and nothing else: it is not believed, and one
that is lost costs the time until the next look. So it is sent from a thread of its own, which
keeps nobody waiting and gives up easily.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final, Literal, TypeAlias

import psycopg

from registry.postgres.address import Address
from registry.postgres.announcements import Announcements, channel_of
from registry.postgres.connection import Connection
from testamur.errors import Unavailable

Word: TypeAlias = Literal["published", "projected"]

_RETRY: Final = 1.0  # seconds
_PATIENCE: Final = 5.0  # seconds, for a lock or an answer


class Announcer:
    """Says `word` to all that listen at the database `address`, as often as `announce` is called.

    Any thread may call it; it returns at once.
    """

    def __init__(self, address: str, word: Word) -> None:
        self._address = Address.parse(address)
        self._word = word
        self._due = threading.Event()
        self._closing = threading.Event()
        self._session: psycopg.Connection[tuple[Any, ...]] | None = None
        self._channel = ""
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
        self._thread.start()

    def announce(self) -> None:
        """Say the word soon. Several calls may become one."""
        self._due.set()

    def close(self) -> None:
        """Say what is due, and end the session."""
        self._closing.set()
        self._due.set()
        self._thread.join()
        if self._session is not None:
            self._session.close()

    def _run(self) -> None:
        while True:
            self._due.wait()
            last = self._closing.is_set()
            self._due.clear()
            try:
                self._say()
            except (psycopg.Error, Unavailable):
                if self._session is not None:
                    self._session.close()
                self._session = None
                self._closing.wait(_RETRY)
            if last:
                return

    def _say(self) -> None:
        if self._session is None:
            self._session = self._address.connect()
            # Nothing is lost with a word that the power takes.
            self._session.execute("SET synchronous_commit = off")
            self._session.execute(f"SET statement_timeout = {round(_PATIENCE * 1000)}")
            with closing(_connected(self._address)) as connection:
                self._channel = channel_of(connection, "published")
        self._session.execute("SELECT pg_notify(%s, %s)", [self._channel, self._word])


def listening(address: str, heard: Callable[[str | None], None]) -> Announcements:
    """Call `heard` with every word, and with None when some may be missed; the caller closes it.

    Raises `Unavailable` when the database cannot be reached.
    """
    parsed = Address.parse(address)
    with closing(_connected(parsed)) as connection:
        channel = channel_of(connection, "published")
    return Announcements(lambda: _connected(parsed), channel, heard)


def _connected(address: Address) -> Connection:
    return Connection(address, patience=_PATIENCE, durable=False)
