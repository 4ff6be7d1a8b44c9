"""Where a log keeps its sequence and its last checkpoint signed: in its folder, or in a database.

    postgresql://user@host/database        PostgreSQL, as libpq reads it
    sqlite:///srv/log/registry.db          a file, by its absolute path

An address may hold a password, so no message shows one. The better places for it are a file that
`PGPASSFILE` names, and `TESTAMUR_STORE` for the whole address: a command line is seen by everybody
on the machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeGuard
from urllib.parse import unquote

from sqlalchemy import Engine

from api.folder import Folder
from log.sqlite import SqliteLastSigned
from registry.sqlite.store import SqliteStore
from registry.store import Store
from testamur.errors import Unavailable

if TYPE_CHECKING:
    from log.postgres import PostgresLastSigned

VARIABLE: Final = "TESTAMUR_STORE"

_FILE: Final = "sqlite://"
_DATABASES: Final = ("postgresql:", "postgres:")


def open_sequence(folder: Folder, address: str | None, *, make: bool = False) -> Store:
    """Open the sequence of the log in `folder`, which is kept there if there is no `address`.

    Only if `make`, a file that is not there is made. The caller closes the store. Raises what
    `registry.store` lists.
    """
    if address is not None:
        return open_store(address, make=make)
    if not make and not folder.registry.exists():
        raise Unavailable(
            f"{folder.registry} is not there; if the log is kept in a database, name it by --store"
        )
    return SqliteStore(folder.registry, make=make)


def open_store(address: str, *, make: bool = False) -> Store:
    """Open the store at an address; raises what `registry.store` lists."""
    if address.startswith(_DATABASES):
        # Half of the start-up time of a command that needs no database.
        from registry.postgres.store import PostgresStore  # noqa: PLC0415

        return PostgresStore(address)
    if address.startswith(f"{_FILE}/"):
        return SqliteStore(Path(unquote(address.removeprefix(_FILE))), make=make)
    raise Unavailable("a store is postgresql://user@host/database or sqlite:///path/of/a/file")


def open_last_signed(folder: Folder, address: str | None) -> SqliteLastSigned | PostgresLastSigned:
    """Open the last checkpoint signed, which is kept beside the sequence; the caller closes it.

    Raises `Unavailable`, and `FileDamage` when it is not what was written.
    """
    if not is_database(address):
        return SqliteLastSigned(folder.last_signed)
    from log.postgres import PostgresLastSigned  # noqa: PLC0415  # as above
    from registry.postgres.address import Address  # noqa: PLC0415

    return PostgresLastSigned(Address.parse(address).connect)


def open_read_models(address: str) -> Engine:
    """Open the tables that answer questions, in a database; made there if need be.

    Raises `Unavailable`.
    """
    from projections.postgres import open_tables  # noqa: PLC0415  # as above
    from registry.postgres.address import Address  # noqa: PLC0415

    return open_tables(Address.parse(address).connect)


def read_read_models(address: str) -> Engine:
    """Open the tables that answer questions, which a projector makes; nothing is made here."""
    from projections.postgres import read_tables  # noqa: PLC0415  # as above
    from registry.postgres.address import Address  # noqa: PLC0415

    return read_tables(Address.parse(address).connect)


def remove_read_models(address: str) -> None:
    """Remove the tables that answer questions from a database. Raises `Unavailable`."""
    from projections.postgres import remove_tables  # noqa: PLC0415  # as above
    from registry.postgres.address import Address  # noqa: PLC0415

    remove_tables(Address.parse(address).connect)


def is_database(address: str | None) -> TypeGuard[str]:
    """Return whether an address is that of a database, which keeps the tables as well."""
    return address is not None and address.startswith(_DATABASES)


def migrate_store(address: str) -> None:
    """Make the tables in the database at an address, or bring them to this version.

    Raises `Unavailable`.
    """
    if not address.startswith(_DATABASES):
        raise Unavailable("only a database is migrated: postgresql://user@host/database")
    from registry.postgres.migrating import migrate  # noqa: PLC0415  # as above

    migrate(address)
