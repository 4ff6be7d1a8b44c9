"""Every order of moves over one organization's keys, with a recovery tried in each state.

A thief holds one key of the College, and those that it lists with it. The thief and the owner
move in any order, up to a depth. In every state the owner declares the theft with the founding
key: that must be admitted, and afterwards everything must be as the owner left it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from tests.trust_model.cast import begun, change, holds, issue
from tests.trust_model.events import (
    Changed,
    Closed,
    Event,
    Issued,
    KeyCompromised,
    KeyListed,
    KeyRetired,
)
from tests.trust_model.gate import ADMITTED
from tests.trust_model.settings import PRODUCT, Settings
from tests.trust_model.story import Pen, Register

Move: TypeAlias = tuple[Pen, str, Event]
STOLEN: Final = ("College/s1", "College/r1", "College/r2")
_ORDINARY: Final = ("College/s1", "College/s2", "College/r1", "College/r2")
_FORGED: Final = issue("c9")


def explore(depth: int, settings: Settings = PRODUCT) -> tuple[int, dict[str, tuple[Move, ...]]]:
    """Return how many states there are, and the first moves to each kind of violation."""
    found: dict[str, tuple[Move, ...]] = {}
    states = 0
    for stolen in STOLEN:
        start = begun(settings)
        waiting: list[tuple[Register, frozenset[str], tuple[Move, ...]]] = [
            (start, frozenset({stolen}), ())
        ]
        while waiting:
            register, held, moves = waiting.pop()
            states += 1
            for violation in _recover(register, stolen, start.size):
                found.setdefault(violation, moves)
            if len(moves) < depth:
                waiting.extend(_next(register, held, moves, start.size))
    return states, found


def _next(
    register: Register, held: frozenset[str], moves: tuple[Move, ...], start: int
) -> Iterator[tuple[Register, frozenset[str], tuple[Move, ...]]]:
    for pen, key, event in (*_thiefs(held, start), *_owners(register)):
        after = _copy(register)
        if after.attempt("College", key, event, by=pen) == ADMITTED:
            fresh = {event.key} if pen == "thief" and isinstance(event, KeyListed) else set()
            yield after, held | fresh, (*moves, (pen, key, event))


def _copy(register: Register) -> Register:
    after = Register(register.authorities, register.settings)
    after.log, after.now = list(register.log), register.now
    return after


def _thiefs(held: frozenset[str], start: int) -> Iterator[Move]:
    for key in sorted(held):
        yield "thief", key, KeyRetired(key)
        yield "thief", key, KeyCompromised(key)
        if "/s" in key or key == "College/ts":
            yield from (("thief", key, event) for event in (change("revoke", "c1"), _FORGED))
            yield "thief", key, Closed()
            continue
        yield "thief", key, KeyListed("College/ts", "signing")
        yield "thief", key, KeyListed("College/tr", "recovery")
        for other in _ORDINARY:
            if other != key:
                yield "thief", key, KeyRetired(other)
                yield "thief", key, KeyCompromised(other, start - 2)


def _owners(register: Register) -> Iterator[Move]:
    retired = any(
        event == KeyRetired("College/s2")
        for s in register.log
        if s.by == "owner"
        for event in s.events
    )
    yield "owner", "College/s1", issue("c2")
    if not retired:  # nobody honest uses a key that he retired
        yield "owner", "College/s2", issue("c3")
        yield "owner", "College/s2", change("suspend", "c1")
        yield "owner", "College/s2", change("reinstate", "c1")
    yield "owner", "College/r1", KeyListed("College/s3", "signing")
    yield "owner", "College/r2", KeyRetired("College/s2")


def _recover(register: Register, stolen: str, start: int) -> Iterator[str]:
    """Declare the theft in this state; yield what is not as the owner left it."""
    after = _copy(register)
    own = [s for s in after.log if s.position >= start and s.by == "owner"]
    kept = tuple((s.position, s.position) for s in own if s.key == stolen)
    for key, event in (
        ("College", KeyCompromised(stolen, start, kept)),
        ("College", KeyListed("College/z", "signing")),
        ("College/z", issue("c8")),
    ):
        answer = after.attempt("College", key, event)
        if answer != ADMITTED:
            yield f"the owner cannot recover: {answer}"
    left = [e.verb for s in own for e in s.events if isinstance(e, Changed)]
    if holds(after, "c1") != (left[-1:] != ["suspend"]):
        yield "c1 is not as its owner left it"
    for submission in own:
        for line in submission.events:
            if isinstance(line, Issued) and not holds(after, line.credential):
                yield f"an honest issuance with {submission.key} fell"
    forged = any(e == _FORGED for s in after.log for e in s.events)
    if forged and holds(after, "c9"):
        yield "a forged credential holds"
