"""The whole log in one file for people who compute on it.

A file that `export` leaves behind holds every event up to one checkpoint, in order, and a replay
has verified each of them; until it has, and when it fails, there is no file. Each row says whether
it counts as of that checkpoint. Witnesses show whether others were given the same log
(`tlog/policy.py`).
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Final

from testamur.errors import Unavailable
from testamur.exports.row_files import WRITERS, Form
from testamur.exports.rows import Row, rows
from testamur.rules import Signed
from testamur.tlog.checkpoint import Checkpoint
from testamur.tlog.note import VerifierKey
from testamur.tlog.source import Source
from testamur.verification.replay import Progress, Replayed, ReplayedSubmission, replay

# A row group of Parquet: large enough to compress well, small enough for any memory.
_BATCH: Final = 65_536


def export(
    source: Source,
    key: VerifierKey,
    path: Path,
    form: Form,
    *,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Replay the log into a new file at `path`, and return what the replay found.

    Raises what `replay` raises, and `Unavailable` when the file cannot be written or exists.
    """
    written = partial(_written, source, key, form, progress=progress)
    with _new_file(path) as file:
        replayed, fallen = written(file, checkpoint=checkpoint, fallen=frozenset())
        if fallen:
            # Only the whole log tells what a later declaration cut off: so it is written again.
            file.seek(0)
            file.truncate()
            replayed, _ = written(file, checkpoint=replayed.checkpoint, fallen=fallen)
    return replayed


def _written(
    source: Source,
    key: VerifierKey,
    form: Form,
    file: IO[bytes],
    *,
    checkpoint: Checkpoint | None,
    progress: Progress | None,
    fallen: Container[int],
) -> tuple[Replayed, frozenset[int]]:
    """Replay the log into a file, in which the submissions in `fallen` do not count.

    Returns what the replay found, and the header positions of those that do not count.
    """
    waiting: list[Row] = []
    signed: list[Signed] = []
    with closing(WRITERS[form](file)) as writer:

        def read(submission: ReplayedSubmission) -> None:
            signed.append(submission.signed)
            waiting.extend(rows(submission, counts=submission.position not in fallen))
            if len(waiting) >= _BATCH:
                writer.write(waiting)
                waiting.clear()

        replayed = replay(source, key, checkpoint=checkpoint, progress=progress, on_submission=read)
        if waiting:
            writer.write(waiting)
        writer.finish(replayed.checkpoint)
    counts = replayed.register.counts
    return replayed, frozenset(each.position for each in signed if not counts(each))


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that gets its name only when the block ends well."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    if path.exists() or path.is_symlink():
        raise Unavailable(f"{path} exists already")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # If we stop before this, what is left is a hidden file that nobody takes for an export.
        partial.rename(path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink()
