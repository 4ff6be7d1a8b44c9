"""What every driver of a log's store must do; a new driver is added to `STORES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from log.bucket import Bucket
from log.directory import DirectoryStore
from log.s3 import S3Store
from log.store import FileDamage, difference
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import MalformedTile
from tests.harness import object_servers
from tests.harness.simulators import CheckedStore, MemoryStore


def in_bucket(kind: str) -> Callable[[Path], CheckedStore]:
    """Return how a store on a server of this kind is opened."""

    def opened(root: Path) -> CheckedStore:
        server = object_servers.shared(kind)
        return S3Store(Bucket.parse(server.address(object_servers.prefix_of(root))))

    return opened


STORES: dict[str, Callable[[Path], CheckedStore]] = {
    "directory": DirectoryStore,
    "memory": lambda _: MemoryStore(),
    "seaweedfs": in_bucket("seaweedfs"),
    "versity": in_bucket("versity"),
}
MARKED = [
    pytest.param(name, marks=pytest.mark.objects) if name in object_servers.KINDS else name
    for name in STORES
]
FULL = "tile/0/x001/234"
PARTIAL = "tile/0/x001/234.p/56"


@pytest.fixture(params=MARKED)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CheckedStore]:
    store = STORES[request.param](tmp_path / "log")
    yield store
    if isinstance(store, S3Store):
        store.close()


# --- Reading and writing ---


def test_what_was_written_is_read_back_and_listed(store: CheckedStore) -> None:
    store.write_many([(FULL, b"full"), (PARTIAL, b"partial"), ("tile/entries/000.p/1", b"")])
    store.write_checkpoint(b"note")
    assert store.read(FULL) == b"full"
    assert store.read(PARTIAL) == b"partial"
    assert store.read("tile/entries/000.p/1") == b""
    assert store.read("checkpoint") == b"note"
    assert sorted(store.paths()) == ["checkpoint", FULL, PARTIAL, "tile/entries/000.p/1"]


def test_many_files_are_read_in_the_order_asked_for(store: CheckedStore) -> None:
    files = [(f"tile/0/{number:03d}", b"%d" % number) for number in range(40)]
    store.write_many(files)
    backwards = files[::-1]
    assert store.read_many([path for path, _ in backwards]) == [data for _, data in backwards]
    assert store.read_many([]) == []
    with pytest.raises(NotFound, match="tile/0/999"):
        store.read_many(["tile/0/001", "tile/0/999", "tile/0/002"])


def test_a_file_that_is_not_there_is_not_found(store: CheckedStore) -> None:
    for path in ("tile/0/000", "checkpoint"):
        with pytest.raises(NotFound, match=path):
            store.read(path)
    store.write_many([("tile/0/000", b"x")])
    with pytest.raises(NotFound):
        store.read("tile/0/000.p/3")


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
def test_only_paths_of_a_log_can_be_named(store: CheckedStore, path: str) -> None:
    with pytest.raises(NotFound):
        store.read(path)
    with pytest.raises(MalformedTile):
        store.write_many([("tile/0/000", b"good"), (path, b"bad")])
    assert list(store.paths()) == []  # and the good one was not written either


def test_the_checkpoint_cannot_be_written_as_if_it_were_a_tile(store: CheckedStore) -> None:
    with pytest.raises(MalformedTile):
        store.write_many([("checkpoint", b"note")])
    assert list(store.paths()) == []


def test_a_written_file_never_takes_other_bytes(store: CheckedStore) -> None:
    store.write_many([(FULL, b"\x01\x02\x03")])
    for other in (b"\x01\x02\x04", b"\x01\x02", b"\x01\x02\x03\x04", b""):
        with pytest.raises(FileDamage, match="tile/0/x001/234: immutable: ") as caught:
            store.write_many([(FULL, other)])
        assert (caught.value.path, caught.value.rule) == (FULL, "immutable")
        assert store.read(FULL) == b"\x01\x02\x03"


def test_the_same_bytes_may_be_written_again(store: CheckedStore) -> None:
    store.write_many([(FULL, b"same")])
    store.write_many([(FULL, b"same"), ("tile/0/000", b"new")])
    assert sorted(store.paths()) == ["tile/0/000", FULL]


def test_the_checkpoint_is_replaced(store: CheckedStore) -> None:
    for note in (b"a longer note", b"note", b"note"):
        store.write_checkpoint(note)
        assert store.read("checkpoint") == note


def test_only_what_is_put_back_takes_the_place_of_another(store: CheckedStore) -> None:
    store.write_many([(FULL, b"damaged")])
    for data in (b"mended", b"mended", b""):
        store.put_back(FULL, data)
        store.put_back(PARTIAL, data)  # which was not there
        assert store.read(FULL) == store.read(PARTIAL) == data
    for path in ("checkpoint", "tile/0/1", "../outside"):
        with pytest.raises(MalformedTile):
            store.put_back(path, b"x")
    assert sorted(store.paths()) == sorted([FULL, PARTIAL])


# --- Removing unneeded files ---


def test_sweep_names_the_full_files_that_still_have_partials_beside_them(
    store: CheckedStore,
) -> None:
    assert store.sweep() == []
    both = ["tile/0/000.p/3", "tile/0/000.p/9", "tile/0/000", "tile/entries/000.p/9"]
    files = [*both, "tile/entries/000", "tile/0/001.p/2"]
    store.write_many([(path, b"x") for path in files])
    store.write_checkpoint(b"note")
    assert sorted(store.sweep()) == ["tile/0/000", "tile/entries/000"]
    assert sorted(store.paths()) == sorted(["checkpoint", *files])  # it removes none of a log's


def test_partials_are_removed_only_when_the_full_file_is_there(store: CheckedStore) -> None:
    store.write_many([("tile/0/000.p/3", b"x"), ("tile/0/000.p/9", b"x")])
    with pytest.raises(NotFound):
        store.remove_partials("tile/0/000")
    store.write_many([("tile/0/000", b"full"), ("tile/0/001.p/9", b"another's")])
    store.remove_partials("tile/0/000")
    store.remove_partials("tile/0/000")  # again, as after a crash
    assert sorted(store.paths()) == ["tile/0/000", "tile/0/001.p/9"]
    store.write_many([("tile/0/000.p/9", b"x")])
    assert store.read("tile/0/000.p/9") == b"x"


def test_difference_says_where() -> None:
    assert difference(b"abc", b"abd") == "byte 2 is 0x63, not 0x64"
    assert difference(b"abc", b"ab") == "it has 3 bytes, not 2"
