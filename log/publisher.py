"""Publishes a sequence of entries as a transparency log: tiles, bundles, signed checkpoints.

Every checkpoint that leaves here extends the one signed before, covers whole submissions only,
and names a tree that was read back from the store and hashed again before it was signed. After
any failure nothing more is published until `resume` has checked afresh all that publishing rests
on. It does not know what the entries mean, nor show that everybody sees the same log: witnesses do.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from log.entry_source import SOURCE, EntrySource, in_chunks
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
from log.last_signed import LastSignedStore, Overtaken
from log.proven_files import tiles_of
from log.store import CHECKPOINT, FileDamage, Store
from testamur.errors import Refuted, Unavailable
from testamur.stopwatch import Advance, Stopwatch, ignore
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from testamur.tlog.log_keys import LogKeys, UnknownLogKey
from testamur.tlog.merkle import (
    InvalidProof,
    leaf_hashes,
    prove_consistency,
    prove_inclusion,
    root_from,
    verify_consistency,
    verify_inclusion,
)
from testamur.tlog.note import Signer
from testamur.tlog.source import NotFound
from testamur.tlog.tiles import WIDTH, RightEdge, TileHashes, bundle_path

_logger = logging.getLogger(__name__)


class Stopped(Unavailable):
    """Nothing is published until `resume` succeeds."""


@dataclass(frozen=True, slots=True)
class _Signed:
    checkpoint: Checkpoint
    note: bytes


@dataclass(frozen=True, slots=True)
class _State:
    """What is signed and public; `superseded` are full files whose partials are removed next."""

    signed: _Signed | None
    tail: Tail
    superseded: Sequence[str]

    @property
    def note(self) -> bytes | None:
        return None if self.signed is None else self.signed.note


class Publisher:
    """The one publisher of a log, whose origin is the name of `signer`.

    `keys` are all that ever signed for the log, by default that of the signer alone.
    `published` is called with each checkpoint once it is public and durable, and with the current
    one on `resume`, so with one perhaps twice; `stopped` with every failure. Both are called on
    the thread that publishes, which waits; they may not publish or resume themselves. `checked`
    is called with how many entries, of how many, `resume` has checked; what it raises ends that.
    `measured` is called with each publication on the thread that publishes, after it is public. Its
    steps are `read`, `make`, `write`, `read_back`, `sign`, `keep` (the signature, durably),
    `make_public` and `remove`.
    """

    def __init__(
        self,
        source: EntrySource,
        store: Store,
        last_signed: LastSignedStore,
        signer: Signer,
        *,
        keys: LogKeys | None = None,
        published: Callable[[Checkpoint, bytes], None],
        stopped: Callable[[BaseException], None] = lambda _: None,
        checked: Callable[[int, int], None] = lambda _, __: None,
        measured: Callable[[Advance], None] = ignore,
    ) -> None:
        self._source = source
        self._store = store
        self._last_signed = last_signed
        self._signer = signer
        self._keys = LogKeys((signer.verifier,)) if keys is None else keys
        self._published = published
        self._stopped = stopped
        self._told_checked = checked
        self._measured = measured
        self._watch = Stopwatch()
        self._steps = 0
        self._sound = False  # whether the whole published tree was checked, and no damage found
        self._turn = threading.Lock()
        self._hashes = TileHashes(0, tiles_of(store))
        self._state: _State | None = None  # None: publishing is not allowed
        self._public: _Signed | None = None
        self._failure: BaseException | None = None

    @property
    def checkpoint(self) -> tuple[Checkpoint, bytes] | None:
        """The public checkpoint and its note, None before the first."""
        public = self._public
        return None if public is None else (public.checkpoint, public.note)

    @property
    def failure(self) -> BaseException | None:
        """What stopped publishing, until `resume` succeeds; None if nothing has."""
        return self._failure

    @property
    def allowed(self) -> bool:
        """Whether publishing is allowed: `resume` has succeeded, and nothing failed since."""
        return self._state is not None

    @property
    def steps(self) -> int:
        """How many steps it has taken: a publication takes several for every chunk of entries."""
        return self._steps

    # --- Publishing ---

    def publish_once(self) -> Checkpoint | None:
        """Publish all that is committed; return the new checkpoint, or None if nothing waited.

        Raises what went wrong, and from then on `Stopped`, until `resume` succeeds.
        """
        with self._turn:
            if self._state is None:
                raise Stopped("publishing has stopped, and must be resumed") from self._failure
            before = self._state.tail.size
            self._watch.restart()
            with self._stopped_by_failure():
                self._state, checkpoint = self._advanced(self._state)
            if checkpoint is not None:
                self._tell(checkpoint, before)
            return checkpoint

    def _tell(self, checkpoint: Checkpoint, before: int) -> None:
        advance = Advance(
            size=checkpoint.size,
            entries=checkpoint.size - before,
            began=self._watch.began,
            seconds=self._watch.seconds,
            root=checkpoint.root.hex(),
        )
        _logger.info(
            "published %d entries, %d in all, in %.0f ms",
            advance.entries,
            advance.size,
            advance.took * 1000,
            extra={
                "fields": {
                    "size": advance.size,
                    "entries": advance.entries,
                    "seconds": round(advance.took, 6),
                    "root": advance.root,
                }
            },
        )
        try:
            self._measured(advance)
        except Exception:  # it is public: nothing is wrong with the log
            _logger.exception("a publication could not be measured")

    def _advanced(self, at: _State) -> tuple[_State, Checkpoint | None]:
        """The life of every entry: from the sequence to a checkpoint that everyone can fetch."""
        # 1. How far the sequence has come. A checkpoint never cuts a submission, and this is the
        #    end of one: no other size may be signed.
        size = self._source.committed()
        tail = at.tail
        if size < tail.size:
            raise _rewound(size, tail.size)
        if size == tail.size:
            return at, None

        for entries, recorded in in_chunks(self._source, tail.size, size):
            # 2. The source must still hold the bytes that it admitted: a bit that flipped there
            #    stops here. After a crash here nothing of this chunk is written.
            leaves = admitted(tail.size, entries, recorded)
            self._lap("read")

            # 3. The new files: a pure function of the tree so far and the entries.
            _, files = tail.grown(entries, leaves, since=at.tail.size, until=size)
            self._lap("make")

            # 4. Write it, durably. After a crash here, or anywhere before the signing, files
            #    exist that no checkpoint covers; the next run writes the very same bytes.
            self._store.write_many(files)
            self._lap("write")

            # 5. Read it back, hash what was read, and continue from that. A bit that flipped on
            #    the way must be found before a signature commits us to it (Yeti 2022).
            paths = [path for path, _ in files]
            stored = list(zip(paths, self._store.read_many(paths), strict=True))
            again = given_back(tail, recorded, stored)
            tail, files = tail.grown(*again, since=at.tail.size, until=size)
            check_same(stored, files)
            self._lap("read_back")

        # 6. Sign, if the stored tiles prove that this tree extends the one signed last. The
        #    signature takes that one's place before it leaves. After a crash right here the
        #    checkpoint is signed and not yet public: `resume` makes it so.
        signed = self._sign(at.signed, Checkpoint(self._signer.name, size, tail.edge.root()))
        self._lap("sign")
        self._last_signed.compare_and_swap(at.note, signed.note)
        self._lap("keep")

        # 7. to 9. Have it witnessed, make it public, report it.
        self._make_public(signed)
        self._lap("make_public")

        # 10. Remove partials that were superseded a publication ago: slow readers have had time
        #     to fetch them. After a crash here some stay, and the next `sweep` finds them.
        for path in at.superseded:
            self._store.remove_partials(path)
        self._lap("remove")
        return _State(signed, tail, superseded(at.tail.size, size)), signed.checkpoint

    def _lap(self, step: str) -> None:
        self._steps += 1
        self._watch.lap(step)

    def _make_public(self, signed: _Signed) -> None:
        # 7. Witnesses belong here: their cosignatures are lines added to the note after it was
        #    stored as signed and before it is public. After a crash here `resume` asks again.

        # 8. From now on everybody can fetch it. After a crash here it is public and was not
        #    reported: `resume` reports it.
        self._replace_public(signed.note, signed.note)

        # 9. Report it to those who wait for it.
        self._report(signed)

    def _replace_public(self, note: bytes, signed: bytes) -> None:
        """Make `note` public, which is `signed` and perhaps has cosignatures.

        This process may be suspended at any line, while another takes over and publishes more. An
        older checkpoint must not stay public then.
        """
        if self._newest() != signed:
            raise _overtaken()
        # Suspended here, it puts its own note in the place of the other's newer one. A store that
        # compares refuses that. Else the newest is put back: the last writer has found after
        # its write that what it wrote is still the last one signed. After a crash in between the
        # older one is public until the other publishes or resumes.
        self._store.write_checkpoint(note)
        newest, put = self._newest(), signed
        while newest is not None and newest != put:
            self._store.write_checkpoint(newest)
            put, newest = newest, self._newest()
        if put != signed:
            raise _overtaken()

    def _newest(self) -> bytes | None:
        newest = self._opened("last-signed", self._last_signed.get())
        return None if newest is None else newest.note

    def _report(self, signed: _Signed) -> None:
        self._public = signed
        self._published(signed.checkpoint, signed.note)

    def _sign(self, last: _Signed | None, checkpoint: Checkpoint) -> _Signed:
        """Return the checkpoint signed, if the tiles in the store prove that it extends `last`."""
        if last is not None:
            self._check_extends(last.checkpoint, checkpoint)
        note = sign_checkpoint(checkpoint, self._signer)
        # An Ed25519 signature that a faulty processor computed can reveal the key.
        open_checkpoint(note, self._keys)
        return _Signed(checkpoint, note)

    def _check_extends(self, old: Checkpoint, new: Checkpoint) -> None:
        # Not from the cached tiles: a tile that was sound when read may be damaged by now.
        hashes = TileHashes(new.size, tiles_of(self._store))
        proof = prove_consistency(old.size, new.size, hashes)
        try:
            verify_consistency(old.size, new.size, old.root, new.root, proof)
        except InvalidProof as error:
            raise FileDamage("tile", "not-an-extension", str(error)) from error
        # A proof leaves out an old tree that is one complete subtree, so its tiles are read here.
        root = root_from(new.size, hashes)
        if root != new.root:
            detail = f"they lead to root {root.hex()} of {new.size} leaves, not {new.root.hex()}"
            raise FileDamage("tile", "not-an-extension", detail)

    # --- Resuming ---

    def resume(self) -> None:
        """Check all that publishing rests on, finish what was interrupted, and allow publishing.

        It checks the end of the tree, and the first time, or after damage, every file of it.
        Raises `FileDamage` when what is stored contradicts what was signed, and `Unavailable`
        when that cannot be found out, or another publisher is at work.
        """
        with self._turn, self._stopped_by_failure():
            self._state = self._resumed()
            self._failure = None

    def check_published(self) -> None:
        """Check every published file, as the first `resume` does, but without the claim.

        For a standby: what takes longest is done before it takes over. Does nothing once a check
        has found no damage. Raises as `resume` does.
        """
        with self._turn, self._stopped_by_failure():
            public = None if self._sound else self._opened(CHECKPOINT, self._stored_checkpoint())
            if public is not None:
                check_tree(self._store, public.checkpoint, progress=self._checked)
                self._sound = True

    def _resumed(self) -> _State:
        self._last_signed.claim()
        left_over = self._store.sweep()
        # Tiles that were cached before a failure are not trusted after it.
        self._hashes = TileHashes(0, tiles_of(self._store))
        signed = self._opened("last-signed", self._last_signed.get())
        public = self._opened(CHECKPOINT, self._stored_checkpoint())
        if signed is None:
            if public is not None:
                raise _from_the_future(public.checkpoint.size, 0)
            return _State(None, Tail(RightEdge.empty(), b""), left_over)
        tail = self._loaded(signed.checkpoint)
        if public is not None:
            self._check_public(public.checkpoint, signed.checkpoint)
        if public is None or public.checkpoint != signed.checkpoint:
            # Stopped between steps 6 and 8. The files were written and checked before.
            self._make_public(signed)
        else:
            # Written again: after a failed flush it may be in the page cache only.
            self._replace_public(public.note, signed.note)
            self._report(public)
        return _State(signed, tail, left_over)

    def _stored_checkpoint(self) -> bytes | None:
        try:
            return self._store.read(CHECKPOINT)
        except NotFound:
            return None

    def _opened(self, path: str, note: bytes | None) -> _Signed | None:
        if note is None:
            return None
        try:
            return _Signed(open_checkpoint(note, self._keys)[0], note)
        except (Refuted, UnknownLogKey) as error:
            raise FileDamage(path, "not-ours", str(error)) from error

    def _loaded(self, signed: Checkpoint) -> Tail:
        """Return the tail of the signed tree, if store and source still hold that tree's end."""
        size = signed.size
        committed = self._source.committed()
        if committed < size:
            # A database restored from an old backup would grow another history from there.
            raise _rewound(committed, size)
        if not self._sound:
            check_tree(self._store, signed, progress=self._checked)
            self._sound = True
        edge = RightEdge.load(size, tiles_of(self._store))
        if edge.root() != signed.root:
            raise FileDamage(
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
        ((entries, recorded),) = in_chunks(self._source, start, size)
        check_leaves(SOURCE, start, admitted(start, entries, recorded), leaves)
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
                raise FileDamage(path, "another-tree", str(error)) from error

    def _check_public(self, public: Checkpoint, signed: Checkpoint) -> None:
        if public.size > signed.size:
            raise _from_the_future(public.size, signed.size)
        root = root_from(public.size, self._hashes.at(signed.size))
        if root != public.root:
            detail = f"its root is {public.root.hex()}, the tiles lead to {root.hex()}"
            raise FileDamage(CHECKPOINT, "another-tree", detail)

    def _checked(self, done: int, of: int) -> None:
        self._steps += 1
        self._told_checked(done, of)

    @contextmanager
    def _stopped_by_failure(self) -> Iterator[None]:
        self._steps += 1
        try:
            yield
        except BaseException as error:
            # After any error memory and storage may disagree (Raio 2025h2a continued).
            self._state = None
            self._failure = error
            damage = isinstance(error, Refuted) and not isinstance(error, Overtaken)
            self._sound = self._sound and not damage
            self._stopped(error)
            raise

    def release(self) -> None:
        """Give up the claim on the log; publishing must be resumed before it goes on."""
        with self._turn:
            self._state = None
            self._last_signed.release()


def _overtaken() -> Overtaken:
    return Overtaken("another publisher has signed since: its checkpoint stands")


def _rewound(committed: int, signed: int) -> FileDamage:
    return FileDamage(
        SOURCE, "rewound", f"it has {committed} entries, but a tree of {signed} is signed"
    )


def _from_the_future(public: int, signed: int) -> FileDamage:
    return FileDamage(
        CHECKPOINT, "from-the-future", f"it is of size {public}, the last one signed of {signed}"
    )
