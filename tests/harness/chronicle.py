"""Logs that only hold what the rules admit: told by hand, or at random.

`Chronicle` is a story with a gate: what is offered to it is judged by the rules, and appended to
a published log only if they admit it. `Wild` offers whatever could come to somebody's mind, so
that a few dozen steps hold every kind of event; the same seed tells the same story.
"""

from __future__ import annotations

import random
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from projections.database import sqlite_engine
from projections.follower import Follower
from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Scope
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from testamur.rules import CredentialState, Register, admit_events, admit_genesis, admit_header
from tests.harness.published_log import PublishedLog
from tests.harness.story import Party, Story, party


@dataclass
class Chronicle:
    """A story being told: what is offered is judged, and only what is admitted is on the log."""

    log: PublishedLog
    story: Story
    register: Register = field(default_factory=Register)
    credentials: dict[str, CredentialState] = field(default_factory=dict)

    @classmethod
    def opened(cls, root: Path) -> Chronicle:
        """Return one with the accreditor, the provider and the achievement in: ten entries."""
        story = Story()
        told = cls(PublishedLog(root, story), story)
        body = story.genesis()
        submission = parse(body)
        told.log.append(body)
        admit_genesis(
            told.register, submission.header, submission.events, story.milliseconds,
            story.log_key.public,
        )  # fmt: skip
        told._open()
        return told

    def _open(self) -> None:
        story = self.story
        assert self.offer(
            story.authority,
            story.registered(story.authority, story.accreditor, "accreditor"),
            story.recognised(),
        )
        assert self.offer(
            story.accreditor,
            story.registered(story.accreditor, story.provider, "provider"),
            story.accredited(),
        )
        assert self.offer(story.provider, story.defined())

    def offer(self, signer: Party, *events: e.Event) -> bool:
        """Append a submission if the rules admit it; return whether they did."""
        body = self.story.submission(signer, *events)
        submission = parse(body)
        register = self.register.draft()
        changed: dict[str, CredentialState] = {}
        try:
            key = admit_header(register, submission.header, self.story.milliseconds)
            submission.header.verify_signature(key)
            admit_events(
                register,
                ChainMap(changed, self.credentials),
                submission.header,
                submission.events,
                self.story.milliseconds,
            )
        except Refusal:
            return False
        self.register.absorb(register)
        self.credentials |= changed
        self.log.append(body)
        return True

    def issued(self, count: int = 1, **terms: Any) -> list[str]:
        """Let the provider issue, and return the ids."""
        events = [self.story.issued(**terms) for _ in range(count)]
        assert self.offer(self.story.provider, *events)
        return [event.credential for event in events]

    @contextmanager
    def answers(self) -> Iterator[Connection]:
        """Publish, fold the log into tables, and give a connection to ask them."""
        self.log.publish()
        engine = sqlite_engine(self.log.root.parent / f"{self.log.size}.db")
        follower = Follower(engine, self.log.reader())
        assert follower.catch_up() == len(self.log.entries)
        with engine.connect() as connection:
            yield connection
        engine.dispose()


class Wild:
    """Offers whatever could come to somebody's mind; the rules pick out what happens."""

    def __init__(self, told: Chronicle, seed: int) -> None:
        self.told = told
        self.story = told.story
        self.random = random.Random(seed)
        self.parties = [self.story.authority, self.story.accreditor, self.story.provider]
        self.keys = list(self.parties)
        self.achievements = [self.story.achievement]
        self.accreditations = [self.story.accreditation]
        self.recognitions = [self.story.recognition]
        self.issued: list[str] = []

    def go(self, steps: int) -> None:
        offers = [
            self.issue, self.issue, self.change, self.change, self.newcomer, self.keys_change,
            self.accredit, self.vouch_less, self.define, self.redefine, self.update,
        ]  # fmt: skip
        for _ in range(steps):
            self.story.now += self.random.choice((0, 0, 1, 3600, 40 * 86400))
            signer, events = self.random.choice(offers)()
            # Whoever came to mind first, and then somebody who may.
            signers = [signer, *self.random.sample(self.keys, len(self.keys))]
            if events and self.random.random() < 0.9:
                next((who for who in signers if self.told.offer(who, *events)), None)

    def pick(self, choices: list[Any]) -> Any:
        return self.random.choice(choices)

    def issue(self) -> tuple[Party, list[e.Event]]:
        today = datetime.fromtimestamp(self.story.now, UTC).date()
        day = today + timedelta(days=self.pick([0, 0, 0, -90, 60]))
        events: list[e.Event] = []
        for _ in range(self.random.randint(1, 4)):
            event = self.story.issued(achievement=self.pick(self.achievements))
            terms = {
                "accreditation": self.pick([*self.accreditations, None]),
                "valid_from": day,
                "valid_until": None,
            }
            events.append(_replaced(event, **terms))
            self.issued.append(event.credential)
        if self.random.random() < 0.3:
            events.append(e.CredentialRevoked(credential=self.issued[-1], reason="issuedInError"))
        return self.pick(self.keys[2:]), events

    def change(self) -> tuple[Party, list[e.Event]]:
        if not self.issued:
            return self.story.provider, []
        events: list[e.Event] = []
        for _ in range(self.random.randint(1, 2)):
            one = self.pick(self.issued)
            events.append(
                self.pick(
                    [
                        e.CredentialSuspended(credential=one, reason="administrative"),
                        e.CredentialReinstated(credential=one),
                        e.CredentialRevoked(credential=one, reason="misconduct"),
                        e.CredentialSuperseded(credential=one, successor=self.pick(self.issued)),
                    ]
                )
            )
        return self.pick(self.keys[2:]), events

    def newcomer(self) -> tuple[Party, list[e.Event]]:
        who = party(f"newcomer {len(self.parties)}", self.pick(["Ed25519", "P-256"]))
        sponsor = self.pick(self.parties)
        roles = self.pick(
            [
                *(["provider"], ["provider", "endorser"], ["accreditor"], ["authority"]),
                ["accreditor", "provider"],
            ]
        )
        self.parties.append(who)
        self.keys.append(who)
        return sponsor, [self.story.registered(sponsor, who, *roles)]

    def keys_change(self) -> tuple[Party, list[e.Event]]:
        owner, by = self.pick(self.keys), self.pick(self.keys)
        fresh = owner.with_key(f"k{len(self.keys)}")
        self.keys.append(fresh)
        since = max(0, len(self.told.log.entries) - self.random.randint(0, 30))
        events: list[list[e.Event]] = [
            [self.story.key_added(owner, fresh)],
            [self.story.key_added(owner, fresh, by=by)],
            [
                self.story.key_added(owner, fresh),
                e.KeyRetired(key=owner.key_id, organization=owner.did),
            ],
            [e.KeyCompromised(key=owner.key_id, organization=owner.did, since=since)],
        ]
        return self.pick([owner, owner, by]), self.pick(events)

    def accredit(self) -> tuple[Party, list[e.Event]]:
        new = self.story.new_id()
        if self.random.random() < 0.5:
            self.recognitions.append(new)
            accreditor = self.pick(self.parties).did
            return self.pick(self.parties), [
                _replaced(self.story.recognised(new), accreditor=accreditor)
            ]
        self.accreditations.append(new)
        scope = self.pick([None, Scope(languages=("nl",)), Scope(fields=("08",))])
        provider = self.pick(self.parties).did
        return self.pick(self.parties), [
            _replaced(self.story.accredited(new), provider=provider, scope=scope)
        ]

    def vouch_less(self) -> tuple[Party, list[e.Event]]:
        one = self.pick(self.accreditations)
        event = self.pick(
            [
                e.AccreditationSuspended(accreditation=one, reason="qualityConcern"),
                e.AccreditationReinstated(accreditation=one),
                e.AccreditationWithdrawn(accreditation=one, reason="conditionsNotMet"),
                e.RecognitionWithdrawn(
                    recognition=self.pick(self.recognitions), reason="voluntary"
                ),
            ]
        )
        return self.pick(self.parties), [event]

    def define(self) -> tuple[Party, list[e.Event]]:
        new = self.story.new_id()
        self.achievements.append(new)
        bare = Definition(name="Bare", achievement_type="Badge")
        definition = self.pick([self.story.definition(), bare])
        return self.pick(self.parties), [
            e.AchievementDefined(achievement=new, definition=definition)
        ]

    def redefine(self) -> tuple[Party, list[e.Event]]:
        one = self.pick(self.achievements)
        version = self.random.randint(2, 3)
        revised = e.AchievementRevised(
            achievement=one, definition=self.story.definition(), version=version
        )
        retired = e.AchievementRetired(achievement=one)
        return self.pick(self.parties), self.pick([[revised], [retired], [revised, retired]])

    def update(self) -> tuple[Party, list[e.Event]]:
        who = self.pick(self.parties[3:] or self.parties)
        updated = [
            e.OrganizationUpdated(country="BE", name=f"Name {number}", organization=who.did)
            for number in range(self.random.randint(1, 2))
        ]
        closed = e.OrganizationClosed(organization=who.did)
        close = len(self.parties) > 4 and self.random.random() < 0.2
        events: list[e.Event] = [closed] if close else [*updated]
        return self.pick([who, self.pick(self.parties)]), events


def _replaced(event: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(event, **changes)
