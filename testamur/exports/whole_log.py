"""The whole log in one file for people who compute on it.

A file that `export` leaves behind holds every event up to one checkpoint, in order, and a replay
has verified each of them; until it has, and when it fails, there is no file. Witnesses show
whether others were given the same log (`tlog/policy.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from testamur.errors import Unavailable
from testamur.exports.row_files import WRITERS, Form
from testamur.exports.rows import Row, rows
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
    waiting: list[Row] = []
    with _new_file(path) as file, closing(WRITERS[form](file)) as writer:

        def read(submission: ReplayedSubmission) -> None:
            waiting.extend(rows(submission))
            if len(waiting) >= _BATCH:
                writer.write(waiting)
                waiting.clear()

        replayed = replay(source, key, checkpoint=checkpoint, progress=progress, on_submission=read)
        if waiting:
            writer.write(waiting)
        writer.finish(replayed.checkpoint)
    return replayed


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
