"""`python -m projections LOG TABLES --key VKEY`: the follower, in a process of its own.

It reports on standard output, a line each, as it happens:

    size N          the tables reach the tree of N entries
    measured JSON   how long that transaction took (`testamur.stopwatch.Advance`)
    standby         another process follows into the same tables; this one waits for its turn
    obstacle TEXT   it made no progress and tries again: the log or the disk cannot be reached
    halted TEXT     an entry, the log or the tables failed a check; it ends with exit code 1

A line is at most `PIPE_BUF` bytes; a longer text is cut. With `--attached`, a byte on standard
input makes it look at the log now rather than within a second, and the end of standard input
ends it after the transaction under way. So it never outlives the process that started it, even
one that was killed. Exit codes: 0 its input ended, 1 it halted, 2 it could not begin, 3 its work
hung, for minutes or beyond its end, 130 Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from select import PIPE_BUF
from typing import Annotated, Final, Protocol

import msgspec
import typer
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from projections.database import open_tables
from projections.follower import Follower
from testamur.errors import Refuted, Unavailable
from testamur.hanging import END_SECONDS, end_now, end_when_hung
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
    run(
        lambda: LogReader(open_source(log), LogKeys(tuple(map(VerifierKey.parse, key)))),
        lambda: open_tables(tables),
        attached=attached,
    )


class Turn(Protocol):
    """Which of several processes follows into the same tables, so that no work is done twice.

    Nothing rests on it: each transaction moves the position from where this follower left it.
    """

    def taken(self) -> bool:
        """Return whether it is this process's turn from now on."""
        ...

    def stands(self) -> bool:
        """Return whether it still is."""
        ...


class _Always:
    """The turn of a process that is alone."""

    def taken(self) -> bool:
        return True

    stands = taken


_ALONE: Final = _Always()


def run(
    reader: Callable[[], LogReader],
    tables: Callable[[], Engine],
    *,
    attached: bool,
    turn: Turn = _ALONE,
    on_moved: Callable[[], None] = lambda: None,
) -> None:
    """Keep the tables that `tables` opens up with the log that `reader` reads, in this process.

    `on_moved` is called with every transaction. Both are opened when it is this process's turn.
    """
    keep_freed_memory()
    input_ = _Input()
    if attached:
        # A SIGTERM to the whole process group is meant for the server, which closes our input.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=input_.listen, daemon=True).start()
    else:
        # A shell starts its background jobs with SIGINT ignored; here it is the way to stop.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    end_when_hung(input_.step, lambda how: _emit(f"obstacle the follower {how}"))
    while _waited_for(turn, input_.ended):
        input_.follower = follower = _opened(reader, tables, on_moved)
        follower.start()
        try:
            _watch(follower, input_.ended, turn)
        finally:  # also on Ctrl-C
            input_.follower = None
            if not follower.stop(END_SECONDS):
                end_now()
            follower.engine.dispose()
        if follower.failure is not None:
            _emit(f"halted {type(follower.failure).__name__}: {follower.failure}")
            raise typer.Exit(1)


class _Input:
    """Standard input: a byte wakes the follower at work, the end sets `ended`."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.follower: Follower | None = None

    def step(self) -> int | None:
        """Return the step of the follower at work, None while there is none or it waits."""
        follower = self.follower
        return None if follower is None else follower.step

    def listen(self) -> None:
        try:
            # Python has no `stdin` where the input was closed; file 0 may then be another's.
            while sys.stdin is not None and os.read(sys.stdin.fileno(), PIPE_BUF):
                if (follower := self.follower) is not None:
                    follower.wake()
        finally:  # an input that cannot be read has ended too
            self.ended.set()


def _waited_for(turn: Turn, ended: threading.Event) -> bool:
    """Return True once it is this process's turn, False when its input has ended."""
    reported = False
    while not ended.is_set():
        if turn.taken():
            return True
        if not reported:
            _emit("standby")
        reported = True
        ended.wait(_POLL)
    return False


def _opened(
    reader: Callable[[], LogReader], tables: Callable[[], Engine], on_moved: Callable[[], None]
) -> Follower:
    def moved(size: int) -> None:
        _emit(f"size {size}")
        on_moved()

    try:
        log, engine = reader(), tables()
        try:
            follower = Follower(
                engine,
                log,
                clock=lambda: datetime.now(UTC),
                on_moved=moved,
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
    moved(follower.size)
    return follower


def _watch(follower: Follower, ended: threading.Event, turn: Turn) -> None:
    reported = ""
    while follower.failure is None and not ended.wait(_POLL) and turn.stands():
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
