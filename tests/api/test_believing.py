"""A process believes no checkpoint that the log did not sign last, whatever key is on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from api.folder import Folder
from api.log_keys.listed import KeyList, ListedKey
from api.processes.believing import Judge
from api.processes.watching import WatchedLog
from log.directory import DirectoryStore
from log.sqlite import SqliteLastSigned
from log.store import FileDamage
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from testamur.tlog.earlier import earlier_checkpoint
from testamur.tlog.note import SignerKey
from testamur.tlog.source import DirectorySource
from tests.harness.served import Served

TODAY = date(2026, 11, 29)


class Watched:
    """A log whose first key signs no more since a day, as another process sees it."""

    def __init__(self, log: Served, ended: date = date(2026, 6, 30)) -> None:
        folder = Folder(log.data)
        self.files = DirectoryStore(folder.log)
        self.source = DirectorySource(folder.log)
        self.old = SignerKey.parse((log.data / "key").read_text().strip())
        self.new = SignerKey.generate(self.old.name)
        self.signed = SqliteLastSigned(folder.last_signed)
        self.note = self.files.read("checkpoint")
        self.last = open_checkpoint(self.note, log.key)[0]
        self.keys = KeyList(
            (
                ListedKey(self.old.verifier, date(2026, 1, 1), ended),
                ListedKey(self.new.verifier, date(2026, 6, 1)),
            )
        )

    def look(self) -> WatchedLog:
        """Return what a process that starts now sees."""
        judge = Judge(self.files, self.keys, self.signed, today=lambda: TODAY)
        return WatchedLog(self.files, judge, lambda _: None, lambda: self.last.size)

    def earlier(self, root: bytes | None = None) -> Checkpoint:
        """Return the checkpoint of two entries fewer, or with another root."""
        return self.of(self.last.size - 2, root)

    def of(self, size: int, root: bytes | None = None) -> Checkpoint:
        if root is None:
            root = earlier_checkpoint(self.source, self.last, size).root
        return Checkpoint(self.last.origin, size, root)

    def put(self, checkpoint: Checkpoint, key: SignerKey) -> None:
        """Put a checkpoint into the files, as anybody who can write them does."""
        self.files.write_checkpoint(sign_checkpoint(checkpoint, key))


@pytest.fixture
def watched(opened_log: Served, tmp_path: Path) -> Iterator[Watched]:
    copied = opened_log.copy(tmp_path / "data")
    watched = Watched(copied)
    yield watched
    watched.signed.close()
    copied.close()


def test_a_log_that_grew_no_more_since_its_key_ended_is_still_seen(watched: Watched) -> None:
    assert watched.look().latest.note == watched.note


@pytest.mark.parametrize("key", ["old", "new"])
@pytest.mark.parametrize("more", [0, 1])
def test_no_tree_is_believed_beside_the_one_signed_last_nor_beyond_it(
    watched: Watched, key: str, more: int
) -> None:
    log = watched.look()
    watched.put(watched.of(watched.last.size + more, bytes(32)), getattr(watched, key))
    log.look()
    assert isinstance(log.failure, FileDamage)
    assert log.latest.checkpoint == watched.last
    with pytest.raises(FileDamage, match="signed last"):
        watched.look()


def test_an_ended_key_shows_no_other_tree_to_a_process_that_is_behind(watched: Watched) -> None:
    watched.put(watched.of(2), watched.new)
    log = watched.look()
    watched.put(watched.earlier(bytes(32)), watched.old)
    log.look()
    assert isinstance(log.failure, FileDamage)
    assert "a key signed its 8 entries that signs no more" in str(log.failure)
    assert log.latest.size == 2
    watched.put(watched.earlier(), watched.old)
    log.look()
    seen: tuple[int, object] = (log.latest.size, log.failure)
    assert seen == (8, None)


def test_a_key_is_good_for_the_day_after_its_last(watched: Watched) -> None:
    watched.put(watched.earlier(bytes(32)), watched.old)
    note = watched.files.read("checkpoint")

    def opened_on(day: date) -> Checkpoint:
        return Judge(watched.files, watched.keys, watched.signed, today=lambda: day).open(note)

    assert opened_on(date(2026, 7, 1)).size == 8
    with pytest.raises(FileDamage, match="signs no more"):
        opened_on(date(2026, 7, 2))


def test_nothing_is_believed_of_a_log_that_signed_nothing(watched: Watched, tmp_path: Path) -> None:
    empty = SqliteLastSigned(tmp_path / "empty.db")
    try:
        with pytest.raises(FileDamage, match="the database signed none"):
            Judge(watched.files, watched.keys, empty).open(watched.note)
    finally:
        empty.close()
