"""What can be asked of the sequence in PostgreSQL: the statements behind `store.Reading`.

Each answers for many at once by look-ups into an index, one for each thing that was asked for; the
settings of `connection` leave the planner no other way. A test looks at every plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from typing import Any, Final

from registry.postgres.connection import Connection
from registry.postgres.packing import Streams
from registry.store import Entry, RegisterEntry, StorageDamaged, StreamEntry, SubmissionRow

_READ_AT_ONCE: Final = 8192
_ALL: Final = 2**63 - 1  # entries
_NO_TOTALS: Final = (0, 0, 0)

READ: Final = """
    SELECT notification_id, state, leaf FROM entries
    WHERE notification_id BETWEEN %(first)s AND %(last)s ORDER BY notification_id
"""
_ENTRIES: Final = """
    SELECT notification_id - 1, originator_id, originator_version, topic, state, leaf
    FROM entries
"""
ENTRIES: Final = f"""
    {_ENTRIES}
    WHERE notification_id BETWEEN %(first)s AND %(last)s
    AND (cardinality(%(topics)s::text[]) = 0 OR topic = ANY(%(topics)s))
    AND topic <> ALL(%(without)s::text[])
    ORDER BY notification_id LIMIT %(limit)s
"""
STREAM: Final = f"{_ENTRIES} WHERE originator_id = %(stream)s::uuid ORDER BY originator_version"
_HEADER: Final = "s.position, s.issuer, s.key, s.recorded_at"
# The topic of version 1 is asked of the row itself, so that a long stream asks nothing twice.
STREAMS: Final = f"""
    SELECT a.i - 1, e.originator_version, e.notification_id - 1, e.topic,
        CASE WHEN e.originator_version = 1 OR e.topic <> f.topic THEN e.state END, {_HEADER}
    FROM unnest(%(streams)s, %(after)s::int[]) WITH ORDINALITY AS a(stream, after, i)
    JOIN entries f ON f.originator_id = a.stream AND f.originator_version = 1
    JOIN entries e ON e.originator_id = f.originator_id
        AND e.originator_version > coalesce(a.after, 0)
        AND e.originator_version <= CASE WHEN f.topic = %(begin)s THEN {2**31 - 1} ELSE 1 END
    CROSS JOIN LATERAL (SELECT * FROM submissions WHERE position < e.notification_id
        ORDER BY position DESC LIMIT 1) s
    WHERE e.notification_id <= %(size)s
    LIMIT %(most)s
"""
REGISTER: Final = f"""
    SELECT r.position, e.topic, e.state, e.leaf, {_HEADER}
    FROM (SELECT * FROM register WHERE position >= %(first)s
        ORDER BY position LIMIT %(limit)s) r
    JOIN entries e ON e.notification_id = r.position + 1
    JOIN submissions s ON s.position = r.header
"""
_SUBMISSION: Final = (
    "s.position, s.events, s.issuer, s.key, s.recorded_at, s.register_events, s.flags,"
    " s.issuances, s.grants, s.endings"
)
SUBMISSIONS: Final = f"""
    SELECT a.i - 1, e.state, {_SUBMISSION}
    FROM unnest(%(streams)s) WITH ORDINALITY AS a(stream, i)
    JOIN entries e ON e.originator_id = a.stream
    JOIN submissions s ON s.position = e.notification_id - 1
"""
SUBMISSIONS_FROM: Final = f"""
    SELECT {_SUBMISSION} FROM submissions s WHERE position >= %(position)s
    ORDER BY position LIMIT %(limit)s
"""
AROUND: Final = f"""
    SELECT {_SUBMISSION} FROM submissions s WHERE position <= %(position)s
    ORDER BY position DESC LIMIT 1
"""
_LAST: Final = """
    LEFT JOIN LATERAL (SELECT issuances, grants, endings FROM submissions
        WHERE {} ORDER BY position DESC LIMIT 1) s ON true
    ORDER BY a.i
"""
TOTALS: Final = """
    SELECT s.issuances, s.grants, s.endings
    FROM unnest(%(positions)s::bigint[]) WITH ORDINALITY AS a(position, i)
""" + _LAST.format("key = %(key)s AND issuer = %(issuer)s AND position < a.position")
LATEST_TOTALS: Final = """
    SELECT s.issuances, s.grants, s.endings
    FROM unnest(%(issuers)s::text[], %(keys)s::text[]) WITH ORDINALITY AS a(issuer, key, i)
""" + _LAST.format("key = a.key AND issuer = a.issuer")
FIRST_RECORDED: Final = """
    SELECT position FROM submissions WHERE recorded_at >= %(recorded_at)s
    ORDER BY recorded_at, position LIMIT 1
"""


class PostgresReading:
    """A `store.Reading`, while a transaction is under way on `connection`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._count = connection.head

    def count(self) -> int:
        """Return how many entries there are."""
        if self._count is None:
            raise StorageDamaged("the head row is missing")
        return self._count

    def read(self, start: int, limit: int) -> tuple[list[bytes], list[bytes]]:
        """Return at most `limit` entries from position `start` on, and their leaf hashes."""
        entries: list[bytes] = []
        leaves: list[bytes] = []
        end = min(start + limit, self.count())
        for at in range(start, end, _READ_AT_ONCE):
            some, hashes = self._read_some(at, min(at + _READ_AT_ONCE, end))
            entries += some
            leaves += hashes
        return entries, leaves

    def entries(
        self,
        first: int,
        last: int,
        *,
        topics: Sequence[str] = (),
        without: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[Entry]:
        """Return the entries from position `first` to `last`, filtered by topic."""
        asked = {
            "first": first + 1,
            "last": last + 1,
            "topics": list(topics),
            "without": list(without),
            "limit": limit,
        }
        return list(starmap(Entry, self._connection.run(ENTRIES, asked)))

    def stream(self, stream: bytes) -> list[Entry]:
        """Return all entries of one stream, by version."""
        return list(starmap(Entry, self._connection.run(STREAM, {"stream": stream.hex()})))

    def streams(
        self,
        streams: Sequence[bytes],
        begin: str,
        *,
        after: Sequence[int] = (),
        size: int | None = None,
        most: int | None = None,
    ) -> list[StreamEntry]:
        """Return entries of these streams among the first `size` entries, or `most` of them."""
        if not streams:
            return []
        asked = {
            "streams": Streams(streams),
            "after": list(after),
            "begin": begin,
            "size": _ALL if size is None else size,
            "most": most,
        }
        return [
            StreamEntry(at, version, position, topic, _text(entry), *header)
            for at, version, position, topic, entry, *header in self._connection.run(STREAMS, asked)
        ]

    def submissions(self, streams: Sequence[bytes]) -> dict[bytes, tuple[SubmissionRow, bytes]]:
        """Return, by stream id, these submissions as far as recorded, with header entries."""
        if not streams:
            return {}
        found = self._connection.run(SUBMISSIONS, {"streams": Streams(streams)})
        return {streams[at]: (SubmissionRow(*listed), entry) for at, entry, *listed in found}

    def submissions_from(self, position: int, limit: int) -> list[SubmissionRow]:
        """Return at most `limit` submissions at `position` and after it, in order."""
        asked = {"position": position, "limit": limit}
        return list(starmap(SubmissionRow, self._connection.run(SUBMISSIONS_FROM, asked)))

    def submission_around(self, position: int) -> SubmissionRow | None:
        """Return the last submission that begins at or before `position`."""
        rows = self._connection.run(AROUND, {"position": position})
        return SubmissionRow(*rows[0]) if rows else None

    def totals(self, issuer: str, key: str, positions: Sequence[int]) -> list[tuple[int, int, int]]:
        """Return the running totals of an issuer's key at each position."""
        if not positions:
            return []
        asked = {"issuer": issuer, "key": key, "positions": list(positions)}
        return _totals(self._connection.run(TOTALS, asked))

    def latest_totals(self, signers: Sequence[tuple[str, str]]) -> list[tuple[int, int, int]]:
        """Return, for each (issuer, key), its running totals after the last entry."""
        if not signers:
            return []
        issuers, keys = zip(*signers, strict=True)
        asked = {"issuers": list(issuers), "keys": list(keys)}
        return _totals(self._connection.run(LATEST_TOTALS, asked))

    def first_recorded(self, recorded_at: int) -> int | None:
        """Return the position of the first submission recorded then or later, or None."""
        rows = self._connection.run(FIRST_RECORDED, {"recorded_at": recorded_at})
        return rows[0][0] if rows else None

    def register_entries(self, first: int, limit: int) -> list[RegisterEntry]:
        """Return at most `limit` entries of the register from position `first` on, in order."""
        found = self._connection.run(REGISTER, {"first": first, "limit": limit})
        return sorted(
            RegisterEntry(position, topic, _text(entry) or "", leaf.hex(), *header)
            for position, topic, entry, leaf, *header in found
        )

    def _read_some(self, start: int, end: int) -> tuple[list[bytes], list[bytes]]:
        rows = self._connection.run(READ, {"first": start + 1, "last": end})
        if len(rows) != end - start or rows[-1][0] != end:
            ids = {row[0] for row in rows}
            missing = next(at for at in range(start, end) if at + 1 not in ids)
            raise StorageDamaged(f"entry {missing} is missing")
        return [row[1] for row in rows], [row[2] for row in rows]


def _text(entry: bytes | None) -> str | None:
    try:
        return None if entry is None else entry.decode()
    except UnicodeDecodeError as error:
        raise StorageDamaged(f"an entry is not UTF-8: {error}") from None


def _totals(rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, int, int]]:
    return [_NO_TOTALS if row[0] is None else (row[0], row[1], row[2]) for row in rows]
