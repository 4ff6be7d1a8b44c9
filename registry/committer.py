"""One group of submissions, one transaction: what it returns as recorded is durable.

The story of a group is `_transact`, top to bottom, with what a crash leaves behind. Several
processes may run committers on one store: its lock orders them, and each catches up with what
the others appended before it decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock

from registry import credential_streams, register_state, submissions
from registry.deliberation import Checked, Deliberation
from registry.outcomes import Outcome
from registry.store import Clash, StorageDamaged, Store, SubmissionRow, Transaction
from testamur.errors import Refusal, Unavailable, detached
from testamur.keys import PublicKey


class Committer:
    """Decides groups and commits them, one at a time. Threads may share it.

    `register` is the register after the last group: a frozen value, replaced as a whole.
    """

    def __init__(
        self,
        store: Store,
        *,
        log_key: PublicKey,
        clock: Callable[[], int],
        snapshot_every: int,
    ) -> None:
        """Catch up with the store; `clock` tells Unix milliseconds, `snapshot_every` is in entries.

        Raises what `registry.store` lists.
        """
        self._store = store
        self._log_key = log_key
        self._clock = clock
        self._snapshot_every = snapshot_every
        self._lock = Lock()
        with store.reading() as reading:
            snapshot = register_state.load(reading)
            self.register = register_state.caught_up(reading, snapshot, log_key)
        self._snapshot_at = snapshot.size

    def commit(self, group: Sequence[Checked]) -> list[Outcome]:
        """Return what became of each submission; those recorded are durable.

        Raises `StorageDamaged` when the store is not what was once written: nothing of the group
        was recorded then, and nothing more should be asked of it.
        """
        with self._lock:
            try:
                return self._outcomes(group)
            except Unavailable as failure:
                return [detached(failure)] * len(group)

    def close(self) -> None:
        """Write the snapshot, so that the next start is quick."""
        with self._lock:
            if self.register.size <= self._snapshot_at:
                return
            try:
                with self._store.writing() as transaction:
                    register_state.save(transaction, self.register)
                    transaction.commit()
            except (Unavailable, StorageDamaged):
                pass  # A snapshot saves time, nothing else.

    def _outcomes(self, group: Sequence[Checked]) -> list[Outcome]:
        with suppress(Clash):
            return self._transact(group, look_up=_changed)
        # An id is taken. Which ones exist is looked up for the whole group; the rules then refuse
        # each submission that would take one again, and decide the others anew.
        try:
            return self._transact(group, look_up=_named)
        except Clash as clash:
            raise StorageDamaged(f"no id of the group is taken, yet {clash}") from clash

    def _transact(
        self, group: Sequence[Checked], *, look_up: Callable[[Sequence[Checked]], set[str]]
    ) -> list[Outcome]:
        with self._store.writing() as transaction:
            # 1. Catch up with what other processes appended. Until the commit no other process
            #    can append, so what is read from here on is still true then.
            register = register_state.caught_up(transaction, self.register, self._log_key)

            # 2. What the rules must know besides: credentials, and submissions sent again.
            deliberation = Deliberation(
                register,
                credential_streams.states(transaction, look_up(group)),
                submissions.find(transaction, [checked.key for checked in group]),
                recorded_at=max(self._clock(), register.recorded_at),
                log_key=self._log_key,
            )

            # 3. Each submission in its turn. A refused one leaves nothing behind.
            outcomes = [_decided(deliberation, checked) for checked in group]
            register = deliberation.register

            if deliberation.submissions:
                # 4. All rows at once. A crash from here to the commit leaves nothing of them.
                listed = [row for row, _ in deliberation.submissions.values()]
                transaction.append(deliberation.entries, listed)
                due = register.size - self._snapshot_at >= self._snapshot_every
                if due:
                    register_state.save(transaction, register)

                # 5. A crash before this returns leaves either the whole group or nothing of it,
                #    and no sender was answered. The same submission sent again tells which.
                self._commit(transaction, deliberation.submissions)
                if due:
                    self._snapshot_at = register.size
        self.register = register
        return outcomes

    def _commit(
        self, transaction: Transaction, added: dict[bytes, tuple[SubmissionRow, bytes]]
    ) -> None:
        try:
            transaction.commit()
        except (Unavailable, StorageDamaged):
            # It may have been written all the same. All of it is compared, since another process
            # may have recorded some of the same submissions in this very moment.
            with self._store.reading() as reading:
                recorded = reading.submissions(list(added)) == added
            if not recorded:
                raise


def _decided(deliberation: Deliberation, checked: Checked) -> Outcome:
    try:
        return deliberation.decide(checked)
    except Refusal as refusal:
        return detached(refusal)


def _changed(group: Sequence[Checked]) -> set[str]:
    """Return the credentials that must exist for a group: all that most groups need to ask for."""
    return {name for checked in group for name in checked.needed}


def _named(group: Sequence[Checked]) -> set[str]:
    """Return every id that must exist for a group, or must not."""
    return {name for checked in group for name in checked.named}
