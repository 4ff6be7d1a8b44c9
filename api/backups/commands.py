"""`python -m api backup` and `python -m api restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from api.backups.backing_up import back_up
from api.backups.published import compare as compare_log
from api.backups.restoring import restore as restore_log
from api.ending import CONSOLE, fail
from api.log_files import LOG_VARIABLE
from api.sequence import VARIABLE
from testamur.errors import Refuted, Unavailable

commands = typer.Typer()

Kept = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar=VARIABLE,
        help="Where the sequence is kept, if not in the folder: postgresql://user@host/database.",
    ),
]


def _refuse_bucket(log: str | None) -> None:
    """End the command if the published log is said to be in a bucket."""
    if log is not None:
        raise typer.BadParameter(
            f"this command reads and writes the published log in the folder alone. Unset "
            f"{LOG_VARIABLE} if it is there; if it is in a bucket, keep copies of the bucket and "
            "of the database by their own means, and check them by `fsck --log`"
        )


InBucket = Annotated[
    str | None,
    typer.Option(
        "--log",
        envvar=LOG_VARIABLE,
        callback=_refuse_bucket,
        hidden=True,
        help="Not offered here: the published log must be in the folder.",
    ),
]


@commands.command()
def backup(
    data: Annotated[Path, typer.Option("--data", help="The folder of the log.")],
    to: Annotated[Path, typer.Option("--to", help="The folder of the backup, on another disk.")],
    store: Kept = None,
    log: InBucket = None,  # noqa: ARG001  # refused by its callback
) -> None:
    """Bring the backup in TO up to the log in DATA, which may be served meanwhile.

    Only what it lacks is copied, and all of it is checked. Private keys are left out: keep copies
    of them elsewhere. Prints the number of entries that are published.
    """
    try:
        with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as bar:
            task = bar.add_task("comparing", total=None)
            found = back_up(
                data,
                to,
                store=store,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(found.size)


@commands.command()
def restore(
    source: Annotated[Path, typer.Option("--from", help="The folder of the backup.")],
    data: Annotated[Path, typer.Option("--data", help="A new folder for the log.")],
    published: Annotated[
        list[str],
        typer.Option(
            help="What the public saw: the address of a mirror, bucket or registry, or a file with "
            "a checkpoint. May be repeated: the more places, the better."
        ),
    ],
    store: Kept = None,
    log: InBucket = None,  # noqa: ARG001  # refused by its callback
) -> None:
    """Begin the log in DATA again from a backup, unless the public saw more than that holds.

    Then put the private keys into DATA, from where they are kept: until then it signs nothing. Be
    sure that no other machine goes on with the log. Prints the number of entries.
    """
    try:
        with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as bar:
            task = bar.add_task("comparing", total=None)
            found = restore_log(
                data,
                source,
                published,
                store=store,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(found.size)


@commands.command()
def compare(
    data: Annotated[Path, typer.Option("--data", help="The folder of the log.")],
    published: Annotated[
        list[str],
        typer.Option(
            help="What the public saw: the address of a mirror, bucket or registry, or a file with "
            "a checkpoint. May be repeated."
        ),
    ],
    log: InBucket = None,  # noqa: ARG001  # refused by its callback
) -> None:
    """Compare the log in DATA with what the public saw, before it starts again.

    Exit codes: 0 it extends all of that, 1 the public saw more, or another tree: never start it; 2
    that could not be found out. Prints the number of its entries.
    """
    try:
        found = compare_log(data, published)
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(found.size)
