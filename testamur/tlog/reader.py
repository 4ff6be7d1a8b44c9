"""Reads a published log from any source, and believes only what is proven.

`LogReader` returns checkpoints that the log's key signed, and entries that belong to the tree
such a checkpoint names. It does not show that every reader gets the same checkpoint (`policy.py`
asks witnesses), nor what the entries mean.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from testamur.errors import Refuted
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.log_keys import LogKey, log_keys
from testamur.tlog.merkle import (
    CompactRange,
    InvalidProof,
    Tree,
    leaf_hash,
    leaf_hashes,
    prove_consistency,
    prove_inclusion,
    root_from,
    verify_consistency,
    verify_inclusion,
)
from testamur.tlog.source import NotFound, Source
from testamur.tlog.tiles import (
    WIDTH,
    TileHashes,
    bundle_path,
    decode_bundle,
)

# Bundles that are read before they are proven at once.
STRETCH: Final = 16
_LARGE: Final = 2_000  # leaves
_TREES_KEPT: Final = 4  # of 13 MB, if they have 100,000 leaves


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive entries proven to be in a checkpoint's tree, with their leaf hashes.

    `edge` is the compact range over all entries up to their end.
    """

    start: int
    entries: list[bytes]
    leaves: list[bytes]
    edge: CompactRange


class LogReader:
    """Reads one log, whose key or keys are `key`, from `source`."""

    def __init__(self, source: Source, key: LogKey) -> None:
        self.keys = log_keys(key)
        self._source = source
        self._tiles: TileHashes | None = None
        self._trees: dict[tuple[int, int], Tree] = {}

    def checkpoint(self) -> Checkpoint:
        """Return the log's latest checkpoint; raises `Refuted` or `Unavailable`."""
        return open_checkpoint(self.signed_checkpoint(), self.keys)[0]

    def signed_checkpoint(self) -> bytes:
        """Return the bytes of the latest checkpoint, unchecked."""
        return self._source.fetch("checkpoint")

    def stretches(
        self, edge: CompactRange, checkpoint: Checkpoint, *, bundles: int = STRETCH
    ) -> Iterator[Stretch]:
        """Yield the entries from `edge.size` to `checkpoint.size`, `bundles` * 256 at a time.

        A stretch is yielded only once the tree up to its end is proven to be a prefix of the
        checkpoint's tree. Raises `Refuted` at the first stretch of which it is not, and
        `Unavailable` when a file cannot be read.
        """
        if checkpoint.size < edge.size:
            raise Refuted(
                f"the log shrank: its checkpoint has {checkpoint.size} entries, "
                f"{edge.size} were read before"
            )
        tiles = self._hashes(checkpoint.size)
        try:
            proof = prove_consistency(edge.size, checkpoint.size, tiles)
            verify_consistency(edge.size, checkpoint.size, edge.root(), checkpoint.root, proof)
        except InvalidProof as error:
            raise Refuted(
                f"the log was rewritten: checkpoint {checkpoint.size} does not extend the "
                f"{edge.size} entries that were read before: {error}"
            ) from None
        start = edge.size
        entries: list[bytes] = []
        for index, bundle in self.bundles(start, checkpoint.size):
            entries += bundle
            end = start + len(entries)
            if (index + 1) % bundles and end < checkpoint.size:
                continue
            leaves = leaf_hashes(entries)
            edge = edge.extended(leaves)
            proof = prove_consistency(end, checkpoint.size, tiles) if end else []
            try:
                verify_consistency(end, checkpoint.size, edge.root(), checkpoint.root, proof)
            except InvalidProof as error:
                raise Refuted(
                    f"entries {start} to {end - 1} are not those of checkpoint "
                    f"{checkpoint.size}: {error}"
                ) from None
            yield Stretch(start, entries, leaves, edge)
            start, entries = end, []

    def bundles(
        self, start: int, end: int, *, size: int | None = None
    ) -> Iterator[tuple[int, list[bytes]]]:
        """Yield (bundle index, its entries between `start` and `end`), unverified, in order.

        `size` is that of a published tree, whose last bundle may be partial; `end` unless given.
        """
        published = end if size is None else size

        def entries_of(index: int) -> tuple[int, list[bytes]]:
            first = index * WIDTH
            width = min(WIDTH, published - first)
            found = read_bundle(self._source.fetch, index, width)
            return index, found[max(0, start - first) : end - first]

        return _ahead(
            entries_of,
            iter(range(start // WIDTH, -(-end // WIDTH) if start < end else 0)),
            at_once=self._source.at_once,
        )

    def entry(self, index: int, checkpoint: Checkpoint) -> bytes:
        """Return one entry, proven to be at `index` of the checkpoint's tree."""
        if not 0 <= index < checkpoint.size:
            raise NotFound(f"position {index} is not among the {checkpoint.size} entries")
        ((_, (entry,)),) = self.bundles(index, index + 1, size=checkpoint.size)
        path = self.inclusion(index, checkpoint.size)
        verify_inclusion(index, checkpoint.size, leaf_hash(entry), path, checkpoint.root)
        return entry

    def inclusion(self, index: int, size: int, *, published: int | None = None) -> list[bytes]:
        """Return the inclusion proof of leaf `index` in the tree of `size`, unverified.

        Its tiles are those of the tree of `published` leaves, which may have more, or of `size`.
        """
        return prove_inclusion(index, size, self._hashes(published or size))

    def root(self, size: int, *, published: int) -> bytes:
        """Return the root of the tree of the first `size` entries, unverified."""
        return root_from(size, self._hashes(published))

    def consistency(self, old: int, new: int, *, published: int) -> list[bytes]:
        """Return the proof that the tree of `new` entries extends that of `old`, unverified."""
        return prove_consistency(old, new, self._hashes(published))

    def leaves(self, start: int, end: int, size: int) -> list[bytes]:
        """Return the leaf hashes from `start` to `end` in the tree of `size`, unverified."""
        return self._hashes(size).leaves(start, end)

    def tree(self, start: int, end: int, size: int) -> Tree:
        """Return the tree over the leaves from `start` to `end`, such as a submission's own.

        The tree of `size` leaves holds them. The last few large ones are kept, since they take
        long to hash; threads may share them.
        """
        tree = self._trees.get((start, end))
        if tree is None:
            tree = Tree(self.leaves(start, end, size))
            if end - start > _LARGE:
                self._trees[start, end] = tree
                for oldest in list(self._trees)[:-_TREES_KEPT]:
                    self._trees.pop(oldest, None)
        return tree

    def _hashes(self, size: int) -> TileHashes:
        # Threads that share this reader may ask about different sizes at the same time.
        tiles = (
            TileHashes(size, self._source.fetch) if self._tiles is None else self._tiles.at(size)
        )
        self._tiles = tiles
        return tiles


def read_bundle(fetch: Callable[[str], bytes], index: int, width: int) -> list[bytes]:
    """Return the first `width` entries of a bundle, unverified, as `tiles.read_tile` reads a tile.

    A log may delete a partial bundle once the full one exists (tlog-tiles, "Partial Tiles"), so
    the full one is asked for where the partial one is `NotFound`.
    """
    try:
        return decode_bundle(fetch(bundle_path(index, width)), width)
    except NotFound:
        if width == WIDTH:
            raise
    return decode_bundle(fetch(bundle_path(index)), WIDTH)[:width]


def _ahead(
    work: Callable[[int], tuple[int, list[bytes]]], items: Iterator[int], *, at_once: int
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield `work(item)` in order, `at_once` of them running concurrently."""
    if at_once == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(at_once, thread_name_prefix="testamur-fetch") as pool:
        running: deque[Future[tuple[int, list[bytes]]]] = deque()
        try:
            for item in items:
                running.append(pool.submit(work, item))
                if len(running) >= at_once:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
