"""What a publication adds to a log, and whether the store returned it unchanged.

Everything here is pure: bytes and hashes come in, files or a verdict go out. It does not check
that a tree is the one that was signed: `publisher.py` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from log.entry_source import SOURCE
from log.store import File, FileDamage, difference
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


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a tree, all that is needed to grow it: its right edge and its partial bundle."""

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
        """Return the tail after adding `entries` with hashes `leaves`, and the new files.

        Partial files are made for the tree of `until` entries only, and of these only the ones
        that the published tree of `since` entries does not have.
        """
        bundles = new_bundles(self.size, self.bundle, entries)
        edge, tiles = new_tiles(self.edge, leaves)
        tail = Tail(edge, bundles[-1][1] if edge.size % WIDTH else b"")
        files = [(path, data) for path, data in (*bundles, *tiles) if _width(path) == WIDTH]
        if edge.size == until:
            files += tail.partials(since)
        return tail, files

    def partials(self, since: int) -> Iterator[File]:
        """Yield the partial bundle and tiles, except those that the tree of `since` entries has."""
        if self.bundle:
            yield bundle_path(full_tiles(0, self.size), self.size % WIDTH), self.bundle
        for level, tile in enumerate(self.edge.tiles):
            # The shift counts the hashes of a level: with none added, the tile is unchanged.
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
    check_leaves(SOURCE, start, leaves, recorded)
    return leaves


def given_back(
    before: Tail, recorded: Sequence[bytes], stored: Sequence[File]
) -> tuple[list[bytes], list[bytes]]:
    """Return the entries, and their hashes, that the stored bundles add to the tree `before`.

    Raises `FileDamage` unless they hash to what was `recorded`, and the older entries in the first
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
    """Return the entries of the bundle at `path`; one that is malformed is `FileDamage`."""
    try:
        return decode_bundle(data, _width(path))
    except MalformedTile as error:
        raise FileDamage(path, "malformed", str(error)) from error


def check_leaves(path: str, start: int, found: Sequence[bytes], expected: Sequence[bytes]) -> None:
    """Raise `FileDamage` unless the entries at `path`, from `start` on, hash to `expected`."""
    if found != expected:
        at = next(at for at, leaf in enumerate(found) if leaf != expected[at])
        raise FileDamage(
            path,
            "altered-entry",
            f"entry {start + at} hashes to {found[at].hex()}, not {expected[at].hex()}",
        )


def check_same(stored: Sequence[File], computed: Sequence[File]) -> None:
    """Raise `FileDamage` unless the files read back are those that were computed."""
    for (path, found), (_, expected) in zip(stored, computed, strict=True):
        if found != expected:
            raise FileDamage(path, "altered-tile", difference(found, expected))


def _width(path: str) -> int:
    return parse_path(path).width
