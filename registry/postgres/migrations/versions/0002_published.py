"""The last checkpoint signed, and the epoch of the publisher that may replace it (`log.postgres`).

It lies here because the tables of one database are migrated together; the registry asks nothing of
it.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES = (
    """CREATE TABLE published (
        id smallint PRIMARY KEY CHECK (id = 0),
        epoch bigint NOT NULL,
        note bytea
    ) WITH (fillfactor = 10)""",
    "INSERT INTO published VALUES (0, 0, NULL)",
)


def upgrade() -> None:
    """Make the table."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a log that forgets what it signed can sign another history."""
    raise NotImplementedError("the last checkpoint signed is never taken away")
