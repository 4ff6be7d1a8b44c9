"""Lost and damaged files come back from the sequence, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log.repair import repair
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.merkle import leaf_hashes
from tests.harness.checked_log import KEY, OTHER_KEY, note_of
from tests.harness.simulators import Fault, FaultyStore, MemorySource, MemoryStore, Plan, flipped
from tests.harness.sound_log import SoundLog, named, small_log
from tests.harness.tile_resources import tile_resources

SMALL = small_log()
# Partial files beside full ones, as they are for a while after each publication.
CROWDED = SoundLog(2, 300, 212, 1)
FILES = sorted(path for path in SMALL.store.files if path != "checkpoint")

DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "lost": lambda _: None,
    "flipped": flipped,
    "first bit flipped": lambda data: flipped(data, 0),
    "cut short": lambda data: data[:-1],
    "emptied": lambda _: b"",
    "longer": lambda data: data + b"\x00",
    "another": lambda data: bytes(len(data)),
}


def mend(log: SoundLog, **options: object) -> list[str]:
    """Repair a log, and return the paths of the files that were written."""
    paths: list[str] = []

    def repaired(path: str, why: str) -> None:
        assert why
        paths.append(path)

    repair(log.store, KEY.verifier, log.source, log.last_signed, repaired=repaired)
    return paths


def damage(log: SoundLog, path: str, how: str) -> None:
    changed = DAMAGE[how](log.store.files[path])
    if changed is None:
        del log.store.files[path]
    else:
        log.store.files[path] = changed


def test_a_sound_log_is_left_alone() -> None:
    for sound in (SMALL, CROWDED):
        log = sound.copy()
        log.store.put_back = unwritable  # type: ignore[method-assign]
        assert mend(log) == []


def unwritable(path: str, data: bytes) -> None:
    raise AssertionError(f"{path} was written")


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("path", FILES)
def test_any_file_of_a_log_comes_back(path: str, how: str) -> None:
    log = SMALL.copy()
    damage(log, path, how)
    mend(log)
    assert named(log.check()) == []
    if path in log.store.files:
        assert log.store.files[path] == SMALL.store.files[path]
    else:  # a partial file of an earlier size, which nobody needs
        assert path not in set(tile_resources(657))
    assert mend(log) == []


def test_a_log_of_which_only_the_checkpoint_is_left_comes_back() -> None:
    log = SMALL.copy()
    log.store.files = {"checkpoint": log.store.files["checkpoint"]}
    written = mend(log)
    assert named(log.check()) == []
    assert {path: SMALL.store.files[path] for path in log.store.files} == log.store.files
    assert sorted(written) == sorted(set(log.store.files) - {"checkpoint"})


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(CROWDED.store.files)), st.sampled_from(sorted(DAMAGE))),
    st.integers(0, 12),
)
def test_many_files_come_back_though_the_repair_is_killed_half_way(
    which: dict[str, str], calls: int
) -> None:
    log = CROWDED.copy()
    which.pop("checkpoint", None)
    for path, how in which.items():
        damage(log, path, how)
    killed = FaultyStore(log.store, Plan({"put back": "before"} if calls == 0 else {}))
    left = iter(range(calls))

    def repaired(_path: str, _why: str) -> None:
        if next(left, None) is None:
            raise Fault("killed here")

    with suppress(Unavailable):
        repair(killed, KEY.verifier, log.source, log.last_signed, repaired=repaired)
    mend(log)
    assert named(log.check()) == []
    for path, data in log.store.files.items():
        assert data == CROWDED.store.files[path]


def test_a_damaged_file_that_no_checkpoint_covers_yet_is_mended() -> None:
    log = SMALL.copy()
    log.source.submit(300)
    beyond = SoundLog(2, 600, 55, 300)
    covered = set(log.store.files)
    extra = {path: data for path, data in beyond.store.files.items() if path not in covered}
    path, kept = sorted(extra)[:2]
    log.store.files |= {path: flipped(extra[path]), kept: extra[kept]}
    assert mend(log) == [path]
    assert log.store.files[path] == extra[path]
    assert set(log.store.files) == covered | {path, kept}  # none is made before its time
    # Nor is what the sequence cannot give.
    log.store.files["tile/0/900"] = b"?"
    assert mend(log) == []
    assert log.store.files["tile/0/900"] == b"?"


# --- Refusals, which write nothing ---


def refused(log: SoundLog, rule: str, *, source: MemorySource | None = None) -> FileDamage:
    before = dict(log.store.files)
    log.source = source or log.source
    with pytest.raises(FileDamage) as caught:
        mend(log)
    assert caught.value.rule == rule
    assert log.store.files == before
    return caught.value


def test_a_sequence_of_other_entries_repairs_nothing() -> None:
    log = SMALL.copy()
    log.flip("tile/0/000")
    log.source.entries[70] = b"another"
    refused(log, "altered-entry")
    log.source.leaves[70:71] = leaf_hashes([b"another"])  # and it says so consistently
    assert refused(log, "another-tree").path == "source"


def test_a_sequence_that_ends_too_early_repairs_nothing() -> None:
    log = SMALL.copy()
    log.flip("tile/0/000")
    del log.source.entries[-1], log.source.leaves[-1]
    refused(log, "rewound")


def test_a_log_for_which_nothing_was_signed_is_not_repaired() -> None:
    log = SMALL.copy()
    log.flip("tile/0/000")
    log.last_signed.signed = []
    del log.store.files["checkpoint"]
    refused(log, "missing")
    log.store.files["checkpoint"] = note_of(657, bytes(32), OTHER_KEY)
    refused(log, "missing")


def test_two_trees_that_were_signed_are_not_repaired() -> None:
    log = SMALL.copy()
    log.flip("tile/0/000")
    log.store.files["checkpoint"] = note_of(657, bytes(32))
    assert refused(log, "another-tree").path == "checkpoint"
    log.store.files["checkpoint"] = note_of(600, bytes(32))
    assert refused(log, "another-tree").path == "source"


def test_a_lost_checkpoint_is_replaced_by_the_last_one_signed() -> None:
    log = SMALL.copy()
    signed = log.store.files.pop("checkpoint")
    assert mend(log) == ["checkpoint"]
    assert log.store.files["checkpoint"] == signed
    log.store.files = {}  # all of it, as when a bucket is lost, or a log moves
    assert mend(log)[-1] == "checkpoint"
    assert named(log.check()) == []


def test_a_checkpoint_that_is_published_meanwhile_is_not_set_back() -> None:
    log = SMALL.copy()
    log.store = Meeting(log)
    log.store.files = {
        path: data for path, data in SMALL.store.files.items() if path != "checkpoint"
    }
    assert mend(log) == ["checkpoint"]
    assert log.store.files["checkpoint"] == log.last_signed.signed[-1]
    assert len(log.last_signed.signed) == len(SMALL.last_signed.signed) + 1


class Meeting(MemoryStore):
    """A store that a publisher writes to just before somebody else does."""

    def __init__(self, log: SoundLog) -> None:
        super().__init__()
        self._log = log
        self._met = False

    def write_checkpoint(self, data: bytes) -> None:
        if not self._met:
            self._met = True
            self._log.source.submit(1)
            newer = SoundLog(2, 600, 55, 1).last_signed.signed[-1]
            self._log.last_signed.signed.append(newer)
            super().write_checkpoint(newer)
        super().write_checkpoint(data)


@pytest.mark.parametrize("held", [b"", b"no note", note_of(657, bytes(32), OTHER_KEY)])
def test_a_damaged_checkpoint_stays_as_it_is(held: bytes) -> None:
    log = SMALL.copy()
    log.flip("tile/0/000")
    log.store.files["checkpoint"] = held
    assert mend(log) == ["tile/0/000"]
    assert log.store.files["checkpoint"] == held
    assert [path for path, _ in named(log.check())] == ["checkpoint"]


class Fickle(MemorySource):
    """A sequence of which the second reading gives other entries than the first."""

    readings = 0

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        self.readings += start == 0
        entries, leaves = super().read(start, limit)
        if self.readings > 1 and start == 0:
            entries[3] = b"another"
            leaves[3:4] = leaf_hashes([b"another"])
        return entries, leaves


def test_what_a_second_reading_gives_is_written_only_if_the_first_proved_it() -> None:
    log = SMALL.copy()
    log.store.files = {"checkpoint": log.store.files["checkpoint"]}
    source = Fickle()
    source.entries, source.leaves = log.source.entries, log.source.leaves
    refused(log, "altered-entry", source=source)


class Forgetful(MemoryStore):
    """A store that acknowledges what it does not keep."""

    def put_back(self, path: str, data: bytes) -> None:
        self.files[path] = flipped(data)


def test_a_store_that_does_not_keep_a_repair_is_named() -> None:
    log = SMALL.copy()
    log.store = Forgetful()
    log.store.files = dict(SMALL.store.files)
    log.flip("tile/0/001")
    with pytest.raises(FileDamage, match="tile/0/001: not-kept"):
        mend(log)


class Unlisted(MemoryStore):
    """A store that cannot be listed."""

    def paths(self) -> Iterator[str]:
        raise Unavailable("not now")


def test_a_store_that_cannot_be_listed_is_not_repaired() -> None:
    log = SMALL.copy()
    log.store = Unlisted()
    with pytest.raises(Unavailable):
        mend(log)
    assert log.store.files == {}
