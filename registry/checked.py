"""A submission whose form, root and signatures are good: what the committer decides about.

What the committer needs to know of it is worked out here, in the sender's thread, because the
committer holds a lock while it works. So are the signatures inside its events, which cost more
than everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from registry import submissions
from registry.credential_streams import changed_by
from testamur.catalogue import events as e
from testamur.catalogue.streams import streams_of
from testamur.catalogue.submission import Submission
from testamur.catalogue.table import CREATED, TABLE
from testamur.errors import Refusal
from testamur.recording.objections import objections
from testamur.rules.reach import Sums, sums_of
from testamur.rules.registrations import BRINGING_KEYS, verify_alone
from testamur.rules.scope import prepare


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission that the key named in its header signed. `size` is that of the file in bytes."""

    submission: Submission
    size: int
    key: bytes
    """The id of its stream: the idempotency key."""
    signer: tuple[str, str]
    """The organization that signed it, and the key."""
    signing_input: str
    """The bytes that it signed (`SignedHeader.signing_input`)."""
    credentials: list[str]
    """The credentials it may bring about or change."""
    needed: list[str]
    """The credentials that must exist for it."""
    objection: Refusal | None
    """Why it may not be recorded, by rules that no replayer asks (`testamur.recording`)."""
    verified: frozenset[int]
    """The numbers, from 1 on, of events whose own signatures and keys are good."""
    sums: Sums
    """By how much the running totals of its key grow."""
    topics: list[str]
    """What its events are filed under."""
    streams: list[bytes]
    """The stream of each of its events; none if an event names an id that nothing can have."""
    refuse_flags: bool = False
    """Whether its sender wants it refused for flags that a sender can mend."""

    @classmethod
    def of(cls, submission: Submission, size: int, *, refuse_flags: bool = False) -> Self:
        """Return `submission`, whose header's signature was verified, with what follows from it.

        A signature inside an event costs a hundred microseconds. A bad one is left to the rules,
        which refuse in their own order. What scopes are compared by is made as well.
        """
        header, events = submission.header, submission.events
        payload = header.payload
        credentials = [event.credential for event in events if isinstance(event, e.CredentialEvent)]
        objection = None
        if len(credentials) < len(events):
            objection = next(iter(objections(events, most=1)), None)
        for event in events:
            if isinstance(event, e.AccreditationGranted) and event.scope is not None:
                prepare(event.scope)
        return cls(
            submission,
            size,
            submissions.stream_key(payload.iss, payload.jti),
            (payload.iss, header.key_id),
            header.signing_input,
            credentials,
            changed_by(events),
            objection,
            frozenset(_verified(events)),
            sums_of(payload.iss, events),
            [TABLE[type(event)].name for event in events],
            _streams(events, payload.iss),
            refuse_flags,
        )

    @property
    def named(self) -> set[str]:
        """Every id under which a credential may exist already: named by it, or to be created."""
        events = self.submission.events
        created = {
            getattr(event, CREATED[type(event)]) for event in events if type(event) in CREATED
        }
        return created.union(self.credentials, self.needed)


def _streams(events: Sequence[e.Event], issuer: str) -> list[bytes]:
    try:
        return streams_of(events, issuer)
    except ValueError:
        return []  # the rules know nothing of that name, and refuse


def _verified(events: Sequence[e.Event]) -> Iterator[int]:
    if BRINGING_KEYS.isdisjoint(map(type, events)):
        return  # as in every submission of nothing but issuances
    for number, event in enumerate(events, 1):
        if type(event) in BRINGING_KEYS:
            try:
                verify_alone(event)
            except Refusal:
                return
            yield number
