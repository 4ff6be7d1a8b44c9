"""What PostgreSQL's errors mean to the gate: the one place that translates them."""

from __future__ import annotations

from typing import Final

import psycopg

from registry.outcomes import Overloaded, StorageFull
from registry.store import Clash, StorageDamaged
from testamur.errors import Unavailable

# SQLSTATE codes: https://www.postgresql.org/docs/15/errcodes-appendix.html
_UNIQUE_VIOLATION: Final = "23505"
_DISK_FULL: Final = "53100"
_LOCK_NOT_AVAILABLE: Final = "55P03"
_BUSY: Final = {
    _LOCK_NOT_AVAILABLE,
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "53200",  # out_of_memory
    "53300",  # too_many_connections
    "53400",  # configuration_limit_exceeded
    "57014",  # query_canceled, by statement_timeout or by an operator
}
_DAMAGE: Final = {
    "58P01",  # undefined_file: a file of a table is gone
    "XX001",  # data_corrupted
    "XX002",  # index_corrupted
    "22021",  # character_not_in_repertoire
    "22P02",  # invalid_text_representation
    "22P03",  # invalid_binary_representation
}
# A statement that the schema does not fit: ours are right, so the schema is not.
_MISFITS: Final = {
    "21000",  # cardinality_violation: a unique index holds an id twice
    "42P01",  # undefined_table
    "42703",  # undefined_column
    "42804",  # datatype_mismatch
    "42846",  # cannot_coerce
    "42883",  # undefined_function
}


def translated(error: Exception) -> StorageDamaged | Clash | Unavailable:
    """Return the error of the seam that stands for `error`."""
    if isinstance(error, UnicodeDecodeError):
        return StorageDamaged(f"text in the database is not UTF-8: {error}")
    code = error.sqlstate if isinstance(error, psycopg.Error) else None
    said = " ".join(str(error).split())
    if code == _UNIQUE_VIOLATION:
        return Clash(said)
    if code in _DAMAGE or code in _MISFITS:
        return StorageDamaged(f"PostgreSQL cannot read the store: {said}")
    if code == _DISK_FULL:
        return StorageFull("the volume that holds the database is full; nothing was recorded")
    if code in _BUSY:
        return Overloaded(f"the store is busy: {said}")
    return Unavailable(f"the store failed: {said}")


def is_locked(error: BaseException) -> bool:
    """Return whether another transaction held a lock for longer than this one may wait."""
    return isinstance(error, psycopg.Error) and error.sqlstate == _LOCK_NOT_AVAILABLE


def is_missing_table(error: BaseException) -> bool:
    """Return whether a statement names a table that is not there."""
    return isinstance(error, psycopg.errors.UndefinedTable)
