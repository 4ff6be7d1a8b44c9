"""What one trial of `bench.gate_worst` is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from bench.gate_shapes import Filled
from testamur.catalogue import events as e
from tests.harness.story import Party

Act: TypeAlias = tuple[Party, Sequence[e.Event]]
"""Who signs one submission, and its events."""

Shared: TypeAlias = Literal["nothing", "transaction", "submission"]
"""What hundreds of events share: what it costs itself is taken off what they cost."""

made: Final = iter(range(10**9))
"""Numbers for names that no trial used before."""


class Trial(NamedTuple):
    """A spelling of a kind of event: what must be recorded before, and the submissions to time.

    Called again it gives others. No acts: it cannot be tried in a register of this shape.
    """

    name: str
    acts: Callable[[Filled, int], Sequence[Act]]
    before: Callable[[Filled, int], Iterable[Act]] = lambda *_: ()
    shares: Shared = "nothing"
