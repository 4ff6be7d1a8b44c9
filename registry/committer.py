"""One group of submissions, one transaction: what it returns as recorded is durable.

The story of a group is `_transact`, top to bottom, with what a crash leaves behind. Several
processes may run committers on one store: its lock orders them, and each catches up with what
the others appended before it decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from threading import Lock
from typing import Final

from registry import credential_streams, register_state, submissions
from registry.deliberation import Checked, Deliberation, Unverified
from registry.outcomes import Outcome, Overloaded
from registry.shared_register import SharedRegister
from registry.store import Clash, Reading, StorageDamaged, Store, SubmissionRow, Transaction
from testamur.errors import Refusal, Unavailable, detached
from testamur.keys import PublicKey
from testamur.rules import Register

_FAR_BEHIND: Final = 10_000  # entries
# So many signatures inside a submission are verified in the committer's thread at most.
_NEW_KEYS: Final = 64


class Committer:
    """Decides groups and commits them, one at a time. Threads may share it.

    `register` is the register after the last group: a view that never changes, replaced by the
    next. The register itself is changed by nobody else, and only by what is durable.
    """

    def __init__(
        self,
        store: Store,
        *,
        log_key: PublicKey,
        clock: Callable[[], int],
        head_every: int,
    ) -> None:
        """Catch up with the store; `clock` tells Unix milliseconds, `head_every` is in entries.

        Raises what `registry.store` lists.
        """
        self._store = store
        self._log_key = log_key
        self._clock = clock
        self._head_every = head_every
        self._lock = Lock()
        with store.reading() as reading:
            register = register_state.load(reading)
            self._head_at = register.size
            register_state.catch_up(reading, register, log_key)
        self._shared = SharedRegister(register)
        if register.size and not self._head_at:
            # The stored register was taken away: it is written whole, before anybody waits.
            with store.writing() as transaction:
                register_state.save_whole(transaction, register)
                transaction.commit()

    @property
    def register(self) -> Register:
        """The register after the last group."""
        return self._shared.latest

    def commit(self, group: Sequence[Checked]) -> list[Outcome]:
        """Return what became of each submission; those recorded are durable.

        Raises `StorageDamaged` when the store is not what was once written: nothing of the group
        was recorded then, and nothing more should be asked of it.
        """
        with self._lock:
            try:
                return self._verified_outcomes(group)
            except Unavailable as failure:
                return [detached(failure)] * len(group)

    def close(self) -> None:
        """Note how far the stored register reaches, so that the next start is quick."""
        with self._lock:
            if self._shared.size <= self._head_at:
                return
            try:
                with self._store.writing() as transaction:
                    register_state.move_head(transaction, self._shared.draft())
                    transaction.commit()
            except (Unavailable, StorageDamaged):
                pass  # It saves time, nothing else.

    def _verified_outcomes(self, group: Sequence[Checked]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        waiting = dict(enumerate(group))
        while waiting:
            decided = self._outcomes(list(waiting.values()))
            for place, outcome in zip(list(waiting), decided, strict=False):
                outcomes[place] = outcome
                del waiting[place]
            # These follow a submission whose signer entered with this very group. Their
            # signatures are verified now, while nobody waits for the lock.
            for place, checked in list(waiting.items()):
                verified = self._verified(checked)
                if isinstance(verified, Checked):
                    waiting[place] = verified
                else:
                    outcomes[place] = verified
                    del waiting[place]
        return [outcomes[place] for place in range(len(group))]

    def _verified(self, checked: Checked) -> Checked | Outcome:
        key = None if checked.verified_by else checked.key_in(self.register)
        if key is None:
            return checked
        if checked.new_keys > _NEW_KEYS:
            return Overloaded("its signer entered the register only now: send it again")
        try:
            return checked.verified(key)
        except Refusal as refusal:
            return detached(refusal)

    def _outcomes(self, group: Sequence[Checked]) -> list[Outcome]:
        """Return the outcomes of a group, up to the first submission that is not verified."""
        with suppress(Clash):
            return self._nearby(group, look_up=_changed)
        # An id is taken. Which ones exist is looked up for the whole group; the rules then refuse
        # each submission that would take one again, and decide the others anew.
        try:
            return self._nearby(group, look_up=_named)
        except Clash as clash:
            raise StorageDamaged(f"no id of the group is taken, yet {clash}") from clash

    def _nearby(
        self, group: Sequence[Checked], *, look_up: Callable[[Sequence[Checked]], set[str]]
    ) -> list[Outcome]:
        while True:
            try:
                return self._transact(group, look_up=look_up)
            except register_state.FarBehind:
                # Other processes are far ahead. The lock is for the last stretch alone.
                with self._store.reading() as reading:
                    self._catch_up(reading, most=None)

    def _catch_up(self, reading: Reading, *, most: int | None) -> None:
        draft = self._shared.draft()
        register_state.catch_up(reading, draft, self._log_key, most=most)
        self._shared.absorb(draft)

    def _transact(
        self, group: Sequence[Checked], *, look_up: Callable[[Sequence[Checked]], set[str]]
    ) -> list[Outcome]:
        # Nothing in here may cost more than the group itself: no step over the whole register.
        with self._store.writing() as transaction:
            # 1. Catch up with what other processes appended. Until the commit no other process
            #    can append, so all that is read from here on is still true then.
            self._catch_up(transaction, most=_FAR_BEHIND)

            # 2. The rules must also know credentials, and submissions sent again.
            register = self._shared.draft()
            deliberation = Deliberation(
                register,
                credential_streams.states(transaction, look_up(group)),
                submissions.find(transaction, [checked.key for checked in group]),
                recorded_at=max(self._clock(), register.recorded_at),
                log_key=self._log_key,
            )

            # 3. Each submission in its turn. A refused one leaves nothing behind.
            outcomes = list(_decided(deliberation, group))
            register = deliberation.register

            if deliberation.submissions:
                # 4. All rows at once. A crash from here to the commit leaves nothing of them.
                listed = [row for row, _ in deliberation.submissions.values()]
                transaction.append(deliberation.entries, listed)
                head_at = self._save_register(transaction, register)

                # 5. A crash before this returns leaves either the whole group or nothing of it,
                #    and no sender was answered. The same submission sent again tells which.
                self._commit(transaction, deliberation.submissions)
                self._head_at = head_at
                # From here on readers see the group, which is durable. If we stop before, the next
                # transaction catches up with it.
                self._shared.absorb(register)
        return outcomes

    def _save_register(self, transaction: Transaction, register: Register) -> int:
        """Store what the group changed in the register; return the size that it then reaches."""
        if any(register.changes().values()):
            register_state.save(transaction, self._shared.latest, register)
        elif register.size - self._head_at >= self._head_every:
            register_state.move_head(transaction, register)
        else:
            return self._head_at
        return register.size

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


def _decided(deliberation: Deliberation, group: Sequence[Checked]) -> Iterator[Outcome]:
    """Yield the outcomes of a group, up to the first submission that is not verified."""
    for checked in group:
        try:
            yield deliberation.decide(checked)
        except Refusal as refusal:
            yield detached(refusal)
        except Unverified:
            return


def _changed(group: Sequence[Checked]) -> set[str]:
    """Return the credentials that must exist for a group: all that most groups need to ask for."""
    return {name for checked in group for name in checked.needed}


def _named(group: Sequence[Checked]) -> set[str]:
    """Return every id that must exist for a group, or must not."""
    return {name for checked in group for name in checked.named}
