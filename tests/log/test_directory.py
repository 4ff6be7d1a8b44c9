"""The folder of a log: what survives a crash, and what in it is not a file of a log."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from log.directory import DirectoryStore
from log.fsck import fsck
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.source import NotFound, Source
from testamur.tlog.tiles import MalformedTile
from tests.harness.checked_log import KEY
from tests.harness.no_files import NO_FILES, UNREADABLE

FULL = "tile/0/x001/234"


PARTIAL = "tile/0/x001/234.p/56"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "log")


def files_under(root: Path) -> set[str]:
    return {str(file.relative_to(root)) for file in root.rglob("*") if not file.is_dir()}


def test_what_was_written_is_read_back_under_its_tlog_tiles_path(store: DirectoryStore) -> None:
    store.write_many([(FULL, b"full"), (PARTIAL, b"partial"), ("tile/entries/000.p/1", b"")])
    store.write_checkpoint(b"note")
    source: Source = store  # any reader of a log can use it
    assert source.fetch(FULL) == b"full"
    assert (store.root / "tile/0/x001/234.p/56").read_bytes() == b"partial"
    assert store.read("tile/entries/000.p/1") == b""
    assert store.read("checkpoint") == b"note"
    assert files_under(store.root) == set(store.paths())


def test_a_store_that_was_only_read_leaves_no_folder_behind(store: DirectoryStore) -> None:
    assert list(store.paths()) == []
    assert store.sweep() == []
    with pytest.raises(NotFound):
        store.read("checkpoint")
    assert not store.root.exists()


def test_same_bytes_are_written_anew_since_the_old_may_not_have_reached_the_device(
    store: DirectoryStore,
) -> None:
    store.write_many([(FULL, b"same")])
    before = (store.root / FULL).stat().st_ino
    keep = (store.root / FULL).open("rb")  # so that its number is not given to the next file
    store.write_many([(FULL, b"same")])
    assert (store.root / FULL).stat().st_ino != before
    keep.close()


def test_the_checkpoint_is_replaced_and_a_reader_of_the_old_one_keeps_it_whole(
    store: DirectoryStore,
) -> None:
    store.write_checkpoint(b"old note")
    with (store.root / "checkpoint").open("rb") as reader:
        store.write_checkpoint(b"new")
        assert reader.read() == b"old note"
    assert store.read("checkpoint") == b"new"


def test_a_file_larger_than_any_of_a_log_is_refused(store: DirectoryStore) -> None:
    store.write_many([("tile/0/000", b"x")])
    os.truncate(store.root / "tile/0/000", 1 << 40)  # takes no space: it is a hole
    with pytest.raises(FileDamage, match="tile/0/000: too-large"):
        store.read("tile/0/000")


def test_nothing_but_a_log_is_read_or_removed(store: DirectoryStore, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    for path in ("../outside", "tile/0/../../../outside"):
        with pytest.raises(NotFound):
            store.read(path)
        with pytest.raises(MalformedTile):
            store.remove_partials(path)
    assert not store.root.exists()


def test_one_file_that_would_change_keeps_all_of_them_from_being_written(
    store: DirectoryStore,
) -> None:
    store.write_many([(FULL, b"\x01\x02\x03")])
    with pytest.raises(FileDamage, match="byte 2 is 0x03, not 0x04"):
        store.write_many([("tile/0/000", b"new"), (FULL, b"\x01\x02\x04")])
    assert files_under(store.root) == {FULL}


def test_a_folder_without_its_partials_is_removed(store: DirectoryStore) -> None:
    store.write_many([("tile/0/000.p/3", b"x"), ("tile/0/000", b"full")])
    store.remove_partials("tile/0/000")
    assert files_under(store.root) == {"tile/0/000"}
    assert not (store.root / "tile/0/000.p").exists()


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/entries/000.p/7"])
@pytest.mark.parametrize("kind", list(NO_FILES))
def test_what_is_no_regular_file_is_not_found_and_blocks_no_reader(
    store: DirectoryStore, path: str, kind: str
) -> None:
    """A plain open of a FIFO would keep the server waiting, and a device would never end."""
    place = store.root / path
    place.parent.mkdir(parents=True)
    NO_FILES[kind](place)
    with pytest.raises(Unavailable) as caught:
        store.read(path)
    assert isinstance(caught.value, NotFound) is (kind not in UNREADABLE)
    assert fsck(store, KEY.verifier).damage  # which does not wait either


@pytest.mark.parametrize("kind", ["fifo", "device", "dangling link"])
def test_what_is_no_regular_file_is_replaced_by_a_write(store: DirectoryStore, kind: str) -> None:
    place = store.root / "tile/0/000"
    place.parent.mkdir(parents=True)
    NO_FILES[kind](place)
    store.write_many([("tile/0/000", b"x")])
    assert store.read("tile/0/000") == b"x"
    assert place.is_file()
    assert not place.is_symlink()


def test_a_folder_in_the_place_of_a_file_is_never_replaced(store: DirectoryStore) -> None:
    (store.root / "tile/0/000").mkdir(parents=True)
    with pytest.raises(Unavailable, match="cannot be written"):
        store.write_many([("tile/0/000", b"x")])


def test_bytes_are_flushed_before_they_get_a_name_and_folders_after(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def seen_fsync(descriptor: int) -> None:
        acts.append(f"flush {Path(f'/proc/self/fd/{descriptor}').readlink()}")
        fsync(descriptor)

    def seen_replace(self: Path, target: Path) -> Path:
        acts.append(f"name {target}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "replace", seen_replace)
    store.write_many([(PARTIAL, b"a"), ("tile/entries/000", b"b")])
    root = str(store.root)
    names = [f"name {root}/{PARTIAL}", f"name {root}/tile/entries/000"]
    first = acts.index(names[0])
    last = acts.index(names[1])
    flushed = [act.split("/.tmp-")[0] for act in acts[:first] if ".tmp-" in act]
    assert sorted(flushed) == [f"flush {root}/tile/0/x001/234.p", f"flush {root}/tile/entries"]
    # Every folder that is new, up to the one that holds the root's name, is flushed.
    new = ["", "/tile", "/tile/0", "/tile/0/x001", "/tile/0/x001/234.p", "/tile/entries"]
    assert set(acts[last + 1 :]) == {f"flush {root}{folder}" for folder in new}
    assert f"flush {store.root.parent}" in acts[:first]

    acts.clear()
    store.write_many([("tile/0/x001/235", b"c")])
    assert [act for act in acts if ".tmp-" not in act] == [
        f"name {root}/tile/0/x001/235",
        f"flush {root}/tile/0/x001",
    ]


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let every write beyond `size` bytes fail, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_write_that_fails_names_nothing_leaves_nothing_and_can_be_tried_again(
    store: DirectoryStore,
) -> None:
    files = [("tile/0/000", bytes(100)), ("tile/entries/000", bytes(9000)), ("tile/1/000.p/1", b"")]
    with files_limited_to(8192), pytest.raises(Unavailable, match="cannot be written"):
        store.write_many(files)
    assert files_under(store.root) == set()
    store.write_many(files)
    assert files_under(store.root) == {path for path, _ in files}


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(store: DirectoryStore) -> None:
    store.write_checkpoint(b"old")
    with files_limited_to(16), pytest.raises(Unavailable):
        store.write_checkpoint(bytes(17))
    assert store.read("checkpoint") == b"old"
    assert files_under(store.root) == {"checkpoint"}


def test_a_root_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"a file, not a folder")
    store = DirectoryStore(tmp_path / "log")
    with pytest.raises(Unavailable):
        store.write_many([("tile/0/000", b"x")])
    with pytest.raises(NotFound):
        store.read("tile/0/000")


def test_folders_that_vanished_are_made_again_after_one_failure(store: DirectoryStore) -> None:
    store.write_many([("tile/0/000", b"x")])
    (store.root / "tile/0/000").unlink()
    (store.root / "tile/0").rmdir()
    store.write_many([("tile/0/000", b"x")])
    assert store.read("tile/0/000") == b"x"


def test_sweep_removes_what_interrupted_writes_left_and_nothing_else(
    store: DirectoryStore,
) -> None:
    store.write_many([("tile/0/000", b"a"), ("tile/0/001.p/7", b"b")])
    store.write_checkpoint(b"note")
    for folder in ("", "tile/0", "tile/0/001.p"):
        (store.root / folder / ".tmp-00112233aabbccdd").write_bytes(b"half a ti")
    (store.root / "tile/0/foreign").write_bytes(b"not ours to remove")
    assert store.sweep() == []
    left = {"checkpoint", "tile/0/000", "tile/0/001.p/7", "tile/0/foreign"}
    assert files_under(store.root) == left


def test_what_is_not_ours_is_neither_removed_nor_in_the_way(store: DirectoryStore) -> None:
    store.write_many([("tile/0/000.p/3", b"x"), ("tile/0/000", b"full")])
    foreign = {"foreign", "foreign.p/3", "tile/0/000.p/README", "tile/0/000.p/folder/7"}
    for path in foreign:
        (store.root / path).parent.mkdir(exist_ok=True)
        (store.root / path).write_bytes(b"")
    assert store.sweep() == ["tile/0/000"]
    store.remove_partials("tile/0/000")
    assert files_under(store.root) == foreign | {"tile/0/000"}


def test_paths_lists_links_and_foreign_files_but_no_unfinished_writes(
    store: DirectoryStore, tmp_path: Path
) -> None:
    store.write_many([("tile/0/000", b"x")])
    (store.root / "link").symlink_to(tmp_path)
    (store.root / "tile/.tmp-0011").write_bytes(b"")
    assert list(store.paths()) == ["link", "tile/0/000"]
