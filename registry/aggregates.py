"""The small aggregates, rebuilt from their streams by `eventsourcing` and the rules of the log.

Organizations, recognitions, accreditations and achievements are functional aggregates: frozen
states that `testamur.rules` folds from their streams, as of any version. A state is what was said,
whether it counts or not; the register tells what counts. Rows are mapped over the closed set of
wire names, never over import paths, so a row cannot make us import anything. The application
writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, NoReturn, cast
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    InfrastructureFactory,
    JSONTranscoder,
    Mapper,
    Notification,
    StoredEvent,
    TrackingRecorder,
)
from eventsourcing.utils import Environment

from registry import register_state, submissions
from registry.credential_streams import CredentialStreams
from registry.recorder import SequenceRecorder
from registry.store import StorageDamaged, Store, SubmissionRow
from testamur.catalogue.events import EVENTS, Event, wire_name
from testamur.catalogue.lines import decode_event
from testamur.catalogue.streams import stream_of
from testamur.catalogue.submission import SignedHeader, parse_submission_entry
from testamur.catalogue.table import Kind, kind_of
from testamur.errors import Refusal, Refuted
from testamur.rules import Register, Signed
from testamur.rules.fold import take
from testamur.rules.register import State

# Where a register keeps the aggregates of each kind.
_KEPT: Final[dict[Kind, Callable[[Register], Mapping[str, State]]]] = {
    Kind.ORGANIZATION: lambda register: register.organizations,
    Kind.RECOGNITION: lambda register: register.recognitions,
    Kind.ACCREDITATION: lambda register: register.accreditations,
    Kind.ACHIEVEMENT: lambda register: register.achievements,
}


class UnknownTopic(StorageDamaged):
    """A row is filed under a name that no event has."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A header entry, as an event of its submission's stream."""

    recorded_at: int
    header: SignedHeader


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the catalogue with its place: stream, version there, position in the log."""

    originator_id: UUID
    originator_version: int
    position: int
    event: Event | Submitted


@dataclass(frozen=True)
class Aggregate:
    """What the first `version` events of one stream lead to, in the library's own terms."""

    id: UUID
    version: int
    kind: Kind
    name: str
    state: State


class EventMapper(Mapper[UUID]):
    """Maps rows to events: `topic` is the wire name, `state` the leaf bytes, untouched."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())  # never asked

    def to_stored_event(self, domain_event: Any) -> NoReturn:
        """Refuse: what the log holds, an organization signed."""
        raise Refuted(f"no signature over {domain_event!r}")

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Return the `Happened` of a row; raises `UnknownTopic`, or `StorageDamaged`."""
        if not isinstance(stored_event, Notification):
            raise TypeError("an event without its place in the sequence")
        return Happened(
            cast("UUID", stored_event.originator_id),
            stored_event.originator_version,
            stored_event.id - 1,
            _decoded(stored_event.topic, stored_event.state),
        )


class _Factory(InfrastructureFactory[TrackingRecorder]):
    """Makes the one recorder there is: a store holds one sequence and nothing else."""

    store: Store

    def application_recorder(self) -> ApplicationRecorder:
        return SequenceRecorder(self.store)

    def aggregate_recorder(self, purpose: str = "events") -> NoReturn:
        raise NotImplementedError(f"no separate recorder for {purpose}")

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> NoReturn:
        raise NotImplementedError("followers keep their position elsewhere")

    def process_recorder(self) -> NoReturn:
        raise NotImplementedError("followers keep their position elsewhere")


class Aggregates(Application[UUID]):
    """Reads the aggregates of the sequence in `store`, which the caller closes afterwards."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._register = Register()
        super().__init__({})

    def get(self, name: str, *, version: int | None = None) -> Aggregate:
        """Return the aggregate with this id or DID, as of a version of its stream or as it stands.

        Raises the library's `AggregateNotFoundError` when there is none.
        """
        kind, stream = self._filed(name)
        found: Aggregate = self.repository.get(
            stream, version=version, projector_func=self._projector(kind, name, stream)
        )
        return found

    def history(self, name: str) -> list[Happened]:
        """Return the events of the aggregate with this id or DID, oldest first."""
        _, stream = self._filed(name)
        return [cast("Happened", event) for event in self.events.get(stream)]

    def register(self) -> Register:
        """Return the register as of the last entry."""
        with self._store.reading() as reading:
            register_state.catch_up(reading, self._register)
        return self._register

    def submission_of(self, position: int) -> SubmissionRow:
        """Return the submission that an entry came in."""
        with self._store.reading() as reading:
            row = reading.submission_around(position)
        if row is None:
            raise StorageDamaged(f"entry {position} belongs to no submission")
        return row

    def save(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: what the log holds, an organization signed."""
        raise Refuted("entries enter by signed submissions, through the gate")

    def construct_env(self, name: str, env: Any = None) -> Environment:
        """Take the arguments alone: a stray variable must not redirect or encrypt the sequence."""
        return Environment(name, env)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[TrackingRecorder]:
        """Return the factory of the one recorder."""
        factory = _Factory(env)
        factory.store = self._store
        return factory

    def construct_mapper(self) -> EventMapper:
        """Return the mapper over the closed set of events."""
        return EventMapper()

    def _filed(self, name: str) -> tuple[Kind, UUID]:
        """Return the kind and the stream of the aggregate with this id or DID."""
        register = self.register()
        for kind, kept in _KEPT.items():
            if name in kept(register):
                organization = kind is Kind.ORGANIZATION
                return kind, stream_of(kind, name) if organization else UUID(name)
        raise AggregateNotFoundError(f"no aggregate is called {name!r}")

    def _projector(
        self, kind: Kind, name: str, stream: UUID
    ) -> Callable[[Aggregate | None, Iterable[Happened]], Aggregate | None]:
        register = Register()
        if kind is Kind.ORGANIZATION:
            self._seat(register, name)
        kept = _KEPT[kind](register)

        def project(before: Aggregate | None, history: Iterable[Happened]) -> Aggregate | None:
            assert before is None, "nothing takes snapshots"  # noqa: S101  # the library's question
            version = 0
            for row, happened in groupby(history, key=lambda one: self.submission_of(one.position)):
                said = [(one.position, self._filed_under(kind, name, one)) for one in happened]
                signed = Signed(row.issuer, row.key, row.position, row.recorded_at)
                take(register, CredentialStreams(), signed, said)
                version += len(said)
            return Aggregate(stream, version, kind, name, kept[name]) if name in kept else None

        return project

    def _filed_under(self, kind: Kind, name: str, happened: Happened) -> Event:
        event = happened.event
        if isinstance(event, Submitted) or kind_of(event).stream is not kind:
            raise StorageDamaged(
                f"entry {happened.position} is filed in the stream of the {kind} {name}"
            )
        return event

    def _seat(self, register: Register, did: str) -> None:
        """Put a root authority into the register, as the genesis does."""
        with self._store.reading() as reading:
            genesis = register_state.at_genesis(reading)
        if did in genesis.organizations:
            register.organizations[did] = genesis.organizations[did]


def _decoded(topic: str, state: bytes) -> Event | Submitted:
    if topic != submissions.TOPIC and topic not in EVENTS:
        raise UnknownTopic(f"a row is filed under {topic!r}, which no event is called")
    try:
        if topic == submissions.TOPIC:
            return Submitted(*parse_submission_entry(state))
        event = decode_event(state)
    except Refusal as refusal:
        raise StorageDamaged(f"a row filed under {topic!r}: {refusal}") from None
    if wire_name(event) != topic:
        raise StorageDamaged(f"a row filed under {topic!r} holds {wire_name(event)!r}")
    return event
