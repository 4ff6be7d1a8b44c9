"""Which entries an export takes: all under a checkpoint, or those of an earlier size or time.

Whatever is taken is proven to be a prefix of a tree that the log signed, and ends with a whole
submission.
"""

from __future__ import annotations

from typing import NamedTuple

from testamur.catalogue.submission import format_time
from testamur.errors import Unavailable
from testamur.tlog.checkpoint import Checkpoint, open_checkpoint
from testamur.tlog.earlier import EarlierSource, earlier_checkpoint
from testamur.tlog.log_keys import LogKey
from testamur.tlog.reader import LogReader
from testamur.tlog.source import Source
from testamur.verification.as_of import size_at, verify_cut


class Taken(NamedTuple):
    """A tree to export, and the files to read it from.

    `signed` is the note of its checkpoint, or of that of a larger tree which extends it; `at` (Unix
    ms) is the time that it was chosen by, if it was.
    """

    source: Source
    key: LogKey
    checkpoint: Checkpoint
    signed: bytes
    at: int | None = None


def take(
    source: Source,
    key: LogKey,
    signed: bytes | None = None,
    *,
    size: int | None = None,
    at: int | None = None,
) -> Taken:
    """Return what to export: all under the note `signed` (by default the latest), or part of it.

    Not both of `size` and `at` (Unix ms). Raises `Refuted`, `Refusal` (`size-cut`), and
    `Unavailable` for a size or a time that the log does not have.
    """
    reader = LogReader(source, key)
    signed = reader.signed_checkpoint() if signed is None else signed
    checkpoint, _ = open_checkpoint(signed, key)
    if at is not None:
        size = size_at(reader, checkpoint, at)
        if size == 0:
            raise Unavailable(f"at {format_time(at)} the log had no entry yet")
    if size is None or size == checkpoint.size:
        return Taken(source, key, checkpoint, signed, at)
    if not 0 < size < checkpoint.size:
        raise Unavailable(f"the log has sizes from 1 to {checkpoint.size}, and {size} is none")
    earlier = earlier_checkpoint(source, checkpoint, size)
    verify_cut(reader, checkpoint, size, at)
    return Taken(EarlierSource(source, checkpoint.size), key, earlier, signed, at)
