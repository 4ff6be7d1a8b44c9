"""A story played through the rules alone: admission, and what counts, with nothing stored.

Every submission is signed, parsed and judged as the gate does it. After each, all that the rules
say is compared with the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import astuple

from testamur.catalogue import events as e
from testamur.catalogue.submission import parse
from testamur.errors import Refusal
from testamur.rules.admission import admit_events, admit_genesis, admit_header
from testamur.rules.flags import Flag
from testamur.rules.reach import Counts, Reach, Sums, reach, sums_of
from testamur.rules.register import Credential, Register
from testamur.rules.said import Signed
from testamur.rules.spending import LIMITS, Limits
from tests.trust_model import reach as model_reach
from tests.trust_model import story
from tests.trust_model.cast import ANCHORS
from tests.trust_model.events import KeyCompromised
from tests.trust_model.gate import ADMITTED
from tests.trust_model.submissions import LOG, Log
from tests.trust_model.world import evaluate
from tests.trust_stories.naming import key_of, milliseconds_of
from tests.trust_stories.read_side import Said, differences
from tests.trust_stories.rendering import Unsayable, genesis, submission
from tests.trust_stories.rule_names import is_called, limits_of

_ABOVE_ALL: Final = 2**62
"""A position above all headers."""


class Written(dict[str, Credential]):
    """The credentials beside a register, and the lines that first wrote their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, e.CredentialIssued] = {}

    def issuance(self, credential: str, /) -> e.CredentialIssued:
        """Return the line that first wrote the id."""
        return self.lines[credential]

    def copied(self) -> Written:
        """Return credentials of the same state, whose changes are their own."""
        copy = Written()
        copy.update(self)
        copy.lines = dict(self.lines)
        return copy


class AddedUp(list[tuple[Signed, Sums]]):
    """Every submission and its sums, added up anew for each question."""

    def totals(self, organization: str, key: str, positions: Sequence[int]) -> Sequence[Counts]:
        """Return, for each position, the sums over the key's submissions below it."""
        return [
            sum(
                (
                    sums
                    for signed, sums in self
                    if (signed.organization, signed.key) == (organization, key)
                    and signed.position < position
                ),
                Sums(),
            ).counts
            for position in positions
        ]

    def first_recorded(self, recorded_at: int) -> int:
        """Return the position of the first header recorded then or later."""
        later = (signed.position for signed, _ in self if signed.recorded_at >= recorded_at)
        return next(later, _ABOVE_ALL)


@dataclass
class RulesGate:
    """The rules as a gate: a register, credentials, and all that was admitted, by position."""

    limits: Limits = LIMITS
    register: Register = field(default_factory=Register)
    credentials: Written = field(default_factory=Written)
    entries: list[e.Event | None] = field(default_factory=list)
    totals: AddedUp = field(default_factory=AddedUp)
    reached: Reach | None = None
    """How far the last submission of key events reached back."""
    flagged: bool = False
    """Whether one of its events was flagged for that."""

    def offer(self, body: bytes, recorded_at: int) -> None:
        """Admit a submission file, recorded at a Unix time in ms; raises `Refusal`."""
        parsed = parse(body)
        header, events = parsed.header, parsed.events
        register, credentials = self.register.draft(), self.credentials.copied()
        if not self.entries:
            log_key = key_of(LOG).public
            header.verify_signature(log_key)
            admit_genesis(register, header, events, recorded_at, log_key)
        else:
            signed = admit_header(register, header, recorded_at)
            header.verify_signature(header.key())
            admitted = admit_events(
                register,
                credentials,
                signed,
                events,
                event_at=self._event_at,
                limits=self.limits,
                totals=self.totals,
            )
            self.flagged = any(Flag.REACHES_BACK in each.flags for each in admitted)
            self.reached = self._reach(register, signed)
            self.totals.append((signed, sums_of(signed.organization, events)))
        for event in events:
            if isinstance(event, e.CredentialIssued):
                credentials.lines.setdefault(event.credential, event)
        self.register.absorb(register)
        self.credentials = credentials
        self.entries += [None, *events]

    def _reach(self, after: Register, signed: Signed) -> Reach:
        did = signed.organization
        before, now = self.register.organizations[did].keys, after.organizations[did].keys
        return reach(self.totals, did, before, now, signed.position)

    def _event_at(self, position: int) -> e.Event:
        event = self.entries[position]
        assert event is not None
        return event


def answer_of(gate: RulesGate, step: story.Step, now: int, label: str) -> str:
    """Return what the rules answer to an attempt at a time of the story."""
    try:
        body = submission(step.organization, step.key, now, step.events, label=label)
        gate.offer(body, milliseconds_of(now))
    except Unsayable:
        return "event-schema"
    except Refusal as refusal:
        return refusal.rule
    return ADMITTED


def compare(told: story.Register) -> list[str]:
    """Play a story that was told through the rules; return where they first differ."""
    gate = RulesGate(limits_of(told.settings))
    gate.offer(genesis(told.authorities), milliseconds_of(0))
    return next((found for found in _steps(told, gate) if found), [])


def _steps(told: story.Register, gate: RulesGate) -> Iterator[list[str]]:
    now, admitted = 0, 1
    counting = evaluate(told.log[:admitted], None, told.settings).counting
    for number, step in enumerate(told.steps):
        now += step.after
        answer = answer_of(gate, step, now, str(number))
        if (answer == ADMITTED) != (step.answer == ADMITTED):
            yield [f"admission: {answer} in the rules, {step.answer}, of {step}"]
            return
        if answer != ADMITTED:
            if not is_called(step.answer, answer):
                yield [f"rule: {answer} in the rules, {step.answer}, of {step}"]
            continue
        admitted += 1
        log = told.log[:admitted]
        world = evaluate(log, None, told.settings)
        found = differences(world, Said(gate.register, gate.credentials), ANCHORS)
        there = model_reach.between(log[:-1], counting, world.counting)
        counting = world.counting
        yield [*found, *_reach(there, log, gate)]


def _reach(there: model_reach.Reach, log: Log, gate: RulesGate) -> Iterator[str]:
    """Compare how far the last submission reaches back."""
    here = gate.reached
    assert here is not None
    found = [astuple(each) for each in (here.fallen, here.returned)]
    if found != [dataclasses.astuple(each) for each in (there.fallen, there.returned)]:
        yield f"reach: {here} in the rules, {there}, of {log[-1]}"
    declares = any(isinstance(event, KeyCompromised) for event in log[-1].events)
    if gate.flagged != (there.flagged and declares):
        yield f"reach: {gate.flagged} is the flag in the rules, {there}, of {log[-1]}"
