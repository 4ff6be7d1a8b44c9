"""What became of one aggregate: its state, rebuilt from its stream, and every event in it.

    found = inspected(store, log_key, "did:web:provider.example")
    print(found.text())         # for an operator
    print(found.json())         # for a program

It is for the operator beside the log; outsiders ask the API, which answers with proofs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from eventsourcing.application import AggregateNotFoundError

from registry.aggregates import Aggregates, Happened, State, Submitted
from registry.store import StorageDamaged, Store
from testamur.catalogue.events import Event
from testamur.catalogue.submission import format_time
from testamur.catalogue.table import Kind
from testamur.errors import Refuted, printable, shown
from testamur.keys import PublicKey

_MOST: Final = 2_000  # characters of one member; `--json` prints all


class Step(msgspec.Struct, frozen=True, rename="camel"):
    """One event of the history: where it stands, who signed it and when it was recorded."""

    version: int
    position: int
    recorded_at: str
    signed_by: str
    event: Event


class Inspected(msgspec.Struct, frozen=True, rename="camel"):
    """An aggregate as `size` entries leave it. Version 0 is straight from the genesis."""

    kind: Kind
    name: str
    version: int
    size: int
    state: State
    history: tuple[Step, ...]

    def json(self) -> str:
        """Return it as one line of JSON."""
        return msgspec.json.encode(self, order="deterministic").decode()

    def text(self) -> str:
        """Return it as lines for a terminal."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.kind} {self.name}: version {self.version}, as of {self.size} entries"
        for member, value in _plain(self.state).items():
            yield f"  {member}: {_shown(value)}"
        yield "history:" if self.history else "history: none; it came with the genesis"
        for step in self.history:
            event = _plain(step.event)
            yield f"  {step.version}  {event.pop('type')} at {step.position}, {step.recorded_at}"
            yield f"     signed by {step.signed_by}"
            for member, value in event.items():
                yield f"     {member}: {_shown(value)}"


def inspected(store: Store, log_key: PublicKey, name: str) -> Inspected:
    """Return the aggregate with this id or DID; raises `Refuted` when there is none."""
    aggregates = Aggregates(store, log_key=log_key)
    try:
        found = aggregates.get(name)
        history = aggregates.history(name)
    except AggregateNotFoundError:
        raise Refuted(
            f"{shown(name)} names no organization, recognition, accreditation or achievement"
        ) from None
    return Inspected(
        found.kind,
        found.name,
        found.version,
        aggregates.register().size,
        found.state,
        tuple(_step(aggregates, happened) for happened in history),
    )


def _step(aggregates: Aggregates, happened: Happened) -> Step:
    if isinstance(happened.event, Submitted):
        raise StorageDamaged(f"entry {happened.position} is a header in another stream")
    _, recorded_at, header = aggregates.submission_of(happened.position)
    return Step(
        happened.originator_version,
        happened.position,
        format_time(recorded_at),
        header.protected.kid,
        happened.event,
    )


def _plain(value: object) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return found


def _shown(value: object) -> str:
    # An organization chooses its own names; they must not steer the operator's terminal.
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return printable(text, _MOST)
