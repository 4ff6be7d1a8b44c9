"""A process that looks for the checkpoints of another asks the files when there may be a newer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from api.log_keys.listed import KeyList, ListedKey
from api.processes.believing import Judge
from api.processes.watching import WatchedLog
from log.directory import DirectoryStore
from log.store import CHECKPOINT
from testamur.errors import Unavailable
from tests.harness.published_log import PublishedLog, opened_log


class Counting:
    """The files in a folder, and how often they were read."""

    def __init__(self, root: Path) -> None:
        self._store = DirectoryStore(root)
        self.readings = 0

    def read(self, path: str) -> bytes:
        """Return a file, counted."""
        self.readings += 1
        return self._store.read(path)

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        """Return files, counted."""
        return [self.read(path) for path in paths]


class Signed:
    """What was signed last: `PublishedLog` publishes at once whatever it signs."""

    def __init__(self, root: Path) -> None:
        self._store = DirectoryStore(root)

    def get(self) -> bytes:
        """Return it."""
        return self._store.read(CHECKPOINT)


def judge(log: PublishedLog, files: Counting) -> Judge:
    """Return what believes checkpoints of a log that has one key."""
    keys = KeyList((ListedKey(log.key, date(2026, 1, 1)),))
    return Judge(files, keys, Signed(log.root))


def test_paths_beyond_the_log_do_not_make_it_read_the_files(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path)
    files, size = Counting(tmp_path), log.size
    watched = WatchedLog(files, judge(log, files), lambda _: None, lambda: size)
    assert files.readings == 1

    async def ask() -> None:
        for beyond in (1, 2, 10**18):
            assert (await watched.at_least(size + beyond)).size == size

    asyncio.run(ask())
    assert files.readings == 1


def test_a_checkpoint_of_which_a_client_heard_elsewhere_is_found(tmp_path: Path) -> None:
    log, _ = opened_log(tmp_path)
    files = Counting(tmp_path)
    watched = WatchedLog(files, judge(log, files), lambda _: None, lambda: log.size)
    log.append_entries(b"more")
    newer = log.publish().size
    assert asyncio.run(watched.at_least(newer)).size == newer


def test_it_is_also_found_while_the_sequence_cannot_be_asked(tmp_path: Path) -> None:
    def committed() -> int:
        raise Unavailable("the database is away")

    log, _ = opened_log(tmp_path)
    files = Counting(tmp_path)
    watched = WatchedLog(files, judge(log, files), lambda _: None, committed)
    log.append_entries(b"more")
    newer = log.publish().size
    assert asyncio.run(watched.at_least(newer)).size == newer
