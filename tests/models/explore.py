"""Every state that a model can reach, and the shortest way to one that breaks a promise.

A model is a first state, the steps from each state, and what must hold. The search is breadth
first and leaves nothing out: what it does not find cannot happen in the model, within the
numbers of processes, submissions and faults that the model was given.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)
S_co = TypeVar("S_co", bound=Hashable, covariant=True)

MOST: Final = 2_000_000
"""States after which a search gives up: a model is to be small."""


class Model(Protocol[S]):
    """What is explored. States are immutable, hashable values."""

    def first(self) -> S:
        """Return the state that everything begins in."""
        ...

    def steps(self, state: S) -> Iterator[tuple[str, S]]:
        """Yield every step that is possible, as its name and the state after it."""
        ...

    def broken(self, state: S) -> str | None:
        """Return the promise that this state breaks, None if all hold."""
        ...

    def settled(self, state: S) -> bool:
        """Return whether this is an end that is good: from every state one must be in reach."""
        ...


@dataclass(frozen=True)
class Violation:
    """A promise that is broken, and the steps that lead there from the first state."""

    promise: str
    trace: tuple[str, ...]

    def __str__(self) -> str:
        return "\n  ".join([self.promise, *self.trace])


@dataclass(frozen=True)
class Explored(Generic[S_co]):
    """How many states were reached, and the first violation, which is among the shortest."""

    states: int
    violation: Violation | None


class TooMany(Exception):
    """The model has more states than a search is meant for."""


def explore(model: Model[S], *, most: int = MOST) -> Explored[S]:
    """Visit every reachable state of `model`; stop at the first that breaks a promise.

    If none does, a state from which no settled one can be reached breaks the promise of progress.
    Raises `TooMany` beyond `most` states.
    """
    states = [model.first()]
    number = {states[0]: 0}
    came_from: list[tuple[int, str]] = [(0, "")]
    into: list[list[int]] = [[]]  # for each state, those with a step to it
    at = 0
    while at < len(states):
        state = states[at]
        promise = model.broken(state)
        if promise is not None:
            return Explored(len(states), Violation(promise, _trace(came_from, at)))
        for name, after in model.steps(state):
            to = number.setdefault(after, len(states))
            if to == len(states):
                if to >= most:
                    raise TooMany(f"more than {most} states")
                states.append(after)
                came_from.append((at, name))
                into.append([])
            into[to].append(at)
        at += 1
    stuck = _stuck([at for at, state in enumerate(states) if model.settled(state)], into)
    if stuck is None:
        return Explored(len(states), None)
    return Explored(len(states), Violation("progress: it can get stuck", _trace(came_from, stuck)))


def _stuck(good: Iterable[int], into: list[list[int]]) -> int | None:
    """Return the first state from which none of the good ones can be reached, None if none is."""
    reach = bytearray(len(into))
    todo = list(good)
    for at in todo:
        reach[at] = 1
    while todo:
        for before in into[todo.pop()]:
            if not reach[before]:
                reach[before] = 1
                todo.append(before)
    at = reach.find(0)
    return None if at < 0 else at


def _trace(came_from: list[tuple[int, str]], at: int) -> tuple[str, ...]:
    def backwards(at: int) -> Iterator[str]:
        while at:
            at, name = came_from[at]
            yield name

    return tuple(reversed(list(islice(backwards(at), 1_000))))
