"""The last signed checkpoint in PostgreSQL: a driver of `log.last_signed.LastSignedStore`.

The claim is a lock of one session, and a lease. The session says five times in it that it is there,
and the server ends a session that said nothing for as long, since its process was stopped or the
network is cut. Each claim counts the epoch on, and replaces notes in its own epoch and session
alone. So a process that wakes up after its lease was over can sign no more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, TypeAlias

import psycopg

from log.last_signed import Claimed, Overtaken
from log.store import FileDamage
from testamur.errors import Unavailable

Session: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Connect: TypeAlias = Callable[[], Session]

_LEASE: Final = 2.0  # seconds: a standby takes over within 3
_BEATS: Final = 5  # in one lease
_STATEMENT_SECONDS: Final = 30

# The lock's two numbers: ours, and the table's, since several logs may share a database.
_LOCK: Final = """
    SELECT pg_try_advisory_lock((2121507592::bigint << 32) | 'published'::regclass::oid::bigint)
"""
_BEGIN_EPOCH: Final = "UPDATE published SET epoch = epoch + 1 WHERE id = 0 RETURNING epoch"
_HELD: Final = "SELECT note FROM published WHERE id = 0"
_REPLACE: Final = """
    UPDATE published SET note = %(new)s
    WHERE id = 0 AND note IS NOT DISTINCT FROM %(old)s
    AND (%(epoch)s::bigint IS NULL OR epoch = %(epoch)s)
"""
# A weaker setting would let a signed note be lost with the power.
_DURABLE: Final = """
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
"""
_DAMAGED: Final = ("XX001", "XX002", "42P01", "42703", "42804")


class PostgresLastSigned:
    """One note in the table `published` of the database that `connect` opens a session of.

    `connect` raises `Unavailable`. Every method raises it when the database cannot be asked, and
    `FileDamage` when it holds something else than was written.
    """

    def __init__(self, connect: Connect, *, lease: float = _LEASE) -> None:
        self._connect = connect
        self._lease = lease
        self._turn = threading.Lock()
        self._session: Session | None = None
        self._epoch: int | None = None
        self._claimed: Session | None = None  # the session that holds the lock
        self._closing = threading.Event()
        self._beat: threading.Thread | None = None
        with self._turn, self._failures_named(), ExitStack() as on_failure:
            on_failure.callback(self._end)
            self._held()
            on_failure.pop_all()

    def get(self) -> bytes | None:
        """Return the last signed note, None before the first."""
        with self._turn, self._failures_named():
            if not self._stands():
                self._end()  # it was cut while it was idle
            return self._held()

    def compare_and_swap(self, old: bytes | None, new: bytes) -> None:
        """Put `new` in the place of `old`; return once that is durable.

        Raises `Overtaken`, and changes nothing, when the stored note is not `old`, or when another
        publisher has claimed the log since this one did; `Unavailable` when the session that held
        the lock is gone, since another publisher may be about to claim the log then.
        """
        with self._turn, self._failures_named():
            session = self._opened()
            if self._epoch is not None and self._claimed is not session:
                raise Unavailable("the session that held the claim is gone: claim the log again")
            found = session.execute(
                _REPLACE, {"old": old, "new": new, "epoch": self._epoch}, binary=True
            )
            if found.rowcount == 0:
                self._held()  # which names a row that is gone
                raise Overtaken("another publisher has signed or claimed the log since")

    def claim(self) -> None:
        """Become the one publisher of this log until `release`, or until the session ends.

        Raises `Claimed` while another holds the claim.
        """
        with self._turn, self._failures_named():
            if self._claimed is not None and self._claimed is self._session and self._stands():
                return
            self._claimed = None
            session = self._opened()
            ((locked,),) = session.execute(_LOCK).fetchall()
            if not locked:
                raise Claimed("another publisher holds the log")
            session.execute(f"SET idle_session_timeout = {round(self._lease * 1000)}")
            begun = session.execute(_BEGIN_EPOCH).fetchone()
            if begun is None:
                raise _gone()
            self._epoch, self._claimed = int(begun[0]), session
            if self._beat is None:
                self._beat = threading.Thread(target=self._keep, name="lease", daemon=True)
                self._beat.start()

    def release(self) -> None:
        """Give up the claim, if it is held."""
        with self._turn:
            if self._claimed is not None:
                self._claimed, self._epoch = None, None
                self._unlock()
                self._end()

    def close(self) -> None:
        """Give up the claim and end the session."""
        self.release()
        self._closing.set()
        if self._beat is not None:
            self._beat.join()
        with self._turn:
            self._end()

    def _held(self) -> bytes | None:
        row = self._opened().execute(_HELD, binary=True).fetchone()
        if row is None:
            raise _gone()
        return None if row[0] is None else bytes(row[0])

    def _opened(self) -> Session:
        """Return the session; one that was cut is replaced, and the claim is over with it."""
        if self._session is None or self._session.closed:
            self._session = self._connect()
            self._session.autocommit = True
            self._session.execute(f"SET statement_timeout = {_STATEMENT_SECONDS * 1000}")
            self._session.execute(_DURABLE)
        return self._session

    def _stands(self) -> bool:
        """Return whether the session that holds the lock is still there."""
        if self._session is None or self._session.closed:
            return False
        try:
            self._session.execute("SELECT 1")
        except psycopg.Error:
            self._end()
            return False
        return True

    def _keep(self) -> None:
        """Say again and again that the holder of the claim is there."""
        while not self._closing.wait(self._lease / _BEATS):
            with self._turn:
                if self._claimed is not None and self._claimed is self._session:
                    self._stands()  # if not, the next `claim` takes it anew

    def _unlock(self) -> None:
        # The end of the session would do, but the server takes notice of that a moment later.
        if self._session is not None:
            with suppress(psycopg.Error):
                self._session.execute("SELECT pg_advisory_unlock_all()")

    def _end(self) -> None:
        if self._session is not None:
            with suppress(psycopg.Error):
                self._session.close()
            self._session = None

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            said = " ".join(str(error).split())
            if error.sqlstate in _DAMAGED:
                raise FileDamage("last-signed", "malformed", said) from error
            self._end()  # it may be in any state, and what it was asked may have been done
            raise Unavailable(f"the last checkpoint signed cannot be reached: {said}") from error


def _gone() -> FileDamage:
    return FileDamage("last-signed", "malformed", "the row of the last checkpoint signed is gone")
