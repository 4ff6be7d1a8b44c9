"""A log in memory that is published to, and verified in full after every step.

    log = TestLog().publish(2, 254, 300)  # three submissions, a checkpoint after each
    log.restarted().resume()              # as a new process does
    log.check()                           # every byte, and everything that was ever signed

Its store and its last signed note fail, and lie, when the `Plan` says so.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from log.fsck import fsck
from log.publisher import Publisher, Stopped
from log.store import FileDamage
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from testamur.tlog.merkle import leaf_hashes, tree_root
from testamur.tlog.note import SignerKey
from testamur.tlog.tiles import BundlePath, parse_path
from tests.harness.simulators import (
    FaultyLastSigned,
    FaultyStore,
    MemoryLastSigned,
    MemorySource,
    MemoryStore,
    Plan,
)
from tests.harness.tile_resources import tile_resources

KEY = SignerKey.from_seed("log.example/registry", bytes(range(32)))
OTHER_LOG = SignerKey.from_seed("log.example/other", bytes(range(32)))
OTHER_KEY = SignerKey.from_seed(KEY.name, bytes(32))

SCRIPT = (2, 254, 300, 1)  # submissions whose publication takes every kind of step


class TestLog:
    """A log in memory with its publisher; `check` verifies all of it from the bytes up."""

    __test__ = False

    def __init__(self, *, plan: Plan | None = None, source: MemorySource | None = None) -> None:
        self.plan = plan or Plan()
        self.source = source or MemorySource()
        self.store = MemoryStore()
        self.last_signed = MemoryLastSigned()
        self.published: list[int] = []
        self.publisher = self.restarted()

    def restarted(self) -> Publisher:
        """Replace the publisher, as a new process does: what was in memory is lost."""
        self.publisher = Publisher(
            self.source,
            FaultyStore(self.store, self.plan),
            FaultyLastSigned(self.last_signed, self.plan),
            KEY,
            published=lambda checkpoint, _note: self.published.append(checkpoint.size),
        )
        return self.publisher

    def publish(self, *submissions: int) -> TestLog:
        """Publish after each of these submissions, and check everything after each."""
        if not self.published:
            self.publisher.resume()
        for count in submissions:
            self.source.submit(count)
            self.publisher.publish_once()
            self.check()
        return self

    def signed(self) -> list[Checkpoint]:
        """Return every checkpoint that was ever signed."""
        return [open_checkpoint(note, KEY.verifier)[0] for note in self.last_signed.signed]

    def check(self) -> None:
        """Verify the whole published tree, and everything that was ever signed."""
        leaves = leaf_hashes(self.source.entries)
        for signed in self.signed():
            assert signed.root == tree_root(leaves[: signed.size])
        if "checkpoint" not in self.store.files:
            return
        public = open_checkpoint(self.store.files["checkpoint"], KEY.verifier)[0]
        assert public.root == tree_root(leaves[: public.size])
        for path in tile_resources(public.size):
            # tlog-tiles: a partial file may be gone once the full one is there.
            assert path in self.store.files or path.partition(".p/")[0] in self.store.files
        for path, data in self.store.files.items():
            if path != "checkpoint":
                assert data == self._expected(path, leaves), path
        found = fsck(self.store, KEY.verifier, self.source, self.last_signed)
        assert (public.size, [], 0) == (found.size, found.damage, found.left_off)

    def _expected(self, path: str, leaves: list[bytes]) -> bytes:
        """Return what a file must hold by the letter of tlog-tiles."""
        at = parse_path(path)
        if isinstance(at, BundlePath):
            entries = self.source.entries[at.index * 256 :][: at.width]
            assert len(entries) == at.width
            return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
        span = 256**at.level
        starts = range(at.index * 256 * span, (at.index * 256 + at.width) * span, span)
        assert starts[-1] + span <= len(leaves)
        return b"".join(tree_root(leaves[start : start + span]) for start in starts)


def ignore(_checkpoint: Checkpoint, _note: bytes) -> None:
    """Listen to nothing."""


def note_of(size: int, root: bytes, key: SignerKey = KEY) -> bytes:
    """Return a checkpoint that says this, signed."""
    return sign_checkpoint(Checkpoint(key.name, size, root), key)


def undisturbed() -> TestLog:
    """Return a log to which the script was published without a fault."""
    log = TestLog()
    log.publisher.resume()
    for count in SCRIPT:
        log.source.submit(count)
        log.publisher.publish_once()
    return log


def refused(log: TestLog, act: Callable[[], object]) -> FileDamage:
    """Return the damage that `act` names; nothing may be signed or made public by it."""
    signed, public = list(log.last_signed.signed), log.store.files.get("checkpoint")
    with pytest.raises(FileDamage) as caught:
        act()
    assert log.last_signed.signed == signed
    assert log.store.files.get("checkpoint") == public
    assert log.publisher.failure is caught.value
    with pytest.raises(Stopped):
        log.publisher.publish_once()
    return caught.value
