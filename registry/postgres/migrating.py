"""Makes the tables, and brings those of an earlier version to this one, by Alembic migrations.

An operator asks for it; nothing does at a start. A migration is one transaction, and a second one
started meanwhile waits for it.
"""

from __future__ import annotations

import io
from pathlib import Path
from threading import Lock
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection as AlchemyConnection
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from registry.postgres.address import Address
from registry.postgres.schema import VERSION_TABLE
from testamur.errors import Unavailable

_SCRIPTS: Final = Path(__file__).with_name("migrations")
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('testamur migration', 0))"
"""Taken first: of two processes that migrate, the second waits, and then finds nothing to do."""
_turn: Final = Lock()  # what Alembic works on belongs to the whole interpreter


def migrate(url: str, *, version: str = "head") -> None:
    """Bring the tables in the database to this version; those that are there are kept.

    An earlier `version` is for tests alone.

    Raises `Unavailable` when the database cannot be reached, or a migration fails: nothing is
    changed then.
    """
    address = Address.parse(url)
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: address.connect(autocommit=False),
        poolclass=NullPool,
    )
    try:
        with _turn, engine.begin() as connection:
            connection.execute(text(LOCK))
            command.upgrade(_configured(connection), version)
    except (SQLAlchemyError, psycopg.Error) as error:
        raise Unavailable(
            f"the database could not be migrated, and is unchanged: {address.redacted(error)}"
        ) from None


def statements() -> str:
    """Return all migrations as one script for a database without tables."""
    config, script = _configured(None), io.StringIO()
    config.output_buffer = script
    command.upgrade(config, "head", sql=True)
    return script.getvalue()


def _configured(connection: AlchemyConnection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    return config
