"""What a follower goes on from: the position in the tables, and the register as of there.

Tables of another log, of another layout, or whose position does not fit together are refused.
Rows that were changed without touching the position are not noticed here.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Engine, insert

from projections import submissions
from projections.position import POSITION_ROW, Reached, reached
from projections.register import known_at
from projections.tables import LAYOUT, METADATA, Known
from testamur.errors import Refuted
from testamur.tlog.merkle import EMPTY_ROOT, CompactRange
from testamur.tlog.note import VerifierKey


class Resumed(NamedTuple):
    """The right edge of the tree that the tables reach, and the register as of that size."""

    edge: CompactRange
    known: Known

    @property
    def size(self) -> int:
        """The tree size that the tables reach."""
        return self.edge.size


def begin(engine: Engine, key: VerifierKey) -> None:
    """Make the tables for the log of `key` at size 0, unless they exist."""
    METADATA.create_all(engine)
    with engine.begin() as connection:
        if connection.execute(POSITION_ROW.select()).one_or_none() is None:
            connection.execute(
                insert(POSITION_ROW).values(
                    id=1,
                    layout=LAYOUT,
                    log=str(key),
                    origin=None,
                    size=0,
                    recorded_at=0,
                    root=EMPTY_ROOT,
                    hashes=b"",
                )
            )


def resume(engine: Engine, key: VerifierKey) -> Resumed:
    """Return what the tables hold.

    Raises `Refuted` when they are of another log or layout, or when their position is damaged.
    """
    with engine.connect() as connection:
        stored = reached(connection)
        edge = _checked(stored, key)
        end = submissions.end(connection)
        if end != stored.size:
            raise Refuted(
                f"the tables end at {end}, their position says {stored.size}: rebuild them"
            )
        return Resumed(edge, known_at(connection, stored.size))


def _checked(stored: Reached, key: VerifierKey) -> CompactRange:
    if stored.layout != LAYOUT:
        raise Refuted(f"the tables are of layout {stored.layout}, not {LAYOUT}: rebuild them")
    if stored.log != str(key):
        raise Refuted(f"the tables are of log {stored.log}, not {key}")
    try:
        edge = stored.edge()
    except ValueError as error:
        raise Refuted(f"the position in the tables is damaged: {error}") from None
    if edge.root() != stored.root:
        raise Refuted(
            f"the position in the tables is damaged: its hashes lead to root "
            f"{edge.root().hex()}, it says {stored.root.hex()}"
        )
    return edge
