"""`python -m api.processes.follower ROOT --key VKEY`: the follower of tables in PostgreSQL.

It is `python -m projections LOG TABLES --attached` with a database for TABLES, whose address is in
the environment, since it may hold a password. Any number of these may run, of which one follows.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from api.folder import Folder
from api.log_files import LOG_VARIABLE, open_log_files
from api.processes.progress import Announcer
from api.processes.turn import DatabaseTurn
from api.read_models import open_sound
from api.sequence import VARIABLE, open_read_models, remove_read_models
from projections.__main__ import run
from testamur.tlog.log_keys import LogKeys
from testamur.tlog.note import VerifierKey
from testamur.tlog.reader import LogReader


def main(
    root: Annotated[Path, typer.Argument(help="The folder that holds the published log.")],
    key: Annotated[
        list[str], typer.Option(help="The log's verifier key; of several, the first comes first.")
    ],
    store: Annotated[str, typer.Option(envvar=VARIABLE, help="The address of the database.")],
    log: Annotated[
        str | None, typer.Option(envvar=LOG_VARIABLE, help="The bucket of the published log.")
    ] = None,
) -> None:
    """Keep the tables in the database up with the published log."""
    keys = LogKeys(tuple(map(VerifierKey.parse, key)))
    with (
        closing(DatabaseTurn(store)) as turn,
        closing(Announcer(store, "projected")) as announcer,
    ):
        run(
            lambda: LogReader(open_log_files(Folder(root, log)), keys),
            lambda: open_sound(
                lambda: open_read_models(store), lambda: remove_read_models(store), keys.first
            )[0],
            attached=True,
            turn=turn,
            on_moved=announcer.announce,
        )


if __name__ == "__main__":
    typer.run(main)
