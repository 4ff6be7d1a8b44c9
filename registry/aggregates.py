"""The small aggregates, rebuilt from their streams by `eventsourcing` and the rules of the log.

Organizations, recognitions, accreditations and achievements are functional aggregates: frozen
states that the rules of `testamur` fold from their streams, as of any version. Rows are mapped
over the closed set of wire names, never over import paths, so a row cannot make us import
anything. The application writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias, cast
from uuid import UUID

import msgspec
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
from registry.recorder import SequenceRecorder
from registry.store import StorageDamaged, Store
from testamur.catalogue.events import EVENTS, Event, wire_name
from testamur.catalogue.lifecycle import OrganizationStatus
from testamur.catalogue.lines import decode_event
from testamur.catalogue.submission import SignedHeader, parse_submission_entry, stream_of
from testamur.catalogue.table import Kind, kind_of
from testamur.errors import Refusal, Refuted
from testamur.keys import PublicKey
from testamur.rules import Register, admit_events
from testamur.rules.register import Accreditation, Achievement, Organization, Recognition

State: TypeAlias = Organization | Recognition | Accreditation | Achievement

# Where a register keeps the aggregates of each kind.
_KEPT: Final[dict[Kind, Callable[[Register], MutableMapping[str, Any]]]] = {
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

    def __init__(self, store: Store, *, log_key: PublicKey) -> None:
        self._store = store
        self._log_key = log_key
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
            if self._register.size == 0:
                self._register = register_state.load(reading)
            register_state.catch_up(reading, self._register, self._log_key)
        return self._register

    def submission_of(self, position: int) -> tuple[int, int, SignedHeader]:
        """Return the submission of an entry: its position, `recordedAt` (ms), header."""
        with self._store.reading() as reading:
            return submissions.around(reading, position)

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
        # Rules read other organizations, and only their status can change later. It was
        # `registered` when the event was admitted, so the stream is replayed against today's
        # register with every status set to `registered` and the aggregate itself removed.
        register = self.register().copied()
        register.organizations = {
            did: msgspec.structs.replace(known, status=OrganizationStatus.REGISTERED)
            for did, known in register.organizations.items()
        }
        kept = _KEPT[kind](register)
        del kept[name]
        if kind is Kind.ORGANIZATION:
            kept.update(self._seated_at_genesis(name))

        def project(before: Aggregate | None, history: Iterable[Happened]) -> Aggregate | None:
            version = 0
            if before is not None:
                kept[name], version = before.state, before.version
            for happened in history:
                if isinstance(happened.event, Submitted) or (
                    kind_of(happened.event).stream is not kind
                ):
                    raise StorageDamaged(
                        f"entry {happened.position} is filed in the stream of the {kind} {name}"
                    )
                self._fold(register, happened.position, happened.event)
                version = happened.originator_version
            return Aggregate(stream, version, kind, name, kept[name]) if name in kept else None

        return project

    def _fold(self, register: Register, position: int, event: Event) -> None:
        start, recorded_at, header = self.submission_of(position)
        register.size = start
        admit_events(register, {}, header, [event], recorded_at, numbers=[position - start])

    def _seated_at_genesis(self, did: str) -> dict[str, Organization]:
        with self._store.reading() as reading:
            seated = register_state.at_genesis(reading, self._log_key).organizations
        return {did: seated[did]} if did in seated else {}


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
