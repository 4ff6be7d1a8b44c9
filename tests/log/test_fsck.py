"""All damage to the files of a log is found, and named by the damaged file."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log.directory import DirectoryStore
from log.fsck import MOST, Findings, check_tree, fsck
from log.publisher import Publisher
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import open_checkpoint
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.note import VerifierKey
from testamur.tlog.tiles import RightEdge, encode_bundle, new_bundles, new_tiles, tile_path
from tests.harness.checked_log import KEY
from tests.harness.shared_vectors import SHARED, needs_shared
from tests.harness.simulators import (
    Fault,
    FaultyStore,
    MemoryStore,
    Plan,
    flipped,
)
from tests.harness.sound_log import SoundLog, named, small_log
from tests.harness.tile_resources import tile_resources

SMALL = small_log()


LARGE = SoundLog(65_536, 599)


# --- Nothing wrong ---


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(1,), (2, 3), (255,), (256,), (257,), (2, 600, 55), (65_536,)])
def test_a_sound_log_has_no_findings(sizes: tuple[int, ...]) -> None:
    assert SoundLog(*sizes).check() == Findings(size=sum(sizes))


def test_a_sound_log_of_three_tile_levels_has_no_findings() -> None:
    assert LARGE.check() == Findings(size=66_135)


def test_source_and_last_signed_need_not_be_given() -> None:
    assert fsck(SMALL.store, KEY.verifier) == Findings(size=657)


def test_progress_is_reported_for_every_bundle_in_order() -> None:
    reported: list[tuple[int, int]] = []
    fsck(SMALL.store, KEY.verifier, progress=lambda done, of: reported.append((done, of)))
    assert reported == [(256, 657), (512, 657), (657, 657)]


def test_files_that_wait_for_a_checkpoint_are_no_damage() -> None:
    log = SMALL.copy()
    log.source.submit(300)
    plan = Plan({"swap": "before", "write checkpoint": "before"})
    publisher = Publisher(
        log.source, FaultyStore(log.store, plan), log.last_signed, KEY, published=lambda *_: None
    )
    plan.faults.clear()
    publisher.resume()
    plan.faults["write checkpoint"] = "before"
    with pytest.raises(Fault):
        publisher.publish_once()
    findings = log.check()
    assert findings.damage == []
    assert findings.size == 657
    uncovered = ["tile/0/002", "tile/0/003.p/189", "tile/1/000.p/3"]
    uncovered += ["tile/entries/002", "tile/entries/003.p/189"]
    assert findings.uncovered == uncovered


def test_a_partial_file_may_be_gone_once_the_full_one_is_there() -> None:
    log = SMALL.copy()
    bundles = new_bundles(0, b"", [*log.source.entries, *(b"later" for _ in range(200))])
    leaves = leaf_hashes([*log.source.entries, *(b"later" for _ in range(200))])
    _, tiles = new_tiles(RightEdge.empty(), leaves)
    full = {path: data for path, data in (*bundles, *tiles) if ".p/" not in path}
    log.store.files.update(full)
    for path in ("tile/0/002.p/145", "tile/entries/002.p/145"):
        del log.store.files[path]
    assert fsck(log.store, KEY.verifier).damage == []


@needs_shared
@pytest.mark.parametrize("size", range(16))
def test_a_log_that_another_implementation_published_is_sound(size: int, tmp_path: Path) -> None:
    vectors = SHARED / "tessera-testdata-log"
    key = VerifierKey.parse(
        "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    )
    shutil.copytree(vectors / "tile", tmp_path / "tile")
    shutil.copy(vectors / f"checkpoint.{size}", tmp_path / "checkpoint")
    findings = fsck(DirectoryStore(tmp_path), key)
    assert (findings.size, findings.damage) == (size, [])
    assert len(findings.uncovered) == 2 * (15 - size)


# --- Damage to files: each is named, and nothing else is ---


FILES = [path for path in SMALL.store.files if path != "checkpoint"]


TREE = [
    "tile/entries/000",
    "tile/entries/001",
    "tile/entries/002.p/145",
    "tile/0/000",
    "tile/0/001",
    "tile/0/002.p/145",
    "tile/1/000.p/2",
]


def rule_of(path: str) -> str:
    return "altered-entry" if "entries" in path else "altered-hash"


def test_the_small_log_has_the_files_that_are_damaged_here() -> None:
    assert set(TREE) < set(FILES)
    assert len(FILES) > len(TREE)  # and some partial ones that its tree needs no longer


@pytest.mark.parametrize("path", TREE)
@pytest.mark.parametrize("at", [3, 100, -1])
def test_a_flipped_bit_is_found_and_the_file_named(path: str, at: int) -> None:
    log = SMALL.copy()
    at = at if at < len(log.store.files[path]) else 3
    log.flip(path, at)
    assert named(log.check()) == [(path, rule_of(path))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "tile/entries/000",
        "tile/entries/255",
        "tile/entries/256",
        "tile/entries/258.p/87",
        "tile/0/000",
        "tile/0/255",
        "tile/0/257",
        "tile/0/258.p/87",
        "tile/1/000",
        "tile/1/001.p/2",
        "tile/2/000.p/1",
    ],
)
def test_a_flipped_bit_is_found_at_every_level(path: str) -> None:
    log = LARGE.copy()
    log.flip(path, 20)
    assert named(log.check()) == [(path, rule_of(path))]


@pytest.mark.parametrize("path", TREE)
def test_a_missing_file_is_found(path: str) -> None:
    log = SMALL.copy()
    del log.store.files[path]
    assert named(log.check()) == [(path, "missing")]


@pytest.mark.parametrize("path", TREE)
@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data[:40], lambda _: b"", lambda data: data * 2]
)
def test_a_file_of_the_wrong_length_is_found(path: str, change: Callable[[bytes], bytes]) -> None:
    log = SMALL.copy()
    log.store.files[path] = change(log.store.files[path])
    findings = log.check()
    assert named(findings) == [(path, "malformed")]
    assert "bytes" in findings.damage[0].detail


@pytest.mark.parametrize("path", [path for path in FILES if path not in TREE])
@pytest.mark.parametrize("change", [flipped, lambda data: data[:-1], lambda data: data + b"x"])
def test_a_damaged_partial_of_an_older_size_is_found(
    path: str, change: Callable[[bytes], bytes]
) -> None:
    log = SMALL.copy()
    log.store.files[path] = change(log.store.files[path])
    assert named(log.check()) == [(path, "altered-partial")]


def test_swapped_files_are_found() -> None:
    log = SMALL.copy()
    files = log.store.files
    files["tile/0/000"], files["tile/0/001"] = files["tile/0/001"], files["tile/0/000"]
    assert named(log.check()) == [("tile/0/000", "altered-hash"), ("tile/0/001", "altered-hash")]


def test_swapped_entries_are_found_and_counted() -> None:
    log = SMALL.copy()
    entries = log.source.entries[256:512]
    entries[3], entries[9] = entries[9], entries[3]
    log.store.files["tile/entries/001"] = encode_bundle(entries)
    findings = log.check()
    assert named(findings) == [("tile/entries/001", "altered-entry")]
    assert "entry 259 hashes to" in findings.damage[0].detail
    assert "1 more differ" in findings.damage[0].detail


def test_an_entry_rewritten_together_with_its_tile_is_found() -> None:
    log = SMALL.copy()
    entries = list(log.source.entries[:256])
    entries[7] = b"what should have been issued"
    log.store.files["tile/entries/000"] = encode_bundle(entries)
    log.store.files["tile/0/000"] = b"".join(leaf_hashes(entries))
    findings = fsck(log.store, KEY.verifier)
    assert named(findings) == [("tile/0/000", "another-tree")]
    assert "tile/1/000.p/2 has" in findings.damage[0].detail


def test_a_whole_tree_rewritten_below_the_signed_root_is_found() -> None:
    log = SMALL.copy()
    other = SoundLog()
    other.source.append([b"another history %d" % number for number in range(657)])
    publisher = Publisher(
        other.source, other.store, other.last_signed, KEY, published=lambda *_: None
    )
    publisher.resume()
    publisher.publish_once()
    checkpoint = log.store.files["checkpoint"]
    log.store.files = other.store.files | {"checkpoint": checkpoint}
    findings = fsck(log.store, KEY.verifier)
    assert named(findings) == [("checkpoint", "another-tree")]


@pytest.mark.parametrize(
    "path",
    [
        "checkpoint.old",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/1",
        "tile/00/000",
        "tile/0/x000/001",
        "tile/64/000",
        "tile/entries/000.gz",
        "README",
        "tile/0/000.p/.nfs00001",
        "..%2fescape\x1b[2J",
    ],
)
def test_a_file_that_belongs_to_no_log_is_found(path: str) -> None:
    log = SMALL.copy()
    log.store.files[path] = b"?"
    findings = log.check()
    assert [damage.rule for damage in findings.damage] == ["unknown-file"]
    assert "\x1b" not in str(findings.damage[0])  # it is shown to an operator's terminal


@pytest.mark.parametrize(
    "path", ["tile/0/003", "tile/entries/002", "tile/1/000", "tile/7/000.p/1", "tile/0/002.p/146"]
)
def test_a_file_that_no_entries_can_account_for_is_found(path: str) -> None:
    log = SMALL.copy()
    log.store.files[path] = b"?"
    findings = log.check()
    assert named(findings) == [(path, "beyond-the-source")]
    without = fsck(log.store, KEY.verifier)  # unless there is no source to say how many there are
    assert (without.damage, without.uncovered) == ([], [path])


def test_all_damage_is_listed_not_only_the_first() -> None:
    log = SMALL.copy()
    for path in TREE[:3]:
        log.flip(path, 3)
    del log.store.files["tile/0/001"]
    log.store.files["foreign"] = b""
    log.source.leaves[600] = flipped(log.source.leaves[600])
    assert sorted(named(log.check())) == [
        ("foreign", "unknown-file"),
        ("source", "altered-hash"),
        ("tile/0/001", "another-tree"),  # which the bundle below it leads to
        ("tile/0/001", "missing"),
        ("tile/entries/000", "altered-entry"),
        ("tile/entries/002.p/145", "altered-entry"),
    ]


def test_more_damage_than_can_be_listed_is_counted() -> None:
    log = SMALL.copy()
    for number in range(MOST + 5):
        log.store.files[f"foreign {number}"] = b""
    findings = log.check()
    assert (len(findings.damage), findings.left_off) == (MOST, 5)


def test_a_file_that_cannot_be_read_is_a_finding_and_the_rest_is_checked() -> None:
    log = SMALL.copy()
    log.flip("tile/0/001")

    class Unreadable(FaultyStore):
        def read(self, path: str) -> bytes:
            if path == "tile/entries/000":
                raise Unavailable("input/output error")
            return super().read(path)

    findings = fsck(Unreadable(log.store, Plan()), KEY.verifier)
    assert named(findings) == [
        ("tile/entries/000", "unreadable"),
        ("tile/0/001", "altered-hash"),
    ]


def test_a_file_too_large_for_a_log_is_a_finding(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    for path, data in SMALL.store.files.items():
        if path == "checkpoint":
            store.write_checkpoint(data)
        else:
            store.write_many([(path, data)])
    assert fsck(store, KEY.verifier).damage == []
    with (tmp_path / "tile/0/000").open("r+b") as file:
        file.truncate(1 << 40)
    assert named(fsck(store, KEY.verifier)) == [("tile/0/000", "too-large")]


PLACES = st.tuples(st.sampled_from(sorted(SMALL.store.files)), st.integers(0, 1 << 20))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(PLACES, min_size=1, max_size=4, unique_by=lambda place: place[0]))
def test_no_flipped_bits_anywhere_go_unnoticed(places: list[tuple[str, int]]) -> None:
    log = SMALL.copy()
    for path, at in places:
        log.flip(path, at % len(log.store.files[path]))
    found = {damage.path for damage in log.check().damage}
    assert found & {path for path, _ in places}


# --- Bounds ---


@pytest.mark.slow
def test_memory_does_not_grow_with_the_log() -> None:
    def peak(log: SoundLog) -> int:
        tracemalloc.start()
        try:
            log.check()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(SoundLog(4_096)) < 2_000_000
    assert peak(LARGE) < 2_000_000


def test_paths_in_findings_are_those_of_tlog_tiles() -> None:
    log = LARGE.copy()
    log.store.files["tile/1/000"] = flipped(log.store.files["tile/1/000"], 32 * 200)
    (damage,) = log.check().damage
    assert damage.path == tile_path(1, 0)
    assert damage.detail.startswith("tile/0/200 hashes to ")


class Counting(MemoryStore):
    """A store that keeps what was read of it, and how much of it at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.together: list[int] = []

    def read(self, path: str) -> bytes:
        self.asked.append(path)
        return super().read(path)

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        self.together.append(len(paths))
        return super().read_many(paths)


def test_each_file_of_a_tree_is_read_once_and_where_it_can_be_with_others_at_once() -> None:
    log = SoundLog(2, 5000)
    store = Counting()
    store.files = log.store.files
    check_tree(store, open_checkpoint(log.store.files["checkpoint"], KEY.verifier)[0])
    assert sorted(store.asked) == sorted(tile_resources(5002))
    assert store.together == [16, 16, 6]  # 19 full tiles with their bundles
