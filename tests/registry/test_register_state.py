"""The register that the gate decides by: stored with every group, shared with readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from registry import register_state
from registry.gate import Gate, Limits
from registry.shared_register import SharedRegister
from registry.sqlite.store import SqliteTransaction
from registry.store import Reading, Store
from testamur.catalogue import events as e
from testamur.errors import Unavailable
from testamur.rules import Register
from testamur.rules.register import dump_register, load_register
from tests.harness.gates import OPENING, Desk, other_provider
from tests.harness.stores import Kept
from tests.harness.story import Story


def stored(desk: Desk) -> Register:
    """Return the register as it is stored, without what came after."""
    with desk.store.reading() as reading:
        return register_state.load(reading)


def test_what_a_group_changes_in_the_register_is_stored_with_it(desk: Desk, story: Story) -> None:
    """So a process that dies the next moment leaves a register to go on from."""
    every_kind_of_change(desk)
    assert stored(desk) == load_register(dump_register(desk.register()))


def test_the_stored_register_reaches_further_now_and_then(kept: Kept, story: Story) -> None:
    with Desk(kept, story, limits=Limits(head_every=8)) as desk:
        desk.open_log()
        desk.record(story.cohort(3))
        assert stored(desk).size == OPENING
        desk.record(story.cohort(3))
        assert stored(desk).size == OPENING + 8
        desk.record(story.cohort(1))
    with Desk(kept, story) as desk:
        assert stored(desk).size == desk.committed() == OPENING + 10


def test_the_register_comes_back_without_what_was_stored_of_it(kept: Kept, story: Story) -> None:
    with Desk(kept, story) as desk:
        desk.open_log()
        every_kind_of_change(desk)
        before = dump_register(desk.register())
    kept.sql("DELETE FROM register")
    with Desk(kept, story) as desk:
        assert dump_register(desk.register()) == dump_register(stored(desk)) == before
        desk.examine()


def test_a_gate_goes_on_when_what_was_stored_of_the_register_is_taken_away(
    desk: Desk, story: Story
) -> None:
    """It writes rows that go on from nothing neither then nor later; the next start does."""
    desk.kept.sql("DELETE FROM register")
    desk.record(story.submission(story.provider, story.defined(story.new_id())))
    desk.record(story.cohort(1))
    assert desk.kept.sql("SELECT count(*) FROM register") == [(0,)]
    desk.examine()


def test_two_gates_on_one_store_know_of_each_other(kept: Kept, desk: Desk) -> None:
    story = desk.story
    with Desk(kept, story) as elsewhere:
        newcomer = other_provider(elsewhere)
        achievement = story.new_id()
        desk.record(story.submission(newcomer, story.defined(achievement)))
        issued = story.issued(achievement=achievement, accredited=False)
        elsewhere.record(story.submission(newcomer, issued))
        body = story.submission(
            newcomer, e.CredentialRevoked(credential=issued.credential, reason="misconduct")
        )
        recorded = desk.record(body)
        assert elsewhere.record(body) == replace(recorded, repeated=True)
        assert desk.committed() == elsewhere.committed() == OPENING + 8
        before, after = desk.register(), elsewhere.register()
        assert dump_register(before) == dump_register(after)
    desk.examine()


class Interrupted:
    """A store to which another gate appends after every question of a reading."""

    def __init__(self, store: Store, meanwhile: Callable[[], object]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Enter a reading of which every method ends in an append."""
        with self._store.reading() as reading:
            yield _InterruptedReading(reading, self._meanwhile)


class _InterruptedReading:
    def __init__(self, reading: Reading, meanwhile: Callable[[], object]) -> None:
        self._reading = reading
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        def ask(*values: Any, **options: Any) -> Any:
            answer = getattr(self._reading, name)(*values, **options)
            self._meanwhile()
            return answer

        return ask


def test_what_others_append_while_a_gate_opens_is_no_damage(kept: Kept, desk: Desk) -> None:
    """Head, submissions and entries are asked for one after the other, as of one moment."""
    story = desk.story

    with closing(kept.open()) as store:
        interrupted: Any = Interrupted(store, lambda: desk.record(story.cohort(1)))
        late = Gate(interrupted, log_key=story.log_key.public, settled=lambda _: None)
        assert OPENING < late._committer.register.size < desk.committed()
        late.close()
    desk.record(story.cohort(1))


def every_kind_of_change(desk: Desk) -> None:
    """Add and replace something in every mapping of the register."""
    story, authority, accreditor, provider = (
        desk.story,
        desk.story.authority,
        desk.story.accreditor,
        desk.story.provider,
    )
    revised = e.AchievementRevised(
        achievement=story.achievement, definition=story.definition(), version=2
    )
    withdrawn = e.RecognitionWithdrawn(recognition=story.recognition, reason="voluntary")
    suspended = e.AccreditationSuspended(accreditation=story.accreditation, reason="misconduct")
    fresh = story.key_added(provider, provider.with_key("k2"))
    for signer, events in (
        (provider, (revised, fresh, story.defined(story.new_id()), story.issued())),
        (authority, (withdrawn, story.recognised(story.new_id()))),
        (accreditor, (suspended, story.accredited(story.new_id()))),
    ):
        desk.record(story.submission(signer, *events))
    other_provider(desk)


def test_a_register_in_use_is_never_changed(desk: Desk) -> None:
    """Other threads read it without a lock, while the gate goes on."""
    held = desk.gate._committer.register
    before = dump_register(held)
    every_kind_of_change(desk)
    between = desk.gate._committer.register
    assert dump_register(between) != before
    kept = dump_register(between)
    desk.record(desk.story.submission(desk.story.provider, desk.story.defined(desk.story.new_id())))
    assert (dump_register(held), dump_register(between)) == (before, kept)
    with pytest.raises(TypeError, match="change it in a draft"):
        held.revisions["it"] = "changed"


def test_what_is_not_durable_is_seen_by_nobody(kept: Kept, story: Story) -> None:
    """A COMMIT that fails leaves the register that others read as it was."""
    with Desk(kept, story).open_log() as desk:
        before = dump_register(desk.register())

        def commit(_: object) -> None:
            raise Unavailable("the disk is gone")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(SqliteTransaction, "commit", commit)
            outcome = desk.submit(story.submission(story.provider, story.defined(story.new_id())))
        assert isinstance(outcome, Unavailable)
        assert dump_register(desk.gate._committer.register) == before


def test_a_view_reads_the_same_however_it_falls_between_the_steps_of_a_change() -> None:
    """What is replaced goes to the versions before it is replaced, never after."""
    seen: list[object] = []

    class Watched(dict[str, Any]):
        def update(self, *others: Any, **named: Any) -> None:
            seen.append(view.revisions.get("a"))
            super().update(*others, **named)
            seen.append(view.revisions.get("a"))

    register = Register(revisions=Watched(a="before"))
    shared = SharedRegister(register)
    view = shared.latest
    draft = shared.draft()
    draft.revisions.update({"a": "after", "b": "new"})
    shared.absorb(draft)
    assert seen == ["before", "before"]
    assert (view.revisions.get("b"), "b" in view.revisions) == (None, False)
    assert (shared.latest.revisions["a"], shared.latest.revisions["b"]) == ("after", "new")
