"""What SQLite's errors mean to the gate: the one place that translates them."""

from __future__ import annotations

import sqlite3
from typing import Final

from registry.outcomes import Overloaded, StorageFull
from registry.store import Clash, StorageDamaged
from testamur.errors import Unavailable

# SQLITE_ERROR is a statement that the schema does not fit: ours are right, so the schema is not.
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_TAKEN: Final = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


def translated(error: Exception) -> StorageDamaged | Clash | Unavailable:
    """Return the error of the seam that stands for `error`."""
    code = getattr(error, "sqlite_errorcode", None)
    if code in _TAKEN:
        return Clash(str(error))
    primary = None if code is None else code & 0xFF  # the higher bits only refine it
    if primary in _DAMAGE or is_undecodable(error):
        return StorageDamaged(f"SQLite cannot read the file: {error}")
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull("the volume that holds the sequence is full; nothing was recorded")
    if primary in _BUSY:
        return Overloaded(f"the store is busy: {error}")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return Unavailable(f"the store cannot be opened: {error}")
    return Unavailable(f"the store failed: {error}")


def is_undecodable(error: Exception) -> bool:
    """Return whether text that SQLite returned, or quoted in an error, is not UTF-8."""
    without_code = not hasattr(error, "sqlite_errorcode")
    return isinstance(error, ValueError) or (
        isinstance(error, sqlite3.OperationalError) and without_code
    )


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another connection holds the lock that was asked for."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY
