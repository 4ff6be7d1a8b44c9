"""A random story from a seed: honest work, thefts, harm, and the owners' recovery.

Every theft of a story is declared, with the founding key, within 90 days of log time, with the
true position and with the owner's own submissions as `kept`; or the owner gives these up and
writes the same lines anew. In a `late` story thefts are found after 100 days, and founding keys are
stolen too: there only what counting itself promises can hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.trust_model import adversaries, honest
from tests.trust_model.adversaries import Theft
from tests.trust_model.events import Created, Event, Issued, KeyCompromised, created_id
from tests.trust_model.gate import ADMITTED
from tests.trust_model.honest import Tale
from tests.trust_model.settings import SMALL, Settings
from tests.trust_model.status import ended_by_owner
from tests.trust_model.story import Register
from tests.trust_model.submissions import DAY, Submission
from tests.trust_model.world import CREATING, World


@dataclass(frozen=True, slots=True)
class Told:
    """A story that was told: its register, and what the owners gave up."""

    register: Register
    given_up: frozenset[int] = frozenset()
    complaints: tuple[str, ...] = ()
    """What an honest owner should have been admitted to do, and was not."""


@dataclass(slots=True)
class _Teller:
    tale: Tale
    late: bool = False
    thefts: list[Theft] = field(default_factory=list)
    given_up: set[int] = field(default_factory=set)

    def round(self, steps: int) -> None:
        """Let everybody act for a while; then let the owners find the thefts."""
        random = self.tale.random
        self.tale.pause = 0
        for _ in range(random.choice((1, 1, 2, 3))):
            adversaries.steal(self.tale, self.thefts, founding=self.late)
        began = self.tale.register.now
        for _ in range(steps):
            if self.tale.register.now - began > 40 * DAY:
                break
            self.one()
        self.recover()

    def one(self) -> None:
        """Let somebody act."""
        random = self.tale.random
        what = random.random()
        if what < 0.5 and self.thefts:
            adversaries.act(self.tale, random.choice(self.thefts))
        elif what < 0.8:
            honest.act(self.tale)
        elif what < 0.95:
            adversaries.meddle(self.tale)
        else:
            honest.inherit(self.tale)

    def recover(self) -> None:
        """Let each robbed owner declare the theft, list a new key, and mend what fell."""
        self.tale.pause = 0
        if self.late:
            self.tale.pause = 100
            adversaries.squat(self.tale)
            for _ in range(3):
                self.one()
        for theft in self.thefts:
            if theft.key == theft.organization:
                continue  # nobody outranks a founding key
            own = [
                submission
                for submission in self.tale.register.log
                if submission.key == theft.key
                and submission.by == "owner"
                and submission.position >= theft.since
            ]
            self._declare(theft, own)
            if self.late:
                self._reconsider(theft)
        self.thefts.clear()

    def _reconsider(self, theft: Theft) -> None:
        """Restate the declaration after a while, which may be too late."""
        who, random = theft.organization, self.tale.random
        self.tale.pause = random.choice((50, 100))
        since = random.randrange(1, self.tale.register.size)
        self.tale.attempt(who, who, KeyCompromised(theft.key, since))

    def _declare(self, theft: Theft, own: list[Submission]) -> None:
        who = theft.organization
        random = self.tale.random
        created = all(isinstance(event, CREATING) for s in own for event in s.events)
        anew = created and bool(own) and who not in self.tale.closed and random.random() < 0.5
        kept = () if anew else self._kept(theft, own)
        if random.random() < 0.2:
            mistyped = KeyCompromised(theft.key, random.randrange(1, theft.since))
            self._must(who, who, mistyped)
            for _ in range(random.randrange(3)):
                adversaries.squat(self.tale)
        self._must(who, who, KeyCompromised(theft.key, theft.since, kept))
        ring = self.tale.rings[who]
        ring[:] = [key for key in ring if key not in theft.held]
        if who in self.tale.closed:
            return
        fresh = f"{who}/{self.tale.id('n')}"
        answer = honest.list_key(self.tale.register, who, fresh)
        if answer != ADMITTED:
            self.tale.complaints.append(f"{who} cannot list a key: {answer}")
        ring.append(fresh)
        keys = self.tale.register.world.keys[who]
        ring[:] = [name for name in ring if name in keys and keys[name].retired is None]
        if anew:
            self._write_anew(who, fresh, own)

    def _kept(self, theft: Theft, own: list[Submission]) -> tuple[tuple[int, int], ...]:
        """Return ranges that hold the owner's submissions, and no other by the same key.

        Now and then each has a range of its own; else a range reaches as far as it can.
        """
        if self.tale.random.random() < 0.3:
            return tuple((s.position, s.position) for s in own)
        kept: list[tuple[int, int]] = []
        reaches = False
        for submission in self.tale.register.log:
            if submission.key != theft.key or submission.position < theft.since:
                continue
            if submission not in own:
                reaches = False
                continue
            first = kept.pop()[0] if reaches else submission.position
            kept.append((first, submission.position))
            reaches = True
        return tuple(kept)

    def _write_anew(self, who: str, key: str, own: list[Submission]) -> None:
        """Write the lines again that fell, but for those that the owner ended since."""
        world = self.tale.register.world
        for submission in own:
            self.given_up.add(submission.position)
            lines = [
                event
                for event in submission.events
                if isinstance(event, CREATING) and not _ended(world, event)
            ]
            if lines:
                adversaries.squat(self.tale)
                self._must(who, key, *lines)

    def _must(self, who: str, key: str, *events: Event) -> None:
        answer = self.tale.register.attempt(who, key, *events)
        if answer != ADMITTED:
            self.tale.complaints.append(f"{who} with {key}: {answer} for {events}")


def _ended(world: World, event: Created) -> bool:
    """Return whether its owner ended what the line makes, or what it rests on and is no more."""
    if isinstance(event, Issued) and event.accreditation is not None:
        accreditation = event.accreditation
        gone = world.thing("accreditation", accreditation) is None
        if gone and ended_by_owner(world, "accreditation", accreditation):
            return True
    return ended_by_owner(world, *created_id(event)[:2])


def tell(
    seed: int,
    settings: Settings = SMALL,
    *,
    plain: bool = False,
    late: bool = False,
    steps: int = 40,
) -> Told:
    """Return the story of a seed: always the same one."""
    random = Random(seed)
    tale = honest.beginning(random, settings, plain=plain)
    teller = _Teller(tale, late)
    if random.random() < 0.25:
        honest.go_far(tale)
    for _ in range(random.randrange(3, 10)):
        honest.act(tale)
    for _ in range(random.choice((1, 1, 2))):
        teller.round(random.randrange(8, steps))
        if random.random() < 0.3:
            tale.pause = 100
            adversaries.meddle(tale)
        for _ in range(random.randrange(6)):
            random.choice((honest.act, adversaries.meddle))(tale)
    return Told(tale.register, frozenset(teller.given_up), tuple(tale.complaints))
