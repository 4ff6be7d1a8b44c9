"""Which stored files belong to the signed tree: tiles and bundles, checked before they are sent.

A store of files need not be trusted: a bucket may be damaged, or lead its reader to another server.
What is read through `ProvenFiles` leads to the root of a checkpoint that the log signed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from log.store import FileDamage, Files
from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import (
    CompactRange,
    HashReader,
    InvalidProof,
    implied_root,
    leaf_hashes,
    prove_subtree,
)
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import (
    HEIGHT,
    WIDTH,
    BundlePath,
    MalformedTile,
    TileHashes,
    TilePath,
    decode_bundle,
    parse_path,
    split_tile,
)

_T = TypeVar("_T")


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


class KnownTiles:
    """The tiles of a log that were read last, none of them checked. Threads may share it."""

    def __init__(self, store: Files) -> None:
        self._fetch: Final = tiles_of(store)
        self._tiles = TileHashes(0, self._fetch)

    def proven(self, size: int, proof: Callable[[TileHashes], _T]) -> _T:
        """Return what `proof` makes of the tiles of the tree of `size`; it MUST check them.

        If it raises `Refuted`, it is called once more with tiles that are read anew: the damage may
        have been in one that was kept, and may be repaired by now.
        """
        try:
            return proof(self._tiles.at(size))
        except Refuted:
            self._tiles = TileHashes(0, self._fetch)
            return proof(self._tiles.at(size))


class ProvenFiles:
    """The tiles and bundles in `store` that the checkpoint covers which `latest` returns.

    Threads may share it. A file costs its own hashes, and those of its paths to the root.
    """

    def __init__(self, store: Files, latest: Callable[[], Checkpoint]) -> None:
        self._store = store
        self._latest = latest
        self._tiles = KnownTiles(store)

    def read(self, path: str) -> bytes:
        """Return the file at the path of a tile or bundle; all of it is in the signed tree.

        Raises `NotFound` if it is not stored or not covered, `MalformedTile` for another path,
        `FileDamage` if it, or what connects it with the root, is not what was signed, and
        `Unavailable` if one of these cannot be read.
        """
        place, checkpoint = parse_path(path), self._latest()
        level = 0 if isinstance(place, BundlePath) else place.level
        start = place.index * WIDTH
        if (start + place.width) << HEIGHT * level > checkpoint.size:
            raise NotFound(f"a log of {checkpoint.size} entries has no {path}")
        data = self._store.read(path)
        hashes = _hashes(path, place, data)

        def check(tree: TileHashes) -> None:
            _check_in_tree(level, start, hashes, checkpoint, tree)

        try:
            self._tiles.proven(checkpoint.size, check)
        except InvalidProof as error:
            raise FileDamage(path, "another-tree", str(error)) from error
        except NotFound as error:
            # Of a tile above it: the file itself is there.
            raise Unavailable(f"{path} cannot be checked: {error}") from error
        return data


def _hashes(path: str, place: TilePath | BundlePath, data: bytes) -> list[bytes]:
    """Return the hashes that a tile holds, or that follow from the entries of a bundle."""
    try:
        if isinstance(place, TilePath):
            return split_tile(data, place.width)
        return leaf_hashes(decode_bundle(data, place.width))
    except MalformedTile as error:
        raise FileDamage(path, "malformed", str(error)) from error


def _check_in_tree(
    level: int, start: int, hashes: Sequence[bytes], checkpoint: Checkpoint, tree: HashReader
) -> None:
    """Raise `InvalidProof` unless these are the hashes of the tree from `start` on.

    They are at the foot of the tiles of `level`, where `start` is a multiple of 256.
    """
    size, width = checkpoint.size, len(hashes)
    # At most eight subtrees, each of them complete; a full tile or bundle is one.
    for subtree in CompactRange.empty().extended(hashes).hashes:
        leaves = 1 << (width.bit_length() - 1)
        height, index = HEIGHT * level + leaves.bit_length() - 1, start // leaves
        path = prove_subtree((height, index), size, tree)
        # Cut off at this height, the tree has the same form with the subtree as one of its leaves.
        root = implied_root(index, ((size - 1) >> height) + 1, subtree, path)
        if root != checkpoint.root:
            raise InvalidProof(
                f"it leads to root {root.hex()}, {checkpoint.root.hex()} is signed for {size}"
            )
        start, width = start + leaves, width - leaves
