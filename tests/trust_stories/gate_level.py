"""A story played through the gate: bytes in, a store that is durable, and what is read from it.

Attempts that follow each other without a pause are decided in one group, as submissions that wait
together are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from registry import credential_streams
from registry.outcomes import Recorded
from testamur.errors import Refusal
from testamur.rules import Flag
from tests.harness.gates import Desk
from tests.harness.stores import Kept
from tests.harness.story import Story
from tests.trust_model import story
from tests.trust_model.cast import ANCHORS
from tests.trust_model.events import KeyCompromised
from tests.trust_model.gate import ADMITTED
from tests.trust_model.reach import reach
from tests.trust_model.submissions import LOG
from tests.trust_model.world import World, evaluate
from tests.trust_stories.naming import ORIGIN, id_of, key_of, milliseconds_of
from tests.trust_stories.read_side import Said, differences, signed_of
from tests.trust_stories.rendering import Commit, Unsayable, genesis, submission, unopened
from tests.trust_stories.rule_names import is_called, limits_of

Attempt = tuple[int, story.Step, str]
"""The time of the story, what is attempted, and the label of its `jti`."""


class StoredLog:
    """A gate over a store in `folder`, to which the story of `told` is submitted."""

    def __init__(self, folder: Path, told: story.Register, commit: Commit = unopened) -> None:
        self.told = told
        self.admitted = 1
        self._commit = commit
        self._now = 0
        self._receipts_seen: dict[int, bool] = {}
        self.log = Story(origin=ORIGIN)
        self.log.log_key = key_of(LOG)
        folder.mkdir(parents=True, exist_ok=True)
        self.desk = Desk(
            Kept("sqlite", folder),
            self.log,
            clock=lambda: milliseconds_of(self._now),
            caps=limits_of(told.settings),
        )
        self.desk.gate.open_log(genesis(told.authorities))

    def play(self, *, thoroughly: bool = True) -> Iterator[list[str]]:
        """Submit the story, group by group; yield what differs from the model after each.

        The answers are compared in any case; `thoroughly`, all that the store then says as well:
        after each group the receipts that are new or ought to have changed, and all at the end.
        """
        attempts = groupby(_attempts(self.told), key=itemgetter(0))
        for now, group in attempts:
            self._now = now
            found = [*self._together(list(group))]
            yield found or (self.differences() if thoroughly else [])
            if found:
                return
        if thoroughly:
            self._receipts_seen.clear()
            yield [*self._receipts(self.world())]

    def world(self) -> World:
        """Return what the model says of all that was admitted so far."""
        return evaluate(self.told.log[: self.admitted], None, self.told.settings)

    def differences(self) -> list[str]:
        """Return what the rules say otherwise than the model, of what is in the store."""
        world = self.world()
        ids = [id_of(id_) for kind, id_ in world.writers if kind == "credential"]
        with self.desk.store.reading() as reading:
            credentials = credential_streams.read(reading, ids)
        said = Said(self.desk.register(), credentials)
        return [*differences(world, said, ANCHORS), *self._receipts(world)]

    def close(self) -> None:
        """Close the gate and the store."""
        self.desk.close()

    def _together(self, group: list[Attempt]) -> Iterator[str]:
        bodies: list[bytes] = []
        expected: list[story.Step] = []
        for now, step, label in group:
            made = self._made(now, step, label)
            if isinstance(made, bytes):
                bodies.append(made)
                expected.append(step)
            else:
                yield from _compared(step, made)
        for step, outcome in zip(expected, self.desk.together(*bodies), strict=True):
            if isinstance(outcome, Recorded):
                yield from _compared(step, ADMITTED)
                yield from self._recorded(outcome)
            else:
                assert isinstance(outcome, Refusal), outcome
                yield from _compared(step, outcome.rule)

    def _made(self, now: int, step: story.Step, label: str) -> bytes | str:
        """Return the signed file, or the rule by which it cannot be one."""
        try:
            body = submission(
                step.organization, step.key, now, step.events, label=label, commit=self._commit
            )
            self.desk.gate.check(body)
        except Unsayable:
            return "event-schema"
        except Refusal as refusal:
            return refusal.rule
        return body

    def _recorded(self, recorded: Recorded) -> Iterator[str]:
        """Compare where it was recorded, and whether it was flagged for reaching back."""
        log = self.told.log
        self.admitted += 1
        if self.admitted > len(log):
            return  # the model refused it
        expected = log[self.admitted - 1]
        if recorded.position != expected.position:
            yield f"position: {recorded.position} in the store, {expected.position}"
        declares = any(isinstance(event, KeyCompromised) for event in expected.events)
        flagged = any(code == Flag.REACHES_BACK for _, code in recorded.flags)
        if declares or flagged:
            reaches = reach(log, expected.position, self.told.settings)
            if flagged != reaches.flagged:
                yield f"reach: {recorded.flags} at the gate, {reaches}, of {expected}"

    def _receipts(self, world: World) -> Iterator[str]:
        """Compare what receipts say of counting where it is another thing than when last seen.

        The genesis has none.
        """
        labels = [label for _, step, label in _attempts(self.told) if step.answer == ADMITTED]
        admitted = self.told.log[1 : self.admitted]
        for label, each in zip(labels, admitted, strict=False):
            counts = each.position in world.counting
            if self._receipts_seen.get(each.position) == counts:
                continue
            self._receipts_seen[each.position] = counts
            jti = id_of(f"submission {label}")
            receipt = self.desk.gate.receipt(signed_of(each).organization, jti)
            if receipt is None or (receipt.position, receipt.counts) != (each.position, counts):
                yield f"receipt: of {each} is {receipt}, which counts: {counts}"


def compare(told: story.Register, folder: Path, **options: Any) -> list[str]:
    """Play a story that was told through a gate; return where they first differ."""
    stored = StoredLog(folder, told, **options)
    try:
        return next((found for found in stored.play() if found), [])
    finally:
        stored.close()


def _attempts(told: story.Register) -> Iterator[Attempt]:
    now = 0
    for number, step in enumerate(told.steps):
        now += step.after
        yield now, step, str(number)


def _compared(step: story.Step, answer: str) -> Iterator[str]:
    if (answer == ADMITTED) != (step.answer == ADMITTED):
        yield f"admission: {answer} at the gate, {step.answer}, of {step}"
    elif answer != ADMITTED and not is_called(step.answer, answer, at_the_gate=True):
        yield f"rule: {answer} at the gate, {step.answer}, of {step}"
