"""What Alembic runs to migrate: on the connection that it is given, or to a script without one."""

from __future__ import annotations

from alembic import context

_given = context.config.attributes

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", version_table=_given["version_table"])
else:
    context.configure(connection=_given["connection"], version_table=_given["version_table"])

with context.begin_transaction():
    context.run_migrations()
