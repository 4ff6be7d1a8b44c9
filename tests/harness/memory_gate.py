"""A gate in memory: what the rules say to a submission, with nothing written anywhere.

    gate = MemoryGate.opened()
    gate.admit(gate.story.provider, gate.story.issued())       # → what became of each event
    gate.refused(gate.story.accreditor, ...)                    # → the Refusal, nothing changed

It does what the registry does to decide, and what a replayer does to check: header, signature,
events, in drafts that are taken over only when everything held.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from testamur.rules import (
    Admitted,
    CredentialState,
    Register,
    admit_events,
    admit_genesis,
    admit_header,
)
from tests.harness.story import Party, Story


@dataclass
class MemoryGate:
    """The register of `story`, and the credentials issued in it."""

    story: Story = field(default_factory=Story)
    register: Register = field(default_factory=Register)
    credentials: dict[str, CredentialState] = field(default_factory=dict)

    @classmethod
    def opened(cls, story: Story | None = None) -> MemoryGate:
        """Return a gate at which the provider of the story can issue."""
        gate = cls(story or Story())
        for body in gate.story.opening():
            gate.offer(body)
        return gate

    def admit(
        self, signer: Party, *events: e.Event, recorded_at: int | None = None
    ) -> list[Admitted]:
        """Sign the events as `signer`, admit them, and return what became of each."""
        return self.offer(self.story.submission(signer, *events), recorded_at=recorded_at)

    def offer(self, body: bytes, *, recorded_at: int | None = None) -> list[Admitted]:
        """Admit a submission file, recorded at a time in Unix milliseconds; raises `Refusal`."""
        submission = parse(body)
        at = self.story.milliseconds if recorded_at is None else recorded_at
        register = self.register.draft()
        credentials = ChainMap[str, CredentialState]({}, self.credentials)
        if register.size == 0:
            log_key = self.story.log_key.public
            submission.header.verify_signature(log_key)
            admitted = admit_genesis(register, submission.header, submission.events, at, log_key)
        else:
            submission.header.verify_signature(admit_header(register, submission.header, at))
            admitted = admit_events(register, credentials, submission.header, submission.events, at)
        for event, verdict in zip(submission.events, admitted, strict=True):
            assert all(type(event) in flag.on for flag in verdict.flags), verdict
        self.register.absorb(register)
        self.credentials.update(credentials.maps[0])
        return admitted

    def refused(self, signer: Party, *events: e.Event, recorded_at: int | None = None) -> Refusal:
        """Sign the events as `signer` and return the refusal they meet."""
        return self.turned_away(self.story.submission(signer, *events), recorded_at=recorded_at)

    def turned_away(self, body: bytes, *, recorded_at: int | None = None) -> Refusal:
        """Return the refusal that a submission file meets."""
        with pytest.raises(Refusal) as caught:
            self.offer(body, recorded_at=recorded_at)
        return caught.value

    def flags(
        self, signer: Party, *events: e.Event, recorded_at: int | None = None
    ) -> tuple[str, ...]:
        """Admit the events and return the flags of the last."""
        return self.admit(signer, *events, recorded_at=recorded_at)[-1].flags
