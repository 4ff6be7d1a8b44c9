"""Every published entry is proven in every published tree, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log.directory import DirectoryStore
from log.proofs import Proofs
from log.store import FileDamage
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import inclusion_proof, tree_root, verify_inclusion
from testamur.tlog.tiles import RightEdge, new_tiles, tile_path
from tests.harness.simulators import flipped


def leaves_of(size: int) -> list[bytes]:
    return [at.to_bytes(32, "big") for at in range(size)]


def checkpoint_of(leaves: list[bytes], size: int) -> Checkpoint:
    return Checkpoint("log.example", size, tree_root(leaves[:size]))


def published(store: DirectoryStore, *sizes: int) -> list[bytes]:
    """Write the tiles of a log that was published at these sizes; return its leaf hashes."""
    leaves = leaves_of(sizes[-1])
    edge = RightEdge.empty()
    for size in sizes:
        edge, tiles = new_tiles(edge, leaves[edge.size : size])
        store.write_many(tiles)
    return leaves


def test_every_entry_is_proven_in_every_tree_that_was_published(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    sizes = (1, 2, 5, 255, 256, 257, 511, 512, 513, 700, 1300)
    leaves = published(store, *sizes)
    proofs = Proofs(store)
    for size in sizes:
        checkpoint = checkpoint_of(leaves, size)
        for index in range(size):
            path = proofs.inclusion(index, checkpoint)
            verify_inclusion(index, size, leaves[index], path, checkpoint.root)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_paths_are_those_of_the_specification(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, 70_000))
    index = data.draw(st.integers(0, size - 1))
    store = DirectoryStore(tmp_path_factory.mktemp("log"))
    leaves = published(store, size)
    assert Proofs(store).inclusion(index, checkpoint_of(leaves, size)) == inclusion_proof(
        index, leaves
    )


@pytest.mark.parametrize("index", [-1, -257, 302, 511, 512, 10_000])
def test_no_proof_is_made_of_an_entry_that_is_not_there(tmp_path: Path, index: int) -> None:
    store = DirectoryStore(tmp_path)
    leaves = published(store, 2, 302, 1302)
    with pytest.raises(ValueError, match="leaf index"):
        Proofs(store).inclusion(index, checkpoint_of(leaves, 302))


def test_no_proof_is_made_in_a_tree_whose_tiles_are_not_there(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    published(store, 2)
    with pytest.raises(Unavailable):
        Proofs(store).inclusion(0, checkpoint_of(leaves_of(3), 3))


def test_a_tile_of_another_length_is_damage(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    leaves = published(store, 300)
    (tmp_path / tile_path(0, 1, 44)).write_bytes(bytes(31))
    with pytest.raises(FileDamage, match="malformed"):
        Proofs(store).inclusion(299, checkpoint_of(leaves, 300))


def test_a_path_that_was_returned_is_not_shared(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    leaves = published(store, 600)
    proofs = Proofs(store)
    checkpoint = checkpoint_of(leaves, 600)
    proofs.inclusion(3, checkpoint).clear()
    path = proofs.inclusion(3, checkpoint)
    verify_inclusion(3, 600, leaves[3], path, checkpoint.root)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/1/000.p/2", "tile/0/002.p/88"])
def test_no_proof_is_made_of_damaged_tiles_and_none_stays_damaged(
    tmp_path: Path, path: str
) -> None:
    store = DirectoryStore(tmp_path)
    leaves = published(store, 600)
    checkpoint = checkpoint_of(leaves, 600)
    proofs = Proofs(store)
    whole = store.read(path)
    store.put_back(path, flipped(whole))
    with pytest.raises(FileDamage, match="another-tree"):
        proofs.inclusion(3, checkpoint)
    store.put_back(path, whole)
    verify_inclusion(3, 600, leaves[3], proofs.inclusion(3, checkpoint), checkpoint.root)
