"""The whole log in one file for people who compute on it.

A file that `export` leaves behind holds every event up to one checkpoint, in order, and a replay
has verified each of them; until it has, and when it fails, there is no file. Each row says whether
it counts as of that size. Witnesses show whether others were given the same log
(`tlog/policy.py`).
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Final

from testamur.catalogue.submission import format_time
from testamur.errors import Refuted, Unavailable
from testamur.exports.dictionary import ENDING, Form, dictionary
from testamur.exports.row_files import WRITERS
from testamur.exports.rows import Row, rows
from testamur.exports.taking import Taken
from testamur.rules import Signed
from testamur.verification.replay import Progress, Replayed, ReplayedSubmission, replay

# A row group of Parquet: large enough to compress well, small enough for any memory.
_BATCH: Final = 65_536


def export(
    taken: Taken,
    path: Path,
    form: Form,
    *,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Replay a log into a new file at `path`, and return what the replay found.

    The data dictionary is put beside it, under the same name and `ENDING`. `now` is as in `replay`.
    Raises what that raises, and `Unavailable` when a file cannot be written or exists.
    """
    described = dictionary(form, path.name, taken)
    with new_file(path.with_name(path.name + ENDING)) as beside:
        beside.write(described)
        # The rows get their name first: a dictionary alone would describe nothing.
        with new_file(path) as file:
            return write_rows(taken, file, form, described, now=now, progress=progress)


def write_rows(
    taken: Taken,
    file: IO[bytes],
    form: Form,
    described: bytes,
    *,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Replay a log into an empty file that can be written again, and return what was found.

    `described` is the data dictionary, which Parquet has in the file itself. What is in the file
    is good only once this has returned. Raises what `replay` raises.
    """
    written = partial(_written, taken, form, file, described, now=now, progress=progress)
    replayed, fallen = written(fallen=frozenset())
    if fallen:
        # Only the whole log tells what a later declaration cut off: so it is written again.
        file.seek(0)
        file.truncate()
        replayed, _ = written(fallen=fallen)
    return replayed


def _written(
    taken: Taken,
    form: Form,
    file: IO[bytes],
    described: bytes,
    *,
    now: datetime | None,
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

        replayed = replay(
            taken.source,
            taken.key,
            checkpoint=taken.checkpoint,
            now=now,
            progress=progress,
            on_submission=read,
        )
        if waiting:
            writer.write(waiting)
        writer.finish(replayed.checkpoint, described)
    last = replayed.statistics.last_recorded_at
    if taken.at is not None and last > taken.at:
        raise Refuted(
            f"the log has a submission of {format_time(last)} among those recorded by "
            f"{format_time(taken.at)}: its times are out of order"
        )
    counts = replayed.register.counts
    return replayed, frozenset(each.position for each in signed if not counts(each))


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
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
