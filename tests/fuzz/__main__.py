"""Fuzz every parser for as long as wanted: `python -m tests.fuzz --seconds 1200`.

Each gets its turn with inputs of a new seed. What fails is printed once for each place, with the
input in base64, and the exit code is 1.
"""

from __future__ import annotations

import base64
import itertools
import sys
import time
from random import Random
from typing import Annotated

import typer

from tests.fuzz.judge import fault_of
from tests.fuzz.mutation import mutated
from tests.fuzz.table import ROWS

_TURN = 2.0  # seconds


def main(
    seconds: Annotated[float, typer.Option(help="for how long")] = 600,
    seed: Annotated[int, typer.Option(help="where to begin")] = 1,
    only: Annotated[str, typer.Option(help="the rows whose name holds this")] = "",
) -> None:
    """Run until the time is over."""
    rows = [row for row in ROWS if only in row.name]
    tried = dict.fromkeys((row.name for row in rows), 0)
    failed: set[tuple[str, str]] = set()
    over = time.monotonic() + seconds
    turn = min(_TURN, seconds / len(rows))
    for number in itertools.count(seed):
        for row in rows:
            random = Random(f"{number} {row.name}")
            until = min(over, time.monotonic() + turn)
            while time.monotonic() < until:
                data = mutated(row.samples(), random)
                tried[row.name] += 1
                fault = fault_of(row, data)
                if fault is not None and (row.name, fault[:60]) not in failed:
                    failed.add((row.name, fault[:60]))
                    typer.echo(f"{row.name}: {fault}\n  {base64.b64encode(data).decode()[:4000]}")
        if time.monotonic() >= over:
            break
    for name, many in tried.items():
        typer.echo(f"{many:9} {name}")
    typer.echo(f"{sum(tried.values()):9} inputs, {len(failed)} faults")
    sys.exit(bool(failed))


if __name__ == "__main__":
    typer.run(main)
