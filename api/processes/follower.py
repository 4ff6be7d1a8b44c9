"""`python -m api.processes.follower LOG --key VKEY`: the follower of tables in PostgreSQL.

It is `python -m projections LOG TABLES --attached` with a database for TABLES, whose address is in
the environment, since it may hold a password.
"""

from __future__ import annotations

from typing import Annotated

import typer

from api.sequence import VARIABLE, open_read_models
from projections.__main__ import run


def main(
    log: Annotated[str, typer.Argument(help="The folder of the published log.")],
    key: Annotated[
        list[str], typer.Option(help="The log's verifier key; of several, the first comes first.")
    ],
    store: Annotated[str, typer.Option(envvar=VARIABLE, help="The address of the database.")],
) -> None:
    """Keep the tables in the database up with the published log LOG."""
    run(log, key, lambda: open_read_models(store), attached=True)


if __name__ == "__main__":
    typer.run(main)
