"""Tiles and entry bundles: how a log is cut into files, as c2sp.org/tlog-tiles defines them.

A full tile or bundle never changes once written, and what `new_tiles` and `new_bundles` return
depends on nothing but the leaves, so writing it twice writes the same bytes. Nothing read here is
authenticated: hashes from tiles are worth what the checkpoint is worth whose root they lead to.

A tile at level L holds up to 256 hashes of complete subtrees of 256**L leaves; a bundle holds up
to 256 entries, each as a 16-bit big-endian length and its bytes. Paths are relative to the prefix
of the log, without a leading slash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from testamur.errors import Refuted, Unavailable, shown
from testamur.tlog.merkle import HASH_SIZE, CompactRange, Node, parents

Fetch = Callable[[str], bytes]  # raises `Unavailable` when there is nothing at the path

WIDTH = 256
HEIGHT = 8  # levels of the tree that one level of tiles spans: WIDTH == 2**HEIGHT
MAX_LEVEL = 63
MAX_ENTRY = 65_535  # a bundle prefixes each entry with a uint16
MAX_SIZE = 2**63 - 1  # the largest tree that a checkpoint can name


class MalformedTile(Refuted):
    """A path, tile or bundle does not follow the tiles format."""


# --- Paths ---


@dataclass(frozen=True, slots=True)
class TilePath:
    """The path of a tile of hashes; `width` is 256 for a full tile."""

    level: int
    index: int
    width: int

    def __str__(self) -> str:
        return tile_path(self.level, self.index, self.width)


@dataclass(frozen=True, slots=True)
class BundlePath:
    """The path of a bundle of entries; `width` is 256 for a full bundle."""

    index: int
    width: int

    def __str__(self) -> str:
        return bundle_path(self.index, self.width)


def _index_path(index: int) -> str:
    path = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        path = f"x{index % 1000:03d}/{path}"
    return path


def _suffix(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Return the path of a tile, such as `tile/0/x001/x234/067.p/112`."""
    return f"tile/{level}/{_index_path(index)}{_suffix(width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """Return the path of an entry bundle, such as `tile/entries/x001/x234/067`."""
    return f"tile/entries/{_index_path(index)}{_suffix(width)}"


# Seven groups of three digits hold every index of a tree of 2**63 leaves, so longer paths cannot
# make the parser work.
_PATH = re.compile(
    r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII
)
_NOT_DIGITS = str.maketrans("", "", "x/")


def parse_path(path: str) -> TilePath | BundlePath:
    """Return the file that `path` names; raises `MalformedTile` unless it is spelt canonically."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedTile(f"not the path of a tile or bundle: {shown(path)}")
    kind, groups, width_text = match.groups()
    index = int(groups.translate(_NOT_DIGITS))
    width = WIDTH if width_text is None else int(width_text)
    parsed = BundlePath(index, width) if kind == "entries" else TilePath(int(kind), index, width)
    # Re-rendering refuses what the pattern lets through: leading zeros, and `.p/256`.
    if str(parsed) != path or not 1 <= width <= WIDTH:
        raise MalformedTile(f"not the canonical path of a tile or bundle: {shown(path)}")
    if kind != "entries" and int(kind) > MAX_LEVEL:
        raise MalformedTile(f"tile level {kind} is above {MAX_LEVEL}")
    return parsed


# --- Geometry ---


def full_tiles(level: int, size: int) -> int:
    """Return how many full tiles a tree of `size` leaves has at `level`."""
    return size >> HEIGHT * (level + 1)


def partial_width(level: int, size: int) -> int:
    """Return how many hashes the partial tile at `level` holds; 0 when there is none."""
    return (size >> HEIGHT * level) % WIDTH


def tile_levels(size: int) -> int:
    """Return how many levels of tiles a tree of `size` leaves has."""
    return -(-size.bit_length() // HEIGHT)


# --- Entry bundles ---


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return 1 to 256 entries as one bundle; raises `ValueError` if one is above 65,535 bytes."""
    if not 1 <= len(entries) <= WIDTH:
        raise ValueError(f"a bundle holds 1 to {WIDTH} entries, not {len(entries)}")
    return _length_prefixed(entries)


def _length_prefixed(entries: Sequence[bytes]) -> bytes:
    try:
        return b"".join(
            [part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry)]
        )
    except OverflowError:
        longest = max(map(len, entries))
        raise ValueError(f"an entry has {longest} bytes, at most {MAX_ENTRY} fit") from None


def decode_bundle(data: bytes, expected_count: int) -> list[bytes]:
    """Return the entries of a bundle that must hold exactly `expected_count` of them.

    Raises `MalformedTile` when bytes are missing or left over.
    """
    entries = []
    start = 0
    try:
        for _ in range(expected_count):
            end = start + 2 + (data[start] << 8 | data[start + 1])
            entries.append(data[start + 2 : end])
            start = end
    except IndexError:
        raise MalformedTile(
            f"bundle of {len(data)} bytes ends in entry {len(entries)} of {expected_count}"
        ) from None
    if start != len(data):
        # Slicing past the end is silent: a truncated last entry shows here too.
        raise MalformedTile(
            f"bundle has {len(data)} bytes, its {expected_count} entries take {start}"
        )
    return entries


def new_bundles(
    size: int, partial_bundle: bytes, entries: Sequence[bytes]
) -> list[tuple[str, bytes]]:
    """Return every bundle to write when `entries` follow the first `size` entries.

    `partial_bundle` is the last bundle's bytes when `size` is not a multiple of 256, else empty.
    The result is (path, bytes) pairs: full bundles in order, then the partial one at the new size.
    """
    if bool(partial_bundle) != bool(size % WIDTH):
        raise ValueError(f"{len(partial_bundle)} bytes are no partial bundle of {size} entries")
    bundles = []
    end = size + len(entries)
    held = partial_bundle
    start = size
    while start < end:
        index = start // WIDTH
        stop = min(end, (index + 1) * WIDTH)
        held += _length_prefixed(entries[start - size : stop - size])
        bundles.append((bundle_path(index, (stop - 1) % WIDTH + 1), held))
        held = b""
        start = stop
    return bundles


# --- Reading hashes from tiles ---


def split_tile(data: bytes, width: int) -> list[bytes]:
    """Return the hashes of a tile that must hold exactly `width`; raises `MalformedTile` if not."""
    if len(data) != width * HASH_SIZE:
        raise MalformedTile(
            f"tile of {width} hashes has {len(data)} bytes, not {width * HASH_SIZE}"
        )
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def read_tile(fetch: Fetch, level: int, index: int, width: int) -> list[bytes]:
    """Return the first `width` hashes of a tile.

    A log may delete a partial tile once the full one exists (tlog-tiles, "Partial Tiles"), so the
    full one is asked for where the partial one is `Unavailable`.
    """
    try:
        return split_tile(fetch(tile_path(level, index, width)), width)
    except Unavailable:
        if width == WIDTH:
            raise
    return split_tile(fetch(tile_path(level, index)), WIDTH)[:width]


class TileHashes:
    """Reads the hashes of one tree of `size` leaves from its tiles: a `merkle.HashReader`.

    Tiles are kept expanded to their inner nodes, at most `capacity` of them (about 50 kB each),
    the least recently used one evicted first. Threads may share it if they may share `fetch`.
    """

    def __init__(self, size: int, fetch: Fetch, *, capacity: int = 512) -> None:
        def expanded(level: int, index: int, width: int) -> list[list[bytes]]:
            return _expanded(read_tile(fetch, level, index, width))

        self.size = size
        self._fetch = fetch
        self._expanded = lru_cache(capacity)(expanded)

    def at(self, size: int) -> TileHashes:
        """Return a reader of the same log at another size, sharing the tiles already read."""
        other = object.__new__(TileHashes)
        other.size = size
        other._fetch = self._fetch
        other._expanded = self._expanded
        return other

    def read_hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hash of each node (level, index), in order.

        Raises `ValueError` for a node that is not complete at this size, `MalformedTile` for a
        tile of the wrong length, and what `fetch` raises.
        """
        hashes = []
        held: tuple[int, int] | None = None
        levels: list[list[bytes]] = []
        for height, index in nodes:
            if height < 0 or index < 0 or (index + 1) << height > self.size:
                raise ValueError(f"node {index} at level {height} is not complete at {self.size}")
            above = height % HEIGHT
            place = height // HEIGHT, index >> HEIGHT - above
            if place != held:  # the nodes of a proof come in runs of one tile
                levels, held = self._tile(*place), place
            hashes.append(levels[above][index & (WIDTH - 1 >> above)])
        return hashes

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Return the leaf hashes from `start` to `end`; raises as `read_hashes` does.

        Their tiles are neither expanded nor kept: there may be hundreds of them.
        """
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"leaves {start} to {end} are not in a tree of {self.size}")
        first = start // WIDTH
        found: list[bytes] = []
        for index in range(first, -(-end // WIDTH)):
            found += read_tile(self._fetch, 0, index, self._width(0, index))
        return found[start - first * WIDTH : end - first * WIDTH]

    def _tile(self, level: int, index: int) -> list[list[bytes]]:
        return self._expanded(level, index, self._width(level, index))

    def _width(self, level: int, index: int) -> int:
        full = index < full_tiles(level, self.size)
        return WIDTH if full else partial_width(level, self.size)


def _expanded(hashes: list[bytes]) -> list[list[bytes]]:
    """Return the tile's hashes and the seven levels of complete nodes above them."""
    levels = [hashes]
    for _ in range(HEIGHT - 1):
        levels.append(parents(levels[-1]))
    return levels


# --- Growing ---


@dataclass(frozen=True, slots=True)
class RightEdge:
    """The partial tile at every level of a tree, which is all that is needed to grow its tiles.

    `tiles[level]` holds the `partial_width(level, size)` hashes of that partial tile, so at most
    255 hashes at each of at most 8 levels.
    """

    size: int
    tiles: tuple[tuple[bytes, ...], ...]

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise ValueError(f"a tree cannot have {self.size} leaves")
        widths = [partial_width(level, self.size) for level in range(tile_levels(self.size))]
        if widths != [len(tile) for tile in self.tiles]:
            raise ValueError(f"partial tiles at {self.size} leaves must have widths {widths}")

    @classmethod
    def empty(cls) -> RightEdge:
        """Return the edge of the tree without leaves."""
        return cls(0, ())

    @classmethod
    def load(cls, size: int, fetch: Fetch) -> RightEdge:
        """Return the edge of a published tree, read from its partial tiles.

        Raises what `fetch` raises, and `MalformedTile`. The tiles read are not authenticated:
        compare `root()` with a checkpoint's before building on it.
        """
        return cls(
            size, tuple(_partial_tile(fetch, level, size) for level in range(tile_levels(size)))
        )

    def compact(self) -> CompactRange:
        """Return the compact range over the same leaves."""
        peaks = [peak for tile in reversed(self.tiles) for peak in _peaks(tile)]
        return CompactRange(self.size, tuple(peaks))

    def root(self) -> bytes:
        """Return the root of the tree."""
        return self.compact().root()


def _partial_tile(fetch: Fetch, level: int, size: int) -> tuple[bytes, ...]:
    width = partial_width(level, size)
    return tuple(read_tile(fetch, level, full_tiles(level, size), width)) if width else ()


def _peaks(tile: Sequence[bytes]) -> tuple[bytes, ...]:
    return CompactRange.empty().extended(tile).hashes


def new_tiles(
    edge: RightEdge, leaves: Sequence[bytes]
) -> tuple[RightEdge, list[tuple[str, bytes]]]:
    """Return the new edge and every tile to write when `leaves` follow those of `edge`.

    `leaves` are leaf hashes. The tiles are (path, bytes) pairs by level: the full ones in order,
    then the partial one at the new size. A partial tile that did not grow is not repeated.
    """
    size = edge.size + len(leaves)
    tiles: list[tuple[str, bytes]] = []
    partials: list[tuple[bytes, ...]] = []
    grown: Sequence[bytes] = leaves
    for level in range(tile_levels(size)):
        held = edge.tiles[level] if level < len(edge.tiles) else ()
        if not grown:
            partials.append(held)
            continue
        hashes = [*held, *grown]
        first = full_tiles(level, edge.size)
        whole = len(hashes) // WIDTH * WIDTH
        for start in range(0, whole, WIDTH):
            path = tile_path(level, first + start // WIDTH)
            tiles.append((path, b"".join(hashes[start : start + WIDTH])))
        partial = tuple(hashes[whole:])
        if partial:
            path = tile_path(level, first + whole // WIDTH, len(partial))
            tiles.append((path, b"".join(partial)))
        partials.append(partial)
        grown = _tile_roots(hashes[:whole])
    return RightEdge(size, tuple(partials)), tiles


def _tile_roots(hashes: list[bytes]) -> list[bytes]:
    """Return the root over each 256 of `hashes`: the hash of a full tile in the level above."""
    for _ in range(HEIGHT):
        hashes = parents(hashes)
    return hashes
