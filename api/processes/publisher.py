"""`python -m api.processes.publisher ROOT`: publishes the log, in a process of its own.

It alone holds the signing key, and it listens on no socket. A byte on its standard input says that
entries were committed; the end of the input ends it, so it never outlives the server. Where a
database keeps the sequence, any number of these may run, of which one publishes and the others
stand by. It prints, a line each, of at most `PIPE_BUF` bytes:

    checked COUNT      at the start all published files are checked: COUNT entries so far
    standby            another publisher is at work; this one takes over when that one ends
    published SIZE     a checkpoint of SIZE entries is public and durable
    measured JSON      how long that publication took, step by step (`testamur.stopwatch.Advance`)
    refuted TEXT       publishing stopped: TEXT names what is damaged
    unavailable TEXT   publishing stopped, and is tried again: TEXT names what cannot be reached

Exit codes: 0 its input ended, 1 the key or the last checkpoint signed is damaged, 2 it could not
begin, 3 what it was at hung, for minutes or beyond the end of its input.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from select import PIPE_BUF
from typing import Annotated, Final

import msgspec
import typer

from api.folder import Folder
from api.log_files import LOG_VARIABLE, open_log_files
from api.log_keys.private import open_signer, read_log_keys
from api.operations.records import FORMAT_VARIABLE, write_records
from api.sequence import VARIABLE, is_database, open_last_signed, open_sequence
from log.last_signed import Claimed, LastSignedStore, Overtaken
from log.publisher import Publisher
from log.publisher_thread import PublisherThread
from registry.committed import CommittedEntries
from registry.store import Store
from testamur.errors import Refuted, Unavailable
from testamur.hanging import END_SECONDS, end_now, end_when_hung
from testamur.memory import keep_freed_memory
from testamur.tlog.checkpoint import Checkpoint

_REPORT_EVERY: Final = 1.0  # seconds, while the log is checked
# The publisher of a server that was killed may take `END_SECONDS` to give up its claim.
_CLAIM_SECONDS: Final = 30.0
_POLL: Final = 0.05


def main(
    root: Annotated[Path, typer.Argument(help="The folder of the log.")],
    interval: Annotated[float, typer.Option(help="Seconds between checkpoints, at most.")] = 0.1,
    store: Annotated[
        str | None, typer.Option(envvar=VARIABLE, help="The address of the sequence.")
    ] = None,
    log: Annotated[
        str | None, typer.Option(envvar=LOG_VARIABLE, help="The bucket of the published log.")
    ] = None,
) -> None:
    """Publish the log in ROOT until standard input ends; each byte on it says there is work."""
    keep_freed_memory()
    write_records("json" if os.environ.get(FORMAT_VARIABLE) == "json" else "text")
    ending = threading.Event()
    with ExitStack() as stack:
        try:
            folder = Folder(root, log)
            keys = read_log_keys(folder)  # a folder that holds no log is named as such
            signer = open_signer(folder)
            sequence = stack.enter_context(closing(open_sequence(folder, store)))
            last_signed = stack.enter_context(closing(open_last_signed(folder, store)))
            if is_database(store):
                # Half of the start-up time where no database is needed.
                from api.processes.progress import Announcer  # noqa: PLC0415

                announcer = stack.enter_context(closing(Announcer(store, "published")))
                reporter = Reporter(announcer.announce)
            else:
                # No standby in the same folder: what holds the claim is about to end.
                reporter = Reporter()
                _claim(last_signed)
            publisher = Publisher(
                CommittedEntries(sequence),
                open_log_files(folder),
                last_signed,
                signer,
                keys=keys,
                published=reporter.published,
                stopped=reporter.stopped,
                checked=_progress(ending),
                measured=lambda advance: _emit(f"measured {msgspec.json.encode(advance).decode()}"),
            )
        except (Refuted, Unavailable) as error:
            _emit_failure(error)
            raise typer.Exit(1 if isinstance(error, Refuted) else 2) from None
        # A SIGTERM to the whole process group is meant for the server, which closes our input.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        thread = PublisherThread(publisher, interval=interval)
        thread.start()  # which first resumes: `published` or a failure follows
        wake_on_commits(sequence, thread.wake)
        end_when_hung(lambda: thread.step, lambda how: _emit(f"unavailable publishing {how}"))
        while os.read(sys.stdin.fileno(), PIPE_BUF):
            thread.wake()
        ending.set()
        if not thread.stop(END_SECONDS):
            end_now()


def wake_on_commits(sequence: Store, wake: Callable[[], None]) -> None:
    """Call `wake` from now on after commits of any process that the store tells of.

    A file tells of none. Then, and when the word gets lost, the publisher looks once a second.
    """
    committed = threading.Event()

    def follow() -> None:
        while committed.wait():
            committed.clear()
            wake()

    sequence.listen(committed)
    threading.Thread(target=follow, name="commits", daemon=True).start()


class Reporter:
    """Prints what becomes of publishing, and calls `announce` with every checkpoint."""

    def __init__(self, announce: Callable[[], None] = lambda: None) -> None:
        self._announce = announce
        self._stands_by = False

    def published(self, checkpoint: Checkpoint, _note: bytes) -> None:
        """Report a checkpoint that is public."""
        self._stands_by = False
        _emit(f"published {checkpoint.size}")
        self._announce()

    def stopped(self, error: BaseException) -> None:
        """Report why nothing is published; that another one does, once."""
        if not isinstance(error, Claimed | Overtaken):
            self._stands_by = False
            _emit_failure(error)
        elif not self._stands_by:
            self._stands_by = True
            _emit("standby")


def _progress(ending: threading.Event) -> Callable[[int, int], None]:
    """Return a callback that reports the progress of the check, and ends it if `ending` is set."""
    reported = time.monotonic()

    def checked(done: int, of: int) -> None:
        nonlocal reported
        if ending.is_set():
            # The next publisher waits for our claim for `_CLAIM_SECONDS` only.
            raise Unavailable(f"asked to end when {done} of {of} entries were checked")
        if time.monotonic() - reported >= _REPORT_EVERY:
            reported = time.monotonic()
            _emit(f"checked {done}")

    return checked


def _claim(last_signed: LastSignedStore) -> None:
    deadline = time.monotonic() + _CLAIM_SECONDS
    while True:
        try:
            last_signed.claim()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL)
        else:
            return


def _emit_failure(error: BaseException) -> None:
    _emit(f"{'refuted' if isinstance(error, Refuted) else 'unavailable'} {error}")


def _emit(line: str) -> None:
    """Print a line on standard output; one above `PIPE_BUF` bytes is cut."""
    # POSIX keeps the lines of two threads apart if each is one write of at most so many bytes.
    text = " ".join(line.split()).encode("utf-8", "replace")[: PIPE_BUF - 1]
    with suppress(OSError):  # the reader is gone; the end of our input follows
        os.write(sys.stdout.fileno(), text + b"\n")


if __name__ == "__main__":
    typer.run(main)
