"""What can be asked of the sequence in a file of SQLite: the statements behind `store.Reading`.

Each step of SQLite gives up Python's interpreter lock, and beside busy threads it takes up to
5 ms to come back. So what the committer and the publisher read comes back as one row, however
many it stands for, and one prepared statement serves any number of ids.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from registry.sqlite.connection import Connection, Value
from registry.store import Entry, StorageDamaged, StoredState, StreamEvent, SubmissionRow

_T = TypeVar("_T")

_READ_AT_ONCE: Final = 1024
_ALL: Final = 2**63 - 1  # entries

# Canonical JSON holds no bare LF. The three aggregates walk the same rows, so the ids show the
# order of all.
_READ: Final = """
    SELECT group_concat(notification_id, ' '), group_concat(CAST(state AS TEXT), char(10)),
           group_concat(hex(leaf), '')
    FROM (SELECT notification_id, state, leaf FROM entries
          WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id)
"""
_READ_ROW_BY_ROW: Final = """
    SELECT notification_id, state, leaf FROM entries
    WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id
"""
_ENTRIES: Final = """
    SELECT notification_id - 1, originator_id, originator_version, topic, state, leaf
    FROM entries
"""
_AMONG: Final = "topic IN (SELECT value FROM json_each(?))"
# `asked` spreads a blob of 16-byte ids.
_ASKED: Final = """
    WITH RECURSIVE asked(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM asked WHERE i + 1 < ?2)
"""
_ENDS: Final = f"""
    {_ASKED}
    SELECT json_group_array(json_array(i, e.originator_version, e.topic,
        CASE e.originator_version WHEN 1 THEN
            (SELECT issuer FROM submissions
             WHERE position < e.notification_id - 1 ORDER BY position DESC LIMIT 1)
        END))
    FROM asked
    CROSS JOIN entries e ON e.originator_id = substr(?1, 16 * i + 1, 16)
    WHERE e.notification_id <= ?3 AND e.originator_version IN (1, (
        SELECT originator_version FROM entries
        WHERE originator_id = substr(?1, 16 * i + 1, 16) AND notification_id <= ?3
        ORDER BY originator_version DESC LIMIT 1))
"""  # noqa: S608  # our own words
_SUBMISSION: Final = "s.position, s.events, s.issuer, s.recorded_at, s.register_events, s.flags"
_LISTED: Final = _SUBMISSION.replace("s.flags", "CASE WHEN s.flags NOTNULL THEN hex(s.flags) END")
_SUBMISSIONS: Final = f"""
    {_ASKED}
    SELECT json_group_array(json_array(i, json_array({_LISTED}), CAST(e.state AS TEXT)))
    FROM asked
    CROSS JOIN entries e ON e.originator_id = substr(?1, 16 * i + 1, 16)
    CROSS JOIN submissions s ON s.position = e.notification_id - 1
"""  # noqa: S608
_SUBMISSIONS_FROM: Final = f"""
    SELECT json_group_array(json_array({_LISTED}))
    FROM (SELECT * FROM submissions WHERE position >= ? ORDER BY position LIMIT ?) s
"""  # noqa: S608
_AROUND: Final = f"""
    SELECT {_SUBMISSION} FROM submissions s WHERE position <= ? ORDER BY position DESC LIMIT 1
"""  # noqa: S608

_Listed = tuple[int, int, str, int, int, str | None]
_ends: Final = msgspec.json.Decoder(list[StreamEvent])
_submissions: Final = msgspec.json.Decoder(list[tuple[int, _Listed, str]])
_submissions_from: Final = msgspec.json.Decoder(list[_Listed])


class SqliteReading:
    """A `store.Reading`, while a transaction is under way on `connection`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self) -> int:
        """Return how many entries there are."""
        rows = self._connection.run("SELECT count FROM head")
        if not rows:
            raise StorageDamaged("the head row is missing")
        return int(rows[0][0])

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
        conditions = ["notification_id BETWEEN ? AND ?"]
        values: list[Value] = [first + 1, last + 1]
        if topics:
            conditions.append(_AMONG)
            values.append(json.dumps(topics))
        if without:
            conditions.append(f"NOT {_AMONG}")
            values.append(json.dumps(without))
        statement = f"{_ENTRIES} WHERE {' AND '.join(conditions)} ORDER BY notification_id LIMIT ?"
        values.append(-1 if limit is None else limit)
        return [Entry(*row) for row in self._connection.run(statement, values)]

    def stream(self, stream: bytes) -> list[Entry]:
        """Return all entries of one stream, by version."""
        statement = f"{_ENTRIES} WHERE originator_id = ? ORDER BY originator_version"
        return [Entry(*row) for row in self._connection.run(statement, (stream,))]

    def ends(self, streams: Sequence[bytes], *, size: int | None = None) -> list[StreamEvent]:
        """Return the first and the last event of each stream among the first `size` entries."""
        if not streams:
            return []
        asked = (b"".join(streams), len(streams), _ALL if size is None else size)
        return self._one_for_many(_ends, _ENDS, asked)

    def submissions(self, streams: Sequence[bytes]) -> dict[bytes, tuple[SubmissionRow, bytes]]:
        """Return, by stream id, these submissions as far as recorded, with header entries."""
        if not streams:
            return {}
        found = self._one_for_many(_submissions, _SUBMISSIONS, (b"".join(streams), len(streams)))
        return {streams[i]: (_row(listed), entry.encode()) for i, listed, entry in found}

    def submissions_from(self, position: int, limit: int) -> list[SubmissionRow]:
        """Return at most `limit` submissions at `position` and after it, in order."""
        found = self._one_for_many(_submissions_from, _SUBMISSIONS_FROM, (position, limit))
        return [_row(listed) for listed in found]

    def submission_around(self, position: int) -> SubmissionRow | None:
        """Return the last submission that begins at or before `position`."""
        rows = self._connection.run(_AROUND, (position,))
        return SubmissionRow(*rows[0]) if rows else None

    def state(self, kind: str, name: str) -> bytes | None:
        """Return the state in one row of the register."""
        rows = self._connection.run(
            "SELECT state FROM register WHERE kind = ? AND name = ?", (kind, name)
        )
        return rows[0][0] if rows else None

    def states(self, after: int, limit: int) -> list[StoredState]:
        """Return at most `limit` rows of the register after the place `after`, by place."""
        statement = "SELECT * FROM register WHERE place > ? ORDER BY place LIMIT ?"
        return [StoredState(*row) for row in self._connection.run(statement, (after, limit))]

    def _one_for_many(
        self, decoder: msgspec.json.Decoder[_T], statement: str, values: Sequence[Value]
    ) -> _T:
        ((found,),) = self._connection.run(statement, values)
        try:
            return decoder.decode(found)
        except msgspec.DecodeError as error:
            raise StorageDamaged(f"a value in the file is of another type: {error}") from None

    def _read_some(self, start: int, end: int) -> tuple[list[bytes], list[bytes]]:
        try:
            ((ids, states, hashes),) = self._connection.run(_READ, (start + 1, end))
        except StorageDamaged:  # a flipped bit made it invalid UTF-8, or worse
            return self._read_row_by_row(start, end)
        expected = " ".join(map(str, range(start + 1, end + 1)))
        entries = (states or "").encode().split(b"\n")
        raw = bytes.fromhex(hashes or "")
        if ids != expected or len(entries) != end - start or len(raw) != 32 * (end - start):
            return self._read_row_by_row(start, end)
        return entries, [raw[at : at + 32] for at in range(0, len(raw), 32)]

    def _read_row_by_row(self, start: int, end: int) -> tuple[list[bytes], list[bytes]]:
        rows = self._connection.run(_READ_ROW_BY_ROW, (start + 1, end))
        for position, row in enumerate(rows, start):
            if row[0] != position + 1:
                raise StorageDamaged(f"entry {position} is missing")
        if len(rows) != end - start:
            raise StorageDamaged(f"entry {start + len(rows)} is missing")
        return [row[1] for row in rows], [row[2] for row in rows]


def _row(listed: _Listed) -> SubmissionRow:
    position, events, issuer, recorded_at, register_events, flags = listed
    packed = None if flags is None else bytes.fromhex(flags)
    return SubmissionRow(position, events, issuer, recorded_at, register_events, packed)
