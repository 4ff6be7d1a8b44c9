"""The contract of the sequence that is published, and reading it in portions.

The words MUST and MAY are used as in RFC 2119. What a source returns is checked: against the leaf
hashes of admission before it is published, against the published tree afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from log.store import FileDamage
from testamur.tlog.tiles import WIDTH

SOURCE: Final = "source"  # what `FileDamage.path` calls it

_READ: Final = 4 * WIDTH  # entries requested at once: at most 64 MiB
_CHUNK: Final = 32 * WIDTH  # a chunk ends after this many entries
_CHUNK_BYTES: Final = 8 << 20  # or this many bytes, whichever comes first


class EntrySource(Protocol):
    """The sequence to publish. Committed entries never change. Threads may share it."""

    def committed(self) -> int:
        """Return how many entries are durable.

        It MUST be the end of a submission, for a checkpoint never cuts one; it MUST count nothing
        that a power cut could still take back, and MUST never decrease. Raises `Unavailable`
        when the storage cannot be read, `Refuted` when it is damaged.
        """
        ...

    def read(self, start: int, limit: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return entries from position `start` on, and their leaf hashes as recorded on admission.

        As many hashes as entries, at most `limit`; at least one if `start` is below
        `committed()`. The hashes MUST be the recorded ones, not computed from the entries as they
        are read: the comparison finds a bit that flipped in between. Raises as `committed`.
        """
        ...


def in_portions(
    source: EntrySource, start: int, end: int
) -> Iterator[tuple[Sequence[bytes], Sequence[bytes]]]:
    """Yield the entries from `start` to `end` and their recorded leaf hashes, as they are read.

    Raises `FileDamage` (`missing-entries`) if the source returns none, too many, or not as many
    hashes as entries.
    """
    while start < end:
        limit = min(end, (start // _READ + 1) * _READ) - start
        entries, leaves = source.read(start, limit)
        if not 1 <= len(entries) == len(leaves) <= limit:
            raise FileDamage(
                SOURCE,
                "missing-entries",
                f"asked for {limit} entries from {start} on, it gave {len(entries)} entries "
                f"and {len(leaves)} leaf hashes",
            )
        yield entries, leaves
        start += len(entries)


def in_chunks(
    source: EntrySource, start: int, end: int
) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Yield the same in chunks that are worth a write and fit in memory.

    Every chunk but the last ends where a bundle ends.
    """
    entries: list[bytes] = []
    leaves: list[bytes] = []
    weight = 0
    for more, hashes in in_portions(source, start, end):
        entries += more
        leaves += hashes
        weight += sum(map(len, more))
        start += len(more)
        full = len(entries) >= _CHUNK or weight >= _CHUNK_BYTES
        if start == end or (full and start % WIDTH == 0):
            yield entries, leaves
            entries, leaves, weight = [], [], 0
