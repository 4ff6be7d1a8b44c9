"""The command line: `testamur COMMAND`, one file for each group of commands.

Exit codes: 0 it holds (or was done), 1 it was refused or refuted, 2 it could not be checked, or
the command was used wrongly.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Annotated

import typer

from testamur import __version__
from testamur.cli import (
    events,
    evidence,
    finding,
    inquiry,
    joining,
    key_history,
    keys,
    pages,
    preparing,
    profiles,
    recovering,
    research,
    rotating,
    signing,
    submissions,
    verification,
)
from testamur.cli.outcome import UNCHECKED, Commands
from testamur.cli.profile import Offers
from testamur.cli.terminal import say
from testamur.memory import keep_freed_memory
from testamur.private_keys import without_private_keys

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    # A traceback of ours must not print local variables: some of them are keys and blinds.
    pretty_exceptions_enable=False,
)
for group in (
    keys.app,
    joining.app,
    key_history.app,
    rotating.app,
    recovering.app,
    events.app,
    preparing.app,
    signing.app,
    submissions.app,
    pages.app,
    verification.app,
    evidence.app,
    inquiry.app,
    finding.app,
    research.app,
    profiles.app,
):
    app.add_typer(group)


def _version(asked: bool) -> None:  # noqa: FBT001  # typer's interface
    if asked:
        say(f"testamur {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001  # its callback prints it
        bool,
        typer.Option(
            "-V", "--version", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Certificate transparency for credentials: sign, submit, verify, replay.

    Exit codes: 0 it holds, 1 it was refused or refuted, 2 it could not be checked.
    What need not be typed each time: `testamur profile --help`.
    """
    context.obj = context.default_map = Offers()


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A name in letters that the terminal does not have is shown, not a reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    keep_freed_memory()
    try:
        app(prog_name="testamur")
    except Exception:  # noqa: BLE001  # a bug of ours, and 1 would be a verdict
        sys.stderr.write(without_private_keys(traceback.format_exc()))
        sys.exit(UNCHECKED)
    finally:
        _drop_unwritten_stdout()


def _drop_unwritten_stdout() -> None:
    """Drop what stdout did not take: at exit the interpreter would try again and end with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
