"""Inclusion paths of published entries, from the tiles as they lie in the store.

Nothing here is checked: a path is worth what it leads to, and whoever asked for it compares that
with a signed root.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from log.store import Damage
from testamur.tlog.merkle import all_inclusion_proofs, prove_inclusion
from testamur.tlog.tiles import WIDTH, MalformedTile, TileHashes, parse_path, split_tile

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Store(Protocol):
        """Where the tiles lie; `log.store.DirectoryStore` states its duty."""

        def read(self, path: str) -> bytes: ...


_TILES: Final = 128  # kept with all their paths, about 60 kB each


def tiles_of(store: Store) -> Callable[[str], bytes]:
    """Return what fetches a tile from `store`; one that is malformed is `Damage`."""

    def fetch(path: str) -> bytes:
        data = store.read(path)
        try:
            split_tile(data, parse_path(path).width)
        except MalformedTile as error:
            raise Damage(path, "malformed", str(error)) from error
        return data

    return fetch


class Proofs:
    """Proves entries of the log in `store`. May be shared by threads.

    Whoever published together asks for proofs together, so those of a tile are made at once.
    """

    def __init__(self, store: Store) -> None:
        tiles = TileHashes(0, tiles_of(store))

        def paths(tile: int, size: int) -> tuple[list[list[bytes]], list[bytes]]:
            tree = tiles.at(size)
            start, end = tile * WIDTH, min(tile * WIDTH + WIDTH, size)
            within = all_inclusion_proofs(tree.read_hashes([(0, at) for at in range(start, end)]))
            # Whatever is above the tile is above each of its leaves.
            return within, prove_inclusion(start, size, tree)[len(within[0]) :]

        self._paths = lru_cache(_TILES)(paths)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of entry `index` in the published tree of `size`, leaf to root.

        Raise `ValueError` when that tree has no such leaf, `Unavailable` when its tiles cannot be
        read (as when no such tree is published), and `Damage` when they are malformed.
        """
        if not 0 <= index < size:
            raise ValueError(f"leaf index {index} is outside a tree of {size} leaves")
        within, above = self._paths(index // WIDTH, size)
        return within[index % WIDTH] + above
