"""A published log to test readers with: real tiles, bundles and signed checkpoints in a folder.

    log = PublishedLog(tmp_path)
    log.append(*story.opening(), story.cohort(300))
    checkpoint = log.publish()
    log.reader().checkpoint() == checkpoint

It is an honest implementation: what it writes is what a log must serve for the entries it was
given, byte for byte. It judges none of them. It can be told to lie: `append_entries` takes what
no gate would, `republish` signs another history under the same key, and the files are there to
be damaged. Nothing is fsynced, and the signed roots are not checked against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from testamur.catalogue.submission import parse, submission_entry
from testamur.keys import PublicKey
from testamur.tlog.checkpoint import Checkpoint, sign_checkpoint
from testamur.tlog.merkle import leaf_hashes
from testamur.tlog.note import SignerKey, VerifierKey
from testamur.tlog.reader import LogReader
from testamur.tlog.source import DirectorySource
from testamur.tlog.tiles import WIDTH, RightEdge, encode_bundle, new_bundles, new_tiles
from tests.harness.story import Story


class PublishedLog:
    """The log of `story` (its origin and key), published in the folder `root`.

    Entries are appended in memory and reach the folder with `publish`. `entries` holds all of
    them, published or not; `clock` gives `recordedAt` in Unix milliseconds.
    """

    def __init__(
        self, root: Path, story: Story | None = None, *, clock: Callable[[], int] | None = None
    ) -> None:
        story = story or Story()
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.entries: list[bytes] = []
        self.signer = SignerKey.from_seed(story.origin, story.log_key.raw())
        self._clock = clock or (lambda: story.milliseconds)
        self._edge = RightEdge.empty()

    @property
    def key(self) -> VerifierKey:
        """What a reader must know beforehand."""
        return self.signer.verifier

    @property
    def log_key(self) -> PublicKey:
        """The same key, as the genesis is signed with it."""
        return PublicKey("Ed25519", self.key.public)

    @property
    def size(self) -> int:
        """How many entries have been published."""
        return self._edge.size

    def source(self) -> DirectorySource:
        """Return the folder as a reader's source."""
        return DirectorySource(self.root)

    def reader(self) -> LogReader:
        """Return a fresh reader of this log."""
        return LogReader(self.source(), self.key)

    def append(self, *bodies: bytes, recorded_at: int | None = None) -> int:
        """Append submission files, recorded now; return the position of the first one's header.

        Their form is checked (`testamur.catalogue.submission.parse`), and no rule.
        """
        position = len(self.entries)
        for body in bodies:
            submission = parse(body)
            at = self._clock() if recorded_at is None else recorded_at
            self.append_entries(submission_entry(submission.header.jws, at), *submission.lines)
        return position

    def append_entries(self, *entries: bytes) -> int:
        """Append entries of any content; return the position of the first."""
        self.entries += entries
        return len(self.entries) - len(entries)

    def publish(self, size: int | None = None) -> Checkpoint:
        """Publish the first `size` entries (all, unless given) and return their checkpoint."""
        size = len(self.entries) if size is None else size
        fresh = self.entries[self.size : size]
        if fresh:
            whole = self.size // WIDTH * WIDTH
            held = self.entries[whole : self.size]
            partial = encode_bundle(held) if held else b""
            bundles = new_bundles(self.size, partial, fresh)
            self._edge, tiles = new_tiles(self._edge, leaf_hashes(fresh))
            for path, data in (*bundles, *tiles):
                self.write(path, data)
        return self.sign(Checkpoint(self.signer.name, self._edge.size, self._edge.root()))

    def republish(self, entries: Sequence[bytes]) -> Checkpoint:
        """Publish another history in place of this one, signed with the same key: the lie."""
        self.entries = list(entries)
        self._edge = RightEdge.empty()
        return self.publish()

    def sign(self, checkpoint: Checkpoint) -> Checkpoint:
        """Publish `checkpoint`, whatever it says, and return it."""
        self.write("checkpoint", sign_checkpoint(checkpoint, self.signer))
        return checkpoint

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place; a concurrent reader sees the old one or the new one, whole."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(file.name + ".new")
        fresh.write_bytes(data)
        fresh.replace(file)


def opened_log(root: Path, *cohorts: int, story: Story | None = None) -> tuple[PublishedLog, Story]:
    """Return a published log after its opening and cohorts of these sizes, and its story."""
    story = story or Story()
    log = PublishedLog(root, story)
    log.append(*story.opening(), *(story.cohort(size) for size in cohorts))
    log.publish()
    return log, story
