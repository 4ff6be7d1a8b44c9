"""What answers read in the log itself: an entry, and excerpts as evidence.

The storage of the log is not trusted. All that is read leads to the root of the checkpoint before
it is sent; the entries of a bundle that nobody asked for are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from api.published import Published
from log.store import FileDamage
from testamur.catalogue.submission import parse_submission_entry
from testamur.errors import Refuted
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.merkle import leaf_hash, verify_consistency, verify_inclusion
from testamur.tlog.reader import LogReader
from testamur.verification.evidence import Evidence, build_evidence

_T = TypeVar("_T")
_TILE: Final = "tile"  # what the error names: a bundle, or a tile that connects it with the root


class Included(NamedTuple):
    """An entry, its audit path (RFC 6962 section 2.1.1), and the root that it leads to."""

    entry: bytes
    path: list[bytes]
    root: bytes


class Grown(NamedTuple):
    """The roots of an earlier and a later tree, and the proof between (RFC 6962 section 2.1.2)."""

    earlier_root: bytes
    root: bytes
    path: list[bytes]


class FromLog:
    """Reads one log; `read` returns a new reader of it. Threads may share this.

    Every method raises `FileDamage` when what is stored is not what was signed, and `Unavailable`
    when it cannot be read.
    """

    def __init__(self, read: Callable[[], LogReader]) -> None:
        self._read = read
        self._reader = read()  # which keeps tiles, and trees of large submissions

    def entry(self, position: int, checkpoint: Checkpoint) -> bytes:
        """Return an entry of the checkpoint's tree; raises `NotFound` if it has none there."""
        return self._proven(lambda reader: reader.entry(position, checkpoint))

    def entries(self, start: int, end: int, checkpoint: Checkpoint) -> list[bytes]:
        """Return the entries from `start` to `end`, all of them in the checkpoint's tree."""

        def proven(reader: LogReader) -> list[bytes]:
            bundles = reader.bundles(start, end, size=checkpoint.size)
            found = [entry for _, bundle in bundles for entry in bundle]
            for position, entry in enumerate(found, start):
                path = reader.inclusion(position, checkpoint.size)
                verify_inclusion(position, checkpoint.size, leaf_hash(entry), path, checkpoint.root)
            return found

        return self._proven(proven)

    def inclusion(self, position: int, size: int, checkpoint: Checkpoint) -> Included:
        """Return an entry with its proof in the tree of the first `size`, which it is among.

        That tree is one that the checkpoint's tree extends.
        """

        def proven(reader: LogReader) -> Included:
            entry = reader.entry(position, checkpoint)
            grown = _growth(reader, size, checkpoint.size, checkpoint)
            path = reader.inclusion(position, size, published=checkpoint.size)
            verify_inclusion(position, size, leaf_hash(entry), path, grown.earlier_root)
            return Included(entry, path, grown.earlier_root)

        return self._proven(proven)

    def growth(self, earlier: int, later: int, checkpoint: Checkpoint) -> Grown:
        """Return the proof that the tree of `later` entries extends that of `earlier`.

        The checkpoint's tree extends both.
        """
        return self._proven(lambda reader: _growth(reader, earlier, later, checkpoint))

    def evidence(
        self,
        published: Published,
        credential: str,
        positions: Sequence[tuple[int, Sequence[int]]],
        *,
        as_of: int,
    ) -> Evidence:
        """Return the excerpt at these positions, as `build_evidence` does, under `published`."""

        def built(reader: LogReader) -> Evidence:
            found = build_evidence(reader, published.note, credential, positions, as_of=as_of)
            _check(found, published.checkpoint)
            return found

        return self._proven(built)

    def _proven(self, read: Callable[[LogReader], _T]) -> _T:
        """Return what `read` makes of the log; it MUST check that."""
        try:
            return read(self._reader)
        except Refuted:
            # The damage may have been in a tile that was kept, and may be repaired by now.
            self._reader = self._read()
        try:
            return read(self._reader)
        except Refuted as error:
            raise FileDamage(_TILE, "another-tree", str(error)) from error


def _growth(reader: LogReader, earlier: int, later: int, checkpoint: Checkpoint) -> Grown:
    """Return the proof; raises `InvalidProof` unless the checkpoint's tree extends both trees."""
    published = checkpoint.size
    old, new = (reader.root(size, published=published) for size in (earlier, later))
    path = reader.consistency(earlier, later, published=published)
    verify_consistency(earlier, later, old, new, path)
    onwards = reader.consistency(later, published, published=published)
    verify_consistency(later, published, new, checkpoint.root, onwards)
    return Grown(old, new, path)


def _check(evidence: Evidence, checkpoint: Checkpoint) -> None:
    """Raise `InvalidProof` unless every entry is in the tree, and every event in its submission."""
    for each in evidence.submissions:
        header = parse_submission_entry(each.entry.encode())[1]
        leaf = leaf_hash(each.entry.encode())
        verify_inclusion(each.position, checkpoint.size, leaf, each.inclusion, checkpoint.root)
        for event in each.events:
            leaf, position = leaf_hash(event.line.encode()), each.position + event.number
            verify_inclusion(position, checkpoint.size, leaf, event.inclusion, checkpoint.root)
            verify_inclusion(event.number - 1, header.payload.events, leaf, event.path, header.root)
