"""`python -m bench.faults`: strike so many faults, say what came of each, and print the record."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.faults.campaign import campaign
from bench.faults.record import Record
from bench.faults.registry import STORES


def main(
    faults: Annotated[int, typer.Option(help="How many, on each store.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Which faults, in which order.")] = 1,
    store: Annotated[str, typer.Option(help="sqlite, postgres, or both.")] = "both",
    minutes: Annotated[float, typer.Option(help="End after so many, on each store.")] = 600,
    out: Annotated[Path | None, typer.Option(help="A folder for the records.")] = None,
) -> None:
    """Strike faults at the system calls of a registry under load.

    Exit code 1: a promise was broken, which the record names.
    """
    broken = False
    for driver in STORES if store == "both" else (store,):
        folder = Path(tempfile.mkdtemp(prefix="testamur-faults-"))
        record = Record(driver, seed, None if out is None else out / f"{driver}-{seed}.json")
        found = campaign(
            driver,
            folder,
            faults=faults,
            seed=seed,
            deadline=time.monotonic() + 60 * minutes,
            on_fault=record.keep,
        )
        print(record.written(found))
        if found.broken:
            broken = True
            print(f"what is broken is kept in {folder}")
        else:
            shutil.rmtree(folder)
    if broken:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
