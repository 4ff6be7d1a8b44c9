"""Inclusion proofs of published entries, from the tiles as they are stored.

Nothing here is checked: a proof shows what it leads to, which its reader compares with a signed
root.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from log.store import FileDamage, Files
from testamur.tlog.merkle import all_inclusion_proofs, prove_inclusion
from testamur.tlog.tiles import WIDTH, MalformedTile, TileHashes, parse_path, split_tile

_TILES: Final = 128  # kept with all their paths, about 60 kB each


def tiles_of(store: Files) -> Callable[[str], bytes]:
    """Return a function that reads a tile from `store`; a malformed one is `FileDamage`."""

    def fetch(path: str) -> bytes:
        data = store.read(path)
        try:
            split_tile(data, parse_path(path).width)
        except MalformedTile as error:
            raise FileDamage(path, "malformed", str(error)) from error
        return data

    return fetch


class Proofs:
    """Proves entries of the log in `store`. Threads may share one.

    Requests for entries published together come together, so it makes all proofs of a tile at
    once and keeps them.
    """

    def __init__(self, store: Files) -> None:
        tiles = TileHashes(0, tiles_of(store))

        def paths(tile: int, size: int) -> tuple[list[list[bytes]], list[bytes]]:
            tree = tiles.at(size)
            start, end = tile * WIDTH, min(tile * WIDTH + WIDTH, size)
            within = all_inclusion_proofs(tree.read_hashes([(0, at) for at in range(start, end)]))
            # The part of the path above the tile is the same for each of its leaves.
            return within, prove_inclusion(start, size, tree)[len(within[0]) :]

        self._paths = lru_cache(_TILES)(paths)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of entry `index` in the published tree of `size`, leaf to root.

        Raises `ValueError` when that tree has no such leaf, `Unavailable` when its tiles cannot be
        read (as when no such tree is published), and `FileDamage` when they are malformed.
        """
        if not 0 <= index < size:
            raise ValueError(f"leaf index {index} is outside a tree of {size} leaves")
        within, above = self._paths(index // WIDTH, size)
        return within[index % WIDTH] + above
