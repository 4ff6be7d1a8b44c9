"""Rebuilds lost and damaged files of a log from the sequence, whose entries are never deleted.

Nothing is written unless the sequence gives the very roots that the log's key signed. Then each
tile, bundle and partial file that differs from what follows from the sequence is written anew, and
read back. A checkpoint that is lost is replaced by the last one signed, as a publisher would do;
one that is there is never touched, for no sequence can prove which was published last.

Killed half way it leaves whole files, each as it was or as it must be; the next run does the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from log.entry_source import SOURCE, EntrySource, in_chunks
from log.growth import Tail, admitted
from log.last_signed import SignedNote
from log.store import CHECKPOINT, File, FileDamage, ListedFiles, difference
from testamur.errors import Refuted
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.log_keys import LogKey, UnknownLogKey
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import (
    BundlePath,
    MalformedTile,
    RightEdge,
    TilePath,
    decode_bundle,
    encode_bundle,
    parse_path,
    split_tile,
)

_LAST_SIGNED: Final = "last-signed"
_MOST_PARTIALS: Final = 100_000  # far more than there are after any number of crashes


class RepairableFiles(ListedFiles, Protocol):
    """The files of a log, as `repair` mends them."""

    def put_back(self, path: str, data: bytes) -> None:
        """Store a tile or bundle in the place of whatever is there, and return once it is durable.

        The only way to replace one; `repair` alone may call it. It MUST appear whole or not at all.
        Raises `MalformedTile` for a path that is no tile's or bundle's, and `Unavailable`.
        """
        ...

    def write_checkpoint(self, data: bytes) -> None:
        """As `Store.write_checkpoint` does."""
        ...


def repair(
    store: RepairableFiles,
    key: LogKey,
    source: EntrySource,
    last_signed: SignedNote,
    *,
    repaired: Callable[[str, str], None],
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> None:
    """Rebuild every lost or damaged file of the log in `store`; `fsck` tells what is left.

    `repaired` is called with the path of each file that was written, and why. A publisher may be at
    work meanwhile: it writes the same bytes. `progress` is called with how many entries, of how
    many, were read; all of them are read twice. Memory is bounded but for
    a hash for each 8,192 entries.

    Raises `FileDamage`, before anything is written, if the sequence is not what was signed, or if
    no checkpoint says what was signed; `Unavailable` if store or sequence cannot be read.
    """
    signed = _signed(store, key, last_signed)
    committed, size = source.committed(), max(signed)
    if committed < size:
        raise FileDamage(SOURCE, "rewound", f"it has {committed} entries, {size} are signed")
    ends = sorted({*signed, committed})
    proven = _Proven(signed)
    for chunk in _chunks(source, ends):
        proven.take(chunk)
        progress(chunk.tail.size, 2 * committed)
    mending = _Mending(store, repaired, _partials_stored(store))
    for chunk in _chunks(source, ends):
        proven.check(chunk)
        mending.mend(chunk, covered=chunk.tail.size <= size, ends_signed=chunk.tail.size in signed)
        progress(committed + chunk.tail.size, 2 * committed)
    if _replace_lost_checkpoint(store, last_signed):
        repaired(CHECKPOINT, "it was missing")


def _replace_lost_checkpoint(store: RepairableFiles, last_signed: SignedNote) -> bool:
    """Make the last checkpoint signed public, if none is; return whether it was done."""
    with suppress(FileDamage):  # it is there, and may be evidence
        try:
            store.read(CHECKPOINT)
        except NotFound:
            note = last_signed.get()
            while note is not None:
                store.write_checkpoint(note)
                # A publisher may have signed and published a newer one before that write.
                written, note = note, last_signed.get()
                if note == written:
                    return True
    return False


def _signed(store: ListedFiles, key: LogKey, last_signed: SignedNote) -> dict[int, bytes]:
    """Return the root that was signed for each size: of the last one signed and of the public one.

    A public checkpoint that is damaged or lost says nothing.
    """
    found: list[Checkpoint] = []
    note = last_signed.get()
    if note is not None:
        found.append(_opened(_LAST_SIGNED, note, key))
    with suppress(NotFound, FileDamage):
        found.append(_opened(CHECKPOINT, store.read(CHECKPOINT), key))
    if not found:
        raise FileDamage(_LAST_SIGNED, "missing", "no checkpoint says what was signed")
    roots = {checkpoint.size: checkpoint.root for checkpoint in found}
    if any(roots[checkpoint.size] != checkpoint.root for checkpoint in found):
        raise FileDamage(CHECKPOINT, "another-tree", "two roots were signed for its size")
    return roots


def _opened(path: str, note: bytes, key: LogKey) -> Checkpoint:
    try:
        return open_checkpoint(note, key)[0]
    except (Refuted, UnknownLogKey) as error:
        raise FileDamage(path, "not-ours", str(error)) from error


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some more of the sequence: the tree with it, and the files that it adds.

    Of the partial files only those of a tree at one of the ends are among them.
    """

    tail: Tail
    files: Sequence[File]


def _chunks(source: EntrySource, ends: Sequence[int]) -> Iterator[_Chunk]:
    """Yield the whole sequence up to the last of the `ends`, of which no chunk crosses one."""
    tail = Tail(RightEdge.empty(), b"")
    for end in ends:
        for entries, recorded in in_chunks(source, tail.size, end):
            leaves = admitted(tail.size, entries, recorded)
            tail, files = tail.grown(entries, leaves, since=0, until=end)
            yield _Chunk(tail, files)


class _Proven:
    """What a first reading of the sequence proved, to which the second one is held.

    `signed` are the roots that were signed, by the size.
    """

    def __init__(self, signed: Mapping[int, bytes]) -> None:
        self._signed = signed
        self._chunks: list[bytes] = []
        self._next = 0

    def take(self, chunk: _Chunk) -> None:
        """Take a chunk of the first reading; raise `FileDamage` if it is not what was signed."""
        root = chunk.tail.edge.root()
        expected = self._signed.get(chunk.tail.size, root)
        if root != expected:
            detail = (
                f"its first {chunk.tail.size} entries have root {root.hex()}, {expected.hex()} is "
                "signed"
            )
            raise FileDamage(SOURCE, "another-tree", detail)
        self._chunks.append(root)

    def check(self, chunk: _Chunk) -> None:
        """Raise `FileDamage` unless the second reading gives the same chunks, in this order."""
        # The root of everything so far: the files of a chunk follow from the entries below it.
        if self._chunks[self._next] != chunk.tail.edge.root():
            raise FileDamage(SOURCE, "altered-entry", "two readings of it gave different entries")
        self._next += 1


class _Mending:
    """Compares stored files with those that follow from the sequence, and puts these in place.

    `partials` are the widths of the stored partial files, by the path of the full one.
    """

    def __init__(
        self,
        store: RepairableFiles,
        repaired: Callable[[str, str], None],
        partials: Mapping[str, Sequence[int]],
    ) -> None:
        self._store = store
        self._repaired = repaired
        self._partials = partials

    def mend(self, chunk: _Chunk, *, covered: bool, ends_signed: bool) -> None:
        """Mend the files that a chunk adds, and the older partial files of the same places.

        Those that no checkpoint covers are mended if they are there: a publication that was
        interrupted left them, and the next one would refuse to go on over a damaged one.
        """
        for path, data in chunk.files:
            full, is_partial, _ = path.partition(".p/")
            self._mend(path, data, needed=ends_signed if is_partial else covered)
            place = parse_path(path)
            for width in self._partials.get(full, ()):
                if width < place.width:
                    narrow = replace(place, width=width)
                    self._mend(str(narrow), _beginning(place, data, width), needed=False)

    def _mend(self, path: str, data: bytes, *, needed: bool) -> None:
        wrong = self._wrong(path, data, needed=needed)
        if wrong is None:
            return
        self._store.put_back(path, data)
        # After a crash here the file is whole, and the next run finds it as it must be.
        if self._store.read(path) != data:
            raise FileDamage(path, "not-kept", "it was written anew and came back otherwise")
        self._repaired(path, wrong)

    def _wrong(self, path: str, data: bytes, *, needed: bool) -> str | None:
        """Return what is wrong with the stored file, or None."""
        try:
            held = self._store.read(path)
        except NotFound:
            return "it was missing" if needed and not self._is_superseded(path) else None
        except FileDamage as damage:
            return damage.detail
        return None if held == data else difference(held, data)

    def _is_superseded(self, path: str) -> bool:
        """Return whether a partial file may be missing, since the full one is stored."""
        full, is_partial, _ = path.partition(".p/")
        if not is_partial:
            return False
        try:
            self._store.read(full)
        except NotFound:
            return False
        return True


def _partials_stored(store: RepairableFiles) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    count = 0
    for path in store.paths():
        full, is_partial, _ = path.partition(".p/")
        try:
            place = parse_path(path)
        except MalformedTile:
            continue  # no file of a log; `fsck` names it
        if is_partial:
            found[full].append(place.width)
            count += 1
        if count > _MOST_PARTIALS:
            detail = (
                f"there are more than {_MOST_PARTIALS} partial files, which no publisher leaves"
            )
            raise FileDamage(path, "too-many", detail)
    return found


def _beginning(place: TilePath | BundlePath, data: bytes, width: int) -> bytes:
    """Return the partial file of this width, of the wider file `data` at `place`."""
    if isinstance(place, BundlePath):
        return encode_bundle(decode_bundle(data, place.width)[:width])
    return b"".join(split_tile(data, place.width)[:width])
