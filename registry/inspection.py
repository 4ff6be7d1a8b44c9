"""What became of one aggregate: what was said of it, what counts of that, and its status.

    found = inspected(store, "did:key:z6Mk...")
    print(found.text())         # for an operator
    print(found.json())         # for a program

It is for the operator beside the log; outsiders ask the API, which answers with proofs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from eventsourcing.application import AggregateNotFoundError

from registry.aggregates import Aggregates, Happened, Submitted
from registry.store import StorageDamaged, Store
from testamur.catalogue.events import Event
from testamur.catalogue.submission import format_time
from testamur.catalogue.table import WITH_STATUS, Kind
from testamur.errors import Refuted, printable, shown
from testamur.rules import Register
from testamur.rules.register import Organization, State
from testamur.rules.status import closing, status

# Mappings that cannot be changed are states' own, and msgspec writes none.
_encode: Final = msgspec.json.Encoder(order="deterministic", enc_hook=dict).encode
_MOST: Final = 2_000  # characters of one member; `--json` prints all


class Step(msgspec.Struct, frozen=True, rename="camel"):
    """One event of the history: where it stands, who signed it and when it was recorded.

    `not_counted` says why its submission does not count as of now; it is None if it counts.
    """

    version: int
    position: int
    recorded_at: str
    signed_by: str
    not_counted: str | None
    event: Event


class Inspected(msgspec.Struct, frozen=True, rename="camel"):
    """An aggregate as `size` entries leave it. Version 0 is straight from the genesis.

    `status` is None for a thing of which no submission that counts wrote the id. `state` is what
    was said, whether it counts or not.
    """

    kind: Kind
    name: str
    version: int
    size: int
    status: str | None
    state: State
    history: tuple[Step, ...]

    def json(self) -> str:
        """Return it as one line of JSON."""
        return _encode(self).decode()

    def text(self) -> str:
        """Return it as lines for a terminal."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.kind} {self.name}: version {self.version}, as of {self.size} entries"
        yield f"status: {self.status or 'none, nothing that counts wrote its id'}"
        for member, value in _plain(self.state).items():
            yield f"  {member}: {_shown(value)}"
        yield "history:" if self.history else "history: none; it came with the genesis"
        for step in self.history:
            event = _plain(step.event)
            yield f"  {step.version}  {event.pop('type')} at {step.position}, {step.recorded_at}"
            yield f"     signed by {step.signed_by}"
            if step.not_counted is not None:
                yield f"     does not count: {_shown(step.not_counted)}"
            for member, value in event.items():
                yield f"     {member}: {_shown(value)}"


def inspected(store: Store, name: str) -> Inspected:
    """Return the aggregate with this id or DID; raises `Refuted` when there is none."""
    aggregates = Aggregates(store)
    try:
        found = aggregates.get(name)
        history = aggregates.history(name)
    except AggregateNotFoundError:
        raise Refuted(
            f"{shown(name)} names no organization, recognition, accreditation or achievement"
        ) from None
    register = aggregates.register()
    return Inspected(
        found.kind,
        found.name,
        found.version,
        register.size,
        _status(register, found.kind, found.state),
        found.state,
        tuple(_step(aggregates, register, happened) for happened in history),
    )


def _status(register: Register, kind: Kind, state: State) -> str | None:
    if isinstance(state, Organization):
        return "registered" if closing(register, state) is None else "closed"
    return status(register, kind, state) if kind in WITH_STATUS else None


def _step(aggregates: Aggregates, register: Register, happened: Happened) -> Step:
    if isinstance(happened.event, Submitted):
        raise StorageDamaged(f"entry {happened.position} is a header in another stream")
    row = aggregates.submission_of(happened.position)
    keys = register.organizations[row.issuer].keys
    why_not = keys.why_not(row.key, row.position, row.recorded_at)
    return Step(
        happened.originator_version,
        happened.position,
        format_time(row.recorded_at),
        f"{row.issuer}#{row.key}",
        None if why_not is None else why_not.reason,
        happened.event,
    )


def _plain(value: object) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(_encode(value))
    return found


def _shown(value: object) -> str:
    # An organization chooses its own names; they must not steer the operator's terminal.
    text = value if isinstance(value, str) else _encode(value).decode()
    return printable(text, _MOST)
