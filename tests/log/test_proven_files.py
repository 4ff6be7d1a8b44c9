"""What is read through `ProvenFiles` is in the signed tree, whatever the store says."""

from __future__ import annotations

from pathlib import Path

import pytest

from log.directory import DirectoryStore
from log.proven_files import ProvenFiles
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import (
    MalformedTile,
    RightEdge,
    bundle_path,
    encode_bundle,
    new_bundles,
    new_tiles,
)
from tests.harness.simulators import flipped
from tests.harness.tile_resources import tile_resources

SIZES = (1, 100, 256, 300, 513, 612)
LARGE = 66_000  # of three levels of tiles


def entries_of(size: int) -> list[bytes]:
    return [b"entry %d" % at for at in range(size)]


class Told:
    """A log in a folder, published at each of these sizes; nothing was removed."""

    def __init__(self, folder: Path, *sizes: int) -> None:
        self.store = DirectoryStore(folder)
        self.entries = entries_of(sizes[-1])
        self.leaves = leaf_hashes(self.entries)
        edge, bundle = RightEdge.empty(), b""
        for size in sizes:
            added = self.entries[edge.size : size]
            bundles = new_bundles(edge.size, bundle, added)
            edge, tiles = new_tiles(edge, self.leaves[edge.size : size])
            self.store.write_many([*bundles, *tiles])
            bundle = bundles[-1][1] if size % 256 else b""
        self.size = edge.size
        self.root = edge.root()

    def checkpoint(self) -> Checkpoint:
        return Checkpoint("log.example", self.size, self.root)

    def files(self) -> ProvenFiles:
        return ProvenFiles(self.store, self.checkpoint)


def test_every_file_of_every_published_tree_is_proven(tmp_path: Path) -> None:
    told = Told(tmp_path, *SIZES)
    assert told.root == tree_root(told.leaves)
    files = told.files()
    for size in SIZES:
        for path in tile_resources(size):
            assert files.read(path) == told.store.read(path)


def test_every_level_of_a_large_log_is_proven(tmp_path: Path) -> None:
    told = Told(tmp_path, LARGE)
    files = told.files()
    paths = list(tile_resources(LARGE))
    for path in (*paths[::37], *paths[-5:]):
        assert files.read(path) == told.store.read(path)


@pytest.mark.parametrize("path", sorted({path for size in SIZES for path in tile_resources(size)}))
def test_a_damaged_file_is_not_returned_and_a_repaired_one_is(tmp_path: Path, path: str) -> None:
    told = Told(tmp_path, *SIZES)
    files = told.files()
    whole = told.store.read(path)
    for damaged in (flipped(whole), whole[:-1], whole + b"\0", b"", b'{"secret": "of another"}'):
        told.store.put_back(path, damaged)
        with pytest.raises(FileDamage):
            files.read(path)
    told.store.put_back(path, whole)
    assert files.read(path) == whole


def test_a_bundle_of_other_entries_is_not_returned(tmp_path: Path) -> None:
    told = Told(tmp_path, 612)
    told.store.put_back(bundle_path(1), encode_bundle([b"forged", *told.entries[257:512]]))
    with pytest.raises(FileDamage, match="another-tree"):
        told.files().read(bundle_path(1))


def test_the_bundle_of_another_place_is_not_returned(tmp_path: Path) -> None:
    told = Told(tmp_path, 612)
    told.store.put_back(bundle_path(1), told.store.read(bundle_path(0)))
    with pytest.raises(FileDamage, match="another-tree"):
        told.files().read(bundle_path(1))


def test_a_file_whose_tile_above_is_lost_cannot_be_checked(tmp_path: Path) -> None:
    told = Told(tmp_path, 612)
    (tmp_path / "tile/1/000.p/2").unlink()
    with pytest.raises(Unavailable, match="cannot be checked") as caught:
        told.files().read("tile/0/000")
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize("path", ["tile/0/002.p/101", "tile/0/003", "tile/1/000", "tile/2/000.p/1"])
def test_a_file_that_the_checkpoint_does_not_cover_is_not_there(tmp_path: Path, path: str) -> None:
    told = Told(tmp_path, 612)
    told.store.write_many([(path, bytes(32))])
    with pytest.raises(NotFound):
        told.files().read(path)


def test_a_checkpoint_is_no_tile(tmp_path: Path) -> None:
    with pytest.raises(MalformedTile):
        Told(tmp_path, 1).files().read("checkpoint")
