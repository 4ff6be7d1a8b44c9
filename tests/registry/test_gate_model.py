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

from registry.gate import Limits, Recorded
from testamur.catalogue import events as e
from testamur.errors import Refusal
from testamur.rules.register import dump_register
from testamur.verification.replay import Replayer
from tests.harness.gates import Desk
from tests.harness.stores import DRIVERS, Kept
from tests.harness.story import Party, Story, party, uuid7

Verb = Literal["issue", "suspend", "reinstate", "revoke", "retire"]
NEXT: dict[tuple[str, Verb], str] = {
    ("active", "suspend"): "suspended",
    ("suspended", "reinstate"): "active",
    ("active", "revoke"): "revoked",
    ("suspended", "revoke"): "revoked",
}


class Act(NamedTuple):
    """One event: of credential `number`, or the retirement of the second key."""

    verb: Verb
    number: int


class Letter(NamedTuple):
    """One submission: by which provider, with which key, under which jti, saying what."""

    provider: int
    second_key: bool
    jti: int
    acts: tuple[Act, ...]


@dataclass
class Model:
    """What a register is, in thirty lines: no drafts, no groups, no store."""

    size: int
    credentials: dict[int, tuple[int, str]] = field(default_factory=dict)
    retired: set[int] = field(default_factory=set)
    recorded: dict[tuple[int, int], tuple[Letter, int]] = field(default_factory=dict)

    def send(self, letter: Letter) -> tuple[str, int]:
        """Return ("recorded" or "repeated", position), or (rule broken, line)."""
        known = self.recorded.get((letter.provider, letter.jti))
        if known is not None:
            return ("repeated", known[1]) if known[0] == letter else ("jti-conflict", 1)
        if letter.second_key and letter.provider in self.retired:
            return "key-inactive", 1
        before = dict(self.credentials), set(self.retired)
        for line, act in enumerate(letter.acts, start=2):
            broken = self._do(letter.provider, act)
            if broken:
                self.credentials, self.retired = before
                return broken, line
        position = self.size
        self.recorded[letter.provider, letter.jti] = (letter, position)
        self.size += 1 + len(letter.acts)
        return "recorded", position

    def _do(self, provider: int, act: Act) -> str | None:
        if act.verb == "retire":
            if provider in self.retired:
                return "transition"
            self.retired.add(provider)
            return None
        known = self.credentials.get(act.number)
        if act.verb == "issue":
            self.credentials.setdefault(act.number, (provider, "active"))
            return "already-issued" if known else None
        if known is None:
            return "unknown-credential"
        if known[0] != provider:
            return "credential-of-another"
        after = NEXT.get((known[1], act.verb))
        self.credentials[act.number] = (provider, after or known[1])
        return None if after else "transition"


ACTS = st.builds(
    Act,
    st.sampled_from(["issue", "issue", "issue", "suspend", "reinstate", "revoke", "retire"]),
    st.integers(0, 7),
)
LETTERS = st.builds(
    Letter,
    st.integers(0, 1),
    st.booleans(),
    st.integers(0, 15),
    st.lists(ACTS, min_size=1, max_size=4).map(tuple),
)
GROUPS = st.lists(st.lists(LETTERS, min_size=1, max_size=5), min_size=1, max_size=6)


class Correspondence:
    """Writes letters as submissions of two providers, each with two keys."""

    def __init__(self) -> None:
        self.story = Story()
        self.providers = [self.story.provider, party("another provider")]
        self.achievements = [self.story.achievement, uuid7(self.story.milliseconds, 90)]

    def opening(self) -> Iterator[bytes]:
        """Return what must be recorded before the letters."""
        story, (one, other) = self.story, self.providers
        yield from story.opening()
        yield story.submission(
            story.accreditor, story.registered(story.accreditor, other, "provider")
        )
        yield story.submission(other, story.defined(self.achievements[1]))
        for who in (one, other):
            yield story.submission(who, story.key_added(who, self.second(who)))

    def second(self, who: Party) -> Party:
        """Return the organization with its second key."""
        return who.with_key("second")

    def write(self, letter: Letter) -> bytes:
        """Return the submission: the same bytes for the same letter."""
        who = self.providers[letter.provider]
        return self.story.submission(
            self.second(who) if letter.second_key else who,
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
                who = self.second(self.providers[provider])
                return e.KeyRetired(key=who.key_id, organization=who.did)

    def credential(self, number: int) -> str:
        """Return the id of a credential."""
        return uuid7(self.story.milliseconds, 2_000 + number)


@contextmanager
def two_gates(correspondence: Correspondence, driver: str) -> Iterator[tuple[Desk, Desk]]:
    """Give two gates on one store, as two processes would have them, with the log open."""
    with TemporaryDirectory() as folder:
        kept = Kept(driver, Path(folder))
        limits = Limits(head_every=7)
        with Desk(kept, correspondence.story, limits=limits) as one:
            for outcome in one.together(*correspondence.opening()):
                assert isinstance(outcome, Recorded), outcome
            with Desk(kept, correspondence.story, limits=limits) as other:
                yield one, other


@pytest.mark.parametrize("driver", DRIVERS)
@given(groups=GROUPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_gate_does_what_the_model_does(driver: str, groups: list[list[Letter]]) -> None:
    correspondence = Correspondence()
    with two_gates(correspondence, driver) as desks:
        model = Model(size=desks[0].committed())
        for number, group in enumerate(groups):
            expected = [model.send(letter) for letter in group]
            outcomes = desks[number % 2].together(*map(correspondence.write, group))
            for letter, outcome, wanted in zip(group, outcomes, expected, strict=True):
                assert_same(letter, outcome, wanted)
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
    if what == "already-issued":
        # The index is asked last: what the rules refuse further down is named instead.
        assert outcome.line is not None
        assert outcome.line >= where
    else:
        assert (outcome.rule, outcome.line) == wanted


def assert_replays(desk: Desk, model: Model, correspondence: Correspondence) -> None:
    """The log that came of it is one that a replayer accepts, and reads as the model does."""
    replayer = Replayer(correspondence.story.log_key.public)
    replayer.feed(*desk.read(0, model.size))
    replayer.settle()
    assert dump_register(replayer.register) == dump_register(desk.register())
    found = {
        credential: (state.issuer, str(state.status))
        for credential, state in replayer.credentials.items()
    }
    assert found == {
        correspondence.credential(number): (correspondence.providers[provider].did, status)
        for number, (provider, status) in model.credentials.items()
    }
