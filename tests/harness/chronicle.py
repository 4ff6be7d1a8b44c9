"""A published log that holds only what the rules admit, and the tables folded from it.

chronicle = Chronicle.opened(tmp_path / "log")      # the provider may issue: ten entries
chronicle.offer(signer, event) is False             # refused: the log is as it was
with chronicle.answers() as connection: ...         # the tables as of the whole log
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from projections.follower import Follower
from testamur.catalogue import events as e
from testamur.catalogue.lines import decode_event
from testamur.errors import Refusal
from testamur.rules import Credential
from tests.harness.memory_gate import MemoryGate
from tests.harness.published_log import PublishedLog
from tests.harness.story import Party, Story
from tests.harness.tables import engine_at


@dataclass
class Chronicle:
    """A log behind a gate in memory: a submission is appended only if the rules admit it."""

    log: PublishedLog
    gate: MemoryGate

    @classmethod
    def opened(cls, root: Path) -> Chronicle:
        """Return a chronicle in which the provider may issue."""
        gate = MemoryGate()
        chronicle = cls(PublishedLog(root, gate.story), gate)
        for body in gate.story.opening():
            gate.offer(body)
            chronicle.log.append(body)
        return chronicle

    @property
    def story(self) -> Story:
        """The story whose organizations submit."""
        return self.gate.story

    @property
    def credentials(self) -> dict[str, Credential]:
        """What was said of every credential."""
        return self.gate.credentials

    def offer(self, signer: Party, *events: e.Event) -> bool:
        """Append a submission if the rules admit it; return whether they did."""
        body = self.story.submission(signer, *events)
        try:
            self.gate.offer(body)
        except Refusal:
            return False
        self.log.append(body)
        return True

    def issued(self, count: int = 1, **terms: Any) -> list[str]:
        """Let the provider issue, and return the ids."""
        events = [self.story.issued(**terms) for _ in range(count)]
        assert self.offer(self.story.provider, *events)
        return [event.credential for event in events]

    def issuance(self, position: int) -> e.CredentialIssued:
        """Return the issuance at a position of the log."""
        event = decode_event(self.log.entries[position])
        assert isinstance(event, e.CredentialIssued)
        return event

    @contextmanager
    def answers(self) -> Iterator[Connection]:
        """Publish, fold the log into tables, and yield a connection to them."""
        self.log.publish()
        engine = engine_at(self.log.root.parent / f"{self.log.size}.db")
        follower = Follower(engine, self.log.reader())
        assert follower.catch_up() == len(self.log.entries)
        with engine.connect() as connection:
            yield connection
        engine.dispose()
