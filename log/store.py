"""The contract of a store: where the files of a published log are kept.

A driver for another kind of storage implements `Store`, and `ListedFiles` for `fsck`; the words
MUST, SHOULD and MAY are used as in RFC 2119. `directory.py` is the driver for a folder. A store
need not be trusted: its readers check files against a signed checkpoint.

Paths are those of c2sp.org/tlog-tiles: `checkpoint`, `tile/0/x001/234.p/56`, `tile/entries/000`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from testamur.errors import Refuted, first_difference

CHECKPOINT: Final = "checkpoint"

File = tuple[str, bytes]  # its path, and what it holds


class FileDamage(Refuted):
    """Something stored is not what it must be.

    `path` names it: a path of the log, or `source` or `last-signed`. `rule` is a stable
    kebab-case name that programs may match on; `detail` is one sentence on what differs.
    """

    def __init__(self, path: str, rule: str, detail: str) -> None:
        self.path = path
        self.rule = rule
        self.detail = detail
        super().__init__(f"{path}: {rule}: {detail}")


class Files(Protocol):
    """The files of a log, as `Proofs` and `check_tree` read them."""

    def read(self, path: str) -> bytes:
        """Return the whole file at `path`.

        It MUST raise `NotFound` if nothing is stored there, and only if that is certain: a
        publisher that has signed nothing takes a log without a checkpoint for a new one. It MUST
        raise `Unavailable` when the storage cannot be reached, and `FileDamage` (`too-large`)
        for a file above `testamur.tlog.source.MAX_RESOURCE` bytes, before reading it into memory.

        It MUST return what is stored, never what this process remembers to have written: the
        publisher hashes the answer before it signs. Once a write has returned, every `read` that
        begins later MUST see it, in every thread and process. It may be called by many at once.
        """
        ...

    def read_many(self, paths: Sequence[str]) -> list[bytes]:
        """Return the files at these paths, in their order, each as `read` does.

        It raises what `read` raises for one of them. Where each waits for a network, several SHOULD
        be read at once.
        """
        ...


class ListedFiles(Files, Protocol):
    """The files of a log, as `fsck` reads them: it must also know what does not belong there."""

    def paths(self) -> Iterator[str]:
        """Yield the path of everything stored, foreign files included, each once, in any order.

        Unfinished writes MUST be left out. Files written meanwhile MAY be left out or included.
        It MUST raise `Unavailable` when the storage cannot be listed to its end.
        """
        ...


class Store(Files, Protocol):
    """The files of a log, as its publisher keeps them.

    One publisher writes, one call at a time, while it holds the claim (`LastSignedStore.claim`);
    any number of readers read meanwhile. A publisher that lost its claim without noticing may
    still write, but only the same tiles and bundles again, or an older checkpoint.

    A write that raises `Unavailable` MAY have stored any of its files, each of them whole; the
    publisher then resumes, and writes them again. Calls MUST end: a driver sets its own time-outs.
    """

    def write_many(self, files: Sequence[File]) -> None:
        """Store tiles and bundles, in any order, and return once all of them are durable.

        Durable means on stable storage, under their names: the next step signs a promise that
        they exist, so a power cut after the return MUST NOT lose any. A file MUST appear under its
        name whole or not at all.

        No tile or bundle ever changes. If `path` holds other bytes already, the write MUST leave
        them and raise `FileDamage` (`immutable`); it MAY have stored other files of the call.
        If it holds the same bytes, the write MUST succeed, and MUST make sure that they are
        durable: an earlier call may have failed before they were. A conditional create that is
        answered with "it exists" shows neither: read the object and compare; if it is absent,
        the answer was to a conflict in which nothing was stored, so create it again.

        It MUST raise `MalformedTile`, and store nothing, if a path is no tile's or bundle's.
        """
        ...

    def write_checkpoint(self, data: bytes) -> None:
        """Replace the checkpoint and return once that is durable.

        Readers MUST see the old one or the new one, whole, and never none in between. Where
        publishers may run on several machines it SHOULD be conditional on the checkpoint that this
        instance read or wrote last (an ETag), and raise `Unavailable` if another is stored: else a
        publisher that was suspended could put an older checkpoint in its place.
        """
        ...

    def sweep(self) -> list[str]:
        """Remove what interrupted writes left; return the full files that have partial ones beside.

        Called on every resume, before anything is written, by the holder of the claim: what looks
        unfinished is left over. A file at a path of the log MUST NOT be removed. The result
        is the paths of full tiles and bundles, without `.p/W`, whose partial files are stored too;
        a file left out costs space and nothing else.
        """
        ...

    def remove_partials(self, path: str) -> None:
        """Remove every partial file of the full tile or bundle at `path`.

        tlog-tiles allows it once the full one is stored, to which readers fall back; so it MUST
        raise `NotFound`, and remove nothing, if the full one is not. To remove what is already
        gone MUST succeed: after a crash it is called again.
        """
        ...


def difference(found: bytes, expected: bytes) -> str:
    """Return a clause on how `found` differs from `expected`; they MUST differ."""
    if len(found) != len(expected):
        return f"it has {len(found)} bytes, not {len(expected)}"
    at = first_difference(found, expected)
    return f"byte {at} is 0x{found[at]:02x}, not 0x{expected[at]:02x}"
