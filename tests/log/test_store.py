"""The folder of a log, and the last signed checkpoint: what survives what."""

from __future__ import annotations

import os
import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from log.last_signed import LastSigned, Overtaken
from log.store import Damage, DirectoryStore, difference
from testamur.errors import Unavailable
from testamur.tlog.source import NotFound, Source
from testamur.tlog.tiles import MalformedTile

FULL = "tile/0/x001/234"
PARTIAL = "tile/0/x001/234.p/56"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "log")


def files_under(root: Path) -> set[str]:
    return {str(file.relative_to(root)) for file in root.rglob("*") if not file.is_dir()}


# --- Reading and writing ---


def test_what_was_written_is_read_back_under_its_tlog_tiles_path(store: DirectoryStore) -> None:
    store.write_many([(FULL, b"full"), (PARTIAL, b"partial"), ("tile/entries/000.p/1", b"")])
    store.write_checkpoint(b"note")
    source: Source = store  # it serves whoever reads a log
    assert source.fetch(FULL) == b"full"
    assert (store.root / "tile/0/x001/234.p/56").read_bytes() == b"partial"
    assert store.read("tile/entries/000.p/1") == b""
    assert store.read("checkpoint") == b"note"
    assert files_under(store.root) == set(store.paths())


def test_a_file_that_is_not_there_is_not_found(store: DirectoryStore) -> None:
    with pytest.raises(NotFound, match="tile/0/000"):
        store.read("tile/0/000")
    store.write("tile/0/000", b"x")
    with pytest.raises(NotFound):
        store.read("tile/0/000.p/3")


def test_a_store_that_was_only_read_leaves_no_folder_behind(store: DirectoryStore) -> None:
    assert list(store.paths()) == []
    assert store.sweep() == []
    with pytest.raises(NotFound):
        store.read("checkpoint")
    assert not store.root.exists()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..",
        "../checkpoint",
        "/etc/passwd",
        "tile/../checkpoint",
        "tile/0/../../../outside",
        "tile/0/000/",
        "tile//0/000",
        "tile/00/000",
        "tile/0/1",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/007",
        "tile/64/000",
        "tile/entries/x000/000",
        "tile/0/.tmp-0123456789abcdef",
        "checkpoint/",
        "checkpoint\n",
        "last_signed.db",
        "tile/0/000\x00",
    ],
)
def test_only_paths_of_a_log_can_be_named(store: DirectoryStore, path: str) -> None:
    with pytest.raises(MalformedTile):
        store.read(path)
    with pytest.raises(MalformedTile):
        store.write_many([("tile/0/000", b"good"), (path, b"bad")])
    with pytest.raises(MalformedTile):
        store.remove_partials(path)
    assert not store.root.exists()  # and the good one was not written either


def test_the_checkpoint_cannot_be_written_as_if_it_were_a_tile(store: DirectoryStore) -> None:
    with pytest.raises(MalformedTile):
        store.write("checkpoint", b"note")


def test_a_written_file_never_takes_other_bytes(store: DirectoryStore) -> None:
    store.write(FULL, b"\x01\x02\x03")
    with pytest.raises(
        Damage, match=r"tile/0/x001/234: immutable: .*byte 2 is 0x03, not 0x04"
    ) as at:
        store.write_many([("tile/0/000", b"new"), (FULL, b"\x01\x02\x04")])
    assert (at.value.path, at.value.rule) == (FULL, "immutable")
    with pytest.raises(Damage, match="3 bytes, not 2"):
        store.write(FULL, b"\x01\x02")
    assert files_under(store.root) == {FULL}
    assert store.read(FULL) == b"\x01\x02\x03"


def test_the_same_bytes_may_be_written_again(store: DirectoryStore) -> None:
    store.write(FULL, b"same")
    store.write_many([(FULL, b"same"), ("tile/0/000", b"new")])
    assert files_under(store.root) == {FULL, "tile/0/000"}


def test_same_bytes_are_written_anew_since_the_old_may_not_have_reached_the_device(
    store: DirectoryStore,
) -> None:
    store.write(FULL, b"same")
    before = (store.root / FULL).stat().st_ino
    keep = (store.root / FULL).open("rb")  # so that its number is not given to the next file
    store.write(FULL, b"same")
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
    store.write("tile/0/000", b"x")
    os.truncate(store.root / "tile/0/000", 1 << 40)  # takes no space: it is a hole
    with pytest.raises(Damage, match="tile/0/000: too-large"):
        store.read("tile/0/000")


# --- Durability ---


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
    store.write("tile/0/x001/235", b"c")
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
        store.write("tile/0/000", b"x")
    with pytest.raises(NotFound):
        store.read("tile/0/000")


def test_folders_that_vanished_are_made_again_after_one_failure(store: DirectoryStore) -> None:
    store.write("tile/0/000", b"x")
    (store.root / "tile/0/000").unlink()
    (store.root / "tile/0").rmdir()
    store.write("tile/0/000", b"x")
    assert store.read("tile/0/000") == b"x"


# --- Cleaning up ---


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


def test_sweep_tells_which_full_files_still_have_partials_beside_them(
    store: DirectoryStore,
) -> None:
    both = ["tile/0/000.p/3", "tile/0/000.p/9", "tile/0/000", "tile/entries/000.p/9"]
    store.write_many([(path, b"x") for path in [*both, "tile/entries/000", "tile/0/001.p/2"]])
    assert store.sweep() == ["tile/0/000", "tile/entries/000"]


def test_partials_are_removed_only_when_the_full_file_is_there(store: DirectoryStore) -> None:
    store.write_many([("tile/0/000.p/3", b"x"), ("tile/0/000.p/9", b"x")])
    with pytest.raises(NotFound, match="its partials are needed"):
        store.remove_partials("tile/0/000")
    store.write("tile/0/000", b"full")
    store.remove_partials("tile/0/000")
    store.remove_partials("tile/0/000")  # again, as after a crash
    assert files_under(store.root) == {"tile/0/000"}
    assert not (store.root / "tile/0/000.p").exists()
    store.write("tile/0/000.p/9", b"x")  # its folder is made anew
    assert store.read("tile/0/000.p/9") == b"x"


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
    store.write("tile/0/000", b"x")
    (store.root / "link").symlink_to(tmp_path)
    (store.root / "tile/.tmp-0011").write_bytes(b"")
    assert list(store.paths()) == ["link", "tile/0/000"]


def test_difference_says_where() -> None:
    assert difference(b"abc", b"abd") == "byte 2 is 0x63, not 0x64"
    assert difference(b"abc", b"ab") == "it has 3 bytes, not 2"


# --- The last signed checkpoint ---


@pytest.fixture
def last_signed(tmp_path: Path) -> Iterator[LastSigned]:
    opened = LastSigned(tmp_path / "last-signed.db")
    yield opened
    opened.close()


def test_the_last_signed_note_survives_its_process(tmp_path: Path) -> None:
    first = LastSigned(tmp_path / "folder" / "last-signed.db")
    assert first.get() is None
    first.compare_and_swap(None, b"one")
    first.compare_and_swap(b"one", b"two")
    first.close()
    second = LastSigned(tmp_path / "folder" / "last-signed.db")
    assert second.get() == b"two"
    second.close()


@pytest.mark.parametrize("old", [None, b"", b"zero", b"one "])
def test_only_the_note_that_is_stored_can_be_replaced(
    last_signed: LastSigned, old: bytes | None
) -> None:
    last_signed.compare_and_swap(None, b"one")
    with pytest.raises(Overtaken):
        last_signed.compare_and_swap(old, b"two")
    assert last_signed.get() == b"one"
    last_signed.compare_and_swap(b"one", b"two")  # the refusal left no transaction open
    assert last_signed.get() == b"two"


def test_nothing_can_be_replaced_before_the_first_note(last_signed: LastSigned) -> None:
    with pytest.raises(Overtaken):
        last_signed.compare_and_swap(b"zero", b"one")
    assert last_signed.get() is None


def test_of_many_that_replace_the_same_note_one_succeeds(tmp_path: Path) -> None:
    stores = [LastSigned(tmp_path / "last-signed.db") for _ in range(4)]
    outcomes: list[bytes] = []

    def race(store: LastSigned, note: bytes) -> None:
        try:
            store.compare_and_swap(None, note)
        except Overtaken:
            return
        outcomes.append(note)

    threads = [
        threading.Thread(target=race, args=(store, b"note %d" % number))
        for number, store in enumerate(stores * 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [stores[0].get()] == outcomes
    for store in stores:
        store.close()


def test_every_commit_is_flushed_before_it_returns(tmp_path: Path, last_signed: LastSigned) -> None:
    # PRAGMA synchronous belongs to a connection: 2 is FULL.
    assert last_signed._database.execute("PRAGMA synchronous").fetchone() == (2,)
    with sqlite3.connect(tmp_path / "last-signed.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_second_publisher_cannot_claim_the_log_until_the_first_lets_go(
    tmp_path: Path, last_signed: LastSigned
) -> None:
    other = LastSigned(tmp_path / "last-signed.db")
    last_signed.claim()
    last_signed.claim()  # it is ours already
    with pytest.raises(Unavailable, match="another publisher"):
        other.claim()
    assert other.get() is None  # reading needs no claim
    last_signed.release()
    other.claim()
    with pytest.raises(Unavailable):
        last_signed.claim()
    other.close()
    last_signed.claim()


def test_a_file_that_is_no_database_is_damage(tmp_path: Path) -> None:
    (tmp_path / "last-signed.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(Damage, match=r"last-signed: malformed: last-signed\.db: .* not a database"):
        LastSigned(tmp_path / "last-signed.db")


@pytest.mark.parametrize("note", ["NULL", "7", "0.5", "'text'", "CAST(x'ff' AS TEXT)"])
def test_a_note_that_is_none_any_more_is_damage(tmp_path: Path, note: str) -> None:
    with sqlite3.connect(tmp_path / "last-signed.db") as database:
        database.execute("CREATE TABLE last_signed (id, note)")
        database.execute(f"INSERT INTO last_signed VALUES (1, {note})")  # noqa: S608
    database.close()
    last_signed = LastSigned(tmp_path / "last-signed.db")
    with pytest.raises(Damage, match="last-signed: malformed: "):
        last_signed.get()
    with pytest.raises(Damage):
        last_signed.compare_and_swap(b"one", b"two")
    last_signed.close()


def test_a_flipped_bit_in_the_schema_of_the_last_signed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "last-signed.db"
    last_signed = LastSigned(path)
    last_signed.compare_and_swap(None, b"one")
    last_signed.close()
    raw = path.read_bytes()
    start = raw.index(b"CREATE TABLE")
    named = 0
    for at in range(start, raw.index(b"STRICT", start) + 6):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x80]) + raw[at + 1 :])
        try:
            opened = LastSigned(path)
        except Damage:
            named += 1
            continue
        with suppress(Damage):
            assert opened.get() == b"one"
        opened.close()
    assert named > 20


def test_a_last_signed_store_that_was_closed_is_unavailable(last_signed: LastSigned) -> None:
    last_signed.close()
    with pytest.raises(Unavailable):
        last_signed.get()
    with pytest.raises(Unavailable):
        last_signed.compare_and_swap(None, b"one")
