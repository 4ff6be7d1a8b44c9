"""The tables of the sequence in a file of SQLite, and how they are made."""

from __future__ import annotations

from typing import Final

from registry.sqlite.connection import Connection
from registry.store import StorageDamaged

APPLICATION_ID: Final = 0x7E57A308
SCHEMA_VERSION: Final = 4

TABLES: Final = (
    # The explicit id is what keeps the sequence gapless: SQLite never picks one for us.
    """CREATE TABLE IF NOT EXISTS entries (
        notification_id INTEGER PRIMARY KEY,
        originator_id BLOB NOT NULL,
        originator_version INTEGER NOT NULL,
        topic TEXT NOT NULL,
        state BLOB NOT NULL,
        leaf BLOB NOT NULL,
        UNIQUE (originator_id, originator_version)
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS head (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        count INTEGER NOT NULL
    ) STRICT""",
    "INSERT INTO head SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM head)",
    # One row per submission, keyed by the position of its header. Who said an entry, and flags,
    # are found by one step down a small tree rather than by walking entries.
    """CREATE TABLE IF NOT EXISTS submissions (
        position INTEGER PRIMARY KEY,
        events INTEGER NOT NULL,
        issuer TEXT NOT NULL,
        key TEXT NOT NULL,
        recorded_at INTEGER NOT NULL,
        register_events INTEGER NOT NULL,
        flags BLOB,
        issuances INTEGER NOT NULL,
        grants INTEGER NOT NULL,
        endings INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS submissions_of_key ON submissions (key, issuer, position)",
    "CREATE INDEX IF NOT EXISTS submissions_in_time ON submissions (recorded_at, position)",
    # The entries that the register is folded from, among millions of others.
    """CREATE TABLE IF NOT EXISTS register (
        position INTEGER PRIMARY KEY,
        header INTEGER NOT NULL
    ) STRICT""",
)


def identify(connection: Connection) -> None:
    """Raise `StorageDamaged` unless the file is empty, or ours and of this version."""
    ((application, version, tables),) = connection.run(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    )
    if tables == 0:
        return
    if application != APPLICATION_ID:
        raise StorageDamaged(f"the file is not a registry: application id {application:#x}")
    if version != SCHEMA_VERSION:
        raise StorageDamaged(f"the file has schema version {version}, need {SCHEMA_VERSION}")


def create(connection: Connection) -> None:
    """Create the tables unless they are there; safe while other processes do the same."""
    ((version,),) = connection.run("PRAGMA user_version")
    if version == SCHEMA_VERSION:
        return
    connection.begin_writing()
    try:
        for statement in TABLES:
            connection.run(statement)
        connection.run(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.run(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.run("COMMIT")
    except BaseException:
        connection.rollback()
        raise
