"""Which faults a system call can have, and which one is next."""

from __future__ import annotations

import errno
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from bench.faults.interposer import CALLS, Fault

_FILE: Final = (errno.EIO, errno.ENOSPC)
_ERRORS: Final[dict[str, tuple[int, ...]]] = {
    "open": (errno.EIO, errno.ENOSPC, errno.EMFILE),
    "read": (errno.EIO,),
    "pread": (errno.EIO,),
    "fcntl": (errno.EIO, errno.ENOLCK),
    "flock": (errno.EIO, errno.ENOLCK),
    "mmap": (errno.ENOMEM,),
    "close": (errno.EIO,),
    "stat": (errno.EIO,),
    "statfs": (errno.EIO,),
    "getdents": (errno.EIO,),
    "lseek": (errno.EIO,),
    "socket": (errno.EMFILE,),
    "connect": (errno.ECONNREFUSED, errno.ETIMEDOUT),
    "accept": (errno.EMFILE, errno.ECONNABORTED),
    "send": (errno.ECONNRESET, errno.EPIPE),
    "recv": (errno.ECONNRESET, errno.EIO),
    "poll": (),
}
"""What a call fails with; those that are not named change files, and fail with `_FILE`."""
_HALVED: Final = ("write", "pwrite", "send")
# A kill of the writer starts three processes anew, one of PostgreSQL none of ours.
_KILLS: Final = {"writer": 0.08, "publisher": 0.2, "follower": 0.2, "postgres": 0.25}
"""What share of a role's faults end a process."""


def faults_of(call: str) -> list[Fault]:
    """Return the faults that a call can have."""
    errors = [Fault(call, "fail", error) for error in _ERRORS.get(call, _FILE)]
    halves = [Fault(call, "halve")] if call in _HALVED else []
    return [Fault(call, "kill before"), Fault(call, "kill after"), *errors, *halves]


class Choice:
    """Takes the faults in turn: those that were struck least come first, whatever the call."""

    def __init__(
        self,
        chance: random.Random,
        weights: Mapping[str, float],
        only: Callable[[str, Fault], bool],
    ) -> None:
        """`weights` is the share of the faults that each role gets, of any sum.

        `only` returns whether a fault of a role is wanted.
        """
        self._chance = chance
        self._only = only
        self._weights = weights
        self._roles: Counter[str] = Counter()
        self._struck: Counter[tuple[str, Fault]] = Counter()
        self._missed: Counter[tuple[str, str]] = Counter()

    def next(self, called: Mapping[str, Mapping[str, int]]) -> tuple[str, Fault, int]:
        """Return role, fault and occurrence; `called` is how often each role called what."""
        wanted = {role: self._wanted(role, called[role]) for role in self._weights}
        role = min(
            (role for role in wanted if wanted[role]),
            key=lambda each: self._roles[each] / self._weights[each],
        )
        kills = self._chance.random() < _KILLS[role]
        alike = [fault for fault in wanted[role] if fault.kills == kills]
        fault = self._least(role, alike or wanted[role])
        most = 1 if self._missed[role, fault.call] > 1 else min(12, called[role][fault.call])
        return role, fault, self._chance.randint(1, most)

    def at_start(self, role: str, called: Mapping[str, int]) -> Fault | None:
        """Return a fault for a process of the role that is just starting, if one is wanted."""
        starting = f"{role}, starting"
        wanted = self._wanted(role, called)
        if not wanted:
            return None
        fault = self._least(starting, wanted)
        self._struck[starting, fault] += 1
        return fault

    def took(self, role: str, fault: Fault, *, fired: bool) -> None:
        """Note that a fault was struck, or that its call did not come in time."""
        # One that did not come waits for its turn as if it had, or it would be tried for ever.
        self._struck[role, fault] += 1
        if fired:
            self._roles[role] += 1
        else:
            self._missed[role, fault.call] += 1

    def _wanted(self, role: str, called: Mapping[str, int]) -> list[Fault]:
        calls = [call for call in CALLS if called.get(call, 0) > 0]
        return [fault for call in calls for fault in faults_of(call) if self._only(role, fault)]

    def _least(self, role: str, faults: Iterable[Fault]) -> Fault:
        return min(faults, key=lambda each: (self._struck[role, each], self._chance.random()))
