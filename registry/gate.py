"""The gate: from the bytes of a submission to a durable position in the one sequence.

A submission reported as `Recorded` was well-formed, signed by a key in force at its position, and
admitted by the rules that every replayer checks again; it is durable. A submission of unknown
outcome is `Unavailable`, and the same one sent again gets the outcome. The gate does not publish:
`log/` makes entries visible.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Thread
from typing import Final, Self, TypeAlias

from registry import integrity, register_state, submissions
from registry.checked import Checked
from registry.committed import CommittedEntries
from registry.committer import Committer
from registry.group import Group, Measured
from registry.outcomes import FlagsRefused, Outcome, Overloaded, Recorded, StorageFull
from registry.queue import SubmissionQueue
from registry.rehearsal import DryRun, rehearse, rehearse_checked
from registry.signing import UNKNOWN, Examined, examined
from registry.store import StorageDamaged, Store
from testamur import rules
from testamur.catalogue import dry_run
from testamur.catalogue.submission import MAX_HEADER, SignedHeader, parse, parse_header, parse_under
from testamur.errors import Refusal, Unavailable
from testamur.keys import PublicKey
from testamur.rules import Register
from testamur.stopwatch import ignore

__all__ = [
    "Checked",
    "DryRun",
    "Examined",
    "FlagsRefused",
    "Gate",
    "Limits",
    "Outcome",
    "Overloaded",
    "Recorded",
    "Settled",
    "StorageDamaged",
    "StorageFull",
]

Settled: TypeAlias = Callable[[list[tuple[object, Outcome]]], None]

_log: Final = logging.getLogger(__name__)
_LOOK_AT_SPACE_EVERY: Final = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the gate accepts at once. Sizes in bytes, times in seconds."""

    group_events: int = 2_000
    linger: float = 0.001
    queued: int = 10_000
    # A submission takes about three times its size in memory while it is queued.
    queued_bytes: int = 128 * 1024 * 1024
    free_space: int = 256 * 1024 * 1024


def unix_milliseconds() -> int:
    """Return the time of this machine's clock."""
    return time.time_ns() // 1_000_000


class Gate:
    """Admits submissions into the sequence in `store`, which the caller closes afterwards.

    `check` and `offer` may be called from any thread; `settled` is called from the committer's
    thread, once per group, with (ticket, outcome) pairs. `entries` reads what is durable.
    `failure` is the damage that stopped the gate.
    """

    def __init__(
        self,
        store: Store,
        *,
        log_key: PublicKey,
        settled: Settled,
        clock: Callable[[], int] = unix_milliseconds,
        limits: Limits | None = None,
        caps: rules.Limits = rules.LIMITS,
        measured: Measured = ignore,
    ) -> None:
        """Open the gate to the log that `log_key` opens; `clock` tells Unix milliseconds.

        `caps` bound what a key may spend; other ones than the rules' are for tests alone. The
        committer's thread calls `measured` with each group, before `settled`.

        Raises `StorageDamaged` or `OtherLog` when the store does not pass `integrity.examine`,
        `Unavailable` when it cannot be read.
        """
        limits = limits or Limits()
        register = integrity.examine(store, log_key)
        self.entries = CommittedEntries(store)
        self.failure: StorageDamaged | None = None
        self._store = store
        self._log_key = log_key
        self._settled = settled
        self._measured = measured
        self._clock = clock
        self._limits = limits
        self._committer = Committer(store, register, log_key=log_key, clock=clock, caps=caps)
        self._queue = SubmissionQueue(
            most=limits.queued,
            most_bytes=limits.queued_bytes,
            group_events=limits.group_events,
            linger=limits.linger,
        )
        self._seconds_per_byte = 0.0
        self._free_space: tuple[float, int | None] = (-math.inf, None)  # when asked, the answer
        self._thread = Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> tuple[int, int]:
        """How many submissions are queued, and their bytes."""
        return len(self._queue), self._queue.bytes

    @property
    def readers(self) -> int:
        """How many readings of the store are under way in this process."""
        return self._store.readers

    def examine(self, line: bytes) -> Examined:
        """Return line 1 of a submission, signed by a key of somebody in the register.

        Costs one signature, and a look into the store if it could not be recorded now. Raises
        `Refusal` for what would be refused whatever follows.
        """
        found = self._examined(parse_header(line))
        if found.refusal is not None:
            # Recorded before that reason arose, it gets its receipt again.
            names = found.header.payload
            if self.receipt(names.iss, names.jti) is None:
                raise found.refusal
        return found

    def examine_dry_run(self, line: bytes) -> Examined:
        """Return line 1 of a dry run, signed by a key that may submit now; raises `Refusal`."""
        found = self._examined(dry_run.parse_header(line))
        if found.refusal is not None:
            raise found.refusal
        return found

    def check(
        self, body: bytes, examined: Examined | None = None, *, refuse_flags: bool = False
    ) -> Checked:
        """Return the submission in `body`; its form, its root and all its signatures are good.

        `examined` is its first line, if that was examined before: its root is then checked before
        its lines are decoded. With `refuse_flags`, flags that its sender can mend will stop it
        (`FlagsRefused`). Costs one signature, another for each registration in it, and a few
        microseconds per event; touches no disk. Raises `Refusal`.
        """
        if examined is not None:
            submission = parse_under(examined.header, body)
        else:
            submission = parse(body)
            _verify(submission.header)
        return Checked.of(submission, len(body), refuse_flags=refuse_flags)

    def receipt(self, issuer: str, jti: str) -> Recorded | None:
        """Return the receipt of a submission by its issuer's DID and its jti, if recorded."""
        key = submissions.stream_key(issuer, jti)
        # Taken before the read begins, so that it is never ahead of what is read.
        register = self._committer.register.draft()
        with self._store.reading() as reading:
            found = submissions.find(reading, [key])
            if key not in found:
                return None
            register_state.catch_up(reading, register)
        return submissions.receipt_of(found[key][1], register)

    def offer(self, checked: Checked, ticket: object) -> None:
        """Queue a submission for the committer; `settled` gets its outcome with `ticket`.

        Raises `Overloaded` (with `retry_after`), `StorageFull`, or `Unavailable` when closed:
        `settled` then gets nothing.
        """
        if self.failure is not None:
            raise Unavailable(f"the gate has stopped: {self.failure}")
        self._check_free_space()
        wait = self._queue.bytes * self._seconds_per_byte
        self._queue.put(checked, ticket, retry_after=float(max(1, math.ceil(wait))))

    def open_log(self, body: bytes) -> Recorded:
        """Commit the genesis submission; the same one again returns its receipt.

        Raises `Refusal` (`genesis-…`) when it is not a genesis, or when the log is open already.
        """
        checked = self.check(body)
        (outcome,) = self._committer.commit([checked])
        if isinstance(outcome, Recorded):
            return outcome
        if isinstance(outcome, Refusal) and self.entries.committed():
            raise Refusal(
                "genesis-again",
                "the log is already open",
                line=1,
                value=checked.submission.header.protected.kid,
            ) from outcome
        raise outcome

    def dry_run(self, body: bytes, examined: Examined | None = None) -> DryRun:
        """Return what would become of the events in a dry run, with every line refused.

        `examined` is its first line, if that was examined before; else it raises `Refusal` as
        `examine_dry_run` does.
        """
        if examined is None:
            examined = self.examine_dry_run(body[: MAX_HEADER + 1].partition(b"\n")[0])
        # Taken before the read begins, so that it is never ahead of what is read.
        register = self._committer.register.draft()
        with self._store.reading() as reading:
            register_state.catch_up(reading, register)
            recorded_at = max(self._clock(), register.recorded_at)
            return rehearse(
                body, examined, reading, register, recorded_at=recorded_at, log_key=self._log_key
            )

    def details(self, checked: Checked) -> Mapping[str, tuple[str, ...]]:
        """Return what the flags of a submission are about, by code, were it recorded now.

        For one that was refused for its flags. It costs a dry run, outside of the lock.
        """
        register = self._committer.register.draft()
        with self._store.reading() as reading:
            register_state.catch_up(reading, register)
            recorded_at = max(self._clock(), register.recorded_at)
            return rehearse_checked(
                replace(checked, refuse_flags=False),
                reading,
                register,
                recorded_at=recorded_at,
                log_key=self._log_key,
            ).details

    def stop(self, damage: StorageDamaged) -> None:
        """Record nothing more: the caller found that the store is not what was once written.

        What is queued is answered with `Unavailable`. Any thread may call it, more than once.
        """
        if self.failure is None:
            _log.error("the gate stops: %s", damage)
            self.failure = damage

    def close(self) -> None:
        """Commit what is queued; accept nothing more."""
        self._queue.close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _examined(self, header: SignedHeader) -> Examined:
        _verify(header)
        register = self._committer.register
        try:
            return self._judged(header, register)
        except Refusal as refusal:
            if refusal.rule not in UNKNOWN:
                raise
        # Another process may have brought its signer in, or its key.
        register = register.draft()
        with self._store.reading() as reading:
            register_state.catch_up(reading, register)
        return self._judged(header, register)

    def _judged(self, header: SignedHeader, register: Register) -> Examined:
        recorded_at = max(self._clock(), register.recorded_at)
        return examined(header, register, recorded_at=recorded_at, log_key=self._log_key)

    def _run(self) -> None:
        while group := self._queue.take():
            started = time.perf_counter()
            outcomes = self._outcomes([checked for checked, _ in group])
            size = sum(checked.size for checked, _ in group)
            pace = (time.perf_counter() - started) / size
            self._seconds_per_byte += (pace - self._seconds_per_byte) / 8
            settled = [
                (ticket, outcome) for (_, ticket), outcome in zip(group, outcomes, strict=True)
            ]
            self._measure(settled)
            self._report(settled)
            if self.failure is not None:
                stopped = Unavailable(f"the gate has stopped: {self.failure}")
                self._report([(ticket, stopped) for _, ticket in self._queue.abandon()])

    def _outcomes(self, group: list[Checked]) -> list[Outcome]:
        if self.failure is not None:
            return [Unavailable(f"the gate has stopped: {self.failure}")] * len(group)
        try:
            return self._committer.commit(group)
        except StorageDamaged as damage:
            _log.exception("the gate stops")
            self.failure = damage
            return [Unavailable(f"the gate has stopped: {damage}")] * len(group)
        except Exception as fault:  # noqa: BLE001
            # A fault of our own, and nothing was recorded. One submission must not be able to
            # stop the others.
            _log.exception("a group of %d could not be judged", len(group))
            if len(group) == 1:
                return [Unavailable(f"it could not be judged: {fault!r}")]
            return [outcome for checked in group for outcome in self._outcomes([checked])]

    def _measure(self, settled: list[tuple[object, Outcome]]) -> None:
        watch = self._committer.watch
        try:
            self._measured(Group(settled, self._queue.waited, watch.began, watch.seconds))
        except Exception:  # noqa: BLE001  # what is durable must be answered all the same
            _log.exception("a group could not be measured")

    def _report(self, settled: list[tuple[object, Outcome]]) -> None:
        try:
            self._settled(settled)
        except Exception:  # noqa: BLE001  # what is durable stays so if the callback fails
            _log.exception("%d outcomes could not be reported", len(settled))

    def _check_free_space(self) -> None:
        asked, free = self._free_space
        if time.monotonic() - asked > _LOOK_AT_SPACE_EVERY:
            free = self._store.free_space()
            self._free_space = (time.monotonic(), free)
        if free is not None and free < self._limits.free_space + self._queue.bytes:
            raise StorageFull(
                f"{free} bytes are free, and {self._limits.free_space} are kept as a reserve"
            )


def _verify(header: SignedHeader) -> None:
    """Raise `Refusal` unless the key that a header names signed it."""
    header.verify_signature(header.key())
