"""Random submissions to a chronicle: a few dozen steps hold every kind of event.

    RandomSubmissions(chronicle, seed).go(120)

The same seed makes the same log. Most of what is offered breaks a rule and is refused. Keys are
declared compromised, so that what counts changes; what counts no more is written again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from testamur.catalogue import events as e
from testamur.catalogue.members import Definition, Scope
from testamur.rules.status import existing
from tests.harness.chronicle import Chronicle
from tests.harness.story import Party, party

Offer = tuple[Party, Sequence[e.Event]]


class RandomSubmissions:
    """Submissions drawn from a seed; the rules admit some of them."""

    def __init__(self, chronicle: Chronicle, seed: int) -> None:
        self.chronicle = chronicle
        self.story = chronicle.story
        self.random = random.Random(seed)
        self.parties = [self.story.authority, self.story.accreditor, self.story.provider]
        self.signers = list(self.parties)  # every signing key that was ever listed, or offered
        self.achievements = [self.story.achievement]
        self.accreditations = [self.story.accreditation]
        self.recognitions = [self.story.recognition]
        self.issuances: list[e.CredentialIssued] = []
        self.written: list[tuple[Party, e.Event]] = []

    @property
    def issued(self) -> list[str]:
        """The ids of the credentials that were offered."""
        return [event.credential for event in self.issuances]

    def go(self, steps: int) -> None:
        """Offer a submission at each step, at times that never go back."""
        offers = [
            self.issue, self.issue, self.change, self.change, self.newcomer, self.own_keys,
            self.own_keys, self.grant, self.alter_grant, self.define, self.redefine, self.tell,
            self.succeed, self.write_again,
        ]  # fmt: skip
        for _ in range(steps):
            self.story.now += self.random.choice((0, 0, 1, 3600, 12 * 86400))
            signer, events = self.random.choice(offers)()
            # The signer drawn first, and others after it, until one is admitted.
            others = self.random.sample(self.signers, min(4, len(self.signers)))
            for who in [signer, self.able(signer), *map(self.able, others)] if events else []:
                if self.chronicle.offer(who, *events):
                    self.written += [(who, event) for event in events]
                    break

    def able(self, who: Party) -> Party:
        """Return the organization of `who` with a signing key that is in force, if it has one."""
        organization = self.chronicle.gate.register.organizations.get(who.did)
        if organization is None:
            return who
        known = organization.keys.keys
        listed = [each for each in self.signers if each.did == who.did and each.key_id in known]
        return next((each for each in reversed(listed) if known[each.key_id].in_force), who)

    def owner(self, achievement: str) -> Party:
        """Return who defined an achievement, or any provider."""
        known = self.chronicle.gate.register.achievements.get(achievement)
        owners = [each for each in self.parties if known and each.did == known.owner]
        return self.able(self.pick(owners or self.parties[2:]))

    def pick(self, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)

    def issue(self) -> Offer:
        today = datetime.fromtimestamp(self.story.now, UTC).date()
        events: list[e.Event] = []
        achievement = self.pick(self.achievements)
        for _ in range(self.random.randint(1, 4)):
            event = msgspec.structs.replace(
                self.story.issued(achievement=achievement),
                accreditation=self.pick([self.accreditations[0], self.accreditations[-1], None]),
                valid_from=today + timedelta(days=self.pick([0, 0, 0, -90, 60])),
                valid_until=None,
            )
            events.append(event)
            self.issuances.append(event)
        if self.random.random() < 0.3:
            events.append(e.CredentialRevoked(credential=self.issued[-1], reason="issuedInError"))
        return self.owner(achievement), events

    def change(self) -> Offer:
        if not self.issuances:
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
        return self.pick(self.signers[2:]), events

    def newcomer(self) -> Offer:
        who = party(f"newcomer {len(self.parties)}", self.pick(["Ed25519", "P-256"]))
        sponsor = self.pick(self.parties)
        roles = self.pick(
            [
                *(["provider"], ["endorser", "provider"], ["accreditor"], ["authority"]),
                ["accreditor", "provider"],
            ]
        )
        self.parties.append(who)
        self.signers.append(who)
        return sponsor, [self.story.registered(sponsor, who, *roles)]

    def own_keys(self) -> Offer:
        owner = self.able(self.pick(self.parties))
        fresh = owner.with_key(f"k{len(self.signers)}")
        since = max(0, len(self.chronicle.log.entries) - self.random.randint(0, 40))
        kept = self.pick([None, None, ((since, since + self.random.randint(0, 10)),)])
        offers: list[Offer] = [
            (owner.recovery, [self.story.key_listed(fresh)]),
            (owner.founding, [self.story.key_listed(fresh, "recovery")]),
            (owner.recovery, [self.story.key_listed(fresh), self.story.key_retired(owner)]),
            (owner.recovery, [self.story.key_compromised(owner, since, kept)]),
            (owner.recovery, [self.story.key_compromised(owner, since, kept)]),
            (owner.founding, [self.story.key_compromised(owner.recovery, since)]),
            (owner, [self.story.key_compromised(owner)]),
        ]
        self.signers.append(fresh)
        return self.random.choice(offers)

    def grant(self) -> Offer:
        new, of = self.story.new_id(), self.pick(self.parties)
        if self.random.random() < 0.5:
            self.recognitions.append(new)
            as_ = self.pick(["accreditor", "authority"])
            return self.pick(self.parties), [self.story.recognised(new, as_=as_, of=of)]
        self.accreditations.append(new)
        scope = self.pick([None, Scope(languages=("nl",)), Scope(fields=("08",))])
        granted = msgspec.structs.replace(self.story.accredited(new, of=of), scope=scope)
        return self.pick(self.parties), [granted]

    def alter_grant(self) -> Offer:
        one, other = self.pick(self.accreditations), self.pick(self.recognitions)
        word = {"country": self.pick(["NL", "BE"]), "name": f"Name {self.random.random():.3f}"}
        event = self.pick(
            [
                e.AccreditationSuspended(accreditation=one, reason="qualityConcern"),
                e.AccreditationReinstated(accreditation=one),
                e.AccreditationWithdrawn(accreditation=one, reason="conditionsNotMet"),
                e.AccreditationRestated(accreditation=one, **word),
                e.RecognitionWithdrawn(recognition=other, reason="voluntary"),
                e.RecognitionRestated(recognition=other, **word),
            ]
        )
        return self.pick(self.parties), [event]

    def define(self) -> Offer:
        new = self.story.new_id()
        self.achievements.append(new)
        bare = Definition(name="Bare", achievement_type="Badge")
        definition = self.pick([self.story.definition(), bare])
        return self.pick(self.parties), [
            e.AchievementDefined(achievement=new, definition=definition)
        ]

    def redefine(self) -> Offer:
        one = self.pick(self.achievements)
        who = self.owner(one)
        version = self.random.randint(2, 3)
        revised = e.AchievementRevised(
            achievement=one, definition=self.story.definition(), version=version
        )
        retired = e.AchievementRetired(achievement=one)
        return who, self.pick([[revised], [revised], [retired], [revised, retired]])

    def tell(self) -> Offer:
        who = self.pick(self.parties[3:] or self.parties)
        updated = [
            e.OrganizationUpdated(country="BE", name=f"Name {number}")
            for number in range(self.random.randint(1, 2))
        ]
        close = len(self.parties) > 4 and self.random.random() < 0.2
        return who, [e.OrganizationClosed()] if close else updated

    def succeed(self) -> Offer:
        of, by = self.pick(self.parties), self.pick(self.parties)
        if self.random.random() < 0.2:
            return of, [e.OrganizationObjected()]
        who = self.pick([of, of, self.story.accreditor])
        return who, [self.story.succeeded(of, by)]

    def write_again(self) -> Offer:
        """Offer a line that was written before, which only its owner may, if it counts no more."""
        if not self.written:
            return self.story.provider, []
        who, event = self.pick(self.fallen() or self.written)
        return self.able(who), [event]

    def fallen(self) -> list[tuple[Party, e.Event]]:
        """Return the definitions that count no more, or else the issuances."""
        register, credentials = self.chronicle.gate.register, self.chronicle.gate.credentials
        definitions: list[tuple[Party, e.Event]] = []
        issuances: list[tuple[Party, e.Event]] = []
        for who, event in self.written:
            if isinstance(event, e.AchievementDefined):
                one = register.achievements[event.achievement].definition(1)
                if existing(register, one) is None:
                    definitions.append((who, event))
            elif isinstance(event, e.CredentialIssued):
                issued = credentials.get(event.credential)
                if existing(register, issued) is None:
                    issuances.append((who, event))
        return definitions or issuances
