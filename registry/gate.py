"""The gate: from the bytes of a submission to a durable position in the one sequence.

What is reported as `Recorded` was well-formed, signed by a key active at its position, admitted
by the rules that every replayer checks again, and is on disk. Nothing is reported as anything
else than what happened: a submission of unknown outcome is `Unavailable`, and sending it again
tells. The gate does not publish: whether others can see an entry is for `log/` to say.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Final, Self, TypeAlias

from eventsourcing.persistence import ConnectionPoolClosedError, PersistenceError

from registry import integrity, policy_state, sequence, submissions
from registry.application import Registry
from registry.committer import Committer, Connect
from registry.deliberation import Checked
from registry.outcomes import Outcome, Overloaded, Recorded, StorageFull
from registry.rehearsal import DryRun, rehearse
from registry.sequence import StorageDamaged
from registry.waiting import WaitingRoom
from testamur.catalogue.submission import parse
from testamur.errors import Refusal, Unavailable
from testamur.keys import PublicKey

__all__ = [
    "Checked",
    "DryRun",
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
_LOOK_AT_DISK_EVERY: Final = 0.1  # seconds
# The warm end of the unique index, which every insert looks into, and then some.
_WRITERS_CACHE: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What the gate takes on. Sizes in bytes, times in seconds."""

    group_events: int = 2_000
    linger: float = 0.001
    waiting: int = 10_000
    # A submission takes about three times its size in memory while it waits.
    waiting_bytes: int = 128 * 1024 * 1024
    free_space: int = 256 * 1024 * 1024
    snapshot_every: int = 50_000
    lock_patience: float = 10.0


def unix_milliseconds() -> int:
    """Return the time of this machine's clock."""
    return time.time_ns() // 1_000_000


class Gate:
    """Admits submissions into the sequence in one file; made by `open`.

    `check` and `offer` may be called from any thread; `settled` is called from the committer's,
    once per group. `registry` reads the aggregates, its `recorder` has the subscriptions.
    """

    def __init__(
        self,
        registry: Registry,
        committer: Committer,
        *,
        folder: Path,
        log_key: PublicKey,
        settled: Settled,
        clock: Callable[[], int],
        limits: Limits,
    ) -> None:
        self.registry = registry
        self.failure: BaseException | None = None
        self._committer = committer
        self._folder = folder
        self._log_key = log_key
        self._settled = settled
        self._clock = clock
        self._limits = limits
        self._room = WaitingRoom(
            most=limits.waiting,
            most_bytes=limits.waiting_bytes,
            group_events=limits.group_events,
            linger=limits.linger,
        )
        self._seconds_per_byte = 0.0
        self._free_space = (-math.inf, 0)  # when looked at, and what was found
        self._thread = Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        log_key: PublicKey,
        settled: Settled,
        clock: Callable[[], int] = unix_milliseconds,
        limits: Limits | None = None,
        connect: Connect | None = None,
    ) -> Gate:
        """Return a gate on the file at `path`, made if absent, whose log `log_key` opens.

        `settled` receives (ticket, outcome) pairs; `clock` tells Unix milliseconds; `connect`
        makes the connection that writes. Raises `StorageDamaged` or `OtherLog` when the file
        does not stand up to `integrity.examine`, `Unavailable` when it cannot be read.
        """
        limits = limits or Limits()
        try:
            registry = Registry(path, log_key=log_key)
        except PersistenceError as error:
            raise Unavailable(f"the store cannot be opened: {error}") from error
        try:
            with _reading(registry) as database:
                integrity.examine(database, log_key)
            committer = Committer(
                connect or partial(sequence.connect, path, timeout=0, cache=_WRITERS_CACHE),
                log_key=log_key,
                clock=clock,
                snapshot_every=limits.snapshot_every,
                patience=limits.lock_patience,
            )
        except sqlite3.Error as error:
            registry.close()
            raise Unavailable(f"the store cannot be opened: {error}") from error
        except BaseException:
            registry.close()
            raise
        return cls(
            registry,
            committer,
            folder=path.parent,
            log_key=log_key,
            settled=settled,
            clock=clock,
            limits=limits,
        )

    def check(self, body: bytes) -> Checked:
        """Return the submission in `body`, its form, root and (if the key is known) signature good.

        Costs one signature and a few microseconds per event, and touches no disk. Raises `Refusal`.
        """
        submission = parse(body)
        header = submission.header
        organization = self._committer.register.organizations.get(header.payload.iss)
        known = organization.key(header.key_id) if organization else None
        # Whether the key is active is judged at the position the submission gets. A submission
        # that is on the log already is answered even after its key was retired.
        verified_by = known.public() if known else None
        if verified_by is not None:
            header.verify_signature(verified_by)
        return Checked.of(submission, verified_by, len(body))

    def offer(self, checked: Checked, ticket: object) -> None:
        """Let the committer have a submission; `settled` will be told of `ticket`.

        Raises `Overloaded` (with `retry_after`), `StorageFull`, or `Unavailable` when closed:
        `settled` is then not told.
        """
        if self.failure is not None:
            raise Unavailable(f"the gate has stopped: {self.failure}")
        self._check_free_space()
        waiting = self._room.bytes * self._seconds_per_byte
        self._room.put(checked, ticket, retry_after=float(max(1, math.ceil(waiting))))

    def open_log(self, body: bytes) -> Recorded:
        """Commit the genesis submission; the same one again returns its receipt.

        Raises `Refusal` (`genesis-…`) when it is none, or when the log is open already.
        """
        checked = self.check(body)
        (outcome,) = self._committer.commit([checked])
        if isinstance(outcome, Recorded):
            self.registry.recorder.wake_subscriptions()
            return outcome
        if isinstance(outcome, Refusal) and self.committed():
            raise Refusal(
                "genesis-again",
                "the log is already open",
                line=1,
                value=checked.submission.header.protected.kid,
            ) from outcome
        raise outcome

    def dry_run(self, body: bytes) -> DryRun:
        """Return what would become of `body`, with every line that would be refused."""
        # Taken before the read begins, so that it is never ahead of what is read.
        register = self._committer.register
        with _reading(self.registry) as database:
            register = policy_state.caught_up(database, register, self._log_key)
            recorded_at = max(self._clock(), register.recorded_at)
            return rehearse(
                body, database, register, recorded_at=recorded_at, log_key=self._log_key
            )

    def receipt(self, issuer: str, jti: str) -> Recorded | None:
        """Return the receipt of a submission by its issuer's DID and its jti, if recorded."""
        key = submissions.stream_key(issuer, jti)
        with _reading(self.registry) as database:
            found = submissions.find(database, [key])
        return found[key][1] if key in found else None

    def committed(self) -> int:
        """Return how many entries are durable."""
        with _reading(self.registry) as database:
            return sequence.count(database)

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        """Return at most `limit` entries from position `start` on, and their leaf hashes."""
        with _reading(self.registry) as database:
            return sequence.read(database, start, limit)

    def verify_storage(self, *, thorough: bool = False) -> None:
        """Raise `StorageDamaged` unless the file stands up to `integrity.examine`."""
        with _reading(self.registry) as database:
            integrity.examine(database, self._log_key, thorough=thorough)

    def close(self) -> None:
        """Commit what waits, then let go of the file."""
        self._room.close()
        self._thread.join()
        self._committer.close()
        self.registry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while group := self._room.take():
            started = time.perf_counter()
            outcomes = self._outcomes([checked for checked, _ in group])
            size = sum(checked.size for checked, _ in group)
            pace = (time.perf_counter() - started) / size
            self._seconds_per_byte += (pace - self._seconds_per_byte) / 8
            self._tell(
                [(ticket, outcome) for (_, ticket), outcome in zip(group, outcomes, strict=True)]
            )
            if self.failure is not None:
                stopped = Unavailable(f"the gate has stopped: {self.failure}")
                self._tell([(ticket, stopped) for _, ticket in self._room.abandon()])

    def _outcomes(self, group: list[Checked]) -> list[Outcome]:
        try:
            outcomes = self._committer.commit(group)
        except StorageDamaged as damage:
            _log.exception("the gate stops")
            self.failure = damage
            return [Unavailable(f"the gate has stopped: {damage}")] * len(group)
        except Exception as fault:  # noqa: BLE001
            # A fault of our own, and nothing was recorded. It must not be within the power of
            # one submission to stop the others.
            _log.exception("a group of %d could not be judged", len(group))
            if len(group) == 1:
                return [Unavailable(f"it could not be judged: {fault!r}")]
            return [outcome for checked in group for outcome in self._outcomes([checked])]
        if any(isinstance(outcome, Recorded) and not outcome.repeated for outcome in outcomes):
            self.registry.recorder.wake_subscriptions()
        return outcomes

    def _tell(self, settled: list[tuple[object, Outcome]]) -> None:
        try:
            self._settled(settled)
        except Exception:  # noqa: BLE001  # what is durable stays so, whoever fails to hear of it
            _log.exception("nobody could be told of %d outcomes", len(settled))

    def _check_free_space(self) -> None:
        looked, free = self._free_space
        if time.monotonic() - looked > _LOOK_AT_DISK_EVERY:
            volume = os.statvfs(self._folder)
            free = volume.f_bavail * volume.f_frsize
            self._free_space = (time.monotonic(), free)
        if free < self._limits.free_space + self._room.bytes:
            raise StorageFull(
                f"{free} bytes are free, and {self._limits.free_space} are kept as a reserve"
            )


@contextlib.contextmanager
def _reading(registry: Registry) -> Iterator[sqlite3.Cursor]:
    """Give a cursor in a read transaction; what goes wrong in the library is `Unavailable`."""
    try:
        with registry.recorder.reading() as cursor:
            yield cursor
    except ConnectionPoolClosedError as error:
        raise Unavailable("the gate is closed") from error
    except PersistenceError as error:
        raise Unavailable(f"the store cannot be read: {error}") from error
