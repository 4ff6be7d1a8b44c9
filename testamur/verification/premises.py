"""What an event builds on: the one rule that says which entries bear on a credential.

The rule is followed from the events of a credential until nothing new is found. What is found
leads, folded from the genesis on, to the same status, flags and register of those involved as the
whole log. `bearing.py` follows it through a log that it reads, the read models through tables.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from enum import Enum, auto
from typing import NamedTuple

from testamur.catalogue.events import Event
from testamur.catalogue.table import TABLE, Effect, Kind


class Part(Enum):
    """Which events about a thing are meant."""

    ALL = auto()
    FIRST = auto()
    """The event that created it."""
    RECOGNITIONS = auto()
    """Of an accreditor: all events of every recognition that it was granted."""


class Stream(NamedTuple):
    """Events that are shown together. `name` is whatever the reader calls a thing of this kind."""

    kind: Kind
    name: Hashable
    part: Part = Part.ALL


class Occurred(NamedTuple):
    """An event at a position: its type, the organization that signed it, and what it refers to.

    `refers` holds names by member. `actor` is None where the reader knows that the stream of that
    organization is reached by an earlier event of the same stream.
    """

    position: int
    event: type[Event]
    actor: Hashable | None
    refers: Mapping[str, Hashable | None]


def builds_on(occurred: Occurred) -> Iterator[Stream]:
    """Yield the streams without which an event cannot be judged."""
    row = TABLE[occurred.event]
    if occurred.actor is not None:
        yield Stream(Kind.ORGANIZATION, occurred.actor)
        if row.kind is Kind.ACCREDITATION and row.effect is Effect.GIVES:
            yield Stream(Kind.ORGANIZATION, occurred.actor, Part.RECOGNITIONS)
    for member, kind in row.refers.items():
        if (name := occurred.refers.get(member)) is not None:
            # Another credential must have been issued; what became of it later does not matter.
            part = Part.FIRST if kind is Kind.CREDENTIAL else Part.ALL
            yield Stream(kind, name, part)


def bearing_on(credential: Hashable, events_of: Callable[[Stream], Iterable[Occurred]]) -> set[int]:
    """Return the positions of the events that bear on a credential, the genesis left out.

    `events_of` returns the events of a stream; it is asked once for each.
    """
    start = Stream(Kind.CREDENTIAL, credential)
    met, waiting, found = {start}, [start], set[int]()
    while waiting:
        for occurred in events_of(waiting.pop()):
            found.add(occurred.position)
            fresh = set(builds_on(occurred)) - met
            met |= fresh
            waiting += fresh
    return found
