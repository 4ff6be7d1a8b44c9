"""What was concluded from a register before, and whether it still holds.

A conclusion is drawn by a pure function of the register, and has a name that states all its other
arguments, the day among them. It follows from its name, from the values that the mappings of the
register gave on the way, and from nothing else. `Drawing` notes what is read of the mappings, and
refuses to tell size, time and origin. That it is drawn as of a position changes nothing: all that
the register holds lies before it. So a conclusion holds until one of the values read is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar, cast

Read: TypeAlias = tuple[str, str]
"""What was read, or replaced: a mapping of the register, and a name in it."""

_Value = TypeVar("_Value")


class Conclusion(NamedTuple):
    """A value, what was read of the register on the way to it, and on what else it rests."""

    value: Any
    reads: frozenset[Read]
    rests_on: tuple[Conclusion, ...]


class Concluding(Protocol):
    """Finds conclusions by their names."""

    def find(self, name: Hashable, draw: Callable[[], _Value]) -> _Value:
        """Return the conclusion of that name, drawn now if it was not, or holds no longer."""
        ...


class Conclusions:
    """Conclusions that were drawn before, and what was replaced in the register since.

    Who replaces more adds it to `replaced`; one name too many there costs time and nothing else.
    """

    def __init__(self, drawn: Mapping[Hashable, Conclusion], replaced: Iterable[Read]) -> None:
        self._drawn = drawn
        self.replaced = set(replaced)

    def find(self, name: Hashable, draw: Callable[[], _Value]) -> _Value:
        """Return the conclusion of that name, drawn now if it was not, or holds no longer."""
        known = self._drawn.get(name)
        if known is None or (self.replaced and not self._holds(known)):
            return draw()
        return cast("_Value", known.value)

    def _holds(self, known: Conclusion) -> bool:
        return known.reads.isdisjoint(self.replaced) and all(map(self._holds, known.rests_on))


class Drawing:
    """Conclusions that are being drawn, some from others: `drawn` has those that are whole.

    The register that they are drawn from tells it, by `note`, what is read.
    """

    def __init__(self) -> None:
        self.drawn: dict[Hashable, Conclusion] = {}
        self._reads: set[Read] = set()
        self._rests_on: list[Conclusion] = []

    def note(self, mapping: str, name: str) -> None:
        """Take note that a name was asked of a mapping, whether or not it has it."""
        self._reads.add((mapping, name))

    def find(self, name: Hashable, draw: Callable[[], _Value]) -> _Value:
        """Return the conclusion of that name; what is drawn from it rests on it."""
        known = self.drawn.get(name)
        if known is None:
            outside = self._reads, self._rests_on
            self._reads, self._rests_on = set(), []
            try:
                value = draw()
                known = Conclusion(value, frozenset(self._reads), tuple(self._rests_on))
                self.drawn[name] = known
            finally:
                self._reads, self._rests_on = outside
        self._rests_on.append(known)
        return cast("_Value", known.value)
