"""Every answer holds as of a size: it is what folding the log up to there, and no further, gives."""

from __future__ import annotations

import random
import re
from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, inspect, select

import testamur.rules
from projections import (
    accreditations,
    achievements,
    breaches,
    credentials,
    organizations,
    submissions,
)
from projections.database import sqlite_engine
from projections.evidence import evidence_positions
from projections.flags import FLAGS, mask, names
from projections.follower import Follower
from projections.page import MAX_PAGE, Page
from projections.position import reached
from projections.register import known_at
from projections.tables import METADATA, uuid_bytes, uuid_text
from testamur import events as e
from testamur.errors import Refusal, Unavailable
from testamur.evidence import build_evidence
from testamur.lifecycle import CredentialStatus
from testamur.merkle import leaf_hashes
from testamur.replay import Cohort, Replayer
from testamur.rules import CredentialState, Register, admit_events, admit_genesis, admit_header
from testamur.rules.register import dump_register
from testamur.submission import parse
from tests.published_log import PublishedLog
from tests.story import Party, Story, party

# --- A log that only holds what the rules admit ---


@dataclass
class Chronicle:
    """A story being told: what is offered is judged, and only what is admitted is on the log."""

    log: PublishedLog
    story: Story
    register: Register = field(default_factory=Register)
    credentials: dict[str, CredentialState] = field(default_factory=dict)

    @classmethod
    def opened(cls, root: Path) -> Chronicle:
        story = Story()
        told = cls(PublishedLog(root, story), story)
        body = story.genesis()
        submission = parse(body)
        told.log.append(body)
        admit_genesis(
            told.register, submission.header, submission.events, story.milliseconds,
            story.log_key.public,
        )  # fmt: skip
        return told

    def open_rest(self) -> None:
        """Let the accreditor, the provider and the achievement in."""
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

    def told(self) -> Connection:
        """Publish, fold into fresh tables in memory of this process, and return a connection."""
        self.log.publish()
        engine = sqlite_engine(self.log.root.parent / f"{self.log.size}.db")
        follower = Follower(engine, self.log.reader())
        assert follower.catch_up() == len(self.log.entries)
        return engine.connect()


@pytest.fixture
def told(tmp_path: Path) -> Chronicle:
    chronicle = Chronicle.opened(tmp_path / "log")
    chronicle.open_rest()
    return chronicle


def all_pages(turn: Callable[[Any, int], Page[Any]], start: int, limit: int) -> list[Any]:
    """Return the items of every page of a list, turned by its cursors."""
    found: list[Any] = []
    after: int | None = start
    while after is not None:
        page = turn(after, limit)
        found += page.items
        after = page.next
    return found


# --- A wild story ---


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
        roles = self.pick([["provider"], ["provider", "endorser"], ["accreditor"], ["authority"]])
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
        scope = self.pick([None, e.Scope(languages=("nl",)), e.Scope(fields=("08",))])
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
        bare = e.Definition(name="Bare", achievement_type="Badge")
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
        return self.pick([who, self.pick(self.parties)]), [closed] if close else updated


def _replaced(event: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(event, **changes)


# --- The naive fold to compare with ---


@dataclass
class Naive:
    """The log's entries fed one by one, with everything remembered."""

    replayer: Replayer
    cohorts: list[Cohort] = field(default_factory=list)

    @classmethod
    def of(cls, log: PublishedLog) -> Iterator[Naive]:
        """Yield the fold of every prefix of the log, from no entries to all of them."""
        naive = cls(Replayer(log.log_key))
        yield naive
        for entry in log.entries:
            naive.cohorts += naive.replayer.feed([entry], leaf_hashes([entry]))
            yield naive

    @property
    def size(self) -> int:
        return self.replayer.register.size

    def located(self) -> Iterator[tuple[int, Cohort, Any, Any]]:
        for cohort in self.cohorts:
            for number, (event, admitted) in enumerate(
                zip(cohort.events, cohort.admitted, strict=True), start=1
            ):
                yield cohort.position + number, cohort, event, admitted


def check_credentials(connection: Connection, naive: Naive, ever: set[str]) -> None:
    size = naive.size
    streams: dict[str, list[tuple[int, int, int, str, tuple[str, ...]]]] = defaultdict(list)
    by_provider: dict[str, list[str]] = defaultdict(list)
    by_achievement: dict[str, list[str]] = defaultdict(list)
    for position, cohort, event, admitted in naive.located():
        if isinstance(event, e.CredentialIssued | e.CredentialStatusEvent):
            streams[event.credential].append(
                (position, cohort.position, admitted.version, e.wire_name(event), admitted.flags)
            )
        if isinstance(event, e.CredentialIssued):
            by_provider[cohort.header.payload.iss].append(event.credential)
            by_achievement[event.achievement].append(event.credential)
    for credential in ever:
        found = credentials.status(connection, credential, size)
        expected = naive.replayer.credentials.get(credential)
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert (expected.issuer, expected.status, expected.version) == (
                found.issuer,
                found.status,
                found.version,
            )
            assert found.size == size
        events = all_pages(
            lambda after, limit, one=credential: credentials.history(  # type: ignore[misc]
                connection, one, size, after=after, limit=limit
            ),
            0,
            2,
        )
        told = [(x.position, x.submission, x.version, x.event, x.flags) for x in events]
        assert streams.get(credential, []) == told
    for provider, issued in by_provider.items():
        listed = all_pages(
            lambda after, limit, did=provider: credentials.credentials_of(  # type: ignore[misc]
                connection, did, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert issued == [item.credential for item in listed]
        flagged = all_pages(
            lambda after, limit, did=provider: credentials.credentials_of(  # type: ignore[misc]
                connection, did, size, flagged=True, after=after, limit=limit
            ),
            0,
            3,
        )
        assert [item.credential for item in listed if item.flags] == [
            item.credential for item in flagged
        ]
    for achievement, issued in by_achievement.items():
        listed = all_pages(
            lambda after, limit, one=achievement: credentials.credentials_for(  # type: ignore[misc]
                connection, one, size, after=after, limit=limit
            ),
            0,
            3,
        )
        assert issued == [item.credential for item in listed]
        assert len(issued) == credentials.issued_for(connection, achievement, size)


def check_policy(connection: Connection, naive: Naive) -> None:
    size, register = naive.size, naive.replayer.register
    assert dump_register(register) == dump_register(known_at(connection, size).register)
    for did, organization in register.organizations.items():
        found = organizations.organization_at(connection, did, size)
        assert found is not None
        assert organization == found.organization
        for key in organization.keys:
            assert key == organizations.key_at(connection, did, key.id, size)
    for accreditation in register.accreditations.values():
        granted = accreditations.accreditation_at(connection, accreditation.id, size)
        assert granted is not None
        assert accreditation == granted.accreditation
    for recognition in register.recognitions.values():
        recognised = accreditations.recognition_at(connection, recognition.id, size)
        assert recognised is not None
        assert recognition == recognised.recognition
    for achievement in register.achievements.values():
        defined = achievements.achievement_at(connection, achievement.id, size)
        assert defined is not None
        assert (achievement.provider, achievement.status) == (defined.provider, defined.status)
        assert achievement.definitions[-1] == defined.definition
        assert len(achievement.definitions) == defined.revision
        revisions = range(1, len(achievement.definitions) + 2)
        assert [*achievement.definitions, None] == [
            achievements.definition_at(connection, achievement.id, revision, size)
            for revision in revisions
        ]


def check_submissions(connection: Connection, naive: Naive) -> None:
    size = naive.size
    for cohort in naive.cohorts:
        found = submissions.submission_at(connection, cohort.position, size)
        assert found is not None
        flags = {flag for admitted in cohort.admitted for flag in admitted.flags}
        assert (cohort.recorded_at, cohort.header.payload.iss, flags) == (
            found.recorded_at,
            found.issuer,
            set(found.flags),
        )
        told = all_pages(
            lambda after, limit, one=cohort.position: breaches.breaches(  # type: ignore[misc]
                connection, one, size, after=after, limit=limit
            ),
            0,
            2,
        )
        breached = [
            (position, set(admitted.flags))
            for position, of, _, admitted in naive.located()
            if of is cohort and admitted.flags
        ]
        assert breached == [(breach.position, set(breach.flags)) for breach in told]
        for position in range(cohort.position, cohort.position + 1 + len(cohort.events)):
            assert cohort.position == submissions.header_position(connection, position)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_an_answer_as_of_any_size_is_the_fold_of_that_prefix(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Status, history, lists, flags, keys and register, at every size of a wild story."""
    told = Chronicle.opened(tmp_path_factory.mktemp("wild") / "log")
    told.open_rest()
    wild = Wild(told, seed)
    wild.go(60)
    with told.told() as connection:
        ever = set(wild.issued)
        ends = []
        for length, naive in enumerate(Naive.of(told.log)):
            assert naive.size == submissions.as_of(connection, size=length)
            if naive.size == length:
                ends.append(naive.size)
                check_policy(connection, naive)
                # Twice as often would take twice as long and show nothing more.
                if len(ends) % 4 == 0 or length == len(told.log.entries):
                    check_credentials(connection, naive, ever)
                    check_submissions(connection, naive)
