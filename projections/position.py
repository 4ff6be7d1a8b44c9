"""How far the tables reach: the one row that moves, in the same transaction as the rest.

A transaction that reads it sees the tables as of that size, never between two submissions. It
proves nothing: the follower compares it with the log's checkpoint each time it starts.
"""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Column, Connection, LargeBinary, Table, select

from projections.tables import METADATA, NUMBER, POSITION, TEXT
from testamur.errors import Unavailable
from testamur.tlog.merkle import HASH_SIZE, CompactRange

POSITION_ROW: Final = Table(
    "position",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),  # always 1
    Column("layout", NUMBER, nullable=False),
    Column("log", TEXT, nullable=False),  # the verifier key of the log that was read
    Column("origin", TEXT),
    Column("size", POSITION, nullable=False),
    Column("recorded_at", POSITION, nullable=False),
    Column("root", LargeBinary(HASH_SIZE), nullable=False),
    Column("hashes", LargeBinary, nullable=False),  # of the compact range, joined
)


class Reached(msgspec.Struct, frozen=True):
    """The tree that the tables reach. `recorded_at` is Unix milliseconds of its last entry."""

    size: int
    root: bytes
    recorded_at: int
    log: str
    layout: int
    origin: str | None
    hashes: bytes

    def edge(self) -> CompactRange:
        """Return the compact range to go on from; raises `ValueError` if it cannot be one."""
        parts = range(0, len(self.hashes), HASH_SIZE)
        return CompactRange(self.size, tuple(self.hashes[at : at + HASH_SIZE] for at in parts))


_REACHED: Final = select(*(POSITION_ROW.c[name] for name in Reached.__struct_fields__)).where(
    POSITION_ROW.c.id == 1
)


def reached(connection: Connection) -> Reached:
    """Return how far the tables reach; raises `Unavailable` while they hold no position."""
    row = connection.execute(_REACHED).one_or_none()
    if row is None:
        raise Unavailable("no follower has begun on these tables")
    return Reached(**row._asdict())
