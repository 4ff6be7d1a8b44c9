"""The table of keys against two others: the design's text taken word by word, and the shared model.

Random lives of one organization, thieves included, admitted as the gate admits them; after each,
every submission ever signed must count, or not, in all of them alike.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.catalogue.events import KeyEvent, KeyListed, KeyRetired
from testamur.errors import Refusal
from testamur.rules.key_table import SIGNING, KeyDeclared, KeySubmission, KeyWord, ListedKey
from testamur.rules.said import Signed
from tests.harness.key_story import (
    DAY,
    FIRST_RECOVERY,
    FIRST_SIGNING,
    REGISTERED,
    KeyStory,
    declares,
    lists,
    retires,
)

STORIES = int(os.environ.get("TESTAMUR_KEY_STORIES", "150"))
TRUST_MODEL = Path(
    os.environ.get(
        "TESTAMUR_TRUST_MODEL", Path(__file__).resolve().parents[3] / "shared" / "trust-model"
    )
)


class Move(NamedTuple):
    """What somebody does with a key in force: numbers choose among those there are."""

    verb: str
    signer: int
    about: int
    since: int
    kept: frozenset[int]
    days: int


def moves() -> st.SearchStrategy[list[Move]]:
    some = st.integers(0, 11)
    verbs = ["acts"] * 6 + ["declares"] * 5 + ["lists"] * 3 + ["retires", "declares itself"]
    days = st.sampled_from([0] * 12 + [1, 30, 60, 89, 90, 91])
    kept = st.frozensets(st.integers(0, 6), max_size=3)
    move = st.builds(Move, st.sampled_from(verbs), some, some, some, kept, days)
    return st.lists(move, min_size=12, max_size=40)


class Life(NamedTuple):
    story: KeyStory
    signed: list[Signed | KeySubmission]


def played(plan: list[Move]) -> Life:
    story, signed = KeyStory(), list[Signed | KeySubmission]()
    for move in plan:
        story.wait(days=move.days)
        keys = story.table.keys.values()
        may_act = [each for each in keys if each.in_force and each.rank == SIGNING]
        recovery = [each for each in keys if each.in_force and each.rank < SIGNING]
        chosen = may_act if move.verb == "acts" else recovery
        if move.verb == "declares itself":
            chosen = [*may_act, *recovery]
        if not chosen:
            continue
        signer = chosen[move.signer % len(chosen)]
        if move.verb == "acts":
            signed.append(story.acts(signer.key))
        elif event := _event(move, signer, story, signed):
            with suppress(Refusal):  # a declaration may be final
                signed.append(story.says(signer.key, event))
    return Life(story, signed)


def _event(
    move: Move, signer: ListedKey, story: KeyStory, signed: list[Signed | KeySubmission]
) -> KeyEvent | None:
    if move.verb == "lists":
        as_recovery = signer.key == "f" and move.about % 3 > 0
        return lists(f"x{story.size}", "recovery" if as_recovery else "signing")
    if move.verb == "declares itself":
        return retires(signer.key) if move.about % 2 else declares(signer.key)
    below = [each for each in story.table.keys.values() if signer.rank < each.rank]
    if not below:
        return None
    about = below[move.about % len(below)].key
    if move.verb == "retires":
        return retires(about)
    # Since one of the key's last submissions, or since now; of these, some were the owner's.
    lately = [each for each in signed if each.key == about][-move.since - 1 :]
    if not lately:
        return declares(about, story.size - move.since)
    kept = [each for age, each in enumerate(lately) if age in move.kept]
    return declares(about, lately[0].position, *kept)


# --- The text, word by word ---


class Said(NamedTuple):
    position: int
    event: KeyWord
    within: KeySubmission


class ByTheText:
    """As of a size, by the text alone: neither fast nor folded, and without the table's ranks."""

    def __init__(self, life: Life, size: int) -> None:
        self.before = [
            Said(at, event, submission)
            for submission in life.story.table.history
            if submission.end <= size
            for at, event in submission.entries()
        ]
        self.keys = tuple(life.story.table.keys)
        self.order_of_listing = ["f", *FIRST_RECOVERY]
        for said in self.before:
            if isinstance(said.event, KeyListed) and said.event.as_ == "recovery":
                self.order_of_listing.append(said.event.key)
        self.counts = cache(self._counts)

    def _counts(self, key: str, position: int, recorded_at: int) -> bool:
        return (
            self.was_listed(key, position)
            and not self.was_retired(key, position)
            and not any(self.cuts_off(by, key, position, recorded_at) for by in self.keys)
        )

    def was_listed(self, key: str, position: int) -> bool:
        if key in ("f", *FIRST_RECOVERY, *FIRST_SIGNING):
            return position > REGISTERED
        return any(
            said.position < position and isinstance(said.event, KeyListed) and self.holds(said)
            for said in self.before
            if said.event.key == key
        )

    def was_retired(self, key: str, position: int) -> bool:
        return any(
            said.position < position and isinstance(said.event, KeyRetired)
            for said in self.heard(key, position)
        )

    def cuts_off(self, by: str, key: str, position: int, recorded_at: int) -> bool:
        words = [
            (said.event, said.within.recorded_at)
            for said in self.heard(key, position)
            if said.within.key == by and isinstance(said.event, KeyDeclared)
        ]
        if not words or by == key:
            return bool(words)
        _, first = words[0]
        last = [event for event, at in words if at <= first + 90 * DAY][-1]
        assert isinstance(last, KeyDeclared)
        assert last.since is not None
        too_old = recorded_at < first - 90 * DAY
        kept = any(start <= position <= end for start, end in last.kept)
        return position >= last.since and not too_old and not kept

    def heard(self, key: str, position: int) -> list[Said]:
        """What is said of a key by those who may, in submissions that count."""
        return [
            said
            for said in self.before
            if said.event.key == key
            and (
                # What a key says of itself holds from the end of that submission on.
                said.within.end <= position
                if said.within.key == key
                else self.rank(said.within.key) < self.rank(key)
            )
            and self.holds(said)
        ]

    def holds(self, said: Said) -> bool:
        return self.counts(said.within.key, said.within.position, said.within.recorded_at)

    def rank(self, key: str) -> int:
        return (*self.order_of_listing, key).index(key)


@pytest.mark.slow
@settings(max_examples=STORIES, deadline=None)
@given(moves())
def test_what_counts_is_what_the_text_says_word_by_word(plan: list[Move]) -> None:
    life = played(plan)
    sizes = [life.story.size, *(each.end for each in life.story.table.history[-4:])]
    for size in sizes:
        text = ByTheText(life, size)
        for each in life.signed:
            expected = text.counts(each.key, each.position, each.recorded_at)
            assert life.story.counts(each, size) is expected


@pytest.mark.slow
@settings(max_examples=STORIES // 5, deadline=None)
@given(moves())
def test_a_table_that_grew_is_the_table_folded_from_the_start(plan: list[Move]) -> None:
    story, grown = KeyStory(), []
    for submission in played(plan).story.table.history:
        story.table = story.table.plus(submission)
        grown.append(story.table)
    # Earlier tables are folded anew from the last; one more makes the last an earlier one.
    last = story.table.plus(KeySubmission.of(story.now, "nobody", story.now, (retires("f"),)))
    for table in grown:
        assert last.as_of(table.history[-1].end) == table


@pytest.mark.slow
@settings(max_examples=STORIES // 5, deadline=None)
@given(moves())
def test_a_key_in_force_is_one_whose_next_submission_counts(plan: list[Move]) -> None:
    story = played(plan).story
    for key, listed in story.table.keys.items():
        assert listed.in_force is story.table.counts(key, story.size, story.now)
        assert (story.table.why_not(key, story.size, story.now) is None) is listed.in_force


@pytest.mark.slow
@settings(max_examples=STORIES // 5, deadline=None)
@given(moves())
def test_the_founding_key_has_the_last_word_whatever_came_before(plan: list[Move]) -> None:
    """All it says counts, so its owner recovers from any state in one submission."""
    story = played(plan).story
    for submission in story.table.history:
        assert submission.key != "f" or story.counts(submission)
    if story.table.keys["f"].in_force:
        others = [key for key in story.table.keys if key != "f"]
        for key in others:
            with suppress(Refusal):  # final, if said more than 90 days ago
                story.says("f", declares(key, story.size))
        story.says("f", *(retires(key) for key in others), lists("fresh"))
        assert story.counts(story.acts("fresh"))


# --- The shared model ---


@cache
def shared_model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("trust_model", TRUST_MODEL / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def _told(event: KeyWord, signed: list[Signed | KeySubmission]) -> tuple[Any, ...]:
    match event:
        case KeyListed():
            return ("list", event.as_[0], event.key)
        case KeyRetired():
            return ("retire", event.key)
        case KeyDeclared():
            kept = (
                each.position
                for each in signed
                if any(first <= each.position <= last for first, last in event.kept)
            )
            return ("comp", event.key, event.since, tuple(kept))


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not TRUST_MODEL.is_dir(), reason=f"no shared model at {TRUST_MODEL}")
@settings(max_examples=STORIES, deadline=None)
@given(moves())
def test_what_counts_is_what_the_shared_model_says(plan: list[Move]) -> None:
    model, life = shared_model(), played(plan)

    def told(each: Signed | KeySubmission) -> Any:
        events = each.events if isinstance(each, KeySubmission) else ()
        says = tuple(_told(event, life.signed) for event in events) or (("act",),)
        return model.Sub(each.position, "f", each.key, says, each.recorded_at // DAY)

    first = [*(("r", key) for key in FIRST_RECOVERY), *(("s", key) for key in FIRST_SIGNING)]
    subs = [told(each) for each in life.signed]
    key_subs = [each for each in subs if each.evs != (("act",),)]
    table = model.key_table("f", REGISTERED, first, key_subs, model.FULL)

    for each, sub in zip(life.signed, subs, strict=True):
        state = table.get(each.key)
        assert life.story.counts(each) is (state is not None and state.ok(sub, model.FULL))
    for key, listed in life.story.table.keys.items():
        state = table.get(key)
        assert listed.in_force is (state is not None and state.active(life.story.size))
