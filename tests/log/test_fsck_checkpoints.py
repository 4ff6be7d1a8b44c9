"""A checkpoint, a last signed note or a source that does not fit the published files is found."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from log.directory import DirectoryStore
from log.fsck import Findings, fsck
from log.publisher import Publisher
from log.sqlite import SqliteLastSigned
from testamur.tlog.merkle import EMPTY_ROOT
from testamur.tlog.tiles import encode_bundle
from tests.harness.checked_log import KEY, OTHER_KEY, note_of
from tests.harness.simulators import (
    MemorySource,
    flipped,
)
from tests.harness.sound_log import SoundLog, named, small_log

SMALL = small_log()


FILES = [path for path in SMALL.store.files if path != "checkpoint"]


# --- Checkpoints ---


@pytest.mark.parametrize(
    ("note", "rule"),
    [
        (note_of(657, bytes(32)), "another-tree"),
        (note_of(602, bytes(32)), "another-tree"),
        (note_of(657, bytes(32), OTHER_KEY), "not-ours"),
        (b"", "not-ours"),
        (flipped(SMALL.store.files["checkpoint"]), "not-ours"),
        (SMALL.store.files["checkpoint"][:-1], "not-ours"),
        (note_of(0, bytes(32)), "another-tree"),
    ],
)
def test_a_wrong_checkpoint_is_found(note: bytes, rule: str) -> None:
    log = SMALL.copy()
    log.store.files["checkpoint"] = note
    assert ("checkpoint", rule) in named(fsck(log.store, KEY.verifier))


def test_a_checkpoint_from_the_future_is_found() -> None:
    log = SMALL.copy()
    log.store.files["checkpoint"] = note_of(700, bytes(32))
    findings = log.check()
    assert named(findings)[0] == ("checkpoint", "from-the-future")
    assert ("source", "rewound") in named(findings)
    assert ("tile/entries/002.p/188", "missing") in named(findings)


def test_a_missing_checkpoint_is_found_and_the_signed_tree_is_checked() -> None:
    log = SMALL.copy()
    del log.store.files["checkpoint"]
    log.flip("tile/0/000")
    findings = log.check()
    assert findings.size == 657
    assert named(findings) == [("checkpoint", "missing"), ("tile/0/000", "altered-hash")]


def test_without_any_checkpoint_no_file_is_covered() -> None:
    log = SMALL.copy()
    del log.store.files["checkpoint"]
    findings = fsck(log.store, KEY.verifier)
    assert named(findings) == [("checkpoint", "missing")]
    assert sorted(findings.uncovered) == sorted(FILES)


def test_an_empty_folder_is_a_log_without_a_checkpoint(tmp_path: Path) -> None:
    findings = fsck(DirectoryStore(tmp_path / "nothing"), KEY.verifier)
    assert named(findings) == [("checkpoint", "missing")]
    assert not (tmp_path / "nothing").exists()


def test_a_checkpoint_of_the_empty_tree_is_sound_over_an_empty_log() -> None:
    log = SoundLog()
    log.store.write_checkpoint(note_of(0, EMPTY_ROOT))
    assert fsck(log.store, KEY.verifier) == Findings(size=0)


@pytest.mark.parametrize("lost", [1, 3])
def test_a_lost_or_old_last_signed_is_found(lost: int) -> None:
    log = SMALL.copy()
    del log.last_signed.signed[-lost:]
    assert named(log.check()) == [("checkpoint", "from-the-future")]


@pytest.mark.parametrize(
    ("note", "rule"),
    [
        (note_of(657, bytes(32)), "not-an-extension"),
        (note_of(700, bytes(32)), "not-an-extension"),
        (b"garbage", "not-ours"),
        (note_of(657, bytes(32), OTHER_KEY), "not-ours"),
    ],
)
def test_a_last_signed_of_another_tree_is_found(note: bytes, rule: str) -> None:
    log = SMALL.copy()
    log.last_signed.signed.append(note)
    assert ("last-signed", rule) in named(log.check())


def test_a_last_signed_file_that_is_damaged_is_one_finding_among_others(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "last-signed.db") as database:
        database.execute("CREATE TABLE last_signed (id, note)")
        database.execute("INSERT INTO last_signed VALUES (1, NULL)")
    database.close()
    log = SMALL.copy()
    log.flip("tile/0/001")
    theirs = SqliteLastSigned(tmp_path / "last-signed.db")
    findings = fsck(log.store, KEY.verifier, log.source, theirs)
    assert named(findings) == [("last-signed", "malformed"), ("tile/0/001", "altered-hash")]
    theirs.close()


def test_the_last_signed_file_of_a_log_at_work_can_be_checked(tmp_path: Path) -> None:
    log = SoundLog()
    ours = SqliteLastSigned(tmp_path / "last-signed.db")
    publisher = Publisher(log.source, log.store, ours, KEY, published=lambda *_: None)
    publisher.resume()
    log.source.submit(2)
    publisher.publish_once()
    theirs = SqliteLastSigned(tmp_path / "last-signed.db")
    assert fsck(log.store, KEY.verifier, log.source, theirs) == Findings(size=2)
    publisher.release()
    ours.close()
    theirs.close()


# --- The source ---


@pytest.mark.parametrize("position", [0, 255, 256, 500, 512, 656])
def test_a_source_entry_that_differs_from_the_published_one_is_found(position: int) -> None:
    log = SMALL.copy()
    log.source.entries[position] = flipped(log.source.entries[position])
    findings = log.check()
    assert named(findings) == [("source", "altered-entry")]
    assert f"entry {position} has hash" in findings.damage[0].detail


def test_an_altered_source_is_found_even_where_the_bundle_was_altered_alike() -> None:
    log = SMALL.copy()
    log.source.entries[300] = flipped(log.source.entries[300])
    log.store.files["tile/entries/001"] = encode_bundle(log.source.entries[256:512])
    assert named(log.check()) == [
        ("tile/entries/001", "altered-entry"),
        ("source", "altered-entry"),
    ]


def test_a_sound_source_is_not_blamed_for_a_damaged_bundle() -> None:
    log = SMALL.copy()
    log.flip("tile/entries/001")
    del log.store.files["tile/entries/000"]
    assert {path for path, _ in named(log.check())} == {"tile/entries/000", "tile/entries/001"}


@pytest.mark.parametrize("length", [0, 256, 300, 656])
def test_a_source_that_was_restored_from_an_old_copy_is_found(length: int) -> None:
    log = SMALL.copy()
    del log.source.entries[length:], log.source.leaves[length:]
    findings = log.check()
    assert named(findings) == [("source", "rewound")]
    assert findings.damage[0].detail == f"it has {length} entries, 657 are published"


def test_a_source_that_lost_entries_in_the_middle_is_found() -> None:
    class Holed(MemorySource):
        def committed(self) -> int:
            return 657

        def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
            if start == 256:
                return [], []
            return super().read(start, limit)

    holed = Holed()
    holed.entries, holed.leaves = SMALL.source.entries, SMALL.source.leaves
    findings = fsck(SMALL.store, KEY.verifier, holed)
    assert named(findings) == [("source", "unreadable")]
    assert "from 256 on" in findings.damage[0].detail


def test_a_source_that_reads_in_small_portions_is_read_whole() -> None:
    portions = MemorySource(at_once=7)
    portions.entries, portions.leaves = SMALL.source.entries, SMALL.source.leaves
    assert fsck(SMALL.store, KEY.verifier, portions) == Findings(size=657)
