"""A gate over a store, and the answers it gives, one after the other or in a group.

with Desk(kept, story).open_log() as desk:
    desk.record(story.cohort(3)).position == 10
    desk.refuse(story.submission(story.accreditor, story.issued()))  # the Refusal
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Self
from uuid import UUID

from registry import integrity
from registry.gate import Gate, Outcome, Recorded
from registry.register_state import load
from testamur.errors import Refusal
from testamur.rules import Register
from tests.harness.stores import Kept
from tests.harness.story import Party, Story, party

OPENING = 10  # entries of a story's opening


class Desk:
    """A gate on what is `kept` for the log of `story`, whose clock stands still.

    `store` are options of the driver; the others are those of the gate.
    """

    def __init__(
        self, kept: Kept, story: Story, *, store: dict[str, Any] | None = None, **options: Any
    ) -> None:
        options.setdefault("clock", lambda: story.milliseconds)
        options.setdefault("settled", self._settled)
        self.kept = kept
        self.story = story
        self.store = kept.open(**(store or {}))
        try:
            self.gate = Gate(self.store, log_key=story.log_key.public, **options)
        except BaseException:
            self.store.close()
            raise
        self.groups: list[int] = []

    def offer(self, body: bytes) -> Future[Outcome]:
        """Check and offer a submission; a refusal by `check` is an outcome too."""
        ticket: Future[Outcome] = Future()
        try:
            self.gate.offer(self.gate.check(body), ticket)
        except Refusal as refusal:
            ticket.set_result(refusal)
        return ticket

    def submit(self, body: bytes) -> Outcome:
        """Return what becomes of a submission."""
        return self.offer(body).result(timeout=30)

    def record(self, body: bytes) -> Recorded:
        """Return the receipt of a submission that must be recorded."""
        outcome = self.submit(body)
        if not isinstance(outcome, Recorded):
            raise outcome
        return outcome

    def refuse(self, body: bytes) -> Refusal:
        """Return the refusal of a submission that must be refused."""
        outcome = self.submit(body)
        assert isinstance(outcome, Refusal), outcome
        return outcome

    def together(self, *bodies: bytes) -> list[Outcome]:
        """Return what becomes of submissions that the committer takes as one group."""
        return self.gate._committer.commit([self.gate.check(body) for body in bodies])

    def open_log_apart(self) -> Self:
        """Do as `open_log` does, without calling `settled`."""
        for body in self.story.opening():
            (outcome,) = self.together(body)
            assert isinstance(outcome, Recorded), outcome
        return self

    def open_log(self) -> Self:
        """Record the opening of the story, after which the provider can issue."""
        genesis, *others = self.story.opening()
        self.gate.open_log(genesis)
        for body in others:
            self.record(body)
        return self

    def entries(self) -> list[bytes]:
        """Return every entry."""
        return self.read(0, self.committed())[0]

    def committed(self) -> int:
        """Return how many entries are durable."""
        return self.gate.entries.committed()

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        """Return entries and their leaf hashes."""
        return self.gate.entries.read(start, limit)

    def examine(self, *, thorough: bool = True) -> None:
        """Raise `StorageDamaged` unless the store is what was written."""
        integrity.examine(self.store, self.story.log_key.public, thorough=thorough)

    def register(self) -> Register:
        """Return the register after every entry, as a start folds it."""
        with self.store.reading() as reading:
            return load(reading)

    def stream(self, name: str) -> list[tuple[int, str]]:
        """Return (version, topic) of all that is filed under an id."""
        with self.store.reading() as reading:
            return [(one.version, one.topic) for one in reading.stream(UUID(name).bytes)]

    def close(self) -> None:
        """Close the gate, and the store beneath it."""
        self.gate.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _settled(self, answers: list[tuple[object, Outcome]]) -> None:
        self.groups.append(len(answers))
        for ticket, outcome in answers:
            assert isinstance(ticket, Future)
            ticket.set_result(outcome)


def other_provider(desk: Desk) -> Party:
    """Return a second provider, entered into the register."""
    newcomer = party("another provider")
    story = desk.story
    desk.record(
        story.submission(story.accreditor, story.registered(story.accreditor, newcomer, "provider"))
    )
    return newcomer
