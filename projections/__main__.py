"""`python -m projections LOG TABLES --key VKEY`: the follower, in a process of its own.

It reports on standard output, a line each, as it happens:

    size N          the tables reach the tree of N entries
    measured JSON   how long that transaction took (`testamur.stopwatch.Advance`)
    obstacle TEXT   it made no progress and tries again: the log or the disk cannot be reached
    halted TEXT     an entry, the log or the tables failed a check; it ends with exit code 1

A line is at most `PIPE_BUF` bytes; a longer text is cut. With `--attached`, a byte on standard
input makes it look at the log now rather than within a second, and the end of standard input
ends it after the transaction under way. So it never outlives the process that started it, even
one that was killed. Exit codes: 0 its input ended, 1 it halted, 2 it could not begin, 130 Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from select import PIPE_BUF
from typing import Annotated, Final

import msgspec
import typer
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from projections.database import open_tables
from projections.follower import Follower
from testamur.errors import Refuted, Unavailable
from testamur.http.source import open_source
from testamur.memory import keep_freed_memory
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.note import VerifierKey
from testamur.tlog.reader import LogReader

_POLL: Final = 0.2  # seconds between two looks at how the follower is


def main(
    log: Annotated[str, typer.Argument(help="The log: a folder or a URL.")],
    tables: Annotated[Path, typer.Argument(help="The folder of the tables.")],
    key: Annotated[
        list[str], typer.Option(help="The log's verifier key; of several, the first comes first.")
    ],
    *,
    attached: Annotated[
        bool, typer.Option("--attached", help="Take wakes, and the end, from standard input.")
    ] = False,
) -> None:
    """Keep the tables in TABLES up with the published log LOG."""
    run(log, key, lambda: open_tables(tables), attached=attached)


def run(log: str, keys: Sequence[str], tables: Callable[[], Engine], *, attached: bool) -> None:
    """Keep the tables that `tables` opens up with the published log, in this process."""
    keep_freed_memory()
    try:
        reader = LogReader(open_source(log), LogKeys(tuple(map(VerifierKey.parse, keys))))
        engine = tables()
        try:
            follower = Follower(
                engine,
                reader,
                clock=lambda: datetime.now(UTC),
                on_moved=lambda size: _emit(f"size {size}"),
                measured=lambda advance: _emit(f"measured {msgspec.json.encode(advance).decode()}"),
            )
        except BaseException:
            engine.dispose()
            raise
    except (Unavailable, OperationalError, OSError) as obstacle:
        _emit(f"obstacle {obstacle}")
        raise typer.Exit(2) from None
    except (Refuted, DatabaseError) as failure:
        _emit(f"halted {failure}")
        raise typer.Exit(1) from None
    _emit(f"size {follower.size}")
    ended = threading.Event()
    if attached:
        # A SIGTERM to the whole process group is meant for the server, which closes our input.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=_listen, args=(follower, ended), daemon=True).start()
    else:
        # A shell starts its background jobs with SIGINT ignored; here it is the way to stop.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    follower.start()
    try:
        _watch(follower, ended)
    finally:  # also on Ctrl-C
        follower.stop()
        follower.engine.dispose()
    if follower.failure is not None:
        _emit(f"halted {type(follower.failure).__name__}: {follower.failure}")
        raise typer.Exit(1)


def _listen(follower: Follower, ended: threading.Event) -> None:
    try:
        while os.read(sys.stdin.fileno(), PIPE_BUF):
            follower.wake()
    finally:  # an input that cannot be read has ended too
        ended.set()


def _watch(follower: Follower, ended: threading.Event) -> None:
    reported = ""
    while follower.failure is None and not ended.wait(_POLL):
        obstacle = "" if follower.obstacle is None else str(follower.obstacle)
        if obstacle != reported:
            _emit(f"obstacle {obstacle}" if obstacle else f"size {follower.size}")
        reported = obstacle


def _emit(line: str) -> None:
    # POSIX keeps the lines of two threads apart if each is one write of at most so many bytes.
    text = " ".join(line.split()).encode("utf-8", "replace")[: PIPE_BUF - 1]
    with suppress(OSError):  # the reader is gone; if attached, the end of the input follows
        os.write(sys.stdout.fileno(), text + b"\n")


if __name__ == "__main__":
    typer.run(main)
