"""The registry as an `eventsourcing` application: the small aggregates, loaded by the rules.

Organizations, recognitions, accreditations and achievements are functional aggregates: frozen
states that the rules of `testamur` fold from their streams. Rows are mapped over the closed set
of wire names, never over import paths, so a row cannot make us import anything. The application
writes nothing: entries come from signed submissions, through the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, Generic, NoReturn, TypeVar, cast
from uuid import UUID

import msgspec
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import JSONTranscoder, Mapper, Notification, StoredEvent
from eventsourcing.utils import Environment

from registry import policy_state, submissions
from registry.recorder import EntryFactory, EntryRecorder
from registry.sequence import StorageDamaged
from testamur.catalogue import events as e
from testamur.catalogue.events import EVENTS, Event, wire_name
from testamur.catalogue.lifecycle import OrganizationStatus
from testamur.catalogue.lines import decode_event, encode_event
from testamur.catalogue.submission import (
    SignedHeader,
    parse_submission_entry,
    stream_of,
    submission_entry,
)
from testamur.errors import Refusal, Refuted
from testamur.keys import PublicKey
from testamur.rules import Register, admit_events
from testamur.rules.register import Accreditation, Achievement, Organization, Recognition

State = TypeVar("State", Organization, Recognition, Accreditation, Achievement)


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
class Folded(Generic[State]):
    """A functional aggregate: the state that `version` events of its stream lead to."""

    id: UUID
    version: int
    state: State


@dataclass(frozen=True)
class _Kind(Generic[State]):
    """Where a register keeps a kind of aggregate, and which events its streams are made of."""

    states: Callable[[Register], MutableMapping[str, State]]
    events: Any


_ORGANIZATION: Final[_Kind[Organization]] = _Kind(attrgetter("organizations"), e.OrganizationEvent)
_RECOGNITION: Final[_Kind[Recognition]] = _Kind(attrgetter("recognitions"), e.RecognitionEvent)
_ACCREDITATION: Final[_Kind[Accreditation]] = _Kind(
    attrgetter("accreditations"), e.AccreditationEvent
)
_ACHIEVEMENT: Final[_Kind[Achievement]] = _Kind(attrgetter("achievements"), e.AchievementEvent)


class EventMapper(Mapper[UUID]):
    """Maps rows to events and back: `topic` is the wire name, `state` the leaf bytes, untouched."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())  # which is never asked

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Return the row of a `Happened`."""
        event = domain_event.event
        if isinstance(event, Submitted):
            topic, state = submissions.TOPIC, submission_entry(event.header.jws, event.recorded_at)
        else:
            topic, state = wire_name(event), encode_event(event)
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=topic,
            state=state,
        )

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


class Registry(Application[UUID]):
    """Reads the aggregates of the sequence in the file at `path`."""

    recorder: EntryRecorder

    def __init__(self, path: Path, *, log_key: PublicKey) -> None:
        self._log_key = log_key
        self._register = Register()
        super().__init__({"SQLITE_DBNAME": str(path)})

    def organization(self, did: str, *, version: int | None = None) -> Organization:
        """Return an organization, as of the given version of its stream or as it stands.

        Raises the library's `AggregateNotFoundError` when there is none; so do the others.
        """
        return self._load(_ORGANIZATION, did, version)

    def recognition(self, recognition: str, *, version: int | None = None) -> Recognition:
        """Return a recognition."""
        return self._load(_RECOGNITION, recognition, version)

    def accreditation(self, accreditation: str, *, version: int | None = None) -> Accreditation:
        """Return an accreditation."""
        return self._load(_ACCREDITATION, accreditation, version)

    def achievement(self, achievement: str, *, version: int | None = None) -> Achievement:
        """Return an achievement."""
        return self._load(_ACHIEVEMENT, achievement, version)

    def register(self) -> Register:
        """Return the policy state as of the last entry."""
        with self.recorder.reading() as cursor:
            if self._register.size == 0:
                self._register = policy_state.load(cursor)
            self._register = policy_state.caught_up(cursor, self._register, self._log_key)
        return self._register

    def save(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: what the log holds, somebody signed."""
        raise Refuted("entries enter by signed submissions, through the gate")

    def construct_env(self, name: str, env: Any = None) -> Environment:
        """Take the arguments alone: a stray variable must not redirect or encrypt the sequence."""
        return Environment(name, env)

    def construct_factory(self, env: Environment) -> EntryFactory:  # type: ignore[override]
        """Return the factory of the sequence."""
        return EntryFactory(env)

    def construct_mapper(self) -> EventMapper:
        """Return the mapper over the closed set of events."""
        return EventMapper()

    def _load(self, kind: _Kind[State], name: str, version: int | None) -> State:
        try:
            stream = stream_of("organization", name) if kind is _ORGANIZATION else UUID(name)
        except ValueError:
            raise AggregateNotFoundError(f"{name!r} is no UUID") from None
        folded: Folded[State] = self.repository.get(
            stream, version=version, projector_func=self._projector(kind, name, stream)
        )
        return folded.state

    def _projector(
        self, kind: _Kind[State], name: str, stream: UUID
    ) -> Callable[[Folded[State] | None, Iterable[Happened]], Folded[State] | None]:
        # The rules look at others besides the one they change: at a sponsor's roles, at who
        # exists and acts. Of that, only acting is ever taken back, and whoever had a part in
        # an event that was admitted did act then. So the register as it stands serves for the
        # whole stream, once everybody acts and the subject itself is taken out.
        register = self.register().copied()
        register.organizations = {
            did: msgspec.structs.replace(known, status=OrganizationStatus.REGISTERED)
            for did, known in register.organizations.items()
        }
        subjects = kind.states(register)
        subjects.pop(name, None)
        if kind is _ORGANIZATION:
            register.organizations.update(self._seated_at_genesis(name))

        def project(
            before: Folded[State] | None, history: Iterable[Happened]
        ) -> Folded[State] | None:
            version = 0
            if before is not None:
                subjects[name], version = before.state, before.version
            for happened in history:
                # An id of another kind names nothing here.
                if isinstance(happened.event, kind.events):
                    self._fold(register, happened.position, happened.event)
                    version = happened.originator_version
            return Folded(stream, version, subjects[name]) if name in subjects else None

        return project

    def _fold(self, register: Register, position: int, event: Event) -> None:
        with self.recorder.reading() as cursor:
            start, recorded_at, header = submissions.around(cursor, position)
        register.size = start
        admit_events(register, {}, header, [event], recorded_at, numbers=[position - start])

    def _seated_at_genesis(self, did: str) -> dict[str, Any]:
        with self.recorder.reading() as cursor:
            seated = policy_state.at_genesis(cursor, self._log_key).organizations
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
