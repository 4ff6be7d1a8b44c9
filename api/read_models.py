"""Tables that a follower can go on from: those that it cannot are built anew from the log.

That is decided before it follows, because it could not tell damage in the tables from damage in
the log.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from projections.resuming import begin, resume
from testamur.errors import Refuted
from testamur.tlog.note import VerifierKey

_log: Final = logging.getLogger(__name__)


def open_sound(
    open_tables: Callable[[], Engine], remove_tables: Callable[[], None], key: VerifierKey
) -> tuple[Engine, int]:
    """Return the tables that `open_tables` opens, and the size that they reach.

    They are opened after `remove_tables` if they are damaged.

    Raises what the two raise, and `DatabaseError` when the database cannot be used.
    """
    try:
        return _resumed(open_tables(), key)
    except (Refuted, DatabaseError) as damage:
        # A server that cannot be asked just now says nothing of its tables. A file is damaged then.
        if isinstance(damage, OperationalError) and not isinstance(damage.orig, sqlite3.Error):
            raise
        # Nothing is lost: every row comes from the log, which is checked as it is read.
        _log.warning("the projections are built anew: %s", damage)
        remove_tables()
        return _resumed(open_tables(), key)


def _resumed(engine: Engine, key: VerifierKey) -> tuple[Engine, int]:
    try:
        begin(engine, key)
        return engine, resume(engine, key).size
    except BaseException:
        engine.dispose()
        raise
