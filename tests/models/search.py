"""Larger models than a test has time for: `python -m tests.models.search`.

Prints the states of each, and the shortest way to a broken promise; exits 1 if there is one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tests.models.explore import Model, TooMany, explore
from tests.models.gate import DECLARES, PLAIN, SIGNED, Gate
from tests.models.lease import Lease


def models() -> Iterator[tuple[str, Model[Any]]]:
    """Yield each model and what it is called."""
    yield "gate: killed", Gate(crashes=1, cuts=0)
    yield "gate: cut", Gate(crashes=0, cuts=1)
    yield "gate: server restarted", Gate(crashes=0, cuts=0, restarts=1)
    once = ((PLAIN, 1), (DECLARES, 1), (SIGNED, 1))
    yield "gate: three processes", Gate(processes=3, sends=once, crashes=0, cuts=1)
    yield "gate: killed and cut", Gate(crashes=1, cuts=1)
    yield "lease: cut off", Lease(cuts=2)
    yield "lease: three publishers", Lease(publishers=3, cuts=2, stops=1)
    yield "lease: a long log", Lease(size=4)
    yield "lease: set back", Lease(crashes=0, size=3, restores=True)
    yield "lease: set back, with a lying source", Lease(crashes=0, lies=True, restores=True)


def main(
    most: Annotated[int, typer.Option(help="states of one model at most")] = 5_000_000,
) -> None:
    """Explore them all."""
    failed = False
    for name, model in models():
        begun = time.process_time()
        try:
            found = explore(model, most=most)
        except TooMany as error:
            typer.echo(f"{name}: {error}")
            failed = True
            continue
        took = time.process_time() - begun
        typer.echo(f"{name}: {found.states} states, {took:.0f} s")
        if found.violation is not None:
            typer.echo(f"  {found.violation}")
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    typer.run(main)
