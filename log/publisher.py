"""Publishes a sequence of entries as a transparency log: tiles, bundles, signed checkpoints.

Every checkpoint that leaves here extends the one signed before, covers whole submissions only,
and names a tree that was read back from the store and hashed again before it was signed. After
any failure nothing more is published until `resume` has checked afresh all that publishing rests
on. It does not know what the entries mean, nor show that everybody is told the same: witnesses do.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from log.fsck import check_tree
from log.growth import (
    Tail,
    admitted,
    check_leaves,
    check_same,
    entries_in,
    given_back,
    superseded,
)
from log.last_signed import Overtaken
from log.proofs import tiles_of
from log.store import CHECKPOINT, Damage
from testamur.errors import Refuted, Unavailable
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from testamur.tlog.merkle import (
    InvalidProof,
    leaf_hashes,
    prove_consistency,
    prove_inclusion,
    root_from,
    verify_consistency,
    verify_inclusion,
)
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import WIDTH, RightEdge, TileHashes, bundle_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from log.growth import File
    from testamur.tlog.note import SignerKey

_READ: Final = 4 * WIDTH  # entries asked of the source at once: at most 64 MiB
_CHUNK: Final = 32 * WIDTH  # entries written at once, unless they weigh
_CHUNK_BYTES: Final = 8 << 20  # this much first
_POLL: Final = 1.0  # seconds; for entries that another process committed, which wakes nobody here
_LONGEST_PAUSE: Final = 60.0  # seconds between two attempts to resume

_logger = logging.getLogger(__name__)


class Stopped(Unavailable):
    """Nothing is published until `resume` succeeds."""


class EntrySource(Protocol):
    """The sequence to publish. What it has committed never changes."""

    def committed(self) -> int:
        """Return how many entries are durable: always the end of a submission, never fewer."""
        ...

    def read(self, start: int, limit: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return entries from `start` on, and the leaf hashes recorded when they were admitted.

        At most `limit` of each, and at least one if `start` is below `committed()`.
        """
        ...


class Store(Protocol):
    """Where the log is published; `log.store.DirectoryStore` states each method's duty."""

    def read(self, path: str) -> bytes: ...
    def write_many(self, files: Sequence[File]) -> None: ...
    def write_checkpoint(self, data: bytes) -> None: ...
    def sweep(self) -> list[str]: ...
    def remove_partials(self, path: str) -> None: ...


class LastSignedStore(Protocol):
    """Keeps the last signed note; `log.last_signed.LastSigned` states each method's duty."""

    def get(self) -> bytes | None: ...
    def compare_and_swap(self, old: bytes | None, new: bytes) -> None: ...
    def claim(self) -> None: ...
    def release(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Signed:
    checkpoint: Checkpoint
    note: bytes


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is signed and public; `superseded` are full files whose partials may go next."""

    signed: _Signed | None
    tail: Tail
    superseded: Sequence[str]

    @property
    def note(self) -> bytes | None:
        return None if self.signed is None else self.signed.note


class Publisher:
    """The one publisher of a log, whose origin is the name of `signer`.

    `published` is told of each checkpoint once it is public and durable, and of the current one
    on `resume`, so it may hear of one twice; `stopped` of every failure. The thread that publishes
    calls them, and waits; they may not publish or resume themselves. `checked` is told how many
    entries, of how many, `resume` has gone through; it gives up on what that raises. `interval` and
    `retry` are seconds: between the starts of two publications, before the first recovery.
    """

    def __init__(
        self,
        source: EntrySource,
        store: Store,
        last_signed: LastSignedStore,
        signer: SignerKey,
        *,
        interval: float = 0.1,
        retry: float = 0.5,
        published: Callable[[Checkpoint, bytes], None],
        stopped: Callable[[BaseException], None] = lambda _: None,
        checked: Callable[[int, int], None] = lambda _, __: None,
    ) -> None:
        self._source = source
        self._store = store
        self._last_signed = last_signed
        self._signer = signer
        self._key = signer.verifier
        self._interval = interval
        self._retry = retry
        self._published = published
        self._stopped = stopped
        self._checked = checked
        self._sound = False  # whether everything published was gone through, and no damage found
        self._turn = threading.Lock()
        self._hashes = TileHashes(0, tiles_of(store))
        self._standing: _Standing | None = None  # None: publishing is not allowed
        self._public: _Signed | None = None
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()
        self._stopping = threading.Event()

    @property
    def checkpoint(self) -> tuple[Checkpoint, bytes] | None:
        """The checkpoint that is public, and its note; None before the first."""
        public = self._public
        return None if public is None else (public.checkpoint, public.note)

    @property
    def failure(self) -> BaseException | None:
        """What stopped publishing, until `resume` succeeds; None while nothing has."""
        return self._failure

    # --- Publishing ---

    def publish_once(self) -> Checkpoint | None:
        """Publish all that is committed; return the new checkpoint, or None if nothing waited.

        Raise whatever went wrong, and from then on `Stopped`, until `resume` succeeds.
        """
        with self._turn:
            if self._standing is None:
                raise Stopped("publishing has stopped, and must be resumed") from self._failure
            with self._stopped_by_failure():
                self._standing, checkpoint = self._advanced(self._standing)
            return checkpoint

    def _advanced(self, at: _Standing) -> tuple[_Standing, Checkpoint | None]:
        """The life of every entry: from the sequence to a checkpoint that everyone can fetch."""
        # 1. How far the sequence has come. A checkpoint never cuts a submission, and this is the
        #    end of one: no other size may be signed.
        size = self._source.committed()
        tail = at.tail
        if size < tail.size:
            raise _rewound(size, tail.size)
        if size == tail.size:
            return at, None

        for entries, recorded in self._read(tail.size, size):
            # 2. What the source holds must still be what it admitted: a bit that flipped there
            #    stops here. After a crash here nothing of this chunk is written.
            leaves = admitted(tail.size, entries, recorded)

            # 3. What comes into being: a pure function of the tree so far and the entries.
            _, files = tail.grown(entries, leaves, since=at.tail.size, until=size)

            # 4. Write it, durably. After a crash here, or anywhere before the signing, files
            #    exist that no checkpoint covers; the next run writes the very same bytes.
            self._store.write_many(files)

            # 5. Read it back, hash what was read, and go on from that. A bit that flipped on the
            #    way must be found before a signature commits us to it (Yeti 2022).
            stored = [(path, self._store.read(path)) for path, _ in files]
            again = given_back(tail, recorded, stored)
            tail, files = tail.grown(*again, since=at.tail.size, until=size)
            check_same(stored, files)

        # 6. Sign, if the stored tiles prove that this tree extends the one signed last. The
        #    signature takes that one's place before it leaves. After a crash right here the
        #    checkpoint is signed and not yet public: `resume` makes it so.
        signed = self._sign(at.signed, Checkpoint(self._signer.name, size, tail.edge.root()))
        self._last_signed.compare_and_swap(at.note, signed.note)

        # 7. to 9. Have it witnessed, make it public, tell.
        self._make_public(signed)

        # 10. Remove partials that were superseded a publication ago: slow readers have had time
        #     to fetch them. After a crash here some stay, and the next `sweep` finds them.
        for path in at.superseded:
            self._store.remove_partials(path)
        return _Standing(signed, tail, superseded(at.tail.size, size)), signed.checkpoint

    def _make_public(self, signed: _Signed) -> None:
        # 7. Witnesses belong here: their cosignatures are lines added to the note after it was
        #    stored as signed and before anybody sees it. After a crash here `resume` asks again.

        # 8. From now on everybody can fetch it. After a crash here it is public and nobody was
        #    told: `resume` tells.
        self._store.write_checkpoint(signed.note)

        # 9. Tell whoever waits for it.
        self._tell(signed)

    def _tell(self, signed: _Signed) -> None:
        self._public = signed
        self._published(signed.checkpoint, signed.note)

    def _read(self, start: int, end: int) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Yield entries with the leaf hashes recorded for them, in chunks that fit in memory.

        Every chunk but the last ends where a bundle ends.
        """
        entries: list[bytes] = []
        leaves: list[bytes] = []
        weight = 0
        while start < end:
            limit = min(end, (start // _READ + 1) * _READ) - start
            more, hashes = self._source.read(start, limit)
            if not 1 <= len(more) == len(hashes) <= limit:
                raise Damage(
                    "source",
                    "missing-entries",
                    f"asked for {limit} entries from {start} on, it gave {len(more)} entries "
                    f"and {len(hashes)} leaf hashes",
                )
            entries += more
            leaves += hashes
            weight += sum(map(len, more))
            start += len(more)
            full = len(entries) >= _CHUNK or weight >= _CHUNK_BYTES
            if start == end or (full and start % WIDTH == 0):
                yield entries, leaves
                entries, leaves, weight = [], [], 0

    def _sign(self, last: _Signed | None, checkpoint: Checkpoint) -> _Signed:
        """Return the checkpoint signed, if the tiles in the store prove that it extends `last`."""
        if last is not None:
            self._check_extends(last.checkpoint, checkpoint)
        note = sign_checkpoint(checkpoint, self._signer)
        # A signature that a faulty processor got wrong can give the key away.
        open_checkpoint(note, self._key)
        return _Signed(checkpoint, note)

    def _check_extends(self, old: Checkpoint, new: Checkpoint) -> None:
        # Read anew: what was sound when it was last read may have been damaged since.
        hashes = TileHashes(new.size, tiles_of(self._store))
        proof = prove_consistency(old.size, new.size, hashes)
        try:
            verify_consistency(old.size, new.size, old.root, new.root, proof)
        except InvalidProof as error:
            raise Damage("tile", "not-an-extension", str(error)) from error
        # A proof leaves out an old tree that is one complete subtree, so its tiles are read here.
        root = root_from(new.size, hashes)
        if root != new.root:
            detail = f"they lead to root {root.hex()} of {new.size} leaves, not {new.root.hex()}"
            raise Damage("tile", "not-an-extension", detail)

    # --- Resuming ---

    def resume(self) -> None:
        """Check all that publishing rests on, finish what was cut short, and allow publishing.

        That is the end of the tree, and the first time, or after damage, every file of it. Raise
        `Damage` when what is stored contradicts what was signed, and `Unavailable` when
        that cannot be found out, or another publisher is at work.
        """
        with self._turn, self._stopped_by_failure():
            self._standing = self._resumed()
            self._failure = None

    def _resumed(self) -> _Standing:
        self._last_signed.claim()
        left_over = self._store.sweep()
        # What was read of the tiles before a failure is not to be trusted after it.
        self._hashes = TileHashes(0, tiles_of(self._store))
        signed = self._opened("last-signed", self._last_signed.get())
        public = self._opened(CHECKPOINT, self._stored_checkpoint())
        if signed is None:
            if public is not None:
                raise _from_the_future(public.checkpoint.size, 0)
            return _Standing(None, Tail(RightEdge.empty(), b""), left_over)
        tail = self._loaded(signed.checkpoint)
        if public is not None:
            self._check_public(public.checkpoint, signed.checkpoint)
        if public is None or public.checkpoint != signed.checkpoint:
            # Stopped between steps 6 and 8. The files were written and checked before.
            self._make_public(signed)
        else:
            # Written again, for if it was flushed in vain it is in the page cache alone.
            self._store.write_checkpoint(public.note)
            self._tell(public)
        return _Standing(signed, tail, left_over)

    def _stored_checkpoint(self) -> bytes | None:
        try:
            return self._store.read(CHECKPOINT)
        except NotFound:
            return None

    def _opened(self, path: str, note: bytes | None) -> _Signed | None:
        if note is None:
            return None
        try:
            return _Signed(open_checkpoint(note, self._key)[0], note)
        except Refuted as error:
            raise Damage(path, "not-ours", str(error)) from error

    def _loaded(self, signed: Checkpoint) -> Tail:
        """Return the tail of the signed tree, if store and source still hold that tree's end."""
        size = signed.size
        committed = self._source.committed()
        if committed < size:
            # A database restored from an old copy would grow another history from there.
            raise _rewound(committed, size)
        if not self._sound:
            check_tree(self._store, signed, progress=self._checked)
            self._sound = True
        edge = RightEdge.load(size, tiles_of(self._store))
        if edge.root() != signed.root:
            raise Damage(
                "tile",
                "another-tree",
                f"the partial tiles of {size} leaves lead to root {edge.root().hex()}, "
                f"the one signed is {signed.root.hex()}",
            )
        start = (size - 1) // WIDTH * WIDTH
        path = bundle_path(start // WIDTH, size - start)
        bundle = self._store.read(path)
        leaves = leaf_hashes(entries_in(path, bundle))
        self._check_in_tree(path, start, leaves, signed)
        ((entries, recorded),) = self._read(start, size)
        check_leaves("source", start, admitted(start, entries, recorded), leaves)
        return Tail(edge, bundle if size % WIDTH else b"")

    def _check_in_tree(
        self, path: str, start: int, leaves: Sequence[bytes], signed: Checkpoint
    ) -> None:
        hashes = self._hashes.at(signed.size)
        for index, leaf in enumerate(leaves, start):
            try:
                proof = prove_inclusion(index, signed.size, hashes)
                verify_inclusion(index, signed.size, leaf, proof, signed.root)
            except InvalidProof as error:
                raise Damage(path, "another-tree", str(error)) from error

    def _check_public(self, public: Checkpoint, signed: Checkpoint) -> None:
        if public.size > signed.size:
            raise _from_the_future(public.size, signed.size)
        root = root_from(public.size, self._hashes.at(signed.size))
        if root != public.root:
            detail = f"its root is {public.root.hex()}, the tiles lead to {root.hex()}"
            raise Damage(CHECKPOINT, "another-tree", detail)

    @contextmanager
    def _stopped_by_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            # Whatever it was, memory and storage may now disagree (Raio 2025h2a went on).
            self._standing = None
            self._failure = error
            self._sound = self._sound and not isinstance(error, Refuted)
            self._stopped(error)
            raise

    # --- The thread ---

    def start(self) -> None:
        """Publish in a thread until `stop`, recovering from failures after growing pauses.

        It gives up only when `Overtaken`: then somebody else publishes this log.
        """
        if self._thread is not None:
            raise RuntimeError("the publisher has been started already")
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="testamur-publisher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that entries were committed. From any thread; it returns at once."""
        self._woken.set()

    def stop(self) -> None:
        """Publish what is committed, if that is possible; end the thread and give up the claim."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._turn:
            self._standing = None
            self._last_signed.release()

    def _run(self) -> None:
        pause = self._retry
        began = -math.inf  # when the last publication did
        while not isinstance(self._failure, Overtaken):
            last = self._stopping.is_set()
            now = time.monotonic()
            with suppress(Exception):  # `failure` keeps it
                if self._standing is None:
                    self.resume()
                if self.publish_once() is not None:
                    began = now
            if last:
                return
            if self._failure is None:
                pause = self._retry
                self._woken.wait(_POLL)
                self._stopping.wait(began + self._interval - time.monotonic())
                self._woken.clear()
            else:
                _logger.error("publishing has stopped: %s", self._failure)
                self._stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)


def _rewound(committed: int, signed: int) -> Damage:
    return Damage(
        "source", "rewound", f"it has {committed} entries, but a tree of {signed} is signed"
    )


def _from_the_future(public: int, signed: int) -> Damage:
    return Damage(
        CHECKPOINT, "from-the-future", f"it is of size {public}, the last one signed of {signed}"
    )
