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
from uuid import UUID

from registry import register_state
from registry.checked import Checked
from registry.credential_streams import TooLong
from registry.deliberation import Deliberation
from registry.known import earlier, known, too_long
from registry.outcomes import FlagsRefused, Outcome
from registry.shared_register import SharedRegister
from registry.store import Clash, Reading, StorageDamaged, Store, SubmissionRow, Transaction
from testamur.catalogue.events import CredentialIssued
from testamur.errors import Refusal, Unavailable, detached
from testamur.keys import PublicKey
from testamur.rules import LIMITS, Limits, Register
from testamur.stopwatch import Stopwatch

_FAR_BEHIND: Final = 1_000  # entries of the register


class Committer:
    """Decides groups and commits them, one at a time. Threads may share it.

    `register` is the register after the last group: a view that never changes, replaced by the
    next. The register itself is changed by nobody else, and only by what is durable. `watch` has
    the steps of the last group, for the thread that committed it.
    """

    def __init__(
        self,
        store: Store,
        register: Register,
        *,
        log_key: PublicKey,
        clock: Callable[[], int],
        caps: Limits = LIMITS,
    ) -> None:
        """Go on from a register of this store, which is changed from now on.

        `clock` tells Unix milliseconds.
        """
        self._store = store
        self._log_key = log_key
        self._clock = clock
        self._caps = caps
        self._lock = Lock()
        self.watch = Stopwatch()
        self._shared = SharedRegister(register)

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
            self.watch.restart()
            try:
                return self._outcomes(group)
            except Unavailable as failure:
                return [detached(failure)] * len(group)

    def _outcomes(self, group: Sequence[Checked]) -> list[Outcome]:
        try:
            return self._judged(group)
        except TooLong:
            if len(group) == 1:
                return [too_long(group[0])]
        # By halves, in order: one submission that asks too much leaves the others in few groups.
        middle = len(group) // 2
        return self._outcomes(group[:middle]) + self._outcomes(group[middle:])

    def _judged(self, group: Sequence[Checked]) -> list[Outcome]:
        with suppress(Clash):
            return self._nearby(group, look_up=_changed)
        # An id was written before. Which ones were is looked up for the whole group. The rules then
        # refuse a submission that may not write one again, and decide the others anew.
        try:
            return self._nearby(group, look_up=_named)
        except Clash as clash:
            raise StorageDamaged(f"the rules saw every id of the group, yet {clash}") from clash

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
        register_state.catch_up(reading, draft, most=most)
        self._shared.absorb(draft)

    def _transact(
        self, group: Sequence[Checked], *, look_up: Callable[[Sequence[Checked]], set[str]]
    ) -> list[Outcome]:
        # Histories take a hundred times as long to read as to judge: all but their last entries are
        # read before the lock. A version of a stream never changes, nor what a key said before.
        asked, version = look_up(group), self._shared.version
        with self._store.reading() as reading:
            at = max(self._clock(), self.register.recorded_at)
            before = earlier(reading, self.register, asked, group, self._caps, at)
        self.watch.lap("histories")

        # Nothing in here may cost more than the group itself: no step over the whole register.
        with self._store.writing() as transaction:
            self.watch.lap("lock")
            # 1. Catch up with what other processes appended. Until the commit no other process
            #    can append, so all that is read from here on is still true then.
            self._catch_up(transaction, most=_FAR_BEHIND)

            # 2. The rules must also know credentials, and submissions sent again.
            register = self._shared.draft()
            replaced = set(self._shared.replaced_since(version))
            judged = before.counted.of(register, replaced)
            register.judged = judged._replace(conclusions=before.concluded.since(replaced))
            deliberation = Deliberation(
                register,
                known(transaction, asked, group, before),
                recorded_at=max(self._clock(), register.recorded_at),
                log_key=self._log_key,
                caps=self._caps,
            )

            # 3. Each submission in its turn. A refused one leaves nothing behind.
            outcomes = list(_decided(deliberation, group))
            _check_first_written(transaction, group, outcomes)
            register = deliberation.register
            self.watch.lap("judge")

            if deliberation.submissions:
                # 4. All rows at once. A crash from here to the commit leaves nothing of them.
                listed = [row for row, _ in deliberation.submissions.values()]
                transaction.append(deliberation.entries, listed, deliberation.of_register)
                register.last_leaf = deliberation.entries[-1][-1]
                self.watch.lap("append")

                # 5. A crash before this returns leaves either the whole group or nothing of it,
                #    and no sender was answered. The same submission sent again tells which.
                self._commit(transaction, deliberation.submissions)
                self.watch.lap("commit")
                # From here on readers see the group, which is durable. If we stop before, the next
                # transaction catches up with it.
                self._shared.absorb(register)
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


def _decided(deliberation: Deliberation, group: Sequence[Checked]) -> Iterator[Outcome]:
    """Yield the outcome of each submission of a group."""
    for checked in group:
        try:
            yield deliberation.decide(checked)
        except Refusal as refusal:
            yield detached(refusal)


def _check_first_written(
    reading: Reading, group: Sequence[Checked], outcomes: Sequence[Outcome]
) -> None:
    """Raise `Clash` if a flag for which a submission is refused is on a line written before.

    Such a line cannot be mended, and no row of a refused submission meets the unique index.
    """
    for checked, outcome in zip(group, outcomes, strict=True):
        if not isinstance(outcome, FlagsRefused) or outcome.line is None:
            continue
        event = checked.submission.events[outcome.line - 2]
        if isinstance(event, CredentialIssued) and reading.stream(UUID(event.credential).bytes):
            raise Clash(f"{event.credential} was written before")


def _changed(group: Sequence[Checked]) -> set[str]:
    """Return the credentials that must exist for a group: all that most groups need to ask for."""
    return {name for checked in group for name in checked.needed}


def _named(group: Sequence[Checked]) -> set[str]:
    """Return every id that must exist for a group, or must not."""
    return {name for checked in group for name in checked.named}
