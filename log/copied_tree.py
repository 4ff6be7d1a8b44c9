"""The files of one signed tree, copied from a store to another.

Tiles and bundles never change, so what is there already is kept, and a copy that was interrupted
goes on. The checkpoint is not among them: it goes last, since it says that the rest is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from log.store import File, Files, Store
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


def copy_tree(
    source: Files, target: Store, size: int, progress: Callable[[int, int], None] | None = None
) -> None:
    """Copy what `target` lacks of the tree of `size`. The copy is for the caller to check.

    A publisher may be at work on `source`. `progress` is called with (files done, files in all).
    Raises `NotFound` for a file that is gone, and what the stores raise.
    """
    wanted = list(tree_files(size))
    waiting: list[File] = []
    for done, path in enumerate(wanted, 1):
        if not _holds(target, path):
            waiting.append((path, _read(source, path)))
        if len(waiting) == _AT_ONCE or (waiting and done == len(wanted)):
            target.write_many(waiting)
            waiting.clear()
            if progress is not None:
                progress(done, len(wanted))


def _holds(store: Files, path: str) -> bool:
    try:
        store.read(path)
    except NotFound:
        return False
    return True


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
