"""`python -m projections LOG TABLES --key VKEY`: the follower, in a process of its own.

It tells on standard output, a line each, as it happens:

    size N          the tables tell of the tree of N entries
    obstacle TEXT   it got no further and tries again: the log or the disk cannot be reached
    halted TEXT     an entry, the log or the tables failed a check; it ends with exit code 1

With `--attached`, a byte on standard input makes it look at the log now rather than within a
second, and the end of standard input ends it. So it never outlives whoever started it, however
that one died.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy.exc import DatabaseError

from projections.database import open_live
from projections.follower import Follower
from testamur.errors import Refuted, Unavailable
from testamur.memory import keep_freed_memory
from testamur.note import VerifierKey
from testamur.reader import LogReader, open_source

_POLL: Final = 1.0  # seconds between two looks at how the follower is


def main(
    log: Annotated[str, typer.Argument(help="The log: a folder or a URL.")],
    tables: Annotated[Path, typer.Argument(help="The folder of the tables.")],
    key: Annotated[str, typer.Option(help="The log's verifier key.")],
    *,
    attached: Annotated[
        bool, typer.Option("--attached", help="Take wakes, and the end, from standard input.")
    ] = False,
) -> None:
    """Keep the tables in TABLES up with the published log LOG."""
    keep_freed_memory()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        reader = LogReader(open_source(log), VerifierKey.parse(key))
        follower = Follower(open_live(tables), reader, moved=lambda size: _tell(f"size {size}"))
    except (Refuted, DatabaseError) as failure:
        _tell(f"halted {failure}")
        raise typer.Exit(1) from None
    except Unavailable as obstacle:
        _tell(f"obstacle {obstacle}")
        raise typer.Exit(2) from None
    _tell(f"size {follower.size}")
    ended = threading.Event()
    if attached:
        threading.Thread(target=_listen, args=(follower, ended), daemon=True).start()
    follower.start()
    _watch(follower, ended)
    follower.stop()
    if follower.failure is not None:
        _tell(f"halted {follower.failure}")
        raise typer.Exit(1)


def _listen(follower: Follower, ended: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        follower.wake()
    ended.set()
    follower.wake()


def _watch(follower: Follower, ended: threading.Event) -> None:
    told: Unavailable | None = None
    while follower.failure is None and not ended.wait(_POLL):
        obstacle = follower.obstacle
        if obstacle is not None and obstacle is not told:
            _tell(f"obstacle {obstacle}")
        told = obstacle


def _tell(line: str) -> None:
    # One write, so that lines of two threads do not mix; a text may hold line ends of its own.
    try:
        os.write(sys.stdout.fileno(), (" ".join(line.split()) + "\n").encode())
    except BrokenPipeError:
        return  # nobody listens any more; the end of standard input follows


if __name__ == "__main__":
    typer.run(main)
