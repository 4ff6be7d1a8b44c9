"""Which of several followers writes to the tables in a database, while the others stand by.

It is a lock of one session, and a lease: the server ends a session that says nothing for so long,
since its process was stopped or the network is cut. It saves work and protects nothing. What a
follower that wakes up too late still writes is refused by the row of the position.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from registry.postgres.address import Address
from testamur.errors import Unavailable

_LEASE: Final = 2.0  # seconds; each look at it renews it
# The first number is ours, the second the table's, since several logs may share a database.
_LOCK: Final = """
    SELECT pg_try_advisory_lock((1886350191::bigint << 32) | 'published'::regclass::oid::bigint)
"""


class DatabaseTurn:
    """A turn at the tables of the log in the database `address`; for one thread."""

    def __init__(self, address: str) -> None:
        self._address = Address.parse(address)
        self._session: psycopg.Connection[tuple[Any, ...]] | None = None

    def taken(self) -> bool:
        """Return whether it is this process's turn; False also if the database cannot say."""
        try:
            if self._session is None:
                self._session = self._address.connect()
                self._session.execute(f"SET idle_session_timeout = {round(_LEASE * 1000)}")
            ((locked,),) = self._session.execute(_LOCK).fetchall()
        except (psycopg.Error, Unavailable):
            self.close()
            return False
        return bool(locked)

    def stands(self) -> bool:
        """Return whether it still is."""
        if self._session is None:
            return False
        try:
            self._session.execute("SELECT 1")
        except psycopg.Error:
            self.close()
            return False
        return True

    def close(self) -> None:
        """End the turn."""
        if self._session is not None:
            self._session.close()
        self._session = None
