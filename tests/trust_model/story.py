"""A story: symbolic submissions in order, each with its actors, played through the model.

A story holds every attempt, also those that the gate refuses, and what the gate must answer. So
it can be rendered into signed bytes and played through any other register, which must answer
the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from tests.trust_model.events import (
    Defined,
    Definition,
    Event,
    Issued,
    KeyCompromised,
    Opened,
    Registered,
)
from tests.trust_model.gate import ADMITTED, Refused, admit
from tests.trust_model.settings import PRODUCT, Settings
from tests.trust_model.status import Heard, everybody, status
from tests.trust_model.submissions import DAY, LOG, Log, Submission, size_of
from tests.trust_model.verdict import Presented, Verdict, verdict
from tests.trust_model.world import World, evaluate

Pen = Literal["owner", "thief", "stranger"]


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt to submit, and how long after the step before."""

    organization: str
    key: str
    events: tuple[Event, ...]
    after: int = 0
    by: Pen = "owner"
    answer: str = ADMITTED
    """What the gate must answer: `ADMITTED`, or the rule broken."""


@dataclass(frozen=True, slots=True)
class Story:
    """The root authorities of the genesis, and all that is attempted afterwards."""

    authorities: tuple[Registered, ...]
    steps: tuple[Step, ...]


_RECORDINGS: Final[list[list[Register]]] = []


@contextmanager
def recorded() -> Iterator[list[Register]]:
    """Collect the registers that are opened within, such as those of a told story."""
    registers: list[Register] = []
    _RECORDINGS.append(registers)
    try:
        yield registers
    finally:
        _RECORDINGS.pop()


@dataclass(slots=True)
class Register:
    """A register that plays a story step by step; `story` holds the steps so far."""

    authorities: tuple[Registered, ...]
    settings: Settings = PRODUCT
    log: list[Submission] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    now: int = 0
    _world: World | None = None

    def __post_init__(self) -> None:
        """Open the log with the genesis."""
        for registers in _RECORDINGS:
            registers.append(self)
        self.log.append(Submission(0, LOG, LOG, (Opened(self.authorities),), self.now))

    @property
    def story(self) -> Story:
        """Return the story so far."""
        return Story(self.authorities, tuple(self.steps))

    @property
    def size(self) -> int:
        """Return how many entries the log has."""
        return size_of(self.log)

    @property
    def world(self) -> World:
        """Return the state as of the size."""
        if self._world is None:
            self._world = evaluate(self.log, None, self.settings)
        return self._world

    def attempt(
        self,
        organization: str,
        key: str,
        *events: Event,
        days: float = 0,
        by: Pen = "owner",
    ) -> str:
        """Submit; return `ADMITTED`, or the rule broken."""
        after = round(days * DAY)
        self.now += after
        submission = Submission(self.size, organization, key, events, self.now, by)
        answer = admit(self.log, submission, self.settings, self.world)
        self.steps.append(Step(organization, key, events, after, by, answer))
        if answer == ADMITTED:
            self.log.append(submission)
            self._world = None
        return answer

    def submit(
        self,
        organization: str,
        key: str,
        *events: Event,
        days: float = 0,
        by: Pen = "owner",
    ) -> Submission:
        """Submit and return what was admitted; raises `Refused` with the rule broken."""
        answer = self.attempt(organization, key, *events, days=days, by=by)
        if answer != ADMITTED:
            raise Refused(answer)
        return self.log[-1]

    def declare(
        self,
        key: str,
        since: Submission | int,
        *,
        by: str | None = None,
        kept: Collection[Submission] = (),
        days: float = 0,
        pen: Pen = "owner",
    ) -> Submission:
        """Declare a key compromised, with the founding key unless `by` names another."""
        organization = organization_of(key)
        position = since if isinstance(since, int) else since.position
        ranges = tuple((each.position, each.position) for each in kept)
        event = KeyCompromised(key, position, ranges)
        return self.submit(organization, by or organization, event, days=days, by=pen)

    def present(self, credential: str) -> Presented:
        """Return the credential as an honest holder of the logged one shows it."""
        return as_logged(self.log, credential)

    def verdict(self, credential: str, anchors: Collection[str]) -> Verdict:
        """Return what a reader with these anchors concludes about the credential as logged."""
        return verdict(self.world, self.present(credential), anchors)

    def status(self, credential: str, heard: Heard = everybody) -> str | None:
        """Return the credential's status."""
        return status(self.world, "credential", credential, heard=heard)


def organization_of(key: str) -> str:
    """Return the organization of a key: key names of stories are `<organization>/<key>`."""
    return key.split("/", maxsplit=1)[0]


def as_logged(log: Log, credential: str) -> Presented:
    """Return a credential that says what its line and its definition say, counting or not."""
    for submission in log:
        for event in submission.events:
            if isinstance(event, Issued) and event.credential == credential:
                return Presented(
                    credential=credential,
                    commitment=event.commitment,
                    issuer_id=submission.organization,
                    issuer_name=submission.organization,
                    facts=_definition(log, event),
                )
    raise LookupError(credential)


def _definition(log: Log, issued: Issued) -> Definition:
    named = issued.achievement, issued.version
    for submission in log:
        for event in submission.events:
            if isinstance(event, Defined) and (event.achievement, event.version) == named:
                return event.definition
    raise LookupError(named)


def play(story: Story, settings: Settings = PRODUCT) -> Register:
    """Play a story again; its steps then carry what the gate answers under these settings."""
    register = Register(story.authorities, settings)
    for step in story.steps:
        register.attempt(
            step.organization, step.key, *step.events, days=step.after / DAY, by=step.by
        )
    return register
