"""Inclusion proofs of published entries, from the tiles as they are stored.

Each is checked against the signed root before it is kept or returned.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from log.proven_files import KnownTiles
from log.store import FileDamage, Files
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import (
    InvalidProof,
    all_inclusion_proofs,
    prove_inclusion,
    verify_inclusion,
)
from testamur.tlog.tiles import WIDTH, TileHashes

_TILES: Final = 128  # kept with all their paths, about 60 kB each


class Proofs:
    """Proves entries of the log in `store`. Threads may share one.

    Requests for entries published together come together, so it makes all proofs of a tile at
    once and keeps them.
    """

    def __init__(self, store: Files) -> None:
        tiles = KnownTiles(store)

        def paths(tile: int, checkpoint: Checkpoint) -> tuple[list[list[bytes]], list[bytes]]:
            try:
                return tiles.proven(
                    checkpoint.size, lambda tree: _proven_paths(tile, checkpoint, tree)
                )
            except InvalidProof as error:
                raise FileDamage("tile", "another-tree", str(error)) from error

        self._paths = lru_cache(_TILES)(paths)

    def inclusion(self, index: int, checkpoint: Checkpoint) -> list[bytes]:
        """Return the audit path of entry `index` in the tree of a checkpoint, leaf to root.

        Raises `ValueError` when that tree has no such leaf, `Unavailable` when its tiles cannot be
        read (as when no such tree is published), and `FileDamage` when they are malformed or do not
        lead to the root.
        """
        size = checkpoint.size
        if not 0 <= index < size:
            raise ValueError(f"leaf index {index} is outside a tree of {size} leaves")
        within, above = self._paths(index // WIDTH, checkpoint)
        return within[index % WIDTH] + above


def _proven_paths(
    tile: int, checkpoint: Checkpoint, tree: TileHashes
) -> tuple[list[list[bytes]], list[bytes]]:
    """Return the path of each leaf of a tile up to the top of it, and the path from there on."""
    start, size = tile * WIDTH, checkpoint.size
    leaves = tree.read_hashes([(0, at) for at in range(start, min(start + WIDTH, size))])
    within = all_inclusion_proofs(leaves)
    # The part of the path above the tile is the same for each of its leaves.
    above = prove_inclusion(start, size, tree)[len(within[0]) :]
    # The path of one leaf was hashed from all the others, so it proves them as well.
    verify_inclusion(start, size, leaves[0], within[0] + above, checkpoint.root)
    return within, above
