"""A gate in memory: what the rules say to a submission, with nothing written anywhere.

    gate = MemoryGate.opened()
    gate.admit(gate.story.provider, gate.story.issued())       # → what became of each event
    gate.refused(gate.story.accreditor, ...)                    # → the Refusal, nothing changed

It does what the registry does to decide, and what a replayer does to check: header, signature,
events, in drafts that are taken over only when everything held.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from testamur.catalogue import events as e
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from testamur.rules import (
    LIMITS,
    Admitted,
    Credential,
    Limits,
    Register,
    Signed,
    admit_events,
    admit_genesis,
    admit_header,
)
from testamur.rules.drafts import Draft
from testamur.rules.reach import Totals
from tests.harness.story import Party, Story


class KeptCredentials(Draft[Credential]):
    """The credentials of a gate, and the lines that first wrote them."""

    def __init__(
        self, beneath: dict[str, Credential], lines: dict[str, e.CredentialIssued]
    ) -> None:
        super().__init__(beneath)
        self.lines = lines

    def issuance(self, credential: str, /) -> e.CredentialIssued:
        """Return the line that first wrote the id."""
        return self.lines[credential]


@dataclass
class MemoryGate:
    """The register of `story`, the credentials issued in it, and the log: its events by position.

    A header stands in the log as None; `signers` has who signed it.
    """

    story: Story = field(default_factory=Story)
    register: Register = field(default_factory=Register)
    credentials: dict[str, Credential] = field(default_factory=dict)
    lines: dict[str, e.CredentialIssued] = field(default_factory=dict)
    log: list[e.Event | None] = field(default_factory=list)
    signers: dict[int, Signed] = field(default_factory=dict)
    limits: Limits = LIMITS
    totals: Totals | None = None

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
        credentials = KeptCredentials(self.credentials, self.lines)
        header, events = submission.header, submission.events
        header.verify_signature(header.key())
        if register.size == 0:
            admitted = admit_genesis(register, header, events, at, self.story.log_key.public)
            signed = Signed(header.payload.iss, header.key_id, 0, at)
        else:
            signed = admit_header(register, header, at)
            admitted = admit_events(
                register,
                credentials,
                signed,
                events,
                event_at=self.event_at,
                limits=self.limits,
                totals=self.totals,
            )
        for event, verdict in zip(events, admitted, strict=True):
            assert all(type(event) in flag.on for flag in verdict.flags), verdict
        self.register.absorb(register)
        self.credentials.update(credentials.changed)
        self.signers[signed.position] = signed
        self.log += [None, *events]
        for event in events:
            if isinstance(event, e.CredentialIssued):
                self.lines.setdefault(event.credential, event)
        return admitted

    def event_at(self, position: int) -> e.Event:
        """Return the event of the log at a position."""
        event = self.log[position]
        if event is None:
            raise LookupError(f"a header stands at {position}")
        return event

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
