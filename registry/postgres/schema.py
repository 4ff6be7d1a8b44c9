"""Which version of the tables a database has; `migrating.py` makes and changes them."""

from __future__ import annotations

import re
from typing import Final

from registry.postgres.connection import Connection
from registry.postgres.errors import is_missing_table
from registry.store import StorageDamaged
from testamur.errors import Unavailable

VERSION: Final = "0002"
"""The migration that this code reads and writes the tables of."""
VERSION_TABLE: Final = "registry_schema"

_ANY: Final = re.compile(r"[0-9]{4}")
_MIGRATE: Final = "`python -m api migrate`"


def identify(connection: Connection) -> None:
    """Raise `Unavailable` with the remedy unless the tables are there and of this version."""
    try:
        found = connection.run(f"SELECT version_num FROM {VERSION_TABLE}")
    except StorageDamaged as error:
        if error.__cause__ is None or not is_missing_table(error.__cause__):
            raise
        found = []
    if not found:
        raise Unavailable(f"the database has no tables for a log yet; {_MIGRATE} makes them")
    version = str(found[0][0])
    if version == VERSION:
        return
    if _ANY.fullmatch(version) and version < VERSION:
        raise Unavailable(
            f"the tables are of version {version}, need {VERSION}; {_MIGRATE} brings them there"
        )
    raise Unavailable(
        f"the tables are of version {version}, which a later Testamur made; this one knows "
        f"{VERSION}: run the later one"
    )
