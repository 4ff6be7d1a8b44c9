"""`python -m api`: make a log, serve it, check it, look into it.

Exit codes: 0 done, 1 something was examined and is wrong (damage, a bad authority file), 2
something could not be examined or used (a folder in use, a disk that fails).
"""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from api.checking import check_log
from api.folder import Folder, read_key
from api.making import make_log
from registry.inspection import inspected
from registry.sqlite.store import SqliteStore
from testamur.catalogue.members import Authority
from testamur.errors import Refuted, Unavailable, printable, shown
from testamur.files import read_text_file, refuse_private_key
from testamur.keys import PublicKey

commands = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
_console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

_MAX_AUTHORITY = 1 << 20

Data = Annotated[Path, typer.Option("--data", help="The folder that holds everything.")]


@commands.command()
def init(
    data: Data,
    origin: Annotated[
        str, typer.Option(help="The log's name, such as log.example/testamur; it never changes.")
    ],
    authority: Annotated[
        list[str],
        typer.Option(
            help="A root authority: a JSON file, or JSON text, with country, keys (id and "
            "publicKeyMultibase), name and organization (a DID). May be repeated."
        ),
    ],
) -> None:
    """Make a new log: its key, its genesis and its first checkpoint, of size 2."""
    try:
        vkey = make_log(data, origin, [_authority(text) for text in authority])
    except (Refuted, Unavailable) as error:
        _fail(error)
    typer.echo(str(vkey))


@commands.command()
def serve(
    data: Data,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 picks a free one.")] = 8000,
    interval: Annotated[
        float, typer.Option(min=0.01, max=60, help="Seconds between checkpoints, at most.")
    ] = 0.1,
    *,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log every request.")] = False,
) -> None:
    """Serve the log in DATA over HTTP, after checking it for damage."""
    from api import server  # noqa: PLC0415  # half of the start-up, which the others do without

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        server.serve(data, host=host, port=port, interval=interval, access_log=access_log)
    except (Refuted, Unavailable) as error:
        _fail(error)


@commands.command()
def fsck(data: Data) -> None:
    """Recompute the whole log in DATA from its entries, and name all damage."""
    try:
        with Progress(console=_console, transient=True, disable=not _console.is_terminal) as bar:
            task = bar.add_task("checking", total=None)
            found = check_log(
                data, lambda done, total: bar.update(task, completed=done, total=total)
            )
    except (Refuted, Unavailable) as error:
        _fail(error)
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    _console.print(f"nothing is wrong with the log in {data}", markup=False)


@commands.command()
def inspect(
    name: Annotated[str, typer.Argument(help="An organization's DID, or an id.", metavar="DID")],
    data: Data,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Rebuild one aggregate of the log in DATA from its events, and print it with its history.

    DID names an organization; the id of a recognition, accreditation or achievement may stand in
    its place. A server may be running meanwhile.
    """
    folder = Folder(data)
    try:
        log_key = PublicKey("Ed25519", read_key(folder).verifier.public)
        with closing(SqliteStore(folder.registry, make=False)) as sequence:
            found = inspected(sequence, log_key, name)
    except (Refuted, Unavailable) as error:
        _fail(error)
    typer.echo(found.json() if as_json else found.text())


def _authority(text: str) -> Authority:
    try:
        if text.lstrip().startswith("{"):
            refuse_private_key(text.encode(), Path("--authority"))
            return msgspec.json.decode(text, type=Authority)
        return msgspec.json.decode(read_text_file(Path(text), _MAX_AUTHORITY), type=Authority)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Refuted(
            f"{shown(text)}: not a root authority: {printable(str(error), 300)}"
        ) from None


def _fail(error: Refuted | Unavailable) -> NoReturn:
    _console.print(
        f"{'refused' if isinstance(error, Refuted) else 'unavailable'}: {error}", markup=False
    )
    raise typer.Exit(1 if isinstance(error, Refuted) else 2)


if __name__ == "__main__":
    commands(prog_name="python -m api")
