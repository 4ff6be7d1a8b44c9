"""What Alembic runs to migrate: on the connection that it is given, or to a script without one."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

_given = context.config.attributes
# Two migrations at once: the second waits, and then finds nothing to do.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('testamur migration', 0))")

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", version_table=_given["version_table"])
else:
    _given["connection"].execute(_LOCK)
    context.configure(connection=_given["connection"], version_table=_given["version_table"])

with context.begin_transaction():
    context.run_migrations()
