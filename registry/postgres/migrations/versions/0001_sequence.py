"""The sequence: entries, the head that counts them, submissions, and the register's entries."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_TABLES = (
    # The explicit id is what keeps the sequence gapless: no sequence of PostgreSQL picks one.
    """CREATE TABLE entries (
        notification_id bigint PRIMARY KEY,
        originator_id uuid NOT NULL,
        originator_version integer NOT NULL,
        topic text COLLATE "C" NOT NULL,
        state bytea NOT NULL,
        leaf bytea NOT NULL,
        CONSTRAINT entries_stream UNIQUE (originator_id, originator_version)
    )""",
    # An entry is short and read whole: packing it would cost more than the room it takes.
    "ALTER TABLE entries ALTER COLUMN state SET STORAGE EXTERNAL",
    """CREATE TABLE head (
        id smallint PRIMARY KEY CHECK (id = 0),
        count bigint NOT NULL
    ) WITH (fillfactor = 10)""",
    "INSERT INTO head VALUES (0, 0)",
    # One row per submission, keyed by the position of its header. Who said an entry, and flags,
    # are found by one step down a small tree rather than by walking entries.
    """CREATE TABLE submissions (
        position bigint PRIMARY KEY,
        events integer NOT NULL,
        issuer text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        recorded_at bigint NOT NULL,
        register_events integer NOT NULL,
        flags bytea,
        issuances bigint NOT NULL,
        grants bigint NOT NULL,
        endings bigint NOT NULL
    )""",
    "CREATE INDEX submissions_of_key ON submissions (key, issuer, position)",
    "CREATE INDEX submissions_in_time ON submissions (recorded_at, position)",
    # The entries that the register is folded from, among millions of others.
    """CREATE TABLE register (
        position bigint PRIMARY KEY,
        header bigint NOT NULL
    )""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: entries are never deleted."""
    raise NotImplementedError("the sequence is never taken away")
