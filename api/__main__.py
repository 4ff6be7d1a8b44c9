"""`python -m api`: make a log, serve it, check it, look into it.

Exit codes: 0 done, 1 something was examined and is wrong (damage, a bad authority file), 2
something could not be examined or used (a folder in use, a disk that fails).
"""

from __future__ import annotations

import base64
import os
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from api.backups.commands import commands as backup_commands
from api.checking import check_log, repair_log
from api.ending import CONSOLE, fail
from api.folder import Folder
from api.http.client_address import ProxyHeader, trusted_network
from api.log_keys.commands import commands as log_key_commands
from api.log_keys.private import read_log_keys
from api.making import make_log
from api.moving import copy_log
from api.operations.records import FORMAT_VARIABLE, LogFormat, write_records
from api.options import Data, InBucket, Kept, progress_bar
from api.roles import parse_roles
from api.sequence import VARIABLE, migrate_store, open_sequence
from registry.inspection import inspected
from testamur.catalogue.events import OrganizationRegistered, wire_name
from testamur.catalogue.lines import decode_event
from testamur.errors import Refusal, Refuted, Unavailable, shown
from testamur.files import read_text_file
from testamur.private_keys import THIS_IS_ONE, holds_private_key

commands = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=__doc__,
)

commands.add_typer(log_key_commands, name="log-key")
commands.add_typer(backup_commands)

_MAX_AUTHORITY = 1 << 20


def _rate(what: str) -> Any:
    """Return the option of a rate limit."""
    return typer.Option(min=0.001, max=1_000_000, help=f"{what}, at most. Without it, no limit.")


@commands.command()
def init(
    data: Data,
    origin: Annotated[
        str, typer.Option(help="The log's name, such as log.example/testamur; it never changes.")
    ],
    authority: Annotated[
        list[Path],
        typer.Option(
            help="A root authority: the file that `testamur join --sponsor ORIGIN` made, which is "
            "its registration, signed by its founding key. May be repeated."
        ),
    ],
    store: Kept = None,
    log: InBucket = None,
) -> None:
    """Make a new log: its key, its genesis and its first checkpoint, of size 2."""
    try:
        registrations = [_authority(file) for file in authority]
        vkey = make_log(data, origin, registrations, store=store, log=log)
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(str(vkey))


@commands.command()
def serve(
    data: Data,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 picks a free one.")] = 8000,
    interval: Annotated[
        float, typer.Option(min=0.01, max=60, help="Seconds between checkpoints, at most.")
    ] = 0.1,
    store: Kept = None,
    log: InBucket = None,
    ops_host: Annotated[
        str, typer.Option(help="The address that operators' numbers are served on.")
    ] = "127.0.0.1",
    ops_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Serve /metrics, /healthz and /readyz on this port. 0 picks a free one.",
        ),
    ] = None,
    log_format: Annotated[
        LogFormat,
        typer.Option(
            envvar=FORMAT_VARIABLE,
            help="How log records are written. In json each submission is one.",
        ),
    ] = "text",
    address_rate: Annotated[float | None, _rate("Requests a second of one address")] = None,
    tile_rate: Annotated[float | None, _rate("Files of the log a second of one address")] = None,
    organization_rate: Annotated[
        float | None, _rate("Submissions a second of one organization")
    ] = None,
    organization_events: Annotated[
        float | None, _rate("Events a second of one organization")
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="The network of a proxy, such as 10.0.0.0/8, that says where a request comes "
            "from. May be repeated."
        ),
    ] = None,
    proxy_header: Annotated[
        ProxyHeader, typer.Option(help="The header in which the proxy says so.")
    ] = "x-forwarded-for",
    roles: Annotated[
        str,
        typer.Option(
            help="What this process does of the work, where a database keeps the sequence. "
            "Without api it listens on the port for operators alone."
        ),
    ] = "api,publish,project",
    vkey: Annotated[
        Path | None,
        typer.Option(
            envvar="TESTAMUR_VKEY",
            help="A file with the log's verifier key, for a process without the signing key.",
        ),
    ] = None,
    grace: Annotated[
        float, typer.Option(min=1, max=600, help="Seconds to finish in, once told to stop.")
    ] = 20,
    announce: Annotated[
        float,
        typer.Option(
            min=0,
            max=60,
            help="Seconds of these in which it goes on and /readyz is 503, so that load balancers "
            "send no more requests.",
        ),
    ] = 0,
    *,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log every request.")] = False,
) -> None:
    """Serve the log in DATA over HTTP, after checking it for damage."""
    # Half of the start-up, which the other commands do without.
    from api import server  # noqa: PLC0415
    from api.limits import RateLimits  # noqa: PLC0415
    from api.operations.options import Operations  # noqa: PLC0415

    os.environ[FORMAT_VARIABLE] = log_format  # for the children
    writer = write_records(log_format)
    try:
        found = parse_roles(roles)
        # Without requests that port is all there is.
        shown = ops_port is not None or "api" not in found
        limits = RateLimits(
            requests=address_rate,
            tiles=tile_rate,
            submissions=organization_rate,
            events=organization_events,
            proxies=tuple(map(trusted_network, trusted_proxy or ())),
            proxy_header=proxy_header,
        )
        options = server.Options(
            store=store,
            log=log,
            roles=found,
            vkey=vkey,
            host=host,
            port=port,
            interval=interval,
            grace=grace,
            announce=announce,
            access_log=access_log,
            operations=Operations(
                address=(ops_host, ops_port or 0) if shown else None,
                limits=limits,
                writer=writer,
                submissions=log_format == "json",
            ),
        )
        server.serve(data, options)
    except (Refuted, Unavailable) as error:
        fail(error)


@commands.command()
def fsck(
    data: Data,
    store: Kept = None,
    log: InBucket = None,
    *,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="First rebuild lost and damaged files from the sequence."),
    ] = False,
) -> None:
    """Recompute the whole log in DATA from its entries, and name all damage.

    Exit codes: 0 nothing is wrong, or all was repaired; 1 something is wrong; 2 it could not be
    examined. `--repair` names each tile and bundle that it writes anew, which it does only if the
    entries give the very tree that was signed; it never changes a checkpoint. It may be killed,
    and run again, and a server may be running.
    """
    try:
        with progress_bar("checking") as progress:
            if repair:
                repair_log(
                    data,
                    lambda path, wrong: typer.echo(f"repaired {path}: {wrong}"),
                    progress,
                    store=store,
                    log=log,
                )
            found = check_log(data, progress, store=store, log=log)
    except (Refuted, Unavailable) as error:
        fail(error)
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    CONSOLE.print(f"nothing is wrong with the log in {data}", markup=False)


@commands.command()
def inspect(
    name: Annotated[str, typer.Argument(help="An organization's DID, or an id.", metavar="DID")],
    data: Data,
    store: Kept = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Rebuild one aggregate of the log in DATA from its events, and print it with its history.

    DID names an organization; the id of a recognition, accreditation or achievement may stand in
    its place. A server may be running meanwhile.
    """
    folder = Folder(data)
    try:
        read_log_keys(folder)  # a folder that holds no log is named as such
        with closing(open_sequence(folder, store)) as sequence:
            found = inspected(sequence, name)
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(found.json() if as_json else found.text())


@commands.command()
def migrate(
    store: Annotated[
        str,
        typer.Option("--store", envvar=VARIABLE, help="postgresql://user@host/database."),
    ],
) -> None:
    """Make the tables in the database STORE, or bring them to the version of this program.

    What they hold is kept. Nothing else does this: a server refuses tables of another version. A
    second run meanwhile waits for the first.
    """
    try:
        migrate_store(store)
    except (Refuted, Unavailable) as error:
        fail(error)
    CONSOLE.print("the tables are of this version", markup=False)


@commands.command("copy")
def copy_(
    data: Data,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", help="What to copy, if not the folder: postgresql://user@host/database."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--to", help="Where to, if not into the folder: likewise."),
    ] = None,
) -> None:
    """Copy what the log in DATA keeps in one store to another, and compare the two to the root.

    That is the sequence, and the last checkpoint signed. The server of the log must be stopped. A
    copy that was interrupted goes on where it stopped. Afterwards serve the log from one of the two
    alone. Prints the number of entries and the root of their tree.
    """
    try:
        with progress_bar("comparing") as progress:
            found = copy_log(data, source, target, progress)
    except (Refuted, Unavailable) as error:
        fail(error)
    typer.echo(f"{found.size} {base64.b64encode(found.root).decode()}")


def _authority(file: Path) -> OrganizationRegistered:
    """Return the registration in a file; the rules of the genesis verify its signature."""
    # Typed in the place of a file's name; the error about that name would show it.
    if holds_private_key(os.fsencode(file)):
        raise Unavailable(THIS_IS_ONE)
    line = read_text_file(file, _MAX_AUTHORITY).removesuffix(b"\n")
    try:
        event = decode_event(line)
    except Refusal as refusal:
        raise Refuted(f"{shown(str(file))}: not a registration: {refusal}") from None
    if not isinstance(event, OrganizationRegistered):
        raise Refuted(
            f"{shown(str(file))}: not a registration, but {wire_name(event)}; `testamur join` "
            "makes one"
        )
    return event


if __name__ == "__main__":
    commands(prog_name="python -m api")
