"""What is durable in the sequence: for the publisher and for `fsck`."""

from __future__ import annotations

from registry.store import Store


class CommittedEntries:
    """The entries of `store`, read as they are committed; threads may share it.

    It examines nothing but the ids: the publisher compares the entries with the leaf hashes
    recorded beside them. Every method raises `StorageDamaged` when the store is not what was
    written, and `Unavailable` when it cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def committed(self) -> int:
        """Return how many entries are durable: always the end of a submission."""
        with self._store.reading() as reading:
            return reading.count()

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        """Return at most `limit` entries from position `start` on, and their leaf hashes."""
        with self._store.reading() as reading:
            return reading.read(start, limit)
