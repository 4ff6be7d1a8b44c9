"""Checks a published log against its checkpoint, down to the last byte, and lists all damage.

If `fsck` finds none, every entry bundle hashes to the leaves, every tile follows from the files
below it, all of them lead to the root that the log's key signed, no other file is there, and the
sequence in the database is the one that was published. It does not know whether other readers see
another tree, nor what the entries mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from log.entry_source import SOURCE, EntrySource, in_portions
from log.last_signed import SignedNote
from log.store import CHECKPOINT, FileDamage, Files, ListedFiles, difference
from testamur.errors import Refuted, Unavailable, shown
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.log_keys import LogKey, UnknownLogKey
from testamur.tlog.merkle import leaf_hashes, parents, prove_consistency, verify_consistency
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import (
    HEIGHT,
    WIDTH,
    BundlePath,
    MalformedTile,
    RightEdge,
    TileHashes,
    TilePath,
    bundle_path,
    decode_bundle,
    encode_bundle,
    full_tiles,
    parse_path,
    partial_width,
    split_tile,
    tile_levels,
    tile_path,
)

# The hashes of a tile, None where the files needed to compute one are missing or malformed.
Computed = Sequence[bytes | None]

_AHEAD: Final = 8  # tiles and bundles: at most 130 MiB, where entries are as large as can be
MOST: Final = 1000  # findings that are listed; those beyond are counted
_LAST_SIGNED: Final = "last-signed"
_UNREADABLE: Final = "unreadable"


@dataclass(slots=True)
class Findings:
    """What was found of the tree of `size` entries: nothing is wrong if `damage` is empty.

    `damage` and `uncovered` list at most `MOST` each; `left_off` counts the damage beyond that.
    `uncovered` are files that no checkpoint covers yet. A publication under way, or one that was
    interrupted, leaves them: they are unchecked, and no damage.
    """

    size: int = 0
    damage: list[FileDamage] = field(default_factory=list)
    left_off: int = 0
    uncovered: list[str] = field(default_factory=list)

    def report(self, path: str, rule: str, detail: str) -> None:
        """Add one piece of damage."""
        if len(self.damage) < MOST:
            self.damage.append(FileDamage(path, rule, detail))
        else:
            self.left_off += 1


class _FirstRaises(Findings):
    """Findings that end the check: the first one is raised."""

    def report(self, path: str, rule: str, detail: str) -> NoReturn:
        raise Unavailable(detail) if rule == _UNREADABLE else FileDamage(path, rule, detail)


def fsck(
    store: ListedFiles,
    key: LogKey,
    source: EntrySource | None = None,
    last_signed: SignedNote | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Return all damage to the log in `store`, to its `source` and to its `last_signed`.

    A publisher may be at work meanwhile. `progress` is called with how many entries, of how many,
    are checked. Memory is bounded whatever the size. A file that cannot be read is a finding.
    Raises `Unavailable` when the store cannot be listed, or `source` or `last_signed` not be read.
    """
    return _Examination(store, source, progress, Findings()).findings(key, last_signed, store)


def check_tree(
    store: Files, signed: Checkpoint, *, progress: Callable[[int, int], None] | None = None
) -> None:
    """Raise the first `FileDamage` that `fsck` would find in the tree that was `signed` last.

    It reads every tile and bundle of that tree once, in order, and no other file. Raises
    `Unavailable` when one of them cannot be read. `progress` is called as by `fsck`, and what it
    raises ends the check.
    """
    _Examination(store, None, progress, _FirstRaises()).check_tree(_LAST_SIGNED, signed)


@dataclass(slots=True)
class _Tile:
    """A tile as it is stored, and as it follows from the files below it."""

    level: int
    index: int
    width: int
    stored: Sequence[bytes] | None  # None: it is missing or malformed, and reported
    below: Computed
    entries: Sequence[bytes] | None = None  # of the bundle below a tile of level 0

    def __str__(self) -> str:
        return tile_path(self.level, self.index, self.width)

    def child(self, at: int) -> str:
        """Return the name of what the hash at `at` is the hash of."""
        place = self.index * WIDTH + at
        return f"entry {place}" if self.level == 0 else tile_path(self.level - 1, place)

    def wrong(self) -> list[int]:
        """Return where the tile and the files below it disagree."""
        if self.stored is None or self.stored == self.below:
            return []
        return _differing(self.below, self.stored)

    def disagreement(self, wrong: Sequence[int]) -> str:
        """Return a clause about the first of the places that are `wrong`."""
        at = wrong[0]
        stored = None if self.stored is None else self.stored[at]
        below = self.below[at]
        return f"{self.child(at)} hashes to {_hex(below)}, {self} has {_hex(stored)}{_more(wrong)}"


class _Examination:
    def __init__(
        self,
        store: Files,
        source: EntrySource | None,
        progress: Callable[[int, int], None] | None,
        findings: Findings,
    ) -> None:
        self._store = store
        self._source = source
        self._progress = progress
        self._findings = findings
        self._report = findings.report
        self._ahead: dict[str, bytes] = {}

    def findings(
        self, key: LogKey, last_signed: SignedNote | None, listed: ListedFiles
    ) -> Findings:
        # In this order, because a publisher at work signs first and publishes afterwards.
        public = self._opened(CHECKPOINT, self._fetched(CHECKPOINT), key)
        signed = None
        if last_signed is not None:
            try:
                signed = self._opened(_LAST_SIGNED, last_signed.get(), key)
            except FileDamage as damage:
                self._report(damage.path, damage.rule, damage.detail)
            else:
                if public is not None:
                    self._check_signed(public, signed)
        if public is not None:
            self.check_tree(CHECKPOINT, public)
        elif signed is not None:
            self.check_tree(_LAST_SIGNED, signed)
        self._check_names(listed.paths())
        return self._findings

    # --- Checkpoints ---

    def _opened(self, path: str, note: bytes | None, key: LogKey) -> Checkpoint | None:
        if note is None:
            return None
        try:
            return open_checkpoint(note, key)[0]
        except (Refuted, UnknownLogKey) as error:
            self._report(path, "not-ours", str(error))
            return None

    def _check_signed(self, public: Checkpoint, signed: Checkpoint | None) -> None:
        if signed is None or signed.size < public.size:
            last = 0 if signed is None else signed.size
            detail = f"it is of size {public.size}, the last one signed of {last}"
            self._report(CHECKPOINT, "from-the-future", detail)
            return
        try:
            hashes = TileHashes(signed.size, self._store.read)
            proof = prove_consistency(public.size, signed.size, hashes)
            verify_consistency(public.size, signed.size, public.root, signed.root, proof)
        except (Refuted, Unavailable) as error:
            self._report(_LAST_SIGNED, "not-an-extension", str(error))

    # --- The tree, from its first entry to its last ---

    def check_tree(self, name: str, checkpoint: Checkpoint) -> None:
        """Report all damage to the tree of `checkpoint`, which findings call `name`."""
        self._findings.size = size = checkpoint.size
        if self._source is not None and (committed := self._source.committed()) < size:
            self._report(SOURCE, "rewound", f"it has {committed} entries, {size} are published")
        # Every full tile is below one of the partial tiles at the right edge of the tree, the
        # topmost of which covers the first entries.
        edge = [
            self._tile(level, full_tiles(level, size), partial_width(level, size))
            for level in reversed(range(tile_levels(size)))
        ]
        stored = _edge_root(size, [tile.stored for tile in edge])
        below = _edge_root(size, [tile.below for tile in edge])
        for tile in edge:
            supported, fits = stored == checkpoint.root, below == checkpoint.root
            self._judge(tile, supported=supported, fits=fits)
        found = below or stored
        if found and checkpoint.root not in (stored, below):
            detail = f"the files lead to root {found.hex()}, it says {checkpoint.root.hex()}"
            self._report(name, "another-tree", detail)

    def _tile(self, level: int, index: int, width: int) -> _Tile:
        """Return a tile, once everything below it is checked; an empty one if `width` is 0."""
        if width == 0:
            return _Tile(level, index, width, [], [])
        stored = self._hashes(level, index, width)
        if level > 0:
            above: Computed = stored or [None] * width
            below: list[bytes | None] = []
            for at in range(width):
                if level == 1 and at % _AHEAD == 0:
                    start = index * WIDTH
                    self._read_ahead(start + at, start + min(at + _AHEAD, width))
                below.append(self._subtree(level - 1, index * WIDTH + at, above[at]))
            return _Tile(level, index, width, stored, below)
        entries = self._entries(index, width)
        leaves: Computed = [None] * width if entries is None else leaf_hashes(entries)
        if self._progress is not None:
            self._progress(index * WIDTH + width, self._findings.size)
        return _Tile(level, index, width, stored, leaves, entries)

    def _subtree(self, level: int, index: int, above: bytes | None) -> bytes | None:
        """Check a full tile and all below it; return the hash that the tile above should hold.

        `above` is the hash that it does hold. Where a tile and the files below it disagree, the
        side that agrees with the tile above is taken to be right: two of three.
        """
        tile = self._tile(level, index, WIDTH)
        stored = _root(tile.stored)
        below = stored if tile.below == tile.stored else _root(tile.below)
        supported = stored is not None and stored == above
        self._judge(tile, supported=supported, fits=below is not None and below == above)
        return stored if supported else below or stored

    def _judge(self, tile: _Tile, *, supported: bool, fits: bool) -> None:
        """Report where a tile and the files below it disagree, naming the wrong one.

        `supported`: the tile hashes to what the tile above holds. `fits`: the files below it do.
        """
        wrong = tile.wrong()
        if wrong and not supported:
            self._report(str(tile), "altered-hash", tile.disagreement(wrong))
        if wrong and not fits and tile.level == 0:
            path = bundle_path(tile.index, tile.width)
            self._report(path, "altered-entry", tile.disagreement(wrong))
        if supported and tile.level > 0:
            for at in wrong:
                self._report(tile.child(at), "another-tree", tile.disagreement([at]))
        if tile.level == 0 and self._source is not None:
            sure = supported or fits or tile.stored == tile.below
            believed = tile.stored if supported and tile.stored else tile.below
            self._check_source(self._source, tile, believed if sure else None)

    # --- Files ---

    def _hashes(self, level: int, index: int, width: int) -> list[bytes] | None:
        path, data = self._resource(tile_path(level, index, width), tile_path(level, index))
        try:
            return None if data is None else split_tile(data, parse_path(path).width)[:width]
        except MalformedTile as error:
            self._report(path, "malformed", str(error))
            return None

    def _entries(self, index: int, width: int) -> list[bytes] | None:
        path, data = self._resource(bundle_path(index, width), bundle_path(index))
        try:
            return None if data is None else decode_bundle(data, parse_path(path).width)[:width]
        except MalformedTile as error:
            self._report(path, "malformed", str(error))
            return None

    def _resource(self, path: str, full: str) -> tuple[str, bytes | None]:
        """Return the file at `path`, or at `full`, which may have replaced a partial one."""
        for candidate in (path, full):
            with suppress(NotFound):
                return candidate, self._read(candidate)
        return path, self._fetched(path)

    def _fetched(self, path: str) -> bytes | None:
        try:
            return self._read(path)
        except NotFound:
            self._report(path, "missing", "no file is there")
            return None

    def _read_ahead(self, start: int, end: int) -> None:
        """Read the full tiles of hashes from `start` to `end`, and their bundles, all at once."""
        indexes = range(start, end)
        paths = [path for at in indexes for path in (tile_path(0, at), bundle_path(at))]
        try:
            self._ahead = dict(zip(paths, self._store.read_many(paths), strict=True))
        except (Unavailable, FileDamage):
            self._ahead = {}  # each is read when its turn comes, so that this one is named

    def _read(self, path: str) -> bytes | None:
        """Return the bytes at `path`, or None if they cannot be read; raises `NotFound`."""
        if path in self._ahead:
            return self._ahead.pop(path)
        try:
            return self._store.read(path)
        except NotFound:
            raise
        except Unavailable as error:
            self._report(path, _UNREADABLE, str(error))
        except FileDamage as error:
            self._report(path, error.rule, error.detail)
        return None

    def _check_names(self, paths: Iterator[str]) -> None:
        """Report files that belong to no log, and check those that the tree no longer needs."""
        for path in paths:
            if path == CHECKPOINT:
                continue
            try:
                resource = parse_path(path)
            except MalformedTile as error:
                self._report(shown(path), "unknown-file", str(error))
            else:
                self._check_name(resource)

    def _check_name(self, resource: TilePath | BundlePath) -> None:
        size = self._findings.size
        level = resource.level if isinstance(resource, TilePath) else 0
        end = resource.index * WIDTH + resource.width
        if end > size >> HEIGHT * level:
            self._check_uncovered(str(resource), end << HEIGHT * level)
            return
        full = resource.index < full_tiles(level, size)
        needed = replace(resource, width=WIDTH if full else partial_width(level, size))
        if resource != needed:
            self._check_superseded(resource, needed)

    def _check_uncovered(self, path: str, end: int) -> None:
        if self._source is not None and end > (committed := self._source.committed()):
            detail = f"it takes {end} entries to make it, the source has {committed}"
            self._report(path, "beyond-the-source", detail)
        elif len(self._findings.uncovered) < MOST:
            self._findings.uncovered.append(path)

    def _check_superseded(
        self, partial: TilePath | BundlePath, needed: TilePath | BundlePath
    ) -> None:
        """Check a partial file of a smaller tree against the file that is `needed` now."""
        if any(damage.path == str(needed) for damage in self._findings.damage):
            return  # nothing sound to compare it with
        with suppress(NotFound, MalformedTile):  # removed meanwhile, or reported already
            held, whole = self._read(str(partial)), self._read(str(needed))
            if held is None or whole is None:
                return
            expected = (
                b"".join(split_tile(whole, needed.width)[: partial.width])
                if isinstance(partial, TilePath)
                else encode_bundle(decode_bundle(whole, needed.width)[: partial.width])
            )
            if held != expected:
                detail = f"beside {needed}, {difference(held, expected)}"
                self._report(str(partial), "altered-partial", detail)

    # --- The source ---

    def _check_source(self, source: EntrySource, tile: _Tile, believed: Computed | None) -> None:
        """Report entries below a tile that in the source do not hash to the `believed` hashes.

        These are None where the files contradict each other; then the source is only checked
        against the hashes that it recorded itself.
        """
        start = tile.index * WIDTH
        count = min(tile.width, source.committed() - start)
        try:
            entries, recorded = _entries_of(source, start, count)
        except FileDamage as damage:
            self._report(SOURCE, _UNREADABLE, damage.detail)
            return
        except (Refuted, Unavailable) as error:
            self._report(SOURCE, _UNREADABLE, str(error))
            return
        hashes = tile.below if entries == tile.entries else leaf_hashes(entries)
        expected = hashes if believed is None else believed
        for rule, found in (("altered-entry", hashes), ("altered-hash", recorded)):
            if wrong := _differing(found, expected):
                at = wrong[0]
                detail = f"{tile.child(at)} has hash {_hex(found[at])}, not {_hex(expected[at])}"
                self._report(SOURCE, rule, detail + _more(wrong))


def _entries_of(source: EntrySource, start: int, count: int) -> tuple[list[bytes], list[bytes]]:
    """Return entries and recorded leaf hashes, `count` of each; none if that is not above 0."""
    entries: list[bytes] = []
    leaves: list[bytes] = []
    for more, hashes in in_portions(source, start, start + count):
        entries += more
        leaves += hashes
    return entries, leaves


def _root(hashes: Computed | None) -> bytes | None:
    """Return the root over the hashes of a full tile, or None if one is unknown."""
    if hashes is None:
        return None
    known = [digest for digest in hashes if digest is not None]
    if len(known) != WIDTH:
        return None
    for _ in range(HEIGHT):
        known = parents(known)
    return known[0]


def _edge_root(size: int, tiles: Sequence[Computed | None]) -> bytes | None:
    """Return the root over partial tiles, the topmost first, or None if a hash is unknown."""
    if any(tile is None or None in tile for tile in tiles):
        return None
    known = [tuple(digest for digest in tile or () if digest) for tile in reversed(tiles)]
    return RightEdge(size, tuple(known)).root()


def _differing(found: Computed, expected: Computed) -> list[int]:
    """Return where both are known and differ."""
    pairs = enumerate(zip(found, expected, strict=False))
    return [at for at, (one, other) in pairs if one and other and one != other]


def _more(wrong: Sequence[int]) -> str:
    return f", and {len(wrong) - 1} more differ" if len(wrong) > 1 else ""


def _hex(digest: bytes | None) -> str:
    return "" if digest is None else digest.hex()
