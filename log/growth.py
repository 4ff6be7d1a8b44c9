"""What a publication adds to a log, and whether the store gave it back.

Everything here is pure: bytes and hashes come in, files or a verdict go out, and whoever calls
reads, writes and signs. It vouches for no tree: whether what is stored is what was signed is for
`publisher.py` to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log.store import Damage, difference
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.tiles import (
    HEIGHT,
    WIDTH,
    BundlePath,
    MalformedTile,
    RightEdge,
    bundle_path,
    decode_bundle,
    full_tiles,
    new_bundles,
    new_tiles,
    parse_path,
    partial_width,
    tile_levels,
    tile_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    File = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a tree ends, and all that is needed to grow it: its edge and its partial bundle."""

    edge: RightEdge
    bundle: bytes

    @property
    def size(self) -> int:
        return self.edge.size

    @property
    def held(self) -> tuple[bytes, ...]:
        """The leaf hashes of the entries in the partial bundle."""
        return self.edge.tiles[0] if self.size else ()

    def grown(
        self, entries: Sequence[bytes], leaves: Sequence[bytes], *, since: int, until: int
    ) -> tuple[Tail, list[File]]:
        """Return the tail, and the files, that come of adding `entries` with hashes `leaves`.

        Partial files come only with the tree of `until` entries: those of its partial files that
        the tree of `since` entries does not have already.
        """
        bundles = new_bundles(self.size, self.bundle, entries)
        edge, tiles = new_tiles(self.edge, leaves)
        tail = Tail(edge, bundles[-1][1] if edge.size % WIDTH else b"")
        files = [(path, data) for path, data in (*bundles, *tiles) if _width(path) == WIDTH]
        if edge.size == until:
            files += tail.partials(since)
        return tail, files

    def partials(self, since: int) -> Iterator[File]:
        """Yield the partial bundle and tiles, but for those the tree of `since` entries has too."""
        if self.bundle:
            yield bundle_path(full_tiles(0, self.size), self.size % WIDTH), self.bundle
        for level, tile in enumerate(self.edge.tiles):
            # The shift counts the hashes of a level: with none added, the tile is the old one.
            if tile and since >> HEIGHT * level != self.size >> HEIGHT * level:
                yield tile_path(level, full_tiles(level, self.size), len(tile)), b"".join(tile)


def superseded(old: int, new: int) -> list[str]:
    """Return the full files of the tree of `new` entries that were partial at `old` entries."""
    levels = [
        level
        for level in range(tile_levels(old))
        if partial_width(level, old) and full_tiles(level, new) > full_tiles(level, old)
    ]
    bundles = [bundle_path(full_tiles(0, old))] if 0 in levels else []
    return bundles + [tile_path(level, full_tiles(level, old)) for level in levels]


def admitted(start: int, entries: Sequence[bytes], recorded: Sequence[bytes]) -> list[bytes]:
    """Return the leaf hashes of the source's entries, which must be the `recorded` ones."""
    leaves = leaf_hashes(entries)
    check_leaves("source", start, leaves, recorded)
    return leaves


def given_back(
    before: Tail, recorded: Sequence[bytes], stored: Sequence[File]
) -> tuple[list[bytes], list[bytes]]:
    """Return the entries, and their hashes, that the stored bundles add to the tree `before`.

    Raise `Damage` unless they hash to what was `recorded`, and the older entries in the first
    bundle to what the tree holds.
    """
    expected = [*before.held, *recorded]
    first = before.size - len(before.held)
    entries: list[bytes] = []
    leaves: list[bytes] = []
    for path, data in stored:
        if isinstance(parse_path(path), BundlePath):
            bundle = entries_in(path, data)
            hashes = leaf_hashes(bundle)
            at = len(entries)
            check_leaves(path, first + at, hashes, expected[at : at + len(bundle)])
            entries += bundle
            leaves += hashes
    return entries[len(before.held) :], leaves[len(before.held) :]


def entries_in(path: str, data: bytes) -> list[bytes]:
    """Return the entries of the bundle at `path`; one that is malformed is `Damage`."""
    try:
        return decode_bundle(data, _width(path))
    except MalformedTile as error:
        raise Damage(path, "malformed", str(error)) from error


def check_leaves(path: str, start: int, found: Sequence[bytes], expected: Sequence[bytes]) -> None:
    """Raise `Damage` unless the entries at `path`, from `start` on, hash to what is expected."""
    if found != expected:
        at = next(at for at, leaf in enumerate(found) if leaf != expected[at])
        raise Damage(
            path,
            "altered-entry",
            f"entry {start + at} hashes to {found[at].hex()}, not {expected[at].hex()}",
        )


def check_same(stored: Sequence[File], computed: Sequence[File]) -> None:
    """Raise `Damage` unless the files that were stored are those that were computed."""
    for (path, found), (_, expected) in zip(stored, computed, strict=True):
        if found != expected:
            raise Damage(path, "altered-tile", difference(found, expected))


def _width(path: str) -> int:
    return parse_path(path).width
