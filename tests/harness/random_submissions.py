"""Random submissions to a chronicle: a few dozen steps hold every kind of event.

    RandomSubmissions(chronicle, seed).go(120)

The same seed makes the same log. Most of what is offered breaks a rule and is refused.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Scope
from tests.harness.chronicle import Chronicle
from tests.harness.story import Party, party


class RandomSubmissions:
    """Submissions drawn from a seed; the rules admit some of them."""

    def __init__(self, chronicle: Chronicle, seed: int) -> None:
        self.chronicle = chronicle
        self.story = chronicle.story
        self.random = random.Random(seed)
        self.parties = [self.story.authority, self.story.accreditor, self.story.provider]
        self.keys = list(self.parties)
        self.achievements = [self.story.achievement]
        self.accreditations = [self.story.accreditation]
        self.recognitions = [self.story.recognition]
        self.issued: list[str] = []

    def go(self, steps: int) -> None:
        """Offer a submission at each step, at times that never go back."""
        offers = [
            self.issue, self.issue, self.change, self.change, self.newcomer, self.change_keys,
            self.accredit, self.withdraw, self.define, self.redefine, self.update,
        ]  # fmt: skip
        for _ in range(steps):
            self.story.now += self.random.choice((0, 0, 1, 3600, 40 * 86400))
            signer, events = self.random.choice(offers)()
            # The signer drawn first, and the others after it, until one is admitted.
            signers = [signer, *self.random.sample(self.keys, len(self.keys))]
            if events and self.random.random() < 0.9:
                next((who for who in signers if self.chronicle.offer(who, *events)), None)

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

    def change_keys(self) -> tuple[Party, list[e.Event]]:
        owner, by = self.pick(self.keys), self.pick(self.keys)
        fresh = owner.with_key(f"k{len(self.keys)}")
        self.keys.append(fresh)
        since = max(0, len(self.chronicle.log.entries) - self.random.randint(0, 30))
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

    def withdraw(self) -> tuple[Party, list[e.Event]]:
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
