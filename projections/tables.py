"""What all tables of the read models share: metadata, column types, the form of ids.

A row is written once, with the position of its entry, and never changed. It says what was said,
by which organization with which key; whether that counts is asked of the rules when an answer is
made (`excerpt.py`). So an answer as of a tree size is made of the rows with `position < size`,
and stays the same for ever. The one row that moves is the follower's own (`position.py`). Nothing
here reads or writes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import BigInteger, Insert, Integer, LargeBinary, MetaData, String

from testamur.rules.reach import Sums
from testamur.rules.register import Register

LAYOUT: Final = 10
"""Counts on whenever a table or the meaning of a column changes; older tables are rebuilt."""

METADATA: Final = MetaData()

# SQLite stores an INTEGER PRIMARY KEY as the row number itself, a BIGINT one in an index of
# its own; both hold 64 bits there.
POSITION: Final = BigInteger().with_variant(Integer, "sqlite")
NUMBER: Final = Integer()
# Ranges of texts are asked for by their beginnings, so they are in the order of their bytes.
TEXT: Final = String().with_variant(String(collation="C"), "postgresql")
# 16 bytes, not 36 characters: the index over credentials is half of what there is to write.
UUID_BYTES: Final = LargeBinary(16)

Rows: TypeAlias = defaultdict[Insert, list[dict[str, Any]]]
"""The rows that a fold adds, by the statement that writes them."""


@dataclass(slots=True)
class Known:
    """The register after a submission, and the short names that rows use.

    The short name of an organization is its number in the order of entering the log (0 is the
    log's own key). That of an achievement or a grant is the position at which it was first
    written. `totals` are the running totals of each key, by its organization's number, `tallies`
    those of each counter: its number and its total (`tallies.py`).
    """

    register: Register = field(default_factory=Register)
    organizations: dict[str, int] = field(default_factory=dict)
    achievements: dict[str, int] = field(default_factory=dict)
    accreditations: dict[str, int] = field(default_factory=dict)
    recognitions: dict[str, int] = field(default_factory=dict)
    totals: dict[tuple[int, str], Sums] = field(default_factory=dict)
    tallies: dict[tuple[int, int, int, int, str], tuple[int, int]] = field(default_factory=dict)


def uuid_bytes(text: str) -> bytes | None:
    """Return the 16 bytes of a UUID, or `None` unless `text` is its one lower-case spelling."""
    try:
        data = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    return data if len(data) == 16 and uuid_text(data) == text else None


def uuid_text(data: bytes) -> str:
    """Return the lower-case text of 16 UUID bytes."""
    return str(UUID(bytes=data))
