"""A log as it was at an earlier size, read from the files of the larger one that it became.

The log signed no checkpoint of that size that anybody kept, so the root is computed from the tiles
and proven to be that of a prefix of the signed tree. Files of the earlier tree that are gone (a
log may drop partial ones) are cut out of those that took their place. What is read here is as
unverified as from any source: the root decides.
"""

from __future__ import annotations

from testamur.errors import Refuted
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import HASH_SIZE, prove_consistency, root_from, verify_consistency
from testamur.tlog.source import NotFound, Source
from testamur.tlog.tiles import (
    HEIGHT,
    WIDTH,
    BundlePath,
    TileHashes,
    TilePath,
    bundle_path,
    decode_bundle,
    encode_bundle,
    parse_path,
    tile_path,
)


def earlier_checkpoint(source: Source, checkpoint: Checkpoint, size: int) -> Checkpoint:
    """Return size and root of the tree of the first `size` entries, which no log signed.

    It is proven to be a prefix of the tree of `checkpoint`. Raises `ValueError` for a larger size,
    `Refuted` if the tiles lead to another tree, `Unavailable` if they cannot be read.
    """
    hashes = TileHashes(checkpoint.size, source.fetch)
    proof = prove_consistency(size, checkpoint.size, hashes)
    root = root_from(size, hashes)
    verify_consistency(size, checkpoint.size, root, checkpoint.root, proof)
    return Checkpoint(checkpoint.origin, size, root)


class EarlierSource:
    """The files of the tree of an earlier size, read from a log of `published` entries."""

    def __init__(self, source: Source, published: int) -> None:
        self._source = source
        self._published = published

    @property
    def at_once(self) -> int:
        """As of the source beneath."""
        return self._source.at_once

    def fetch(self, path: str) -> bytes:
        """Return the file at `path`, cut out of the published one if need be."""
        try:
            return self._source.fetch(path)
        except NotFound:
            if path == "checkpoint":
                raise
            wanted = parse_path(path)
            width = self._width(wanted)
            # A partial file that became a full one is asked for by the reader itself.
            if not wanted.width < width < WIDTH:
                raise
        return self._cut(wanted, width)

    def _cut(self, wanted: TilePath | BundlePath, width: int) -> bytes:
        if isinstance(wanted, BundlePath):
            data = self._source.fetch(bundle_path(wanted.index, width))
            return encode_bundle(decode_bundle(data, width)[: wanted.width])
        data = self._source.fetch(tile_path(wanted.level, wanted.index, width))
        if len(data) != width * HASH_SIZE:
            raise Refuted(f"tile of {width} hashes has {len(data)} bytes")
        return data[: wanted.width * HASH_SIZE]

    def _width(self, wanted: TilePath | BundlePath) -> int:
        """Return how many hashes or entries the published file with that index holds."""
        level = wanted.level if isinstance(wanted, TilePath) else 0
        held = (self._published >> HEIGHT * level) - wanted.index * WIDTH
        return max(0, min(WIDTH, held))

    def __str__(self) -> str:
        return str(self._source)
