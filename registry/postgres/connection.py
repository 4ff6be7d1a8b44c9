"""A session of the database: what it asks for, how long it may wait, and its errors as the seam's.

Every wait is bounded: for a connection, for a lock, for an answer, for a server that is gone. Only
COMMIT is not, to which PostgreSQL applies no timeout: it returns once the transaction is on the
disk, and on the standbys that `synchronous_standby_names` asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import pq

from registry.outcomes import Overloaded
from registry.postgres.address import Address
from registry.postgres.errors import is_locked, translated
from registry.postgres.packing import StreamLoader, Streams, StreamsDumper
from registry.store import OutcomeUnknown, StorageDamaged
from testamur.errors import Unavailable

_OLDEST: Final = 140_000  # scans of a range of ctid, `bit_xor`
_STATEMENT_SECONDS: Final = 60
# A process that was stopped while it held the head's lock loses it after so long. A submission of
# 100,000 events is judged in three seconds, on a machine with nothing else to do.
_IDLE_WHILE_WRITING_SECONDS: Final = 60
# A reader holds no lock; it may replay a long submission between two questions.
_IDLE_WHILE_READING_SECONDS: Final = 600

# Each question is a few look-ups into an index, whatever the tables have grown to, and the planner
# must never think otherwise: its statistics are old when a register grows fast, and it takes an
# array for ten elements. With sequential scans off, their pretended cost would start the JIT
# compiler.
_SETTINGS: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_generic_plan",
    "client_min_messages": "warning",
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{_IDLE_WHILE_READING_SECONDS}s",
}
_UNSAFE: Final = """
    SELECT string_agg(name || ' = off', ', ') FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'
"""


class Connection:
    """Runs statements; at most one thread at a time may use it, and any thread may.

    `patience` is how long it waits for a lock, in seconds. Only if `durable`, a server that does
    not keep what it confirms is refused.
    """

    def __init__(self, address: Address, *, patience: float, durable: bool) -> None:
        self._patience = patience
        self.head: int | None = None
        """What the head counted when the transaction began; None if its row is gone."""
        self._raw = address.connect()
        try:
            self._prepare(durable=durable)
        except BaseException:
            self.close()
            raise

    @property
    def closed(self) -> bool:
        """Whether it was closed, or cut."""
        return self._raw.closed

    def run(
        self, statement: str, values: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; raises what `registry.store` lists."""
        try:
            cursor = self._raw.execute(statement.encode(), values, binary=True)
            return cursor.fetchall() if cursor.description else []
        except (psycopg.Error, UnicodeDecodeError) as error:
            raise translated(error) from error

    def run_all(self, statements: str) -> tuple[str, list[tuple[Any, ...]]]:
        """Run statements in one round trip; return the last one's tag and its rows.

        Text in them must be our own: nothing is bound.
        """
        try:
            cursor = self._raw.execute(statements.encode())
            while cursor.nextset():
                pass
            return cursor.statusmessage or "", cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise translated(error) from error

    def copy(self, statement: str, rows: bytes) -> None:
        """Send packed rows to a COPY statement, and wait until it has taken them all."""
        try:
            with self._raw.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                copy.write(rows)
        except psycopg.Error as error:
            raise translated(error) from error

    def begin_reading(self) -> None:
        """Begin a view of one moment."""
        self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def begin_writing(self) -> None:
        """Take the write lock, which is the head's row.

        In READ COMMITTED each statement sees all that was committed before it, so what is read
        after the lock was taken is the latest. Raises `Overloaded` after `patience` seconds.
        """
        try:
            self._begin(
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL"
                f" idle_in_transaction_session_timeout = '{_IDLE_WHILE_WRITING_SECONDS}s'",
                "FOR UPDATE",
            )
        except Overloaded as error:
            if not is_locked(error.__cause__ or error):
                raise
            raise Overloaded(
                f"another process held the write lock for {self._patience} s"
            ) from error

    def commit(self, before: str = "") -> None:
        """Commit, after the statements `before`, in one round trip.

        Raises `OutcomeUnknown` when the answer was lost, and another error when the server has
        rolled the transaction back.
        """
        try:
            tag, _ = self.run_all(f"{before} COMMIT")
        except (Unavailable, StorageDamaged) as error:
            if not self.closed:
                raise  # PostgreSQL answers with an error only if it has rolled back
            raise OutcomeUnknown(f"{error}; whether it was recorded is not known") from error
        if tag != "COMMIT":
            raise Unavailable(f"COMMIT was answered by {tag}: a statement had failed before")

    def rollback(self) -> None:
        """Leave the transaction, if one is under way."""
        if not self.closed and self._raw.info.transaction_status != pq.TransactionStatus.IDLE:
            self.run_all("ROLLBACK")

    def close(self) -> None:
        """End the session; a transaction under way is rolled back."""
        self._raw.close()

    def notified_of(self, channel: str, timeout: float) -> list[str]:
        """Return what was said on a channel, for which it waits at most so many seconds."""
        try:
            return [
                one.payload
                for one in self._raw.notifies(timeout=timeout, stop_after=1)
                if one.channel == channel
            ]
        except psycopg.Error as error:
            raise translated(error) from error

    def _begin(self, begin: str, lock: str = "") -> None:
        _, rows = self.run_all(f"{begin}; SELECT count FROM head WHERE id = 0 {lock}")
        self.head = int(rows[0][0]) if rows else None

    def _prepare(self, *, durable: bool) -> None:
        if self._raw.info.server_version < _OLDEST:
            raise Unavailable(
                f"PostgreSQL {self._raw.info.server_version // 10_000} is too old, need "
                f"{_OLDEST // 10_000}"
            )
        self._raw.adapters.register_dumper(Streams, StreamsDumper)
        self._raw.adapters.register_loader("uuid", StreamLoader)
        settings = {**_SETTINGS, "lock_timeout": f"{max(1, round(self._patience * 1000))}ms"}
        self.run_all("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()))
        if durable:
            self._check_durable()

    def _check_durable(self) -> None:
        # `remote_apply` asks for more than `on`, and `local` for less where there are standbys.
        self.run(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
        )
        ((unsafe,),) = self.run(_UNSAFE)
        if unsafe is not None:
            raise Unavailable(
                f"the server runs with {unsafe}, so what it confirms can be lost; switch it on"
            )
