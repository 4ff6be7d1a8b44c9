"""A disk that fails beneath SQLite: nothing is acknowledged that is not durable."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from registry.gate import Recorded, StorageFull
from registry.store import OutcomeUnknown
from tests.harness.gates import OPENING, Desk
from tests.harness.stores import Kept
from tests.harness.story import Story


class Disk:
    """Connections to one file that can be told to run full, or to fail at COMMIT."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.room: int | None = None
        self.commit: str | None = None
        self.meanwhile: Callable[[], object] | None = None
        self.opened = 0

    def __call__(self) -> sqlite3.Connection:
        """Open a connection."""
        self.opened += 1
        disk = self

        class Faulty(sqlite3.Connection):
            def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
                if statement == "COMMIT" and disk.commit is not None:
                    when, disk.commit = disk.commit, None
                    if when == "after":
                        super().execute("COMMIT")
                    elif disk.meanwhile is not None:
                        super().execute("ROLLBACK")
                        disk.meanwhile()
                    error = sqlite3.OperationalError("disk I/O error")
                    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
                    raise error
                return super().execute(statement, *values)

        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False, factory=Faulty
        )
        if self.room is not None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + self.room}")
        return connection


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(kept: Kept, story: Story) -> None:
    """SQLite itself runs out of pages half way through the second submission of a group."""
    with Desk(kept, story) as desk:
        desk.open_log()
        desk.record(story.cohort(10))
    disk = Disk(kept.path)
    disk.room = 40
    with Desk(kept, story, store={"connect": disk}) as desk:
        size = desk.committed()
        achievement = story.new_id()
        group = [
            story.submission(story.provider, story.defined(achievement)),
            story.cohort(2_000),
        ]
        outcomes = desk.together(*group)
        assert [type(outcome) for outcome in outcomes] == [StorageFull, StorageFull]
        assert desk.committed() == size
        desk.examine()
        assert achievement not in desk.register().achievements
        # The small one fits by itself; the same two pass once there is room.
        assert isinstance(desk.submit(group[0]), Recorded)
        assert isinstance(desk.submit(group[1]), StorageFull)
        disk.room = None
        repeated, recorded = desk.together(*group)
        assert isinstance(repeated, Recorded)
        assert repeated.repeated
        assert isinstance(recorded, Recorded)
        assert recorded.position == size + 2
        desk.examine()


def test_a_commit_that_failed_is_not_acknowledged(kept: Kept, story: Story) -> None:
    disk = Disk(kept.path)
    with Desk(kept, story, store={"connect": disk}) as desk:
        desk.open_log()
        disk.commit, opened = "instead", disk.opened
        body = story.submission(story.provider, story.defined(story.new_id()))
        outcome = desk.submit(body)
        assert type(outcome) is OutcomeUnknown
        assert "not known" in str(outcome)
        assert desk.committed() == OPENING
        recorded = desk.record(body)
        assert (recorded.position, recorded.repeated) == (OPENING, False)
        assert disk.opened > opened


def test_a_commit_that_succeeded_after_all_is_acknowledged(kept: Kept, story: Story) -> None:
    """The error came after the transaction was in the file: the head tells."""
    disk = Disk(kept.path)
    with Desk(kept, story, store={"connect": disk}) as desk:
        desk.open_log()
        disk.commit = "after"
        body = story.submission(story.provider, story.defined(story.new_id()), story.issued())
        recorded = desk.record(body)
        assert (recorded.position, recorded.repeated) == (OPENING, False)
        assert desk.record(body) == replace(recorded, repeated=True)
        assert desk.record(story.cohort(1)).position == OPENING + 3
        desk.examine()


def test_what_another_process_recorded_meanwhile_is_no_proof_of_our_own_commit(
    kept: Kept, story: Story
) -> None:
    """The first of a group is in the store all the same: sent to another process as well."""
    disk = Disk(kept.path)
    with Desk(kept, story, store={"connect": disk}) as desk, Desk(kept, story) as other:
        desk.open_log()
        first, second = story.cohort(2), story.cohort(3)
        disk.commit, disk.meanwhile = "instead", lambda: other.record(first)
        outcomes = desk.together(first, second)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 2
        assert desk.committed() == OPENING + 3
        repeated, recorded = desk.together(first, second)
        assert isinstance(repeated, Recorded)
        assert isinstance(recorded, Recorded)
        assert (repeated.repeated, recorded.repeated) == (True, False)
