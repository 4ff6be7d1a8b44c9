"""`python -m api backup`, `python -m api restore` and `python -m api compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.backups.backing_up import back_up
from api.backups.published import compare as compare_log
from api.backups.restoring import restore as restore_log
from api.ending import fail
from api.options import Data, InBucket, Kept, progress_bar
from testamur.errors import Refuted, Unavailable

commands = typer.Typer()

Published = Annotated[
    list[str],
    typer.Option(
        help="What the public saw: the address of a mirror, bucket or registry, or a file with "
        "a checkpoint. May be repeated: the more places, the better."
    ),
]


@commands.command()
def backup(
    data: Data,
    to: Annotated[Path, typer.Option("--to", help="The folder of the backup, on another disk.")],
    store: Kept = None,
    log: InBucket = None,
) -> None:
    """Bring the backup in TO up to the log in DATA, which may be served meanwhile.

    Only what it lacks is copied, and all of it is checked. Private keys are left out: keep copies
    of them elsewhere. Prints the number of entries that are published.
    """
    try:
        with progress_bar("comparing") as progress:
            found = back_up(data, to, store=store, log=log, progress=progress)
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(found.size)


@commands.command()
def restore(
    source: Annotated[Path, typer.Option("--from", help="The folder of the backup.")],
    data: Annotated[Path, typer.Option("--data", help="A new folder for the log.")],
    published: Published,
    store: Kept = None,
    log: InBucket = None,
) -> None:
    """Begin the log in DATA again from a backup, unless the public saw more than that holds.

    A bucket may be empty, or hold the log up to some size, and is brought up. Then put the private
    keys into DATA, from where they are kept: until then it signs nothing. Be sure that no other
    machine goes on with the log. Prints the number of entries.
    """
    try:
        with progress_bar("comparing") as progress:
            found = restore_log(data, source, published, store=store, log=log, progress=progress)
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(found.size)


@commands.command()
def compare(data: Data, published: Published, log: InBucket = None) -> None:
    """Compare the log in DATA with what the public saw, before it starts again.

    Exit codes: 0 it extends all of that, 1 the public saw more, or another tree: never start it; 2
    that could not be found out. Prints the number of its entries.
    """
    try:
        found = compare_log(data, published, log=log)
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(found.size)
