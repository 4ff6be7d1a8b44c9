"""A gate on a database file, and the answers it gives, one after the other or in a group.

with Desk(tmp_path / "registry.db", story).open_log() as desk:
    desk.record(story.cohort(3)).position == 10
    desk.refuse(story.submission(story.accreditor, story.issued()))  # the Refusal
"""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self

from registry.gate import Gate, Outcome, Recorded
from testamur.errors import Refusal
from tests.harness.story import Party, Story, party


class Desk:
    """A gate on the file at `path` for the log of `story`, whose clock stands still."""

    def __init__(self, path: Path, story: Story, **options: Any) -> None:
        options.setdefault("clock", lambda: story.milliseconds)
        self.path = path
        self.story = story
        self.gate = Gate.open(path, log_key=story.log_key.public, settled=self._settled, **options)
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

    def open_log(self) -> Self:
        """Record the opening of the story, after which the provider can issue."""
        genesis, *others = self.story.opening()
        self.gate.open_log(genesis)
        for body in others:
            self.record(body)
        return self

    def entries(self) -> list[bytes]:
        """Return every entry."""
        return self.gate.read(0, self.gate.committed())[0]

    def close(self) -> None:
        """Close the gate."""
        self.gate.close()

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


def sql(path: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement behind the gate's back and return its rows."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()
