"""Strikes a registry under load, fault after fault, and checks after each what must hold."""

from __future__ import annotations

import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from bench.faults.interposer import Fault
from bench.faults.kinds import Choice
from bench.faults.record import Found
from bench.faults.registry import Registry, is_running, registry
from testamur.errors import Refuted, Unavailable
from testamur.tlog.source import DirectorySource
from tests.harness.crowd import Crowd
from tests.harness.served import Served
from tests.harness.waiting import until
from tests.harness.witness import Broken, Witness

SHARES: Final = {
    "sqlite": {"writer": 5.0, "publisher": 5.0, "follower": 0.5},
    "postgres": {"writer": 4.0, "publisher": 4.0, "postgres": 3.0, "follower": 0.5},
}
"""What share of the faults strikes each role, by store."""
_FAULTS_A_LOG: Final = 60  # then a fresh one, since each check reads the whole log
_FAULTS_AT_START: Final = 0.4  # of the starts that a fault makes necessary
_COMES_WITHIN: Final = 3.0  # seconds of load, for a call to come
_MENDS_WITHIN: Final = 25.0  # seconds, before somebody restarts the server
_STARTS_WITHIN: Final = 120.0  # seconds; SQLite waits ten for each lock that a dying process holds
_FAULTS_A_GROUP: Final = 12
_FIRST_RECEIPTS: Final = 30


def campaign(
    store: str,
    folder: Path,
    *,
    faults: int,
    seed: int,
    deadline: float | None = None,
    program: tuple[str, ...] = ("-m", "api"),
    only: Callable[[str, Fault], bool] = lambda _, __: True,
    on_fault: Callable[[Found, str], None] = lambda _, __: None,
) -> Found:
    """Strike so many faults at a registry on `store`, in the empty `folder`; return what was seen.

    It ends early at `deadline`, in seconds of `time.monotonic`. `program` is what `python` runs as
    the server. `only` returns whether a fault of a role is wanted. `on_fault` is called after each.
    """
    found = Found(store, seed)
    chance = random.Random(seed)
    choice = Choice(chance, SHARES[store], only)
    with registry(store, folder, program) as struck:
        while found.faults < faults and not (deadline and time.monotonic() > deadline):
            most = min(found.faults + _FAULTS_A_LOG, faults)
            with struck.another() as served:
                found.logs += 1
                _Log(struck, served, found, choice, chance, on_fault).run(most, deadline)
    return found


@dataclass(frozen=True, slots=True)
class _Struck:
    """A fault that was struck: in which process, and at what file or connection."""

    role: str
    fault: Fault
    pid: int
    what: str


class _Log:
    """One log, from its first fault to its last."""

    def __init__(
        self,
        struck: Registry,
        served: Served,
        found: Found,
        choice: Choice,
        chance: random.Random,
        on_fault: Callable[[Found, str], None],
    ) -> None:
        self._registry = struck
        self._interposer = struck.interposer
        self._served = served
        self._found = found
        self._choice = choice
        self._chance = chance
        self._on_fault = on_fault
        self._crowd = Crowd(served, chance)
        self._witness = Witness(served, struck.store)
        self._size = 0
        self._called: dict[str, dict[str, int]] = {}
        self._roles = list(SHARES[found.store])

    def run(self, most: int, deadline: float | None) -> None:
        """Strike until `most` faults were found in all, or a promise is broken."""
        if not self._registry.start():
            raise RuntimeError(self._served.errors())
        with closing(httpx2.Client(timeout=20)) as client, self._crowd.inside():
            try:
                self._first_load()
                while self._found.faults < most and not (deadline and time.monotonic() > deadline):
                    self._strike(client)
                self._outsider()
            except (Broken, Refuted, Unavailable, AssertionError, httpx2.HTTPError) as error:
                self._found.broken.append("".join(traceback.format_exception(error))[-3000:])
                self._on_fault(self._found, f"BROKEN: {error}")
        self._found.odd += self._crowd.odd
        self._found.answers += self._crowd.answers

    def _first_load(self) -> None:
        """Let the crowd submit without faults, to see which calls there are."""
        counted = {role: self._interposer.counts(role) for role in self._roles}
        self._crowd.go()
        until(lambda: len(self._crowd.receipts) >= _FIRST_RECEIPTS, 60)
        self._crowd.pause()
        self._count(counted)

    # --- One group of faults ---

    def _strike(self, client: httpx2.Client) -> None:
        """Strike some calls, one after the other under load, and check what must hold.

        A fault that ends a process ends the group.
        """
        before = Counter(self._crowd.answers)
        counted = {role: self._interposer.counts(role) for role in self._roles}
        self._crowd.go()
        struck: list[_Struck] = []
        for _ in range(_FAULTS_A_GROUP):
            one = self._strike_one()
            if one is not None:
                struck.append(one)
            if self._registry.died or (one is not None and one.fault.kills):
                break
        self._crowd.pause()
        self._count(counted)
        if not struck:
            return
        ran = [is_running(one.pid) for one in struck]
        outcome = self._recovered(client)
        refused = set(self._crowd.answers - before) - {"200", "201"}
        went_on = "submissions refused, went on" if refused else "went on"
        for one, running in zip(struck, ran, strict=True):
            ended = "" if running else "process ended, started again"
            self._note(one, ended or outcome or went_on)
        self._check()

    def _strike_one(self) -> _Struck | None:
        role, fault, occurrence = self._choice.next(self._called)
        self._interposer.arm(role, fault, occurrence)
        self._wait(lambda: self._interposer.fired(role) is not None, _COMES_WITHIN)
        self._interposer.disarm(role)
        at = self._interposer.fired(role)
        self._choice.took(role, fault, fired=at is not None)
        if at is None:
            self._found.missed += 1
            return None
        return _Struck(role, fault, *at)

    def _recovered(self, client: httpx2.Client) -> str:
        """Return once submissions are published again; say what it took, if anything."""
        outcome, deadline, by_hand = "", time.monotonic() + _MENDS_WITHIN, False
        while True:
            self._registry.mend_database()
            if self._registry.died:
                self._restart()
                deadline = time.monotonic() + _MENDS_WITHIN
            if self._crowd.settle(client) and self._registry.ready(client):
                return outcome
            if time.monotonic() > deadline or self._registry.stopped(client):
                if by_hand:
                    raise Broken(f"it does not recover: {self._served.errors()[-1500:]}")
                by_hand, outcome = True, "stopped for one fault of the group, restarted by hand"
                self._restart()
                deadline = time.monotonic() + _MENDS_WITHIN
            time.sleep(0.02)

    def _restart(self) -> None:
        """Start the server again; some starts meet a fault of their own."""
        role = self._chance.choice([role for role in self._roles if role != "follower"])
        fault = None
        if self._chance.random() < _FAULTS_AT_START:
            fault = self._choice.at_start(role, self._interposer.counts(role))
        if fault is not None:
            self._interposer.arm(role, fault, self._chance.randint(1, 20))
        if not self._registry.restart():
            self._registry.served.process = None
            self._start_again()
            outcome = "start failed, started again"
        else:
            outcome = "started all the same"
        if fault is not None:
            self._interposer.disarm(role)
            at = self._interposer.fired(role)
            if at is not None:
                self._note(_Struck(f"{role}, starting", fault, *at), outcome)

    def _start_again(self) -> None:
        try:
            until(self._registry.start, _STARTS_WITHIN)
        except AssertionError:
            raise Broken(f"it does not start: {self._served.errors()[-1500:]}") from None

    # --- Load, checks, notes ---

    def _wait(self, enough: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not enough() and not self._registry.died and time.monotonic() < end:
            time.sleep(0.002)

    def _count(self, before: dict[str, dict[str, int]]) -> None:
        """Note how often each role called what since `before`."""
        for role in self._roles:
            after = self._interposer.counts(role)
            added = {call: after[call] - before[role][call] for call in after}
            known = self._called.setdefault(role, added)
            for call, times in added.items():
                known[call] = max(known[call], times)
                self._found.calls[role][call] += times

    def _check(self) -> None:
        size, receipts = self._size, self._witness.receipts
        self._size = self._witnessed()
        self._found.entries += self._size - size
        self._found.receipts += self._witness.receipts - receipts
        self._found.checks += 1

    def _witnessed(self) -> int:
        """Return the size of the log, checked; a database may still recover from the last fault."""
        deadline = time.monotonic() + _MENDS_WITHIN
        while True:
            self._registry.mend_database()
            try:
                source = DirectorySource(self._served.data / "log")
                return self._witness.check(self._crowd.receipts, source)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise

    def _outsider(self) -> None:
        """Replay the whole log over HTTP; stop the server, and check all once more."""
        self._witness.check(self._crowd.receipts, self._served.source)
        if self._served.stop() != 0:
            raise Broken(f"it does not stop in order: {self._served.errors()[-1500:]}")
        self._check()

    def _note(self, one: _Struck, outcome: str) -> None:
        call, name = one.fault.call, one.fault.name
        self._found.struck[one.role, call, name, outcome] += 1
        self._found.at_what[f"{call}: {_kind(one.what)}"] += 1
        self._on_fault(self._found, f"{one.role}: {call}: {name}: {outcome} ({one.what})")


def _kind(what: str) -> str:
    """Return what kind of file or descriptor a path or link is."""
    name = Path(what).name
    if what.startswith(("socket:", "pipe:", "anon")) or not what:
        return what.partition(":")[0] or "no file"
    if name.startswith(".tmp-"):
        return "temporary file"
    return "number" if name.isdigit() else name
