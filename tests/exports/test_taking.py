"""An export of an earlier size or time is proven to be the beginning of the log as it is now."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Refusal, Refuted, Unavailable
from testamur.exports.taking import take
from testamur.exports.whole_log import export
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.verification.as_of import verify_cut
from tests.harness.published_log import PublishedLog
from tests.harness.story import Story

STEP = 12 * 3_600_000


def grown(root: Path) -> tuple[PublishedLog, list[int], int]:
    """Return a log of 700 entries, the sizes after each submission, and when it was opened.

    Half a day passes before each submission, and files of earlier trees are gone.
    """
    story = Story()
    log = PublishedLog(root, story)
    sizes, bodies = [], [*story.opening(), *(story.cohort(n) for n in (40, 300, 1, 1, 320))]
    for day, body in enumerate(bodies):
        log.append(body, recorded_at=story.milliseconds + day * STEP)
        sizes.append(len(log.entries))
    log.publish()
    return log, sizes, story.milliseconds


Days = tuple[PublishedLog, list[int], int]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    return grown(tmp_path_factory.mktemp("grown") / "log")


def test_every_earlier_size_has_the_root_that_the_log_had_then(days: Days) -> None:
    log, sizes, _ = days
    for size in sizes:
        taken = take(log.source(), log.key, size=size)
        root = tree_root(leaf_hashes(log.entries[:size]))
        assert taken.checkpoint == Checkpoint(log.key.name, size, root)
        assert taken.signed == log.reader().signed_checkpoint()


def test_a_time_names_the_size_after_the_last_submission_recorded_by_then(days: Days) -> None:
    log, sizes, opened = days
    for day, size in enumerate(sizes):
        for past in (0, STEP // 2, STEP - 1):
            found = take(log.source(), log.key, at=opened + day * STEP + past)
            assert (found.checkpoint.size, found.at) == (size, opened + day * STEP + past)
    with pytest.raises(Unavailable, match="had no entry yet"):
        take(log.source(), log.key, at=opened - 1)


def test_an_earlier_export_holds_the_events_of_then(days: Days, tmp_path: Path) -> None:
    log, sizes, _ = days
    for size in (sizes[1], sizes[-4], sizes[-2]):
        out = tmp_path / f"{size}.ndjson"
        export(take(log.source(), log.key, size=size), out, "ndjson")
        lines = out.read_bytes().splitlines()
        assert json.loads(lines[-1])["position"] == size - 1
        assert len(lines) == size - sum(1 for each in sizes if each <= size)


def test_a_size_inside_a_submission_is_refused_with_the_sizes_around_it(days: Days) -> None:
    log, sizes, _ = days
    before, after = sizes[-2], sizes[-1]
    for size in (before + 1, before + 200, after - 1):
        with pytest.raises(Refusal, match=f"{before} without it or {after} with") as caught:
            take(log.source(), log.key, size=size)
        assert caught.value.rule == "size-cut"


@pytest.mark.parametrize("size", [0, -1, 1_000_000])
def test_a_size_that_the_log_does_not_have_is_said_to_be_none(days: Days, size: int) -> None:
    log, *_ = days
    with pytest.raises(Unavailable, match="sizes from 1 to"):
        take(log.source(), log.key, size=size)


def test_the_beginning_of_another_history_is_not_that_of_the_log_that_was_signed(
    tmp_path: Path,
) -> None:
    """Its entries keep every rule, and lead to the root that its own tiles have."""
    log, sizes, _ = grown(tmp_path / "log")
    signed = (log.root / "checkpoint").read_bytes()
    story = Story(series=1)
    other = [*story.opening(), story.cohort(len(log.entries) - 20)]
    log.entries.clear()
    log.append(*other)
    log.republish(log.entries)
    (log.root / "checkpoint").write_bytes(signed)
    with pytest.raises(Refuted, match=r"^the path leads to root"):
        take(log.source(), log.key, size=sizes[0])


def test_a_size_that_leaves_out_what_was_recorded_by_then_is_refuted(days: Days) -> None:
    log, sizes, opened = days
    checkpoint = log.reader().checkpoint()
    verify_cut(log.reader(), checkpoint, sizes[1], opened + STEP)
    with pytest.raises(Refuted, match="out of order"):
        verify_cut(log.reader(), checkpoint, sizes[1], opened + 2 * STEP)


class _LyingAtFirst:
    """Says of every entry, the first time that it is read, that it was recorded at once."""

    at_once = 1

    def __init__(self, log: PublishedLog) -> None:
        self._source = log.source()
        self._read: set[str] = set()

    def fetch(self, path: str) -> bytes:
        data = self._source.fetch(path)
        if path in self._read or not path.startswith("tile/entries/"):
            return data
        self._read.add(path)
        return re.sub(rb'"recordedAt":"[^"]*', b'"recordedAt":"2026-11-21T10:00:00.000Z', data)


def test_what_was_recorded_later_is_noticed_when_it_is_replayed(days: Days, tmp_path: Path) -> None:
    log, sizes, opened = days
    taken = take(_LyingAtFirst(log), log.key, at=opened + STEP)
    assert taken.checkpoint.size == sizes[-1]
    with pytest.raises(Refuted, match="out of order"):
        export(taken, tmp_path / "out.csv", "csv")
    assert list(tmp_path.iterdir()) == []


def _later(log: PublishedLog, opened: int) -> int:
    """Let a submission be recorded before the one ahead of it."""
    position = next(
        at for at in range(300, len(log.entries)) if log.entries[at].startswith(b'{"recordedAt"')
    )
    _, header = parse_submission_entry(log.entries[position])
    entry = log.entries[position].replace(b"2026", b"2025", 1)
    assert parse_submission_entry(entry)[1] == header
    log.republish([*log.entries[:position], entry, *log.entries[position + 1 :]])
    return opened + STEP


def _flipped(log: PublishedLog, opened: int) -> int:
    tile = log.root / "tile/0/000"
    tile.write_bytes(bytes(len(tile.read_bytes())))
    return opened + STEP


@pytest.mark.parametrize("damage", [_later, _flipped])
def test_a_log_that_lies_about_its_times_or_its_tree_is_refuted(
    tmp_path: Path, damage: Callable[[PublishedLog, int], int]
) -> None:
    log, _, opened = grown(tmp_path / "log")
    at = damage(log, opened)
    with pytest.raises((Refuted, Unavailable)):
        export(take(log.source(), log.key, at=at), tmp_path / "out.csv", "csv")
    assert not (tmp_path / "out.csv").exists()
