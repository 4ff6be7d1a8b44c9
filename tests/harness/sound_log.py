"""A published log in memory with nothing wrong, for tests of `fsck` to damage.

log = SMALL.copy()
log.flip("tile/0/000")
named(log.check())  # [("tile/0/000", "altered-hash")]
"""

from __future__ import annotations

from log.fsck import Findings, fsck
from log.publisher import Publisher
from tests.harness.checked_log import KEY
from tests.harness.simulators import MemoryLastSigned, MemorySource, MemoryStore, flipped


class SoundLog:
    """A published log, checkpoint by checkpoint at these sizes. Tests damage copies of it."""

    def __init__(self, *sizes: int) -> None:
        self.source = MemorySource()
        self.store = MemoryStore()
        self.last_signed = MemoryLastSigned()
        publisher = Publisher(
            self.source, self.store, self.last_signed, KEY, published=lambda *_: None
        )
        publisher.resume()
        for size in sizes:
            self.source.submit(size)
            publisher.publish_once()

    def copy(self) -> SoundLog:
        copy = SoundLog()
        copy.source.entries = list(self.source.entries)
        copy.source.leaves = list(self.source.leaves)
        copy.store.files = dict(self.store.files)
        copy.last_signed.signed = list(self.last_signed.signed)
        return copy

    def check(self) -> Findings:
        return fsck(self.store, KEY.verifier, self.source, self.last_signed)

    def flip(self, path: str, at: int = -1) -> None:
        self.store.files[path] = flipped(self.store.files[path], at)


def small_log() -> SoundLog:
    """Return one of 657 leaves: two full bundles, and a partial one, the last of two partials."""
    return SoundLog(2, 600, 55)


def named(findings: Findings) -> list[tuple[str, str]]:
    """Return the path and the rule of each piece of damage."""
    return [(damage.path, damage.rule) for damage in findings.damage]
