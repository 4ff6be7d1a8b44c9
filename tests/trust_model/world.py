"""What a log says as of a size: who exists, what counts, and the fold of what counts.

Submissions count whole or not at all, and what does not count is as if absent, with three
exceptions that are read from every submission: registrations (an organization stands by its own
founding key), the first writer of an id, and the highest version written of an achievement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, get_args

from tests.trust_model.events import (
    Changed,
    Closed,
    Created,
    Event,
    Kind,
    Objected,
    Opened,
    Registered,
    Restated,
    Succeeded,
    created_id,
)
from tests.trust_model.keys import Key, keys_of
from tests.trust_model.settings import PRODUCT, Rule, Settings
from tests.trust_model.submissions import LOG, Log, Submission, prefix, size_of

ThingId: TypeAlias = tuple[Kind, str]
CREATING = get_args(Created)


@dataclass(frozen=True, slots=True)
class Said:
    """One event in a submission that counts, at its position."""

    position: int
    submission: Submission
    event: Event

    @property
    def actor(self) -> str:
        """Return the organization that said it."""
        return self.submission.organization

    @property
    def recorded_at(self) -> int:
        """Return the log time at which it was recorded."""
        return self.submission.recorded_at


@dataclass(frozen=True, slots=True)
class Thing:
    """What a counting event brought into being."""

    kind: Kind
    id: str
    owner: str
    said: Said

    @property
    def position(self) -> int:
        """Return where it was created."""
        return self.said.position

    @property
    def event(self) -> Event:
        """Return the event that created it."""
        return self.said.event


@dataclass(frozen=True, slots=True)
class World:
    """A log as of a size. All members follow from the log alone."""

    log: Log
    size: int
    settings: Settings
    registrations: Mapping[str, tuple[int, Registered]]
    """By organization: the header position, and the first registration on the log."""
    keys: Mapping[str, Mapping[str, Key]]
    counting: frozenset[int]
    """The header positions of the submissions that count."""
    writers: Mapping[ThingId, str]
    """Who first wrote each id, whether that counts or not."""
    lines: Mapping[tuple[Kind, str, int], Created]
    """What was first written under each id and version, whether that counts or not."""
    things: Mapping[tuple[Kind, str, int], Thing]
    streams: Mapping[ThingId, Sequence[Said]]
    """What counting events said about each id after it was written."""
    closings: Mapping[str, Said]
    successions: Mapping[str, Sequence[Said]]
    objections: Mapping[str, Sequence[Said]]

    def thing(self, kind: Kind, id_: str, version: int = 1) -> Thing | None:
        """Return the thing, or None while no event that counts created it."""
        return self.things.get((kind, id_, version))

    def of_kind(self, kind: Kind) -> list[Thing]:
        """Return the things of one kind, oldest first."""
        found = (thing for thing in self.things.values() if thing.kind == kind)
        return sorted(found, key=lambda thing: thing.position)

    def stream(self, kind: Kind, id_: str) -> Sequence[Said]:
        """Return what was said of an id, in order."""
        return self.streams.get((kind, id_), ())

    def closed(self, organization: str, before: int) -> bool:
        """Return whether the organization closed before a position."""
        closing = self.closings.get(organization)
        return closing is not None and closing.position < before

    def highest_version(self, achievement: str) -> int:
        """Return the highest version ever written, or 0."""
        return max(
            (
                version
                for kind, id_, version in self.lines
                if (kind, id_) == ("achievement", achievement)
            ),
            default=0,
        )


@dataclass(slots=True)
class _Fold:
    things: dict[tuple[Kind, str, int], Thing] = field(default_factory=dict)
    streams: dict[ThingId, list[Said]] = field(default_factory=dict)
    closings: dict[str, Said] = field(default_factory=dict)
    successions: dict[str, list[Said]] = field(default_factory=dict)
    objections: dict[str, list[Said]] = field(default_factory=dict)

    def take(self, said: Said, owner: str | None) -> None:
        """Fold one event of a submission that counts; `owner` is the first writer of its id."""
        event = said.event
        match event:
            case Changed() | Restated():
                self.streams.setdefault((event.kind, event.id), []).append(said)
            case Closed():
                self.closings.setdefault(said.actor, said)
            case Succeeded():
                self.successions.setdefault(event.organization, []).append(said)
            case Objected():
                self.objections.setdefault(said.actor, []).append(said)
            case _ if isinstance(event, CREATING):
                kind, id_, version = created_id(event)
                if owner in {said.actor, None}:
                    thing = Thing(kind, id_, said.actor, said)
                    self.things.setdefault((kind, id_, version), thing)


def evaluate(log: Log, size: int | None = None, settings: Settings = PRODUCT) -> World:
    """Return what the first `size` entries say; a submission that they cut is left out."""
    if size is None:
        size = size_of(log)
    heard = prefix(log, size)
    registrations, keys = _registered(heard, settings)
    counting = _counting(heard, keys, settings)
    writers, lines = _written(heard)
    fold = _Fold()
    for submission in heard:
        if submission.position not in counting:
            continue
        for position, event in submission.numbered():
            owner = None
            if settings.has(Rule.FIRST_WRITER) and isinstance(event, CREATING):
                owner = writers[created_id(event)[:2]]
            fold.take(Said(position, submission, event), owner)
    return World(
        log=heard,
        size=size,
        settings=settings,
        registrations=registrations,
        keys=keys,
        counting=counting,
        writers=writers,
        lines=lines,
        things=fold.things,
        streams=fold.streams,
        closings=fold.closings,
        successions=fold.successions,
        objections=fold.objections,
    )


def counts(log: Log, size: int | None = None, settings: Settings = PRODUCT) -> frozenset[int]:
    """Return the header positions of the submissions that count as of `size`."""
    heard = log if size is None else prefix(log, size)
    return _counting(heard, _registered(heard, settings)[1], settings)


def _registered(
    heard: Log, settings: Settings
) -> tuple[dict[str, tuple[int, Registered]], dict[str, Mapping[str, Key]]]:
    own: dict[str, list[Submission]] = {}
    for submission in heard:
        if submission.has_key_events:
            own.setdefault(submission.organization, []).append(submission)
    registrations: dict[str, tuple[int, Registered]] = {}
    keys: dict[str, Mapping[str, Key]] = {}
    for submission in heard:
        survives = settings.has(Rule.REGISTRATION_SURVIVES)
        if not survives and not _counts(submission, keys, settings):
            continue
        for event in submission.events:
            entered = event.authorities if isinstance(event, Opened) else (event,)
            for each in entered:
                if isinstance(each, Registered) and each.organization not in registrations:
                    did = each.organization
                    registrations[did] = submission.position, each
                    about_keys = tuple(own.get(did, ()))
                    keys[did] = keys_of(each, submission.position, about_keys, settings)
    return registrations, keys


def _counting(
    heard: Log, keys: Mapping[str, Mapping[str, Key]], settings: Settings
) -> frozenset[int]:
    return frozenset(s.position for s in heard if _counts(s, keys, settings))


def _counts(
    submission: Submission, keys: Mapping[str, Mapping[str, Key]], settings: Settings
) -> bool:
    if submission.organization == LOG:
        return submission.position == 0
    key = keys.get(submission.organization, {}).get(submission.key)
    return key is not None and key.counts(submission.position, submission.recorded_at, settings)


def _written(heard: Log) -> tuple[dict[ThingId, str], dict[tuple[Kind, str, int], Created]]:
    writers: dict[ThingId, str] = {}
    lines: dict[tuple[Kind, str, int], Created] = {}
    for submission in heard:
        for event in submission.events:
            if isinstance(event, CREATING):
                kind, id_, version = created_id(event)
                writers.setdefault((kind, id_), submission.organization)
                lines.setdefault((kind, id_, version), event)
    return writers, lines
