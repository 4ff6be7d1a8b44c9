"""The register that the gate decides by: from a snapshot, or from the entries alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from typing import Any

from registry import register_state
from registry.gate import Gate, Limits
from registry.store import Reading, Store
from testamur.catalogue import events as e
from testamur.rules.register import dump_register
from tests.harness.gates import OPENING, Desk, other_provider
from tests.harness.stores import Kept
from tests.harness.story import Story


def test_the_register_comes_back_from_its_snapshot(kept: Kept, story: Story) -> None:
    with Desk(kept, story, limits=Limits(snapshot_every=5)) as desk:
        desk.open_log()
        desk.record(story.cohort(3))
        before = dump_register(desk.register())
    ((size,),) = kept.sql("SELECT size FROM register")
    assert size == OPENING + 4
    with Desk(kept, story) as desk:
        assert dump_register(desk.register()) == before


def test_a_copy_of_the_register_shares_nothing_that_can_change(kept: Kept, story: Story) -> None:
    """Others read the register without a lock while a copy of it is changed."""
    with Desk(kept, story).open_log() as desk:
        register = desk.register()
        copy = register.copied()
        assert copy == register
        for field in fields(register):
            value = getattr(register, field.name)
            assert not isinstance(value, MutableMapping) or getattr(copy, field.name) is not value


def test_the_register_needs_no_snapshot(kept: Kept, story: Story) -> None:
    with Desk(kept, story) as desk:
        desk.open_log()
        before = dump_register(desk.register())
    kept.sql("DELETE FROM register")
    with Desk(kept, story) as desk:
        assert dump_register(desk.register()) == before


def test_an_older_snapshot_never_replaces_a_later_one(desk: Desk) -> None:
    register = desk.register()
    for size in (OPENING, 5):
        with desk.store.writing() as transaction:
            register_state.save(transaction, replace(register, size=size))
            transaction.commit()
    assert desk.kept.sql("SELECT size FROM register") == [(OPENING,)]


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


def test_a_register_in_use_is_never_changed(desk: Desk, story: Story) -> None:
    """Other threads read it without a lock."""
    held = desk.register()
    before = dump_register(held)
    desk.record(story.submission(story.provider, story.defined(story.new_id()), story.issued()))
    other_provider(desk)
    assert dump_register(held) == before
