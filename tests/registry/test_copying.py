"""A copy of a sequence is the same sequence to the last byte, whatever keeps either."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from registry import copying
from registry.copying import Copied, copy_sequence
from registry.outcomes import Overloaded
from registry.store import StorageDamaged
from testamur.errors import Refuted
from testamur.tlog.merkle import leaf_hashes, tree_root
from tests.harness.gates import OPENING, Desk
from tests.harness.stores import DRIVERS, MARKED, Kept
from tests.harness.story import Story


@pytest.fixture(autouse=True)
def _several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_AT_ONCE", 100)


@pytest.fixture
def source(tmp_path: Path, story: Story) -> Kept:
    """Return a sequence in a file, with every kind of row in it."""
    (tmp_path / "source").mkdir()
    kept = Kept("sqlite", tmp_path / "source")
    with Desk(kept, story) as desk:
        desk.open_log()
        desk.record(story.submission(story.provider, story.issued(accredited=False)))
        for _ in range(3):
            desk.record(story.cohort(120))
        desk.record(story.submission(story.provider, story.defined(story.new_id())))
    return kept


@pytest.fixture
def target(kept: Kept) -> Kept:
    """Return where the copy goes, for each driver."""
    return kept


def copied(source: Kept, target: Kept) -> Copied:
    with closing(source.open()) as one, closing(target.open()) as other:
        return copy_sequence(one, other, signed=200)


def test_a_copy_holds_the_log_and_goes_on(source: Kept, target: Kept, story: Story) -> None:
    with Desk(source, story) as desk:
        entries = desk.entries()
    found = copied(source, target)
    leaves = leaf_hashes(entries)
    assert found == Copied(len(entries), tree_root(leaves), tree_root(leaves[:200]))
    with Desk(target, story) as desk:
        assert desk.entries() == entries
        desk.examine()
        assert desk.record(story.cohort(1)).position == len(entries)


def test_a_copy_can_be_copied_back(
    source: Kept, target: Kept, story: Story, tmp_path: Path
) -> None:
    found = copied(source, target)
    (tmp_path / "back").mkdir()
    back = Kept("sqlite", tmp_path / "back")
    assert copied(target, back) == found
    for table in ("entries", "head", "submissions", "register"):
        rows = f"SELECT * FROM {table} ORDER BY 1"  # noqa: S608  # our own names
        assert back.sql(rows) == source.sql(rows)


def test_a_copy_that_was_interrupted_goes_on(source: Kept, target: Kept) -> None:
    class Interrupted(Exception):
        pass

    class Interrupting:
        """A store of which the second transaction is interrupted."""

        def __init__(self) -> None:
            self.left = 1
            self.store = target.open()

        def close(self) -> None:
            self.store.close()

        def __getattr__(self, name: str) -> object:
            if name == "writing":
                self.left -= 1
                if self.left < 0:
                    raise Interrupted
            return getattr(self.store, name)

    with closing(source.open()) as one, closing(Interrupting()) as other:
        with pytest.raises(Interrupted):
            copy_sequence(one, other)  # type: ignore[arg-type]  # a store behind `__getattr__`
        with other.store.reading() as reading:
            there = reading.count()
    assert 0 < there < copied(source, target).size
    copied(source, target)


def test_a_target_that_holds_another_log_is_refused(
    source: Kept, target: Kept, story: Story
) -> None:
    with Desk(target, Story(series=9)) as desk:
        desk.open_log()
        other = desk.entries()
    with pytest.raises(Refuted, match="the target holds something else"):
        copied(source, target)
    with Desk(target, Story(series=9)) as desk:
        assert desk.read(0, OPENING)[0] == other


def test_a_target_that_went_on_is_refused(source: Kept, target: Kept, story: Story) -> None:
    copied(source, target)
    with Desk(target, story) as desk:
        desk.record(story.cohort(1))
    with pytest.raises(Refuted, match="it is another log's, or went on"):
        copied(source, target)


DAMAGE = {
    "entries": "UPDATE entries SET topic = 'note' WHERE notification_id = 60",
    "submissions": "UPDATE submissions SET recorded_at = recorded_at + 1 WHERE position = 10",
    "register": "UPDATE register SET header = 10 WHERE position = 9",
}


@pytest.mark.parametrize("table", DAMAGE)
def test_a_row_that_differs_is_named(source: Kept, target: Kept, table: str) -> None:
    copied(source, target)
    target.sql(DAMAGE[table])
    with pytest.raises(Refuted, match="the target holds something else"):
        copied(source, target)


def test_a_damaged_entry_is_not_copied_for_a_sound_one(source: Kept, target: Kept) -> None:
    source.sql("UPDATE entries SET state = ? WHERE notification_id = 60", b"{}")
    with pytest.raises(StorageDamaged, match="entry 59 does not hash to its leaf"):
        copied(source, target)


def test_nobody_appends_to_the_source_meanwhile(source: Kept, target: Kept) -> None:
    refused: list[Exception] = []
    with closing(source.open()) as one, closing(target.open()) as other:

        def append(_: int, __: int) -> None:
            if refused:
                return
            with closing(source.open(patience=0.01)) as writer:
                try:
                    with writer.writing():
                        pass
                except Overloaded as busy:
                    refused.append(busy)

        copy_sequence(one, other, append)
    assert len(refused) == 1


def test_every_driver_is_copied_to() -> None:
    assert len(MARKED) == len(DRIVERS)
