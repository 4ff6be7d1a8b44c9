"""One group of submissions, one transaction: what it returns as recorded has been through fsync.

The story of a group is `_transact`, top to bottom, with what a crash leaves behind. Several
processes may run committers on one file: the write lock orders them, and each catches up with
what the others appended before it decides.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeAlias

from registry import credential_streams, policy_state, sequence, submissions
from registry.deliberation import Admission, Checked, Deliberation
from registry.outcomes import Outcome, Overloaded, StorageFull
from testamur.errors import Refusal, Unavailable, detached
from testamur.keys import PublicKey
from testamur.rules import Register

Connect: TypeAlias = Callable[[], sqlite3.Connection]


class Committer:
    """Decides groups and commits them, one at a time. Threads may share it.

    `register` is the policy state after the last group: a frozen value, replaced as a whole.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        log_key: PublicKey,
        clock: Callable[[], int],
        snapshot_every: int,
        patience: float,
    ) -> None:
        """Open the store; `clock` tells Unix milliseconds, `patience` is in seconds.

        Raises `sequence.StorageDamaged`, or `sqlite3.Error` when it cannot be opened.
        """
        self._connect = connect
        self._log_key = log_key
        self._clock = clock
        self._snapshot_every = snapshot_every
        self._patience = patience
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._snapshot_at = 0
        self.register = Register()
        self._reopened()

    def commit(self, group: Sequence[Checked]) -> list[Outcome]:
        """Return what became of each submission; those recorded are durable.

        Raises `sequence.StorageDamaged` when the store is not what was once written: nothing of
        the group was recorded then, and nothing more should be asked of it.
        """
        with self._lock:
            try:
                try:
                    return self._transact(group, one_by_one=False)
                except sqlite3.IntegrityError:
                    # An id is taken. Whose fault it is shows when each goes by itself.
                    return self._transact(group, one_by_one=True)
            except sequence.StorageLocked as locked:
                return [Overloaded(str(locked))] * len(group)
            except sqlite3.Error as error:
                # The connection may be in any state, and what we hold in memory may be ahead of
                # the store or behind it: both are made anew from the store.
                self._abandon_connection()
                if sequence.is_damage(error):
                    raise sequence.StorageDamaged(
                        f"SQLite cannot read the file: {error}"
                    ) from error
                return [_unavailable(error)] * len(group)

    def close(self) -> None:
        """Write the snapshot, so that the next start is quick, and let go of the file."""
        with self._lock:
            connection = self._connection
            if connection is None:
                return
            try:
                if self.register.size > self._snapshot_at:
                    sequence.begin(connection, patience=self._patience)
                    policy_state.save(connection, self.register)
                    connection.execute("COMMIT")
            except (sqlite3.Error, sequence.StorageLocked):
                pass  # A snapshot saves time, nothing else.
            finally:
                self._abandon_connection()

    def _transact(self, group: Sequence[Checked], *, one_by_one: bool) -> list[Outcome]:
        connection = self._connection or self._reopened()
        sequence.begin(connection, patience=self._patience)
        try:
            # From here to COMMIT nobody else appends: what is read now is how things stand.
            register = policy_state.caught_up(connection, self.register, self._log_key)
            deliberation = self._deliberation(connection, register, group)
            outcomes = _decided(connection, deliberation, group, one_by_one=one_by_one)
            register = deliberation.register
            due = register.size - self._snapshot_at >= self._snapshot_every
            if due:
                policy_state.save(connection, register)
        except BaseException:
            sequence.rollback(connection)
            raise
        if deliberation.admissions:
            # A crash before this returns leaves either the whole group or nothing of it, and
            # nobody was told. Who asks again, with the same jti, learns which.
            self._commit(connection, deliberation.admissions[0])
        else:
            sequence.rollback(connection)
        self.register = register
        if due:
            self._snapshot_at = register.size
        return outcomes

    def _deliberation(
        self, connection: sqlite3.Connection, register: Register, group: Sequence[Checked]
    ) -> Deliberation:
        needed = {name for checked in group for name in checked.needed}
        return Deliberation(
            register,
            credential_streams.states(connection, needed),
            submissions.find(connection, [checked.key for checked in group]),
            recorded_at=max(self._clock(), register.recorded_at),
            log_key=self._log_key,
        )

    def _commit(self, connection: sqlite3.Connection, first: Admission) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.Error:
            # It may have been written all the same. A transaction is there whole or not at all,
            # so its first submission tells; if even that cannot be read, nobody is told anything.
            self._abandon_connection()
            there = submissions.find(self._reopened(), [first.checked.key])
            signed = first.checked.submission.header.signing_input
            if first.checked.key not in there or there[first.checked.key][0] != signed:
                raise

    def _reopened(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            # One view of the file throughout: another process may be appending.
            connection.execute("BEGIN")
            snapshot = policy_state.load(connection)
            self.register = policy_state.caught_up(connection, snapshot, self._log_key)
            connection.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
        self._snapshot_at = snapshot.size
        self._connection = connection
        return connection

    def _abandon_connection(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


def _decided(
    connection: sqlite3.Connection,
    deliberation: Deliberation,
    group: Sequence[Checked],
    *,
    one_by_one: bool,
) -> list[Outcome]:
    """Decide each submission in its turn; write all at the end, or each before the next."""
    outcomes: list[Outcome] = []
    for checked in group:
        try:
            decided = deliberation.decide(checked)
            if isinstance(decided, Admission):
                if one_by_one:
                    _write_alone(connection, deliberation, decided)
                deliberation.keep(decided)
                decided = decided.receipt
            outcomes.append(decided)
        except Refusal as refusal:
            outcomes.append(detached(refusal))
    if not one_by_one:
        _write(connection, deliberation.admissions)
    return outcomes


def _write_alone(
    connection: sqlite3.Connection, deliberation: Deliberation, admission: Admission
) -> None:
    """Write one submission; raises the `Refusal` of the line that clashes with what is there."""
    connection.execute("SAVEPOINT alone")
    try:
        _write(connection, [admission])
    except sqlite3.IntegrityError as error:
        connection.execute("ROLLBACK TO alone")
        connection.execute("RELEASE alone")
        deliberation.take_back(admission)
        refusal = credential_streams.already_taken(connection, admission.rows)
        if refusal is None:
            raise sequence.StorageDamaged(
                f"no row of the submission is taken, yet {error}"
            ) from error
        raise refusal from None
    connection.execute("RELEASE alone")


def _write(connection: sqlite3.Connection, admissions: Sequence[Admission]) -> None:
    sequence.append(connection, [row for one in admissions for row in one.rows])
    sequence.insert(connection, "submissions", [one.index_row for one in admissions])


def _unavailable(error: sqlite3.Error) -> Unavailable:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest refines it
    if code == sqlite3.SQLITE_FULL:
        return StorageFull("the volume that holds the sequence is full; nothing was recorded")
    if code == sqlite3.SQLITE_BUSY:
        return Overloaded(f"the store is busy: {error}")
    return Unavailable(f"the store failed, and what came of this is not known: {error}")
