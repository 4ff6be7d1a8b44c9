"""Every file that c2sp.org/tlog-tiles gives a log of some size."""

from __future__ import annotations

from collections.abc import Iterator

from testamur.tlog.tiles import bundle_path, full_tiles, partial_width, tile_levels, tile_path


def tile_resources(size: int) -> Iterator[str]:
    """Yield every path that exists for a tree of `size` leaves: bundles, then tiles by level."""
    yield from (bundle_path(index) for index in range(full_tiles(0, size)))
    if width := partial_width(0, size):
        yield bundle_path(full_tiles(0, size), width)
    for level in range(tile_levels(size)):
        full = full_tiles(level, size)
        yield from (tile_path(level, index) for index in range(full))
        if width := partial_width(level, size):
            yield tile_path(level, full, width)
