"""What several commands of `python -m api` take and show alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from api.ending import CONSOLE
from api.log_files import LOG_VARIABLE
from api.sequence import VARIABLE

Data = Annotated[Path, typer.Option("--data", help="The folder that holds everything.")]
Kept = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar=VARIABLE,
        help="Where the sequence is kept, if not in the folder: postgresql://user@host/database.",
    ),
]
InBucket = Annotated[
    str | None,
    typer.Option(
        "--log",
        envvar=LOG_VARIABLE,
        help="The bucket of the published log, if it is not in the folder: "
        "s3://bucket/prefix?endpoint=https://host:port&region=region.",
    ),
]


@contextmanager
def progress_bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar in a terminal; yields a function that takes (done, in all)."""
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
