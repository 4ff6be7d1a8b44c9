"""The files of one signed tree, copied from a store to another.

Tiles and bundles never change, so what is there already is kept, and a copy that was interrupted
goes on. The checkpoint is not among them: it goes last, since it says that the rest is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from log.store import Files, ListedFiles, Store
from testamur.tlog.merkle import HASH_SIZE
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import (
    HEIGHT,
    WIDTH,
    BundlePath,
    bundle_path,
    decode_bundle,
    encode_bundle,
    parse_path,
    partial_width,
    tile_levels,
    tile_path,
)

_AT_ONCE: Final = 64  # files, of at most 16 MiB each


def tree_files(size: int) -> Iterator[str]:
    """Yield the path of every tile and bundle of the tree of `size` entries."""
    for index in range(size // WIDTH):
        yield bundle_path(index)
    if size % WIDTH:
        yield bundle_path(size // WIDTH, size % WIDTH)
    for level in range(tile_levels(size)):
        for index in range(size >> HEIGHT * (level + 1)):
            yield tile_path(level, index)
        if width := partial_width(level, size):
            yield tile_path(level, (size >> HEIGHT * level) // WIDTH, width)


class Copied(ListedFiles, Store, Protocol):
    """Where a tree is copied to."""


def copy_tree(
    source: Files,
    target: Copied,
    size: int,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> None:
    """Copy what `target` lacks of the tree of `size`. The copy is for the caller to check.

    A publisher may be at work on `source`. `progress` is called with (files done, files in all).
    Raises `NotFound` for a file that is gone, and what the stores raise.
    """
    there = set(target.paths())
    wanted = [path for path in tree_files(size) if path not in there]
    for start in range(0, len(wanted), _AT_ONCE):
        paths = wanted[start : start + _AT_ONCE]
        target.write_many(list(zip(paths, _read_many(source, paths), strict=True)))
        progress(start + len(paths), len(wanted))


def _read_many(source: Files, paths: Sequence[str]) -> list[bytes]:
    try:
        return source.read_many(paths)
    except NotFound:
        return [_read(source, path) for path in paths]


def _read(source: Files, path: str) -> bytes:
    try:
        return source.read(path)
    except NotFound:
        found = parse_path(path)
        if found.width == WIDTH:
            raise
    # A publisher removes a partial file once the full one is there, which begins with the same.
    if isinstance(found, BundlePath):
        entries = decode_bundle(source.read(bundle_path(found.index)), WIDTH)
        return encode_bundle(entries[: found.width])
    return source.read(tile_path(found.level, found.index))[: found.width * HASH_SIZE]
