"""The gate against a simple model: both agree, for any submissions in any groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.gate import Recorded
from testamur.catalogue import events as e
from testamur.catalogue.table import Kind
from testamur.errors import Refusal
from testamur.rules.status import status
from testamur.verification.replay import Replayer
from tests.harness.gates import Desk
from tests.harness.stores import MARKED, Kept
from tests.harness.story import Party, Story, party, uuid7

Verb = Literal["issue", "suspend", "reinstate", "revoke", "retire", "cut off"]
Signer = Literal["first", "second", "founding"]
SET: dict[Verb, str] = {"suspend": "suspended", "reinstate": "active", "revoke": "revoked"}
CAP = 8  # status events of a key on a thing


class Act(NamedTuple):
    """One event: of credential `number`, or of the second key, from position `number` on."""

    verb: Verb
    number: int


class Letter(NamedTuple):
    """One submission: by which provider, with which key, under which jti, saying what."""

    provider: int
    signer: Signer
    jti: int
    acts: tuple[Act, ...]


class Spoken(NamedTuple):
    """An act about a credential that was recorded, counting or not."""

    act: Act
    provider: int
    signer: Signer
    position: int
    """That of the header."""


@dataclass
class Model:
    """What a register is, in a hundred lines: no drafts, no groups, no store, nothing folded.

    All that is kept is what was said, and what the founding keys said of the second keys.
    """

    size: int
    first: int
    """The position that positions in acts are counted from."""
    spoken: list[Spoken] = field(default_factory=list)
    retired: set[int] = field(default_factory=set)
    cut: dict[int, int] = field(default_factory=dict)
    recorded: dict[tuple[int, int], tuple[Letter, int]] = field(default_factory=dict)

    def send(self, letter: Letter) -> tuple[str, int]:
        """Return ("recorded" or "repeated", position), or (rule broken, line)."""
        known = self.recorded.get((letter.provider, letter.jti))
        if known is not None:
            return ("repeated", known[1]) if known[0] == letter else ("jti-conflict", 1)
        ended = letter.provider in self.retired or letter.provider in self.cut
        if letter.signer == "second" and ended:
            return "key-inactive", 1
        before = list(self.spoken), set(self.retired), dict(self.cut)
        for line, act in enumerate(letter.acts, start=2):
            broken = self._do(Spoken(act, letter.provider, letter.signer, self.size), line)
            if broken:
                self.spoken, self.retired, self.cut = before
                return broken, line
        position = self.size
        self.recorded[letter.provider, letter.jti] = (letter, position)
        self.size += 1 + len(letter.acts)
        return "recorded", position

    def counts(self, provider: int, signer: Signer, position: int) -> bool:
        """Return whether a submission that was recorded counts."""
        cut = self.cut.get(provider)
        return signer != "second" or cut is None or position < cut

    def status(self, number: int) -> str | None:
        """Return the status of a credential, or None if nothing that counts issued it."""
        found: str | None = None
        ended = False
        for said in self._counting(number):
            if said.act.verb == "issue":
                found = "revoked" if ended else found or "active"
            else:
                ended = ended or said.act.verb == "revoke"
                found = found and ("revoked" if ended else SET[said.act.verb])
        return found

    def owner(self, number: int) -> int | None:
        """Return the provider that wrote the id first, whether that counts or not."""
        return next((said.provider for said in self.spoken if said.act.number == number), None)

    def _counting(self, number: int) -> Iterator[Spoken]:
        for said in self.spoken:
            if said.act.number == number and self.counts(said.provider, *said[2:]):
                yield said

    def _do(self, said: Spoken, line: int) -> str | None:
        provider, number = said.provider, said.act.number
        if said.act.verb == "retire":
            self.retired.add(provider)
            return None
        if said.act.verb == "cut off":
            if self.first + number > said.position + line - 1:
                return "compromise-position"
            self.cut[provider] = self.first + number
            return None
        broken = self._about_credential(said)
        if broken is None:
            self.spoken.append(said)
        return broken

    def _about_credential(self, said: Spoken) -> str | None:
        number, verb = said.act.number, said.act.verb
        owner, status = self.owner(number), self.status(number)
        if verb == "issue":
            if owner not in (None, said.provider) or status is not None:
                return "already-issued"
            ended = any(each.act.verb == "revoke" for each in self._counting(number))
            return "ended-by-owner" if ended else None
        if owner is None or status is None:
            return "unknown-credential"
        if owner != said.provider:
            return "credential-of-another"
        if status == "revoked" and verb != "revoke":
            return "transition"
        spent = sum(
            each.act.number == number and each.signer == said.signer and each.act.verb != "issue"
            for each in self.spoken
        )
        return "status-event-count" if spent >= CAP else None


ACTS = st.builds(
    Act,
    st.sampled_from(["issue", "issue", "issue", "suspend", "reinstate", "revoke"]),
    st.integers(0, 5),
)
KEY_ACTS = st.one_of(
    st.builds(Act, st.just("retire"), st.just(0)),
    *[st.builds(Act, st.just("cut off"), st.integers(0, 30))] * 4,
)
SIGNERS: list[Signer] = ["first", "second", "second"]
LETTERS = st.one_of(
    *[
        st.builds(
            Letter,
            st.integers(0, 1),
            st.sampled_from(SIGNERS),
            st.integers(0, 30),
            st.lists(ACTS, min_size=1, max_size=4).map(tuple),
        )
    ]
    * 4,
    st.builds(
        Letter,
        st.integers(0, 1),
        st.just("founding"),
        st.integers(0, 30),
        st.lists(KEY_ACTS, min_size=1, max_size=2).map(tuple),
    ),
)
GROUPS = st.lists(st.lists(LETTERS, min_size=1, max_size=6), min_size=1, max_size=7)


class Correspondence:
    """Writes letters as submissions of two providers, each with two keys."""

    def __init__(self) -> None:
        self.story = Story()
        self.providers = [self.story.provider, party("another provider")]
        self.achievements = [self.story.achievement, uuid7(self.story.milliseconds, 90)]
        self.first = 0

    def opening(self) -> Iterator[bytes]:
        """Return what must be recorded before the letters."""
        story, (one, other) = self.story, self.providers
        yield from story.opening()
        yield story.submission(
            story.accreditor, story.registered(story.accreditor, other, "provider")
        )
        yield story.submission(other, story.defined(self.achievements[1]))
        for who in (one, other):
            yield story.submission(who.founding, story.key_listed(self.second(who)))

    def second(self, who: Party) -> Party:
        """Return the organization with its second key."""
        return who.with_key("second")

    def write(self, letter: Letter) -> bytes:
        """Return the submission: the same bytes for the same letter."""
        who = self.providers[letter.provider]
        signers = {"first": who, "second": self.second(who), "founding": who.founding}
        return self.story.submission(
            signers[letter.signer],
            *(self.event(letter.provider, act) for act in letter.acts),
            jti=uuid7(self.story.milliseconds, 1_000 + letter.jti),
        )

    def event(self, provider: int, act: Act) -> e.Event:
        """Return the event of an act."""
        credential = self.credential(act.number)
        match act.verb:
            case "issue":
                return self.story.issued(
                    credential, achievement=self.achievements[provider], accredited=provider == 0
                )
            case "suspend":
                return e.CredentialSuspended(credential=credential, reason="administrative")
            case "reinstate":
                return e.CredentialReinstated(credential=credential)
            case "revoke":
                return e.CredentialRevoked(credential=credential, reason="administrative")
            case "retire":
                return self.story.key_retired(self.second(self.providers[provider]))
            case "cut off":
                second = self.second(self.providers[provider])
                return self.story.key_compromised(second, self.first + act.number)

    def credential(self, number: int) -> str:
        """Return the id of a credential."""
        return uuid7(self.story.milliseconds, 2_000 + number)


@contextmanager
def two_gates(correspondence: Correspondence, driver: str) -> Iterator[tuple[Desk, Desk]]:
    """Give two gates on one store, as two processes would have them, with the log open."""
    with TemporaryDirectory() as folder:
        kept = Kept(driver, Path(folder))
        with Desk(kept, correspondence.story) as one:
            for outcome in one.together(*correspondence.opening()):
                assert isinstance(outcome, Recorded), outcome
            with Desk(kept, correspondence.story) as other:
                yield one, other


@pytest.mark.slow
@pytest.mark.parametrize("driver", MARKED)
@given(groups=GROUPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_gate_does_what_the_model_does(driver: str, groups: list[list[Letter]]) -> None:
    correspondence = Correspondence()
    with two_gates(correspondence, driver) as desks:
        correspondence.first = desks[0].committed()
        model = Model(size=correspondence.first, first=correspondence.first)
        for number, group in enumerate(groups):
            expected = [model.send(letter) for letter in group]
            outcomes = desks[number % 2].together(*map(correspondence.write, group))
            for letter, outcome, wanted in zip(group, outcomes, expected, strict=True):
                assert_same(letter, outcome, wanted)
        for letter, position in model.recorded.values():
            again = desks[1].record(correspondence.write(letter))
            assert (again.position, again.repeated) == (position, True)
            assert again.counts == model.counts(letter.provider, letter.signer, position)
        assert desks[0].committed() == model.size
        desks[1].examine()
        assert_replays(desks[0], model, correspondence)


def assert_same(letter: Letter, outcome: object, wanted: tuple[str, int]) -> None:
    what, where = wanted
    if isinstance(outcome, Recorded):
        assert ("repeated" if outcome.repeated else "recorded", outcome.position) == wanted
        assert outcome.events == len(letter.acts)
        return
    assert isinstance(outcome, Refusal), outcome
    assert what not in ("recorded", "repeated"), outcome
    if what in ("already-issued", "ended-by-owner"):
        # The index is asked last: what the rules refuse further down is named instead.
        assert outcome.line is not None
        assert outcome.line >= where
    else:
        assert (outcome.rule, outcome.line) == wanted


def assert_replays(desk: Desk, model: Model, correspondence: Correspondence) -> None:
    """The log that came of it is one that a replayer accepts, and reads as the model does."""
    replayer = Replayer(
        correspondence.story.log_key.public,
        entries_at=lambda start, end: desk.read(start, end - start)[0],
    )
    replayer.feed(*desk.read(0, model.size))
    replayer.settle()
    assert replayer.register == desk.register()
    for number in range(6):
        known = replayer.credentials.get(correspondence.credential(number))
        found = status(replayer.register, Kind.CREDENTIAL, known)
        assert (found and str(found)) == model.status(number)
