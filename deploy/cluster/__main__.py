"""`python -m deploy.cluster`: run the topology of docker-compose.yml without containers.

Exit codes: 0 everything held, 1 something did not, 2 it could not be tried.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import Annotated, Final

import typer
from rich.console import Console

from deploy.cluster.programs import find_programs
from deploy.cluster.running import Cluster, running
from deploy.cluster.trial import Trial
from testamur.errors import Refuted, Unavailable

_WHOLE: Final = 900  # seconds; it takes one or two minutes
_console: Final = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def cluster(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Kill each part in turn, verify all of it, and stop.")
    ] = False,
) -> None:
    """Run PostgreSQL, a bucket, all roles, the proxy and Prometheus, and remove them at the end."""
    # A supervisor's SIGTERM must stop the parts, too, and Python would not run `finally` for it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # A shell lets what it starts in the background ignore SIGINT; here it is the way to stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, _too_long)
    began = time.monotonic()

    def tell(sentence: str) -> None:
        typer.echo(f"{time.monotonic() - began:5.1f} s  {sentence}")

    try:
        programs = find_programs()
        with running(programs, tell) as found:
            if once:
                signal.alarm(_WHOLE)
                Trial(found, tell).run()
                tell("All of it held")
            else:
                _keep_running(found)
    except Refuted as error:
        _console.print(f"The cluster did not hold: {error}", markup=False)
        raise typer.Exit(1) from None
    except (Unavailable, OSError) as error:
        _console.print(f"The cluster could not be tried: {error}", markup=False)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        typer.echo("\nStopped, and removed.")


def _too_long(*_: object) -> None:
    raise Unavailable(f"the trial took more than {_WHOLE} s")


def _keep_running(found: Cluster) -> None:
    """Say where everything is, and wait for Ctrl-C."""
    topology = found.topology
    typer.echo(f"\nThe registry is open at {found.url}\n")
    for name in topology.parts:
        where = topology.shown(name)
        typer.echo(f"  {name:12} {where}")
    typer.echo(
        f"""
Everything is in {topology.folder}: what each part writes in NAME.log, the secrets in secrets/,
the authorities' keys in parties/. Try, in another terminal:

  curl {found.url}/log/checkpoint
  .venv/bin/testamur replay {found.url} --vkey {topology.vkey}

Ctrl-C stops all of it and removes the folder."""
    )
    while True:
        time.sleep(1)
        for part in topology.parts.values():
            if part.ended:
                raise Unavailable(f"{part.name} ended by itself; {part.output} says why")


if __name__ == "__main__":
    app = typer.Typer(
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.command()(cluster)
    app(prog_name="python -m deploy.cluster")
