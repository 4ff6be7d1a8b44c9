"""`python -m api log-key`: the keys of a log, listed, added and retired."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from api.ending import fail
from api.folder import Folder
from api.log_keys.changing import add_key, retire_key
from api.log_keys.private import file_of, read_key_list
from api.options import Data
from testamur.errors import Refuted, Unavailable

commands = typer.Typer(
    no_args_is_help=True, help="The keys of a log: list them, add one, let one end."
)


@commands.command("list")
def list_(data: Data) -> None:
    """Print the verifier key of each key, its first day, its last, and whether it is here."""
    folder = Folder(data)
    try:
        listed = read_key_list(folder)
    except (Refuted, Unavailable) as error:
        fail(error)
    for line in listed.lines:
        here = "here" if file_of(folder, listed, line).exists() else "not here"
        first = "-" if line.first_day == date.min else line.first_day
        typer.echo(f"{line.key} {first} {line.last_day or '-'} {here}")


@commands.command()
def add(
    data: Data,
    first_day: Annotated[
        datetime,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d"],
            help="The first day (UTC) on which it signs, beside the one before it.",
        ),
    ],
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            help="The RFC 7512 address of a key that a token keeps: pkcs11:token=LABEL;"
            "object=LABEL?module-path=FILE&pin-source=file:FILE. Without it a key is made here.",
        ),
    ] = None,
    *,
    make: Annotated[
        bool, typer.Option("--make", help="Make the key in the token, which has none of the label.")
    ] = False,
) -> None:
    """Add a key to the log in DATA, and print its verifier key: publish it before that day.

    Then restart every process of the log; each reads the keys when it starts.
    """
    try:
        key = add_key(Folder(data), first_day.date(), token=token, make=make)
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(str(key))


@commands.command()
def retire(
    key: Annotated[str, typer.Argument(help="The 8 hex digits in its verifier key.")],
    data: Data,
    last_day: Annotated[
        datetime,
        typer.Option("--last-day", formats=["%Y-%m-%d"], help="The last day (UTC) of its time."),
    ],
) -> None:
    """Give a key of the log in DATA its last day. Its verifier key stays listed for ever.

    Then restart the publisher. After that day the file of its private half may be removed.
    """
    try:
        ended = retire_key(Folder(data), key, last_day.date())
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(ended.render(), nl=False)
